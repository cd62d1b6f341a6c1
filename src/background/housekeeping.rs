//! Sessions that have reached their end are ended, so that clients are told; uses of assertions and revocations of
//! access tokens that have expired are forgotten.

use std::sync::Arc;

use super::stored;
use crate::{
    app::App,
    protocol::time::{Span, Timestamp},
    store::{AnyConnection, Result, activity, devices, grant_history, links, revoked_tokens, sessions, used_assertions},
};

/// How many sessions are read at once.
const SESSIONS: u32 = 100;
/// How many are ended in one go; the others wait for the next.
const AT_MOST: usize = 5_000;

/// So much of the history is forgotten in one go, of each kind.
const HISTORY: u32 = 5_000;
/// How long a browser that was not seen any more stays known: as long as its cookie lives.
const KNOWN_DEVICES: Span = Span::from_seconds(366 * 86_400);
/// How long a link that is over is kept, so that whoever follows it is told why it does not work any more.
const OLD_LINKS: Span = Span::from_seconds(7 * 86_400);

/// Tidies up once. What fails is left for the next time.
pub async fn round(app: &Arc<App>) {
    let tidying = app.clone();
    let done = stored(app, move |connection| tidy(&tidying, connection)).await;
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
    forget_history(app, connection, now)?;
    let mut ended = 0;
    loop {
        let more = sessions::end_expired(connection, now, SESSIONS)?;
        ended += more;
        if more < SESSIONS as usize || ended >= AT_MOST {
            return Ok(ended);
        }
    }
}

/// What is over for as long as the configuration says is forgotten.
fn forget_history(app: &App, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
    let lifetimes = &app.config.lifetimes;
    let before = |span: Span| Timestamp::from_millis(now.millis() - span.millis());
    let refreshes = before(lifetimes.refresh_history.min(lifetimes.history));
    grant_history::forget_before(connection, refreshes, true, HISTORY)?;
    grant_history::forget_before(connection, before(lifetimes.history), false, HISTORY)?;
    activity::forget_before(connection, before(lifetimes.history), HISTORY)?;
    devices::forget_before(connection, before(KNOWN_DEVICES))?;
    links::forget_before(connection, before(OLD_LINKS))?;
    Ok(())
}
