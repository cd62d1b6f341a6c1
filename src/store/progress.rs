//! The progress of work on a connection, for a caller that may give up and report that the work was not done in time. From then on
//! nothing further is committed; a statement already sent to the database may still take effect.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::error::{Error, Result};

/// The progress of one piece of work.
#[derive(Clone, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Default)]
struct Shared {
    stage: Mutex<Stage>,
    has_left: AtomicBool,
}

#[derive(Default)]
pub(super) enum Stage {
    /// Waiting for a connection.
    #[default]
    Waits,
    /// Running on this connection; whether a commit of it was ended.
    At {
        backend: Option<i32>,
        was_ended: bool,
    },
    IsOver,
}

/// The state of work whose caller has given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progressed {
    /// It continues, and no commit of it is waiting.
    GoesOn,
    /// A commit of it was ended; more may follow.
    WasEnded,
    /// It has finished.
    IsOver,
}

thread_local! {
    /// The progress of the work that this thread does for one caller.
    static OF_CALLER: RefCell<Option<Progress>> = const { RefCell::new(None) };
}

impl Progress {
    /// Records that the caller has given up.
    pub fn leave(&self) {
        self.0.has_left.store(true, Ordering::Release);
    }

    /// Whether the caller has given up.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.0.has_left.load(Ordering::Acquire)
    }

    /// Whether the work has finished.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(*self.lock(), Stage::IsOver)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does work for one caller, or for several, independently of each of them.
pub(super) fn of<T>(caller: Option<&Progress>, work: impl FnOnce() -> T) -> T {
    /// Also where the work panics.
    struct Before(Option<Progress>);
    impl Drop for Before {
        fn drop(&mut self) {
            OF_CALLER.set(self.0.take());
        }
    }
    let _before = Before(OF_CALLER.replace(caller.cloned()));
    work()
}

/// Checks that the caller of this thread's work still waits.
///
/// # Errors
/// [`Error::Busy`] if the caller has given up.
pub(super) fn expect_caller() -> Result<()> {
    let has_left = OF_CALLER.with_borrow(|caller| caller.as_ref().is_some_and(Progress::has_left));
    if has_left { Err(Error::Busy("the caller was already told that the request timed out".into())) } else { Ok(()) }
}

/// Marks the work as finished when dropped, even on a panic.
pub(super) struct Ending<'a>(pub &'a Progress);

impl Ending<'_> {
    /// Marks it now; returns whether a commit of it was ended.
    pub fn now(&self) -> bool {
        matches!(std::mem::replace(&mut *self.0.lock(), Stage::IsOver), Stage::At { was_ended: true, .. })
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.now();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        protocol::values::time::Timestamp,
        store::{DatabaseUrl, Store, dialect::together, migrations, rate_limits},
    };

    const KEY: rate_limits::Key = [1; 32];

    #[test]
    fn nothing_is_committed_for_a_caller_who_has_left() {
        let store = Store::open(&DatabaseUrl::SqliteMemory, 1, Duration::from_secs(1)).unwrap();
        store.with(migrations::run).unwrap();
        let write = |progress: &Progress, leaves: bool| -> Result<()> {
            store.with_progress(progress, |connection| {
                together(connection, |connection| {
                    rate_limits::add_one(connection, &KEY, Timestamp::from_millis(0), Timestamp::from_millis(1))?;
                    if leaves {
                        progress.leave();
                    }
                    Ok(())
                })
            })
        };
        let leaves = Progress::default();
        assert!(matches!(write(&leaves, true), Err(Error::Busy(_))));
        assert!(store.with(|connection| rate_limits::find(connection, &[KEY])).unwrap().is_empty());
        assert!(matches!(write(&leaves, false), Err(Error::Busy(_))), "nor what begins afterwards");
        assert_eq!(write(&Progress::default(), false), Ok(()), "others are not concerned");
        of(Some(&leaves), || of(None, || assert_eq!(expect_caller(), Ok(()))));
    }
}
