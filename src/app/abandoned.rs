//! Abandoned jobs: the caller has left or was told that the job timed out, or a job without a caller takes too long. Their commits
//! that wait for an absent synchronous standby are ended, so that the thread is free for others. Jobs with a waiting caller are
//! left alone: PostgreSQL answers a commit that was ended as if the standby had it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::App;
use crate::{
    clock::Stopwatch,
    store::{AnyConnection, Error, Progress, Progressed},
};

/// The interval between checks.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// The abandoned jobs that are still running.
#[derive(Default)]
pub struct Abandoned(Mutex<Vec<Work>>);

struct Work {
    progress: Progress,
    since: Stopwatch,
}

/// The caller of a job, until it has the result. Dropped before that, it has left.
pub struct Caller {
    app: Arc<App>,
    progress: Option<Progress>,
}

impl Caller {
    /// The caller of this job.
    #[must_use]
    pub const fn of(app: Arc<App>, progress: Progress) -> Self {
        Self { app, progress: Some(progress) }
    }

    /// The caller has received the result.
    pub fn answered(mut self) {
        self.progress = None;
    }

    /// The caller is told that the job timed out: nothing more is committed for it.
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

/// Checks the abandoned jobs until it is dropped.
pub async fn look_after(app: Arc<App>) {
    app.supervisor.keep("waiting-commits", || look_repeatedly(&app), tokio::time::sleep).await;
}

async fn look_repeatedly(app: &Arc<App>) {
    // A commit that has waited longer than any caller waits for a result has no caller left.
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
        let Ok((found, with, left)) = checked.await else { return }; // it panicked: the task is restarted, with later jobs
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

/// Ends the commits among these jobs that have waited this long, and forgets the jobs that have finished. Returns how many were
/// ended.
fn look(app: &App, with: &mut Option<AnyConnection>, work: &mut Vec<Work>, patience: Duration) -> Result<usize, Error> {
    let (mut ended, mut failed) = (0, None);
    work.retain(|one| {
        // Most callers who leave do so while nothing is wrong, and their job finishes soon.
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
