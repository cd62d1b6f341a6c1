//! The clock: the only reader of the system's clocks, passed around as a value, so that a test moves time instead of waiting. It
//! gives the time of day, monotonic time, and the time that the database's clock is taken to show.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::protocol::values::time::{Span, Timestamp};

/// A source of time.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    monotonic: Arc<dyn Fn() -> Span + Send + Sync>,
    of_database: Arc<dyn Fn(Timestamp) -> Timestamp + Send + Sync>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| {
            let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => millis(since),
                Err(before) => -millis(before.duration()),
            })
        })
    }

    /// A custom clock, with the machine's monotonic time and the database's clock.
    #[must_use]
    pub fn new(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let running = Stopwatch::start();
        let monotonic = move || Span::from_millis(i64::try_from(running.elapsed().as_millis()).unwrap_or(i64::MAX));
        Self { now: Arc::new(tell), monotonic: Arc::new(monotonic), of_database: Arc::new(|read| read) }
    }

    /// The same clock, with its monotonic time and its database's clock ahead by these numbers of milliseconds.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn beside(self, [monotonic, database]: [Arc<dyn Fn() -> i64 + Send + Sync>; 2]) -> Self {
        let running = self.monotonic;
        Self {
            now: self.now,
            monotonic: Arc::new(move || Span::from_millis(running().millis().saturating_add(monotonic()))),
            of_database: Arc::new(move |read| Timestamp::from_millis(read.millis().saturating_add(database()))),
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Monotonic time: only differences are meaningful. It is never set, and does not jump.
    #[must_use]
    pub fn monotonic(&self) -> Span {
        (self.monotonic)()
    }

    /// The offset added to the database's time: zero, except where a test moves time.
    #[must_use]
    pub fn shift(&self) -> i64 {
        self.of_database(Timestamp::from_millis(0)).millis()
    }

    /// The time that the database's clock is taken to show, where `read` was read from it.
    #[must_use]
    pub fn of_database(&self, read: Timestamp) -> Timestamp {
        (self.of_database)(read)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// A stopwatch on the machine's own clock, for time budgets. No rule depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// A stopwatch that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since its start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
