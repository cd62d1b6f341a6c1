//! The threads that hash passwords, as many as may do so at once, each with its own memory, which it keeps while there is work:
//! memory freed after each hash would be fragmented by other allocations, and requested from the system again by the next.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use argon2::{Block, Params};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The maximum memory kept, in blocks of 1 KiB: imported hashes may need more for a while.
const KEPT: usize = 256 * 1024;

/// The working memory of argon2.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// The part of it that these parameters need.
    pub fn of(&mut self, params: &Params) -> &mut [Block] {
        let count = params.block_count();
        if self.0.len() > count.max(KEPT) {
            self.0 = Vec::new();
        }
        if self.0.len() < count {
            self.0.resize(count, Block::default());
        }
        self.0.get_mut(..count).unwrap_or_default()
    }
}

#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    wakeup: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    is_closed: bool,
}

impl Queue {
    /// Runs jobs until the queue is closed. Memory that is idle for a while is freed.
    fn work(&self, idle: Duration) {
        let mut memory = Memory::default();
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                drop(jobs);
                // The caller of a job that panics learns of it by the closed channel.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
                jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            } else if jobs.is_closed {
                return;
            } else if memory.0.is_empty() {
                jobs = self.wakeup.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.wakeup.wait_timeout(jobs, idle).unwrap_or_else(PoisonError::into_inner);
                jobs = waited.0;
                if waited.1.timed_out() && jobs.waiting.is_empty() {
                    memory = Memory::default();
                }
            }
        }
    }
}

/// The worker threads; they end when the last clone is dropped.
#[derive(Clone)]
pub struct Workers(Arc<Crew>);

struct Crew(Arc<Queue>);

impl Drop for Crew {
    fn drop(&mut self) {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.0.wakeup.notify_all();
    }
}

impl Workers {
    /// Starts `count` threads, which free their memory after being idle for this long.
    ///
    /// # Errors
    /// When the system refuses to start a thread.
    pub fn start(count: u32, idle: Duration) -> io::Result<Self> {
        let workers = Self(Arc::new(Crew(Arc::default())));
        for number in 0..count {
            let queue = workers.0.0.clone();
            thread::Builder::new().name(format!("password-{number}")).spawn(move || queue.work(idle))?;
        }
        Ok(workers)
    }

    /// Runs a job in its turn; `None` if it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Option<T> {
        let (sender, done) = oneshot::channel();
        let job = Box::new(move |memory: &mut Memory| {
            let _ = sender.send(work(memory)); // the caller may have left
        });
        self.0.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).waiting.push_back(job);
        self.0.0.wakeup.notify_one();
        done.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_but_not_without_bound() {
        let params = |kib: u32| Params::new(kib, 1, 1, None).unwrap();
        let mut memory = Memory::default();
        assert_eq!(memory.of(&params(64)).len(), 64);
        assert_eq!((memory.of(&params(8)).len(), memory.0.len()), (8, 64));
        memory.0.resize(KEPT + 1, Block::default());
        assert_eq!((memory.of(&params(8)).len(), memory.0.len()), (8, 8));
    }

    #[tokio::test]
    async fn work_goes_on_after_one_that_panics() {
        let workers = Workers::start(1, Duration::from_mins(1)).unwrap();
        assert_eq!(workers.run(|_| 1).await, Some(1));
        assert_eq!(workers.run(|_| -> u32 { panic!("a test") }).await, None);
        assert_eq!(workers.run(|_| thread::current().name().map(str::to_owned)).await.flatten().as_deref(), Some("password-0"));
    }

    #[tokio::test]
    async fn memory_that_nobody_needs_is_given_back() {
        let workers = Workers::start(1, Duration::from_millis(1)).unwrap();
        let params = Params::new(64, 1, 1, None).unwrap();
        assert_eq!(workers.run(move |memory| memory.of(&params).len()).await, Some(64));
        while workers.run(|memory| memory.0.capacity()).await != Some(0) {
            thread::sleep(Duration::from_millis(2));
        }
    }
}
