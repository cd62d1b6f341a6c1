//! The one hop: a request leaves the thread that reads requests once, and its story runs from top to bottom on a thread that
//! may block, with one connection. Who waits for a turn does so without a thread, and not for ever (`crate::stories`).

use std::{sync::Arc, time::Duration};

use actix_web::web::Data;

pub use crate::stories::Lane;

use super::fault::Fault;
use crate::{
    app::App,
    clock::Stopwatch,
    protocol::time::Span,
    store::{AnyConnection, Progress, Progressed, error::Outage},
    stories::Refused,
};

/// How often work that nobody waits for any more is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Until when the caller of a story waits for it, at the latest: after that they are told that it is not known what became of it.
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
    let of_work = progress.clone();
    let work = move || told.store.with_progress(&of_work, |connection| story(&told, connection));
    let ran = app.stories.run(lane, (to_begin, app.config.story_time), work).await;
    ran.unwrap_or_else(|refused| {
        let reason = refused.to_string();
        let fault = match refused {
            Refused::Overload | Refused::TooLate => Fault::Busy(reason),
            Refused::Unfinished => {
                give_up_on(app, progress);
                Fault::Unavailable(reason) // it goes on where it is until it ends, or the connection is found to be dead
            }
            Refused::Died => Fault::Internal(reason),
        };
        Err(fault.into())
    })
}

/// Nobody waits for this work any more: its caller has been told that it is not known what became of it, or it has none. Commits of
/// it that wait for a standby that is away are ended, so that its thread is free for others. Whoever is still waited for is left
/// alone: PostgreSQL answers a commit that was ended as if the standby had it.
pub fn give_up_on(app: &Arc<App>, progress: Progress) {
    let (store, waited) = (app.store.clone(), app.config.story_time);
    tokio::spawn(async move {
        let mut has_failed = false;
        loop {
            let (store, progress) = (store.clone(), progress.clone());
            let looked = tokio::task::spawn_blocking(move || store.end_waiting_commit(&progress, waited)).await;
            match looked {
                Ok(Ok(Progressed::IsOver)) | Err(_) => return,
                Ok(Ok(Progressed::GoesOn)) => {}
                Ok(Ok(Progressed::WasEnded)) => {
                    tracing::error!("a commit waited too long for a synchronous standby: it counts without it now");
                }
                Ok(Err(error)) if !has_failed => {
                    has_failed = true;
                    tracing::warn!(%error, "a commit that may wait could not be looked for");
                }
                Ok(Err(_)) => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}
