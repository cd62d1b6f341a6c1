//! The clocks that a test's server uses, and moving them: all together, or one clock that is set to another time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use symbolon::testing::{clock::Clock, protocol::values::time::Timestamp};

use super::Server;

/// The offsets of a server's clocks in milliseconds: its own, monotonic time, and the database's.
#[derive(Default)]
pub struct Offsets {
    clock: AtomicI64,
    monotonic: AtomicI64,
    database: AtomicI64,
}

impl Offsets {
    /// All clocks moved by this many seconds.
    pub fn all(seconds: i64) -> Arc<Self> {
        let offsets = Self::default();
        offsets.each().into_iter().for_each(|offset| offset.store(1000 * seconds, Ordering::SeqCst));
        Arc::new(offsets)
    }

    /// The current offsets, with the server's own clock further ahead.
    pub fn apart(&self, seconds: i64) -> Arc<Self> {
        let [clock, monotonic, database] = self.each().map(|offset| offset.load(Ordering::SeqCst));
        let [clock, monotonic, database] = [clock + 1000 * seconds, monotonic, database].map(AtomicI64::new);
        Arc::new(Self { clock, monotonic, database })
    }

    fn each(&self) -> [&AtomicI64; 3] {
        [&self.clock, &self.monotonic, &self.database]
    }

    pub fn clock(self: &Arc<Self>) -> Clock {
        let [own, monotonic, database] = [(); 3].map(|()| self.clone());
        let received = move || Timestamp::from_millis(Clock::system().now().millis() + own.clock.load(Ordering::SeqCst));
        Clock::new(received).beside([
            Arc::new(move || monotonic.monotonic.load(Ordering::SeqCst)),
            Arc::new(move || database.database.load(Ordering::SeqCst)),
        ])
    }
}

impl Server {
    /// Moves all clocks.
    pub fn advance(&self, seconds: i64) {
        for offset in self.offsets.each() {
            offset.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }

    /// Sets the clock of the server's machine alone to another time.
    pub fn step_clock(&self, seconds: i64) {
        self.offsets.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// As [`Server::step_clock`], where the database runs on the same machine.
    pub fn step_machine(&self, seconds: i64) {
        self.step_clock(seconds);
        self.offsets.database.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}
