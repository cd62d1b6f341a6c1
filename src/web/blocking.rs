//! The one blocking call of a request: it leaves the async thread once, and its handler runs from top to bottom on a thread of the
//! blocking pool, with one connection. A waiting request holds no thread, and does not wait for ever (`crate::workers::blocking_pool`).

use std::time::Duration;

use actix_web::web::Data;

pub use crate::workers::blocking_pool::Priority;

use super::fault::Fault;
use crate::{
    app::{App, Caller},
    clock::Stopwatch,
    protocol::values::time::Span,
    store::{AnyConnection, Progress, error::Outage},
    workers::blocking_pool::PoolError,
};

/// The time until which the caller of a handler waits at most: nothing is committed for that caller afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    since: Stopwatch,
    within: Duration,
}

impl Deadline {
    /// The deadline of a [`run_blocking`] that begins now.
    #[must_use]
    pub fn of(app: &App) -> Self {
        Self { since: Stopwatch::start(), within: app.config.database_pool_timeout + app.config.blocking_timeout }
    }

    /// The time left.
    #[must_use]
    pub fn left(&self) -> Span {
        let left = self.within.saturating_sub(self.since.elapsed());
        Span::from_millis(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Runs a handler with a connection.
///
/// # Errors
/// The handler's own error, or a [`Fault`] when the handler did not start or did not finish in time.
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

/// As [`run_blocking`], for a handler with its own time limit to start.
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
        Err(PoolError::RunTimeout) => caller.refused(), // the handler keeps running until it ends, or its connection proves broken
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
