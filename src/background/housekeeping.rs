//! Housekeeping: expired rows are purged in small batches, by one process at a time (a lease in the database), within a time
//! budget. In each round every kind gets one batch, and kinds with more rows get further ones until half a second was worked; the
//! pause after that is at least nine times as long as the work. A batch queues like a request, for one connection and some
//! milliseconds: a request waits for one batch at most, and housekeeping is never starved. Failed work is left for the next round.
//! Two processes at once only waste work: every batch checks in its own statement which rows have expired. No batch starts while
//! the process's clock is in doubt (`trust`). What is purged when: `docs/operations.md`.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{FOR_EVER, Panicked, stored, trust};
use crate::{
    app::App,
    clock::Stopwatch,
    operations::authenticators,
    protocol::{
        account::activity::{Activity, UNKNOWN_ORIGIN},
        grant::retention::{ENDED_LINKS, KNOWN_DEVICES, Retention},
        values::time::{Span, Timestamp},
    },
    random,
    store::{
        AnyConnection, Error, Result, account,
        activity::{self, Event},
        client_refusals, deletion_stages, deletions, devices, grant_history,
        grants::purge as grants_purge,
        leases, links, meta, rate_limits, resets, revoked_tokens,
        sessions::{self, purge as sessions_purge},
        sweep_cursors, used_assertions,
    },
    workers::blocking_pool::{PoolError, Priority},
};

/// The minimum time between rounds.
const EVERY: Duration = Duration::from_secs(5);
/// The working time of a round, besides the one batch that each kind gets.
const BUDGET: Duration = Duration::from_millis(500);
/// The minimum length of the pause, as a multiple of the work: at most a tenth of one connection's time is used.
const PAUSE: u32 = 9;

/// The name of the lease.
const LEASE: &str = "housekeeping";
/// How long another process waits when the holder of the lease has crashed.
const LEASED: Span = Span::from_seconds(90);

/// The maximum number of rows removed by one statement.
const ROWS: u32 = 500;
/// The maximum number of expired sessions ended in one batch, each in its own transaction.
const SESSIONS: u32 = 100;
/// The maximum number of resets carried out in one batch, each in its own transaction.
const RESETS: u32 = 100;
/// The maximum number of deletions of which one batch is tried.
const DELETIONS: u32 = 10;
/// The maximum number of rows read in one batch of a sweep.
const SLICE: u32 = 2_000;
/// The minimum time between two sweeps of a table.
const SWEEP_EVERY: Span = Span::from_seconds(3_600);

/// The result of a batch.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    /// The number of sessions that were ended: clients are to be notified.
    ended: usize,
    /// The number of rows that were deleted.
    deleted: usize,
    /// Whether there may be more to do.
    more: bool,
}

impl Batch {
    const fn forgot(deleted: usize) -> Self {
        Self { ended: 0, deleted, more: deleted >= ROWS as usize }
    }
}

