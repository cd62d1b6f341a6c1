//! Where only one can write at a time (SQLite), the threads of this process wait for their turn in a lock of their own, instead
//! of polling for that of the file. Those who wish for the same go together: whoever is next does what all of them want in one
//! transaction, so that they wait for the disk once.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
};

/// The lock of those who write.
pub type Writer = Arc<Mutex<()>>;

thread_local! {
    /// That of the database with which this thread works; none where many can write.
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

/// Does work in this thread's turn to write; within a turn that it has already.
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

/// The turns of one kind of write: a wish, and its answer.
pub struct WriteQueue<W, A> {
    waiting: Mutex<Vec<(W, Answer<A>)>>,
    writer: Writer,
}

impl<W, A> WriteQueue<W, A> {
    /// Turns of those who write under this lock.
    pub fn new(writer: Writer) -> Self {
        Self { waiting: Mutex::default(), writer }
    }

    /// Has a wish fulfilled: by who is writing when this one waits, or by `fulfil`, along with the wishes of all who wait then.
    /// It answers all of them, in their order. `None` where whoever had this one in hand panicked.
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
        let writer = WRITER.take(); // it has its turn
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
