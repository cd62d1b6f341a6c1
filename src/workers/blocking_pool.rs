//! The blocking pool: the threads on which request handlers run, one per database connection, and the queue in front of them. A
//! waiting request holds no thread. Clients, browsers and the server itself each have a priority of their own; the pool serves the
//! priorities in turn, so that a flood in one does not starve the others. A priority whose queue does not drain sheds load (after
//! `CoDel`, RFC 8289): accepted requests are answered soon, and a short burst is not refused. One thread only reads: tokens are
//! still checked while commits wait for a disk or a standby.

mod queue;

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use queue::{CANCELLED, Job, JobState, Queue};
use tokio::sync::oneshot;

/// The priority of a request, by its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Clients and resource servers whose request writes.
    Clients,
    /// Resource servers and other callers whose request only reads.
    Reads,
    /// Browsers.
    Browsers,
    /// The server itself, and follow-up requests of a flow that has begun. Load is not shed here; only a full queue refuses.
    Internal,
    /// Readiness checks and requests for the public keys: reads only. Load is not shed here either.
    Health,
}

/// The reason why a job was not run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The pool has been overloaded for a while.
    #[error("server overloaded")]
    Overload,
    /// The job did not start within the time the caller allowed.
    #[error("all database connections were busy for too long")]
    QueueTimeout,
    /// The job did not finish within the time the caller allowed; it keeps running.
    #[error("the database did not answer in time")]
    RunTimeout,
    /// The job panicked.
    #[error("the request handler panicked")]
    Panicked,
}

/// The number of threads from which on one of them only reads.
const ENOUGH_FOR_A_READER: u32 = 3;

/// The threads and their queue; the threads end when the pool is dropped.
pub struct BlockingPool(Arc<Queue>);

impl BlockingPool {
    /// Starts `count` threads, one of which only reads if there are enough of them.
    ///
    /// # Errors
    /// When the system refuses to start a thread.
    pub fn start(count: u32) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let pool = Self(queue.clone());
        for number in 0..count {
            let queue = queue.clone();
            let take = if number == 0 && count >= ENOUGH_FOR_A_READER { Queue::take_read } else { Queue::take };
            thread::Builder::new().name(format!("worker-{number}")).spawn(move || queue.work(take))?;
        }
        Ok(pool)
    }

    /// Queues a job and waits for its result: it must start within the first duration and then finish within the second. A job that
    /// has started runs to its end even if its caller leaves; one that has not started is cancelled.
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
        if !self.0.put(priority, Job { since: Instant::now(), state: cancel.0.clone(), go }) {
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

/// Cancels a job that has not started when its caller leaves.
struct CancelOnDrop(Arc<JobState>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.transition(CANCELLED);
    }
}

#[cfg(test)]
#[path = "blocking_pool_tests.rs"]
mod tests;
