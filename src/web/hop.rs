//! The one hop: a request leaves the thread that reads requests once, and its story runs from top to bottom on a thread that
//! may block, with one connection. Who waits for a turn does so without a thread, and not for ever (`crate::stories`).

use std::time::Duration;

use actix_web::web::Data;

pub use crate::stories::Lane;

use super::fault::Fault;
use crate::{
    app::{App, Caller},
    clock::Stopwatch,
    protocol::time::Span,
    store::{AnyConnection, Progress, error::Outage},
    stories::Refused,
};

/// Until when the caller of a story waits for it, at the latest: after that nothing more is committed for them.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    since: Stopwatch,
    within: Duration,
}

impl Deadline {
    /// That of a [`hop`] which begins now.
    #[must_use]
    pub fn of(app: &App) -> Self {
        Self { since: Stopwatch::start(), within: app.config.database_timeout + app.config.story_time }
    }

    /// How much time there is left.
    #[must_use]
    pub fn left(&self) -> Span {
        let left = self.within.saturating_sub(self.since.elapsed());
        Span::from_millis(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Runs a story with a connection.
///
/// # Errors
/// What the story says, or a [`Fault`] when it could not begin, or did not end.
pub async fn hop<T, E>(
    app: &Data<App>,
    lane: Lane,
    story: impl FnOnce(&App, &mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + From<crate::store::Error> + Outage + Send + 'static,
{
    hop_within(app, lane, app.config.database_timeout, story).await
}

/// As [`hop`], for a story that is to begin within a time of its own.
///
/// # Errors
/// As [`hop`].
pub async fn hop_within<T, E>(
    app: &Data<App>,
    lane: Lane,
    to_begin: Duration,
    story: impl FnOnce(&App, &mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + From<crate::store::Error> + Outage + Send + 'static,
{
    let (told, progress) = (app.clone(), Progress::default());
    let caller = Caller::of(app.clone().into_inner(), progress.clone());
    let work = move || told.store.with_progress(&progress, |connection| story(&told, connection));
    let ran = app.stories.run(lane, (to_begin, app.config.story_time), work).await;
    match &ran {
        Err(Refused::Unfinished) => caller.refused(), // it goes on until it ends, or the connection is found to be dead
        _ => caller.answered(),
    }
    ran.unwrap_or_else(|refused| {
        let reason = refused.to_string();
        Err(E::from(match refused {
            Refused::Overload | Refused::TooLate => Fault::Busy(reason),
            Refused::Unfinished => Fault::Unavailable(reason),
            Refused::Died => Fault::Internal(reason),
        }))
    })
}
