//! Sessions that have reached their end are ended, so that clients are told; uses of assertions and revocations of
//! access tokens that have expired are forgotten.

use std::sync::Arc;

use crate::{
    app::App,
    store::{AnyConnection, Result, revoked_tokens, sessions, used_assertions},
};

/// How many sessions are read at once.
const SESSIONS: u32 = 100;
/// How many are ended in one go; the others wait for the next.
const AT_MOST: usize = 5_000;

/// Tidies up once. What fails is left for the next time.
pub async fn round(app: &Arc<App>) {
    let permit = app.connections.clone().acquire_owned().await; // like a request, only when a connection is free
    let tidying = app.clone();
    let done = tokio::task::spawn_blocking(move || {
        let done = tidying.store.with(|connection| tidy(&tidying, connection));
        drop(permit);
        done
    })
    .await;
    match done {
        Ok(Ok(0)) => {}
        Ok(Ok(ended)) => {
            tracing::info!(ended, "sessions have reached their end");
            app.bell.notify_one();
        }
        Ok(Err(error)) => tracing::warn!(%error, "housekeeping"),
        Err(error) => tracing::warn!(%error, "housekeeping"),
    }
}

fn tidy(app: &App, connection: &mut AnyConnection) -> Result<usize> {
    let now = app.clock.now();
    used_assertions::forget(connection, now)?;
    revoked_tokens::forget(connection, now)?;
    let mut ended = 0;
    loop {
        let more = sessions::end_expired(connection, now, SESSIONS)?;
        ended += more;
        if more < SESSIONS as usize || ended >= AT_MOST {
            return Ok(ended);
        }
    }
}
