//! Where only one can write at a time (SQLite), those who wait for their turn go together: whoever is next does what all of them
//! want in one transaction, so that they wait for the disk once, and nobody polls for a lock.

use std::sync::{Arc, Mutex, PoisonError};

type Answer<A> = Arc<Mutex<Option<A>>>;

/// The turns of one kind of write: a wish, and its answer.
pub struct Turns<W, A> {
    waiting: Mutex<Vec<(W, Answer<A>)>>,
    writer: Mutex<()>,
}

impl<W, A> Default for Turns<W, A> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), writer: Mutex::default() }
    }
}

impl<W, A> Turns<W, A> {
    /// Has a wish fulfilled: by who is writing when this one waits, or by `fulfil`, along with the wishes of all who wait then.
    /// It answers all of them, in their order. `None` where whoever had this one in hand panicked.
    pub fn take(&self, wish: W, fulfil: impl FnOnce(&[W]) -> Vec<A>) -> Option<A> {
        let answer = Answer::default();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((wish, answer.clone()));
        let _turn = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = || answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(answer) = taken() {
            return Some(answer);
        }
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let (wishes, answers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        for (of_one, told) in answers.iter().zip(fulfil(&wishes)) {
            *of_one.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
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
        let (turns, transactions) = (Turns::default(), AtomicUsize::new(0));
        let fulfil = |wishes: &[usize]| {
            transactions.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
            wishes.iter().map(|wish| wish * 2).collect()
        };
        thread::scope(|scope| {
            for one in 0..8 {
                let (turns, fulfil) = (&turns, &fulfil);
                scope.spawn(move || {
                    for round in 0..25 {
                        let wish = one * 100 + round;
                        assert_eq!(turns.take(wish, fulfil), Some(wish * 2));
                    }
                });
            }
        });
        let transactions = transactions.into_inner();
        assert!(transactions < 150, "200 wishes took {transactions} transactions");
    }

    #[test]
    fn after_one_that_panicked_it_goes_on() {
        let turns: Turns<u32, u32> = Turns::default();
        let dies = || turns.take(1, |_| panic!("a test"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(dies)).is_err());
        assert_eq!(turns.take(2, <[u32]>::to_vec), Some(2));
        assert_eq!(turns.take(3, |_| Vec::new()), None);
    }
}
