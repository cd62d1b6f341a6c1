//! The only reader of the system's clocks. It is a value that is handed around, so that a test moves time
//! instead of waiting for it: the time of day, the monotonic time beside it, and what the database's clock is taken to say.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::protocol::time::{Span, Timestamp};

/// Tells the time.
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

    /// A clock of one's own, beside the machine's monotonic time and the database's clock.
    #[must_use]
    pub fn new(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let running = Stopwatch::start();
        let monotonic = move || Span::from_millis(i64::try_from(running.elapsed().as_millis()).unwrap_or(i64::MAX));
        Self { now: Arc::new(tell), monotonic: Arc::new(monotonic), of_database: Arc::new(|read| read) }
    }

    /// The same clock, with monotonic time that is ahead by one number of milliseconds, and a database's clock by another.
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

    /// Monotonic time: only its differences mean anything. Nobody sets it, and it does not jump.
    #[must_use]
    pub fn monotonic(&self) -> Span {
        (self.monotonic)()
    }

    /// What is added to the database's time: nothing, but where a test moves time.
    #[must_use]
    pub fn shift(&self) -> i64 {
        self.of_database(Timestamp::from_millis(0)).millis()
    }

    /// What the database's clock is taken to say, where this was read from it.
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

/// Measures how long work takes, on the machine's own clock: for a budget of it. No rule depends on one.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// One that runs from here on.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// For how long it has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
