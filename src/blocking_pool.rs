//! The threads on which handlers run, as many as there are database connections, and the queue before them. Whoever waits does so
//! without a thread. Machines, users and the server itself wait in priorities of their own, which take turns, so that no flood of
//! one keeps the others waiting. Where a priority does not empty, those who have waited too long are turned away at once
//! (after `CoDel`, RFC 8289): what is accepted is answered soon, and a burst is not refused. One thread only reads: while commits
//! wait for a disk or a standby, tokens are still checked.

mod queue;

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use queue::{CANCELLED, Job, JobState, Queue};
use tokio::sync::oneshot;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Clients and resource servers, whose request writes.
    Clients,
    /// Resource servers and others whose request only reads.
    Reads,
    /// Browsers.
    Browsers,
    /// The server, and what goes on with something that was begun. Nobody is turned away here before the queue is full.
    Own,
    /// Whoever asks whether the server is ready, or for its keys: it only reads. Nobody is turned away here either.
    Health,
}

/// Why work was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// More came than could be done, for a while.
    #[error("server overloaded")]
    Overload,
    /// It did not begin within the time that the caller gave.
    #[error("all database connections were busy for too long")]
    QueueTimeout,
    /// It did not end within the time that the caller gave; it goes on.
    #[error("the database did not answer in time")]
    RunTimeout,
    /// It panicked.
    #[error("the request handler panicked")]
    Panicked,
}

/// With this many threads or more, one of them only reads.
const ENOUGH_FOR_A_READER: u32 = 3;

/// The threads and their queue; they end when this is dropped.
pub struct BlockingPool(Arc<Queue>);

impl BlockingPool {
    /// Starts so many threads, of which one only reads where there are enough.
    ///
    /// # Errors
    /// When the system does not give them.
    pub fn start(count: u32) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let pool = Self(queue.clone());
        for number in 0..count {
            let queue = queue.clone();
            let take = if number == 0 && count >= ENOUGH_FOR_A_READER { Queue::take_read } else { Queue::take };
            thread::Builder::new().name(format!("story-{number}")).spawn(move || queue.work(take))?;
        }
        Ok(pool)
    }

    /// Has work done in its turn: to be begun within the first time, and to end within the second after that. Work that was
    /// begun goes on when its caller leaves; what was not begun then never is.
    ///
    /// # Errors
    /// [`PoolError`].
    pub async fn run<T: Send + 'static>(
        &self,
        priority: Priority,
        (to_begin, to_end): (Duration, Duration),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let (sender, mut done) = oneshot::channel();
        let go = Box::new(move |is_due: bool| {
            let _ = sender.send(if is_due { Ok(work()) } else { Err(PoolError::Overload) }); // the caller may have left
        });
        let cancel = CancelOnDrop(Arc::new(JobState::default()));
        if !self.0.put(priority, Job { since: Instant::now(), job_state: cancel.0.clone(), go }) {
            return Err(PoolError::Overload);
        }
        let finished = match tokio::time::timeout(to_begin, &mut done).await {
            Ok(finished) => finished,
            Err(_) if cancel.0.transition(CANCELLED) => return Err(PoolError::QueueTimeout),
            Err(_) => tokio::time::timeout(to_end, done).await.map_err(|_| PoolError::RunTimeout)?,
        };
        finished.unwrap_or(Err(PoolError::Panicked))
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.wakeup.notify_all();
        self.0.readers.notify_all();
    }
}

/// A caller who leaves before the work was begun takes it along.
struct CancelOnDrop(Arc<JobState>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.transition(CANCELLED);
    }
}

#[cfg(test)]
#[path = "blocking_pool_tests.rs"]
mod tests;