/// A kind of work: its name, and a function that does one batch of it.
type Kind = (&'static str, fn(&App, &mut AnyConnection, Timestamp) -> Result<Batch>);

const KINDS: [Kind; 15] = [
    ("deletions", |_, connection, now| purge_deleted(connection, now)),
    ("resets", |app, connection, now| {
        let due = resets::due(connection, now, RESETS)?;
        for user in &due {
            let (id, activity) = (random::id(now), Activity::AuthenticatorsReset);
            let origin = &UNKNOWN_ORIGIN;
            let event = Event { id, user: *user, activity, origin, about: None, grant: None, at: now };
            if account::carry_out_reset(connection, &event)? {
                app.delivery_waker.wake();
            }
        }
        Ok(Batch { ended: 0, deleted: 0, more: due.len() >= RESETS as usize })
    }),
    ("expired sessions", |_, connection, now| {
        let ended = sessions::end_expired(connection, now, SESSIONS)?;
        Ok(Batch { ended, deleted: 0, more: ended >= SESSIONS as usize })
    }),
    ("assertions", |_, connection, now| used_assertions::forget(connection, now, ROWS).map(Batch::forgot)),
    ("revoked tokens", |_, connection, now| revoked_tokens::forget(connection, now, ROWS).map(Batch::forgot)),
    ("client refusals", |_, connection, now| client_refusals::forget(connection, now, ROWS).map(Batch::forgot)),
    ("rate limits", |_, connection, now| rate_limits::purge(connection, now, ROWS).map(Batch::forgot)),
    ("routine history", |app, connection, now| {
        let lifetimes = &app.config.lifetimes;
        let end = before(now, lifetimes.refresh_history.min(lifetimes.history));
        grant_history::forget_before(connection, end, true, ROWS).map(Batch::forgot)
    }),
    ("history", |app, connection, now| {
        grant_history::forget_before(connection, before(now, app.config.lifetimes.history), false, ROWS).map(Batch::forgot)
    }),
    ("activity", |app, connection, now| {
        activity::forget_before(connection, before(now, app.config.lifetimes.history), ROWS).map(Batch::forgot)
    }),
    ("devices", |_, connection, now| devices::forget_before(connection, before(now, KNOWN_DEVICES), ROWS).map(Batch::forgot)),
    ("links", |_, connection, now| links::forget_before(connection, before(now, ENDED_LINKS), ROWS).map(Batch::forgot)),
    ("sealed authenticators", |app, connection, now| {
        let Some(after) = sweep_cursors::next(connection, "authenticators", now, SWEEP_EVERY)? else {
            return Ok(Batch::default());
        };
        let at = authenticators::reseal(connection, &app.config.secrets, after, ROWS)?;
        sweep_cursors::note(connection, "authenticators", at)?;
        Ok(Batch { more: at.is_some(), ..Batch::default() })
    }),
    ("grants", |app, connection, now| {
        let Some(after) = sweep_cursors::next(connection, "grants", now, SWEEP_EVERY)? else { return Ok(Batch::default()) };
        let purged = grants_purge::sweep(connection, after, SLICE, &retention(app, now))?;
        sweep_cursors::note(connection, "grants", purged.at)?;
        Ok(Batch { ended: 0, deleted: purged.deleted, more: purged.at.is_some() })
    }),
    ("sessions", |app, connection, now| {
        let Some(after) = sweep_cursors::next(connection, "sessions", now, SWEEP_EVERY)? else { return Ok(Batch::default()) };
        let purged = sessions_purge::sweep(connection, after, SLICE, &retention(app, now))?;
        sweep_cursors::note(connection, "sessions", purged.at)?;
        Ok(Batch { ended: purged.ended, deleted: purged.deleted, more: purged.at.is_some() })
    }),
];

/// One batch of a deletion that was interrupted. One that fails does not hold up the others.
fn purge_deleted(connection: &mut AnyConnection, now: Timestamp) -> Result<Batch> {
    let pending = deletions::pending(connection, DELETIONS)?;
    for deleted in &pending {
        match deletion_stages::purge(connection, deleted, now, ROWS) {
            Ok(batch) => {
                return Ok(Batch { ended: 0, deleted: batch.rows, more: !batch.is_complete || pending.len() > 1 });
            }
            Err(error) if meta::write(connection).is_err() => return Err(error), // this deletion is not the cause
            Err(error) => tracing::error!(%error, "a batch of the deletion of {deleted} failed: skipped"),
        }
    }
    Ok(Batch::default())
}

/// Runs until it is dropped, or a batch panics.
pub(super) async fn run(app: &Arc<App>) {
    let mut pause = EVERY;
    loop {
        tokio::time::sleep(pause).await;
        match work(app).await {
            Ok(worked) => pause = EVERY.max(worked * PAUSE),
            Err(Panicked) => return,
        }
    }
}

/// One round.
#[cfg(feature = "testing")]
pub async fn round(app: &Arc<App>) {
    drop(work(app).await);
}

/// Starts no further batch, and releases the lease, if this process holds it, so that another process continues at once. Waits for
/// the running batch, within the time for shutdown.
pub(super) async fn finish(app: &Arc<App>) {
    let (closing, holder) = (app.clone(), app.process);
    let given_back = async {
        let close = move || *closing.housekeeping_is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        app.blocking_pool.run(Priority::Internal, (FOR_EVER, FOR_EVER), close).await?;
        stored(app, move |connection| leases::give_back(connection, LEASE, holder)).await
    };
    match tokio::time::timeout(app.config.shutdown_timeout, given_back).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "housekeeping: could not release the lease; it will expire"),
        Ok(Err(error)) => tracing::error!(%error, "housekeeping"),
        Err(_) => tracing::warn!("housekeeping: a batch is still running; the lease will expire"),
    }
}

