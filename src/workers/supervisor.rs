//! The supervisor of background tasks: a task that panics or returns is logged, restarted after a pause that doubles up to a
//! minute, and counted as failing until it has run for a minute. The other tasks continue meanwhile. What the tasks do is
//! `background`; `/readyz` names the failing ones.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use crate::{clock::Clock, protocol::values::time::Span};

/// The pause after the first failure; it doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The maximum pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The running time after which a task counts as healthy again.
const STEADY: Span = Span::from_seconds(60);

/// Keeps tasks running.
pub struct Supervisor {
    clock: Clock,
    failing: Mutex<BTreeMap<&'static str, Failing>>,
}

/// A task that has stopped, and has not run long enough since.
struct Failing {
    /// The number of failures without a long enough run in between.
    times: u32,
    /// When it was restarted, in monotonic time; `None` while it is stopped.
    running_since: Option<Span>,
}

impl Failing {
    fn is_steady(&self, now: Span) -> bool {
        self.running_since.is_some_and(|since| now.millis().saturating_sub(since.millis()) >= STEADY.millis())
    }
}

impl Supervisor {
    /// A supervisor without tasks.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self { clock, failing: Mutex::new(BTreeMap::new()) }
    }

    /// Runs a task, which has no end of its own, until this is dropped. `pause` waits.
    pub async fn keep<F: Future<Output = ()>>(&self, name: &'static str, task: impl Fn() -> F, pause: impl AsyncFn(Duration)) {
        loop {
            self.started(name);
            let has_panicked = caught(task()).await.is_none();
            let (times, wait) = self.stopped(name);
            let pause_s = wait.as_secs();
            tracing::error!(
                task = name,
                has_panicked,
                times,
                pause_s,
                "a background task stopped: it is started again after a pause"
            );
            pause(wait).await;
        }
    }

    /// One line for each task that is stopped or keeps failing.
    #[must_use]
    pub fn failing(&self) -> Vec<String> {
        let now = self.clock.monotonic();
        let failing = self.lock();
        let lines = failing.iter().filter(|(_, one)| !one.is_steady(now)).map(|(name, one)| {
            let state = if one.running_since.is_some() { "was restarted" } else { "is down" };
            format!("{name} {state}, failures: {}", one.times)
        });
        lines.collect()
    }

    fn started(&self, name: &'static str) {
        let now = self.clock.monotonic();
        if let Some(one) = self.lock().get_mut(name) {
            one.running_since = Some(now);
        }
    }

    /// Counts a failure; returns its number, and the pause before the restart.
    fn stopped(&self, name: &'static str) -> (u32, Duration) {
        let now = self.clock.monotonic();
        let mut failing = self.lock();
        let one = failing.entry(name).or_insert(Failing { times: 0, running_since: None });
        one.times = if one.is_steady(now) { 1 } else { one.times.saturating_add(1) };
        one.running_since = None;
        (one.times, wait(one.times))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pause after this many failures.
fn wait(times: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << times.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

/// The result of a future; `None` if it panics. The panic itself is logged by the panic hook (`logging`).
pub async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::{
            Arc,
            atomic::{AtomicI64, AtomicU32, Ordering},
        },
    };

    use super::*;
    use crate::protocol::values::time::Timestamp;

    /// A supervisor whose monotonic time advances with the returned number.
    fn supervisor() -> (Supervisor, Arc<AtomicI64>) {
        let ahead = Arc::new(AtomicI64::new(0));
        let shown = ahead.clone();
        let clock = Clock::new(|| Timestamp::from_millis(0));
        let clock = clock.beside([Arc::new(move || shown.load(Ordering::SeqCst)), Arc::new(|| 0)]);
        (Supervisor::new(clock), ahead)
    }

    /// Polls once: a future that only waits for something available needs no runtime.
    async fn poll_once(work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            assert!(work.as_mut().poll(context).is_pending(), "a task is kept until it is dropped");
            Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn a_task_that_panics_is_started_again_and_seen_while_it_is_down() {
        let (supervisor, _) = supervisor();
        let runs = AtomicU32::new(0);
        let task = || async {
            assert!(runs.fetch_add(1, Ordering::SeqCst) >= 2, "a test");
            pending::<()>().await;
        };
        let seen = Mutex::new(Vec::new());
        let pause = async |wait: Duration| seen.lock().unwrap().push((wait.as_secs(), supervisor.failing()));
        poll_once(supervisor.keep("example", task, pause)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        let down = |times: u32| vec![format!("example is down, failures: {times}")];
        assert_eq!(*seen.lock().unwrap(), [(1, down(1)), (2, down(2))]);
        assert_eq!(supervisor.failing(), ["example was restarted, failures: 2"]);
    }

    #[tokio::test]
    async fn a_task_that_returns_is_started_again() {
        let (supervisor, _) = supervisor();
        let pauses = AtomicU32::new(0);
        let pause = async |_| {
            if pauses.fetch_add(1, Ordering::SeqCst) == 3 {
                pending::<()>().await;
            }
        };
        poll_once(supervisor.keep("example", || ready(()), pause)).await;
        assert_eq!(supervisor.failing(), ["example is down, failures: 4"]);
    }

    #[tokio::test]
    async fn a_task_that_panics_stops_no_other() {
        let (supervisor, _) = supervisor();
        let rounds = AtomicU32::new(0);
        let other = || async {
            loop {
                tokio::task::yield_now().await;
                rounds.fetch_add(1, Ordering::SeqCst);
            }
        };
        let watch = async {
            while rounds.load(Ordering::SeqCst) < 3 || supervisor.failing().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = supervisor.keep("broken", || async { panic!("a test") }, async |_| pending().await) => unreachable!(),
            () = supervisor.keep("other", other, async |_| pending().await) => unreachable!(),
            () = watch => {}
        }
        assert_eq!(supervisor.failing(), ["broken is down, failures: 1"]);
    }

    #[test]
    fn a_task_that_has_run_for_a_while_is_well_and_its_failures_are_forgotten() {
        let (supervisor, ahead) = supervisor();
        supervisor.started("example");
        assert!(supervisor.failing().is_empty());
        let seconds = |times: u32| (times, Duration::from_secs(1 << (times - 1)));
        assert_eq!([1, 2, 3].map(|_| supervisor.stopped("example")), [1, 2, 3].map(seconds));
        supervisor.started("example");
        assert_eq!(supervisor.failing(), ["example was restarted, failures: 3"]);
        ahead.fetch_add(STEADY.millis(), Ordering::SeqCst);
        assert!(supervisor.failing().is_empty());
        assert_eq!(supervisor.stopped("example"), seconds(1));
        ahead.fetch_add(STEADY.millis(), Ordering::SeqCst);
        assert_eq!(supervisor.failing(), ["example is down, failures: 1"], "however long");
    }

    #[test]
    fn the_pause_grows_to_a_minute() {
        assert_eq!([1, 2, 6, 7, 1000].map(|times| wait(times).as_secs()), [1, 2, 32, 60, 60]);
    }
}
