//! The threads that hash, as many as may do so at once, each with its own memory, which it keeps: what is given back to the
//! allocator after each hash is soon cut up by others, and taken anew from the system by the next.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use argon2::{Block, Params};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// More than this is not kept, in blocks of 1 KiB: hashes of former systems may need it, for a while.
const KEPT: usize = 256 * 1024;

/// What argon2 works on.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// So much of it as these parameters need.
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

/// The threads; they end when the last clone is dropped.
#[derive(Clone)]
pub struct Workers(mpsc::Sender<Job>);

impl Workers {
    /// Starts so many.
    ///
    /// # Errors
    /// When the system does not give a thread.
    pub fn start(count: u32) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..count {
            let receiver = receiver.clone();
            let next = move || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            thread::Builder::new().name(format!("password-{number}")).spawn(move || {
                let mut memory = Memory::default();
                while let Ok(job) = next() {
                    // Whoever waits for one that panics is told by its end of the channel.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
                }
            })?;
        }
        Ok(Self(sender))
    }

    /// Has work done in its turn; `None` where it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Option<T> {
        let (told, done) = oneshot::channel();
        let job = Box::new(move |memory: &mut Memory| {
            let _ = told.send(work(memory)); // the caller may have left
        });
        self.0.send(job).ok()?;
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
        let workers = Workers::start(1).unwrap();
        assert_eq!(workers.run(|_| 1).await, Some(1));
        assert_eq!(workers.run(|_| -> u32 { panic!("a test") }).await, None);
        assert_eq!(workers.run(|_| thread::current().name().map(str::to_owned)).await.flatten().as_deref(), Some("password-0"));
    }
}
