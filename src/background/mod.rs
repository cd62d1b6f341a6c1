//! What the server does by itself, beside requests: it tells others what they want to know, writes history, ends sessions
//! that have reached their end, and forgets what has expired. Any number of processes may do so on one database.

mod backchannel_logout;
pub mod housekeeping;

use std::{sync::Arc, time::Duration};

use backchannel_logout::Calls;

use tokio::task::JoinError;

use crate::{
    app::App,
    store::{AnyConnection, Error, error::Outage},
};

/// How often deliveries that are due are looked for, when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often history is written.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How often there is housekeeping.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Works until it is dropped.
pub async fn run(app: Arc<App>) {
    tokio::join!(deliver(&app), tidy(&app), write(&app));
}

/// What waits to be written is written, before the server stops.
pub async fn finish(app: &Arc<App>) {
    write_history(app).await;
}

async fn write(app: &Arc<App>) {
    loop {
        tokio::time::sleep(WRITE_EVERY).await;
        write_history(app).await;
    }
}

async fn write_history(app: &Arc<App>) {
    if app.history.is_empty() {
        return;
    }
    let writing = app.clone();
    match stored(app, move |connection| writing.history.flush(connection)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "history waits"),
        Err(error) => tracing::error!(%error, "history"),
    }
}

/// Does work with a connection, in the blocking pool, and like a request only when one is free.
async fn stored<T: Send + 'static, E: From<Error> + Outage + Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<Result<T, E>, JoinError> {
    let permit = app.connections.clone().acquire_owned().await;
    let app = app.clone();
    tokio::task::spawn_blocking(move || {
        let done = app.store.with(work);
        drop(permit);
        done
    })
    .await
}

async fn deliver(app: &Arc<App>) {
    let calls = Calls::default();
    loop {
        backchannel_logout::round(app, &calls).await;
        let _ = tokio::time::timeout(LOOK_EVERY, app.bell.notified()).await;
    }
}

async fn tidy(app: &Arc<App>) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        housekeeping::round(app).await;
    }
}
