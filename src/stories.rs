//! The threads on which stories run, as many as there are database connections, and the queue before them. Whoever waits does so
//! without a thread. Machines, people and the server itself wait in lanes of their own, which take turns, so that no flood of
//! one keeps the others waiting. Where a lane does not empty, those who have waited too long are turned away at once
//! (after `CoDel`, RFC 8289): what is accepted is answered soon, and a burst is not refused. One thread only reads: while commits
//! wait for a disk or a standby, tokens are still checked.

mod queue;

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use queue::{IS_GONE, Job, Place, Queue};
use tokio::sync::oneshot;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Clients and resource servers, whose request writes.
    Machines,
    /// Resource servers and others whose request only reads.
    Reads,
    /// Browsers.
    People,
    /// The server, and what goes on with something that was begun. Nobody is turned away here before the queue is full.
    Own,
    /// Whoever asks whether the server is ready, or for its keys: it only reads. Nobody is turned away here either.
    Checks,
}

/// Why work was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More came than could be done, for a while.
    Overload,
    /// It did not begin within the time that the caller gave.
    TooLate,
    /// It did not end within the time that the caller gave; it goes on.
    Unfinished,
    /// It panicked.
    Died,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Overload => "more came than can be done",
            Self::TooLate => "every database connection was busy for too long",
            Self::Unfinished => "the database did not answer in time",
            Self::Died => "a story did not end",
        })
    }
}

/// With this many threads or more, one of them only reads.
const ENOUGH: u32 = 3;

/// The threads and their queue; they end when this is dropped.
pub struct Stories(Arc<Queue>);

impl Stories {
    /// Starts so many threads, of which one only reads where there are enough.
    ///
    /// # Errors
    /// When the system does not give them.
    pub fn start(count: u32) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let stories = Self(queue.clone());
        for number in 0..count {
            let queue = queue.clone();
            let take = if number == 0 && count >= ENOUGH { Queue::take_read } else { Queue::take };
            thread::Builder::new().name(format!("story-{number}")).spawn(move || queue.work(take))?;
        }
        Ok(stories)
    }

    /// Has work done in its turn: to be begun within the first time, and to end within the second after that. Work that was
    /// begun goes on when its caller leaves; what was not begun then never is.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        (to_begin, to_end): (Duration, Duration),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (told, mut done) = oneshot::channel();
        let go = Box::new(move |is_due: bool| {
            let _ = told.send(if is_due { Ok(work()) } else { Err(Refused::Overload) }); // the caller may have left
        });
        let leaving = Leaving(Arc::new(Place::default()));
        if !self.0.put(lane, Job { since: Instant::now(), place: leaving.0.clone(), go }) {
            return Err(Refused::Overload);
        }
        let finished = match tokio::time::timeout(to_begin, &mut done).await {
            Ok(finished) => finished,
            Err(_) if leaving.0.becomes(IS_GONE) => return Err(Refused::TooLate),
            Err(_) => tokio::time::timeout(to_end, done).await.map_err(|_| Refused::Unfinished)?,
        };
        finished.unwrap_or(Err(Refused::Died))
    }
}

impl Drop for Stories {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.bell.notify_all();
        self.0.readers.notify_all();
    }
}

/// A caller who leaves before the work was begun takes it along.
struct Leaving(Arc<Place>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.becomes(IS_GONE);
    }
}

#[cfg(test)]
#[path = "stories_tests.rs"]
mod tests;
