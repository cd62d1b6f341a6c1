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
const HISTORY: u32 = 2_000;
/// What is at least so many rows may have more of them behind it.
const MANY: usize = HISTORY as usize;
/// How often some of a kind is forgotten, one after the other: 100,000 rows in half a minute.
const ROUNDS: u32 = 50;
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

/// Each for itself: what fails does not keep the others from being done.
fn tidy(app: &App, connection: &mut AnyConnection) -> Result<usize> {
    let now = app.clock.now();
    let ended = end_sessions(connection, now);
    for forget in FORGETTING {
        // More of it waits for the next time, so that nothing else waits for it.
        for _ in 0..ROUNDS {
            match forget(app, connection, now) {
                Ok(gone) if gone >= MANY => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "housekeeping");
                    break;
                }
            }
        }
    }
    ended
}

fn end_sessions(connection: &mut AnyConnection, now: Timestamp) -> Result<usize> {
    let mut ended = 0;
    loop {
        let more = sessions::end_expired(connection, now, SESSIONS)?;
        ended += more;
        if more < SESSIONS as usize || ended >= AT_MOST {
            return Ok(ended);
        }
    }
}

/// Forgets some of what is over for as long as the configuration says; says how many rows.
type Forget = fn(&App, &mut AnyConnection, Timestamp) -> Result<usize>;

const FORGETTING: [Forget; 7] = [
    |_, connection, now| used_assertions::forget(connection, now).map(|()| 0),
    |_, connection, now| revoked_tokens::forget(connection, now).map(|()| 0),
    |app, connection, now| {
        let lifetimes = &app.config.lifetimes;
        grant_history::forget_before(connection, before(now, lifetimes.refresh_history.min(lifetimes.history)), true, HISTORY)
    },
    |app, connection, now| grant_history::forget_before(connection, before(now, app.config.lifetimes.history), false, HISTORY),
    |app, connection, now| activity::forget_before(connection, before(now, app.config.lifetimes.history), HISTORY),
    |_, connection, now| devices::forget_before(connection, before(now, KNOWN_DEVICES)),
    |_, connection, now| links::forget_before(connection, before(now, OLD_LINKS)),
];

fn before(now: Timestamp, span: Span) -> Timestamp {
    Timestamp::from_millis(now.millis() - span.millis())
}
