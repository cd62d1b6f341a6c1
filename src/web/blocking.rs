//! The one blocking call: a request leaves the thread that reads requests once, and its handler runs from top to bottom on a thread that
//! may block, with one connection. Who waits for a turn does so without a thread, and not for ever (`crate::blocking_pool`).

use std::time::Duration;

use actix_web::web::Data;

pub use crate::blocking_pool::Priority;

use super::fault::Fault;
use crate::{
    app::{App, Caller},
    blocking_pool::PoolError,
    clock::Stopwatch,
    protocol::time::Span,
    store::{AnyConnection, Progress, error::Outage},
};

/// Until when the caller of a handler waits for it, at the latest: after that nothing more is committed for them.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    since: Stopwatch,
    within: Duration,
}

impl Deadline {
    /// That of a [`run_blocking`] which begins now.
    #[must_use]
    pub fn of(app: &App) -> Self {
        Self { since: Stopwatch::start(), within: app.config.database_pool_timeout + app.config.blocking_timeout }
    }

    /// How much time there is left.
    #[must_use]
    pub fn left(&self) -> Span {
        let left = self.within.saturating_sub(self.since.elapsed());
        Span::from_millis(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Runs a handler with a connection.
///
/// # Errors
/// What the handler says, or a [`Fault`] when it could not begin, or did not end.
pub async fn run_blocking<T, E>(
    app: &Data<App>,
    priority: Priority,
    work: impl FnOnce(&App, &mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + From<crate::store::Error> + Outage + Send + 'static,
{
    run_blocking_within(app, priority, app.config.database_pool_timeout, work).await
}

/// As [`run_blocking`], for a handler that is to begin within a time of its own.
///
/// # Errors
/// As [`run_blocking`].
pub async fn run_blocking_within<T, E>(
    app: &Data<App>,
    priority: Priority,
    to_begin: Duration,
    work: impl FnOnce(&App, &mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + From<crate::store::Error> + Outage + Send + 'static,
{
    let (worker_app, progress) = (app.clone(), Progress::default());
    let caller = Caller::of(app.clone().into_inner(), progress.clone());
    let job = move || worker_app.store.with_progress(&progress, |connection| work(&worker_app, connection));
    let ran = app.blocking_pool.run(priority, (to_begin, app.config.blocking_timeout), job).await;
    match &ran {
        Err(PoolError::RunTimeout) => caller.refused(), // it goes on until it ends, or the connection is found to be dead
        _ => caller.answered(),
    }
    ran.unwrap_or_else(|refused| {
        let reason = refused.to_string();
        Err(E::from(match refused {
            PoolError::Overload | PoolError::QueueTimeout => Fault::Busy(reason),
            PoolError::RunTimeout => Fault::Unavailable(reason),
            PoolError::Panicked => Fault::Internal(reason),
        }))
    })
}