/// The outcome of a batch.
enum Outcome {
    Done(Batch),
    /// Another process holds the lease, this one is stopping, or its clock is in doubt.
    NotOurs,
    Failed(Error),
    Panicked,
}

/// One round; returns how long it has worked. A batch that panics does not keep the other kinds from theirs.
async fn work(app: &Arc<App>) -> std::result::Result<Duration, Panicked> {
    let mut has_panicked = false;
    let mut worked = Duration::ZERO;
    let (mut ended, mut deleted) = (0, 0);
    let mut kinds = KINDS.to_vec();
    let mut is_first = true;
    'round: while !kinds.is_empty() {
        for kind in std::mem::take(&mut kinds) {
            if !is_first && worked >= BUDGET {
                break 'round; // the rest is left for the next round
            }
            let Some((took, outcome)) = batch(app, kind).await else { break 'round };
            worked += took;
            match outcome {
                Outcome::Done(batch) => {
                    ended += batch.ended;
                    deleted += batch.deleted;
                    kinds.extend(batch.more.then_some(kind));
                }
                Outcome::NotOurs => break 'round,
                Outcome::Failed(error) => tracing::warn!(%error, "housekeeping: {}", kind.0), // the other kinds continue
                Outcome::Panicked => {
                    tracing::error!("housekeeping: {}: a batch panicked", kind.0);
                    has_panicked = true;
                }
            }
        }
        is_first = false;
    }
    if ended > 0 {
        tracing::info!(ended, "sessions expired");
        app.delivery_waker.wake();
    }
    if deleted > 0 {
        tracing::debug!(deleted, worked_ms = worked.as_millis(), "housekeeping");
    }
    if has_panicked { Err(Panicked) } else { Ok(worked) }
}

/// One batch, if this process may do it. A process whose clock is in doubt does not take the lease either, so that another one can.
fn under_lease(
    app: &App,
    connection: &mut AnyConnection,
    now: Timestamp,
    work: fn(&App, &mut AnyConnection, Timestamp) -> Result<Batch>,
) -> Result<Option<Batch>> {
    let may = trust::is_trusted(app, connection, now)? && leases::take(connection, LEASE, app.process, now, LEASED)?;
    may.then(|| work(app, connection, now)).transpose()
}

/// One batch of a kind, under the lease, with its own connection: how long it worked, and its outcome.
async fn batch(app: &Arc<App>, (name, work): Kind) -> Option<(Duration, Outcome)> {
    let working = app.clone();
    let done = stored(app, move |connection| -> Result<_> {
        let (stopwatch, now) = (Stopwatch::start(), working.clock.now());
        let is_over = working.housekeeping_is_over.lock().unwrap_or_else(PoisonError::into_inner); // held until the batch is done
        if *is_over {
            return Ok((stopwatch.elapsed(), Ok(None)));
        }
        let done = under_lease(&working, connection, now, work);
        Ok((stopwatch.elapsed(), done))
    });
    match done.await {
        Ok(Ok((took, Ok(Some(batch))))) => Some((took, Outcome::Done(batch))),
        Ok(Ok((took, Ok(None)))) => Some((took, Outcome::NotOurs)),
        Ok(Ok((took, Err(error)))) => Some((took, Outcome::Failed(error))),
        Ok(Err(error)) => {
            tracing::warn!(%error, "housekeeping: {name}"); // no connection was available
            None
        }
        Err(PoolError::Panicked) => Some((Duration::ZERO, Outcome::Panicked)),
        Err(error) => {
            tracing::error!(%error, "housekeeping: {name}");
            None
        }
    }
}

fn retention(app: &App, now: Timestamp) -> Retention {
    let lifetimes = &app.config.lifetimes;
    Retention {
        ended: lifetimes.purge_after,
        grant_idle: lifetimes.refresh_idle,
        session_idle: lifetimes.session_idle,
        remembered_session_idle: lifetimes.remembered_session_idle,
        now,
    }
}

fn before(now: Timestamp, span: Span) -> Timestamp {
    Timestamp::from_millis(now.millis() - span.millis())
}
