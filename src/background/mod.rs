//! The work that the server does besides requests: notifying clients and users, writing history, ending expired sessions, purging
//! expired rows. Any number of processes may do so on one database. Each kind of work is a task of its own, which the supervisor
//! restarts after a panic, of the task or of a job that it ran.

mod backchannel_logout;
pub mod housekeeping;
mod notifications;
mod trust;

use std::{fmt::Display, pin::pin, sync::Arc, time::Duration};

use backchannel_logout::Calls;

use crate::{
    app::{App, Caller, MESSAGES},
    protocol::{
        grant::retention::UNSENT,
        values::time::{Span, Timestamp},
    },
    store::{
        AnyConnection, Error, Progress,
        deliveries::{self, Delivery},
        error::Outage,
        meta,
    },
    workers::blocking_pool::{PoolError, Priority},
};

/// The polling interval for due deliveries, when no wakeup arrives.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The pause when the database does not answer.
const PAUSE: Duration = Duration::from_secs(10);
/// The delay after the first attempt; it doubles with each further attempt.
const FIRST_WAIT: Span = Span::from_seconds(5);
/// The maximum delay.
const LONGEST_WAIT: Span = Span::from_seconds(3_600);
/// The interval at which history is written.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How many of those intervals pass between two writes of refused requests, which anyone can cause.
const REFUSALS_EVERY: u64 = 10;

/// The time limit of the server's own jobs: none, they wait for their turn.
const FOR_EVER: Duration = Duration::MAX;

/// A job of a task panicked on its thread. The task ends, and its supervisor restarts it after a pause.
struct Panicked;

/// Runs until it is dropped.
pub async fn run(app: Arc<App>) {
    let (calls, pause) = (Calls::default(), tokio::time::sleep);
    tokio::join!(
        app.supervisor.keep("back-channel-logout", || backchannel_logout::run(&app, &calls), pause),
        app.supervisor.keep("e-mail", || notifications::run(&app), pause),
        app.supervisor.keep("housekeeping", || housekeeping::run(&app), pause),
        app.supervisor.keep("history", || write(&app), pause),
    );
}

/// Before the server stops: writes the pending history, hands housekeeping over to another process, and finishes sending e-mails,
/// all within `shutdown_timeout`.
pub async fn finish(app: &Arc<App>) {
    let within = app.config.shutdown_timeout;
    let history = async {
        // The pending history exists nowhere else; a write in progress is waited for.
        let write = async { write_history(app).await.and(write_refusals(app).await) };
        if tokio::time::timeout(within, write).await.is_err() {
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

/// The time of the next attempt at a delivery; `None` to give up, which only a trusted clock may decide.
fn next_try(app: &App, connection: &mut AnyConnection, delivery: &Delivery, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let is_old = now.since(delivery.created_at) >= UNSENT;
    let is_given_up = is_old && trust::is_trusted(app, connection, now)?;
    Ok((!is_given_up).then(|| now.plus(wait(delivery.attempts))))
}

/// Takes each of these deliveries that no other process took first. If the database refuses one, the others are still taken.
fn take_each(connection: &mut AnyConnection, due: Vec<Delivery>, until: Timestamp) -> Result<Vec<Delivery>, Error> {
    let mut taken = Vec::new();
    for delivery in due {
        match deliveries::take(connection, delivery, until) {
            Ok(one) => taken.extend(one),
            Err(error) if meta::write(connection).is_ok() => {
                tracing::error!(%error, "a delivery could not be claimed: skipped");
            }
            Err(error) if taken.is_empty() => return Err(error),
            Err(_) => break, // those taken already are delivered: they would not be due again for a while
        }
    }
    Ok(taken)
}

/// The delay after this many attempts.
fn wait(attempts: u32) -> Span {
    Span::from_millis(FIRST_WAIT.millis() << attempts.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}

async fn write(app: &Arc<App>) {
    for second in 1_u64.. {
        tokio::time::sleep(WRITE_EVERY).await;
        let are_refusals_due = second.is_multiple_of(REFUSALS_EVERY) && !app.refusals.is_empty();
        if !app.history.is_empty() && write_history(app).await.is_err() || are_refusals_due && write_refusals(app).await.is_err()
        {
            return;
        }
    }
}

async fn write_refusals(app: &Arc<App>) -> Result<(), Panicked> {
    flush(app, "refused requests", |app, connection| app.refusals.flush(connection)).await
}

async fn write_history(app: &Arc<App>) -> Result<(), Panicked> {
    flush(app, "history", |app, connection| app.history.flush(connection)).await
}

/// Writes what waits of a kind; what cannot be written goes on waiting.
async fn flush(
    app: &Arc<App>,
    what: &'static str,
    write: fn(&App, &mut AnyConnection) -> Result<(), Error>,
) -> Result<(), Panicked> {
    let writing = app.clone();
    match stored(app, move |connection| write(&writing, connection)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "{what} could not be written: will retry"),
        Err(PoolError::Panicked) => return Err(Panicked),
        Err(error) => tracing::error!(%error, "{what}"),
    }
    Ok(())
}

/// A pause, so that a failing database is not queried every second.
async fn pause(error: &impl Display) {
    tracing::warn!(%error, "could not read deliveries: will retry");
    tokio::time::sleep(PAUSE).await;
}

/// Runs a job with a connection, in its turn, like a request. No caller waits for its commits: a commit that hangs on an absent
/// standby is ended like that of a caller who has left.
async fn stored<T: Send + 'static, E: From<Error> + Outage + Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<Result<T, E>, PoolError> {
    let (worker_app, progress) = (app.clone(), Progress::default());
    let caller = Caller::of(app.clone(), progress.clone());
    let work = move || worker_app.store.with_progress(&progress, work);
    let mut running = pin!(app.blocking_pool.run(Priority::Internal, (FOR_EVER, FOR_EVER), work));
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
