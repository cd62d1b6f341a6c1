//! What the server does by itself, beside requests: it tells others what they want to know, writes history, ends sessions
//! that have reached their end, and forgets what has expired. Any number of processes may do so on one database. Each kind of work
//! is a loop of its own, which the supervisor starts again where it panics, here or on the thread that did its work.

mod backchannel_logout;
pub mod housekeeping;
mod notifications;
mod trust;

use std::{fmt::Display, pin::pin, sync::Arc, time::Duration};

use backchannel_logout::Calls;

pub use notifications::path_of;

use crate::{
    app::{App, Caller, MESSAGES},
    blocking_pool::{PoolError, Priority},
    protocol::time::{Span, Timestamp},
    store::{
        AnyConnection, Error, Progress,
        deliveries::{self, Delivery},
        error::Outage,
        meta,
    },
};

/// How often deliveries that are due are looked for, when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait where the database does not answer.
const PAUSE: Duration = Duration::from_secs(10);
/// For how long what could not be told is tried again.
const GIVE_UP_AFTER: Span = Span::from_seconds(86_400);
/// How long to wait after the first attempt; twice as long after each further one.
const FIRST_WAIT: Span = Span::from_seconds(5);
/// The longest wait.
const LONGEST_WAIT: Span = Span::from_seconds(3_600);
/// How often history is written.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// What the server does by itself waits for its turn as long as it takes.
const FOR_EVER: Duration = Duration::MAX;

/// The work of a loop panicked on its thread. The loop ends: its supervisor starts it again after a pause.
struct Panicked;

/// Works until it is dropped.
pub async fn run(app: Arc<App>) {
    let (calls, pause) = (Calls::default(), tokio::time::sleep);
    tokio::join!(
        app.supervisor.keep("back-channel-logout", || backchannel_logout::run(&app, &calls), pause),
        app.supervisor.keep("e-mail", || notifications::run(&app), pause),
        app.supervisor.keep("housekeeping", || housekeeping::run(&app), pause),
        app.supervisor.keep("history", || write(&app), pause),
    );
}

/// What waits to be written is written, another process may do the housekeeping, and e-mails that are being sent are sent, before
/// the server stops: all of it within `shutdown_timeout`.
pub async fn finish(app: &Arc<App>) {
    let within = app.config.shutdown_timeout;
    let history = async {
        // It is nowhere else; what is being written is waited for.
        if tokio::time::timeout(within, write_history(app)).await.is_err() {
            tracing::error!("pending history could not be written and is lost");
        }
    };
    let messages = async {
        let all = u32::try_from(MESSAGES).unwrap_or(u32::MAX);
        if !matches!(tokio::time::timeout(within, app.messages.acquire_many(all)).await, Ok(Ok(_))) {
            tracing::warn!("an e-mail is still being sent: it may be sent twice");
        }
    };
    tokio::join!(history, housekeeping::finish(app), messages);
}

/// When to try a delivery again; `None` where it is given up, which takes a clock that is trusted.
fn next_try(app: &App, connection: &mut AnyConnection, delivery: &Delivery, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let is_old = now.since(delivery.created_at) >= GIVE_UP_AFTER;
    let is_given_up = is_old && trust::is_trusted(app, connection, now)?;
    Ok((!is_given_up).then(|| now.plus(wait(delivery.attempts))))
}

/// Takes each of these deliveries that nobody else was first to take. One that the database refuses to have taken keeps none of
/// the others back.
fn take_each(connection: &mut AnyConnection, due: Vec<Delivery>, until: Timestamp) -> Result<Vec<Delivery>, Error> {
    let mut taken = Vec::new();
    for delivery in due {
        match deliveries::take(connection, delivery, until) {
            Ok(one) => taken.extend(one),
            Err(error) if meta::write(connection).is_ok() => {
                tracing::error!(%error, "a delivery could not be claimed: skipped");
            }
            Err(error) if taken.is_empty() => return Err(error),
            Err(_) => break, // those that are taken already are dealt with: they would not be due again for a while
        }
    }
    Ok(taken)
}

/// How long to wait after so many attempts.
fn wait(attempts: u32) -> Span {
    Span::from_millis(FIRST_WAIT.millis() << attempts.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}

async fn write(app: &Arc<App>) {
    loop {
        tokio::time::sleep(WRITE_EVERY).await;
        if !app.history.is_empty() && write_history(app).await.is_err() {
            return;
        }
    }
}

async fn write_history(app: &Arc<App>) -> Result<(), Panicked> {
    let writing = app.clone();
    match stored(app, move |connection| writing.history.flush(connection)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "history could not be written: will retry"),
        Err(PoolError::Panicked) => return Err(Panicked),
        Err(error) => tracing::error!(%error, "history"),
    }
    Ok(())
}

/// While the database is down it is not asked each second.
async fn pause(error: &impl Display) {
    tracing::warn!(%error, "could not read deliveries: will retry");
    tokio::time::sleep(PAUSE).await;
}

/// Does work with a connection, in its turn, like a request. Nobody is told of its commits: one that waits for a standby that is away
/// is ended like one whose caller has left.
async fn stored<T: Send + 'static, E: From<Error> + Outage + Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<Result<T, E>, PoolError> {
    let (worker_app, progress) = (app.clone(), Progress::default());
    let caller = Caller::of(app.clone(), progress.clone());
    let work = move || worker_app.store.with_progress(&progress, work);
    let mut running = pin!(app.blocking_pool.run(Priority::Own, (FOR_EVER, FOR_EVER), work));
    if let Ok(done) = tokio::time::timeout(app.config.blocking_timeout, &mut running).await {
        caller.answered();
        return done;
    }
    drop(caller);
    running.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_an_hour() {
        assert_eq!([1, 2, 6, 10, 11, 1000].map(|attempts| wait(attempts).seconds()), [5, 10, 160, 2560, 3600, 3600]);
    }
}
