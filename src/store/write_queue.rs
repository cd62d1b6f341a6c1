//! A queue for writes to SQLite, where only one connection can write at a time: the threads of this process wait on a lock of their
//! own, instead of polling the file's. Writes of the same kind are grouped: the next thread performs all queued ones in one
//! transaction, so that they wait for the disk once.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
};

/// The write lock of this process.
pub type Writer = Arc<Mutex<()>>;

thread_local! {
    /// The write lock of the database this thread works with; `None` if it allows many writers.
    static WRITER: RefCell<Option<Writer>> = const { RefCell::new(None) };
}

/// Does work with a database that has this lock.
pub fn of<T>(writer: Option<&Writer>, work: impl FnOnce() -> T) -> T {
    /// Also where the work panics.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            WRITER.set(None);
        }
    }
    WRITER.set(writer.cloned());
    let _over = Over;
    work()
}

/// Does work while this thread holds the write lock; reentrant.
pub fn alone<T>(work: impl FnOnce() -> T) -> T {
    let Some(writer) = WRITER.take() else { return work() };
    let done = {
        let _guard = writer.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    };
    WRITER.set(Some(writer));
    done
}

type Answer<A> = Arc<Mutex<Option<A>>>;

/// A queue of one kind of write: requests and their answers.
pub struct WriteQueue<W, A> {
    waiting: Mutex<Vec<(W, Answer<A>)>>,
    writer: Writer,
}

impl<W, A> WriteQueue<W, A> {
    /// A queue under this write lock.
    pub fn new(writer: Writer) -> Self {
        Self { waiting: Mutex::default(), writer }
    }

    /// Performs a write: by the thread that is writing while this one waits, or by `fulfil`, grouped with all requests queued at
    /// that time. `fulfil` answers all of them, in order. `None` if the thread that performed this request panicked.
    pub fn take(&self, wish: W, fulfil: impl FnOnce(&[W]) -> Vec<A>) -> Option<A> {
        let answer = Answer::default();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((wish, answer.clone()));
        let _guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = || answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(answer) = taken() {
            return Some(answer);
        }
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let (wishes, answers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let writer = WRITER.take(); // it already holds the lock
        let outcomes = fulfil(&wishes);
        WRITER.set(writer);
        for (of_one, outcomes) in answers.iter().zip(outcomes) {
            *of_one.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcomes);
        }
        taken()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use super::*;

    #[test]
    fn everyone_gets_their_own_answer_and_many_go_together() {
        let (queue, transactions) = (WriteQueue::new(Writer::default()), AtomicUsize::new(0));
        let fulfil = |wishes: &[usize]| {
            transactions.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
            wishes.iter().map(|wish| wish * 2).collect()
        };
        thread::scope(|scope| {
            for one in 0..8 {
                let (queue, fulfil) = (&queue, &fulfil);
                scope.spawn(move || {
                    for round in 0..25 {
                        let wish = one * 100 + round;
                        assert_eq!(queue.take(wish, fulfil), Some(wish * 2));
                    }
                });
            }
        });
        let transactions = transactions.into_inner();
        assert!(transactions < 200, "200 wishes took {transactions} transactions");
    }

    #[test]
    fn one_writes_at_a_time_and_wishes_wait_for_those_who_write_alone() {
        let writer = Writer::default();
        let (queue, inside) = (WriteQueue::new(writer.clone()), AtomicUsize::new(0));
        let work = || {
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
        };
        thread::scope(|scope| {
            for one in 0..4 {
                let (queue, writer, work) = (&queue, &writer, &work);
                scope.spawn(move || {
                    for _ in 0..100 {
                        if one % 2 == 0 {
                            of(Some(writer), || alone(work));
                        } else {
                            let all = |wishes: &[()]| {
                                work();
                                wishes.to_vec()
                            };
                            assert_eq!(queue.take((), all), Some(()));
                        }
                    }
                });
            }
        });
        of(None, || alone(|| ()));
    }

    #[test]
    fn after_one_that_panicked_it_goes_on() {
        let queue: WriteQueue<u32, u32> = WriteQueue::new(Writer::default());
        let dies = || queue.take(1, |_| panic!("a test"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(dies)).is_err());
        assert_eq!(queue.take(2, <[u32]>::to_vec), Some(2));
        assert_eq!(queue.take(3, |_| Vec::new()), None);
    }
}
