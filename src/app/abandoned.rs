//! Work that nobody waits for any more: its caller has left or was told that it was not done in time, or it has none and takes too
//! long. Commits of it that wait for a synchronous standby that is away are ended, so that its thread is free for others. Whoever is
//! still waited for is left alone: PostgreSQL answers a commit that was ended as if the standby had it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::App;
use crate::{
    clock::Stopwatch,
    store::{AnyConnection, Error, Progress, Progressed},
};

/// How often it is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// What was abandoned, and has not come to its end.
#[derive(Default)]
pub struct Abandoned(Mutex<Vec<Work>>);

struct Work {
    progress: Progress,
    since: Stopwatch,
}

/// Whoever waits for work, until they have its answer. Dropped before that they have left.
pub struct Caller {
    app: Arc<App>,
    progress: Option<Progress>,
}

impl Caller {
    /// One who waits for this work.
    #[must_use]
    pub const fn of(app: Arc<App>, progress: Progress) -> Self {
        Self { app, progress: Some(progress) }
    }

    /// The work has been answered.
    pub fn answered(mut self) {
        self.progress = None;
    }

    /// They are told that it was not done in time: nothing more is committed for them.
    pub fn refused(self) {
        if let Some(progress) = &self.progress {
            progress.leave();
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let Some(progress) = self.progress.take() else { return };
        self.app.abandoned.lock().push(Work { progress, since: Stopwatch::start() });
    }
}

impl Abandoned {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Work>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after what was abandoned, until it is dropped.
pub async fn look_after(app: Arc<App>) {
    app.supervisor.keep("waiting-commits", || look_repeatedly(&app), tokio::time::sleep).await;
}

async fn look_repeatedly(app: &Arc<App>) {
    // A commit that has waited for longer than anyone waits for an answer has no caller any more, whoever's it is.
    let patience = app.config.database_pool_timeout + app.config.blocking_timeout;
    let (mut connection, mut has_failed) = (None, false);
    loop {
        tokio::time::sleep(CHECK_EVERY).await;
        let mut work = std::mem::take(&mut *app.abandoned.lock());
        if work.is_empty() {
            connection = None;
            continue;
        }
        let (looking, mut with) = (app.clone(), connection.take());
        let checked = tokio::task::spawn_blocking(move || {
            let found = look(&looking, &mut with, &mut work, patience);
            (found, with, work)
        });
        let Ok((found, with, left)) = checked.await else { return }; // it panicked: this is started again, with what is abandoned then
        connection = with;
        app.abandoned.lock().extend(left);
        match found {
            Ok(ended) if ended > 0 => {
                tracing::error!(ended, "commits waited too long for a synchronous standby: no longer waiting");
                has_failed = false;
            }
            Ok(_) => has_failed = false,
            Err(error) if !has_failed => {
                has_failed = true;
                tracing::warn!(%error, "could not look for commits that wait for a standby");
            }
            Err(_) => {}
        }
    }
}

/// Ends the commits among this work that have waited for so long, and forgets what has come to its end. How many were ended.
fn look(app: &App, with: &mut Option<AnyConnection>, work: &mut Vec<Work>, patience: Duration) -> Result<usize, Error> {
    let (mut ended, mut failed) = (0, None);
    work.retain(|one| {
        // Most of those who leave do so while nothing is wrong, and their work is over soon.
        let is_due = one.progress.has_left() || one.since.elapsed() >= app.config.blocking_timeout;
        if failed.is_some() || !is_due {
            return !one.progress.is_over();
        }
        match app.store.end_waiting_commit(with, &one.progress, patience) {
            Ok(Progressed::IsOver) => false,
            Ok(Progressed::GoesOn) => true,
            Ok(Progressed::WasEnded) => {
                ended += 1;
                true
            }
            Err(error) => {
                failed = Some(error);
                *with = None;
                true
            }
        }
    });
    failed.map_or(Ok(ended), Err)
}
