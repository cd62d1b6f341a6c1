//! Password attempts in progress in this process. Attempts that share a counter take turns: a right password resets the counter, so
//! that attempts queued behind it are not refused for guesses that were never wrong, and no wrong guess slips by while others are
//! being verified. Limits that hold across processes are counters in the database. A waiting attempt holds its own request and
//! connection, which are bounded (`server::connections`), but no thread, and leaves with the connection. Only attempts waiting for
//! verification have been admitted already, and stay.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use crate::random;

/// The key of attempts that share a counter: a keyed hash.
type Key = [u8; 32];

/// The limits on attempts of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number verified at once.
    pub at_once: usize,
    /// The maximum number waiting.
    pub waiting: usize,
    /// The order of waiting attempts.
    pub next: Next,
}

/// The attempt that is next when a permit is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// First come, first served.
    First,
    /// At random, so that a caller who keeps attempts waiting all the time is not preferred to everyone else.
    Any,
}

/// The attempts, by key.
#[derive(Clone, Default)]
pub struct Attempts(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lines: Mutex<HashMap<Key, Queue>>,
    numbers: AtomicU64,
}

#[derive(Default)]
struct Queue {
    /// The number of permits held.
    busy: usize,
    /// The waiting attempts, in order of arrival.
    waiting: Vec<Waiting>,
}

struct Waiting {
    number: u64,
    next: Next,
    permit: oneshot::Sender<Permit>,
}

/// A permit for one attempt; on drop it passes to the next.
pub struct Permit {
    key: Key,
    attempts: Attempts,
}

/// A waiting attempt, until it has a permit or leaves.
struct Waiter {
    key: Key,
    number: u64,
    attempts: Attempts,
}

impl Attempts {
    /// A permit, if one is free now.
    #[must_use]
    pub fn try_acquire(&self, key: Key, limits: Limits) -> Option<Permit> {
        let mut lines = self.lines();
        let line = lines.entry(key).or_default();
        if line.busy >= limits.at_once {
            return None;
        }
        line.busy += 1;
        drop(lines);
        Some(Permit { key, attempts: self.clone() })
    }

    /// Waits for a permit, up to `patience`; `None` if too many are waiting, or on timeout.
    pub async fn acquire(&self, key: Key, limits: Limits, patience: Duration) -> Option<Permit> {
        if let Some(permit) = self.try_acquire(key, limits) {
            return Some(permit);
        }
        let (place, mut permit) = self.join(key, limits)?;
        let came = tokio::time::timeout(patience, &mut permit).await;
        drop(place);
        match came {
            Ok(permit) => permit.ok(),
            Err(_) => permit.try_recv().ok(), // the permit may have arrived at the last moment
        }
    }

    /// The number of waiting attempts, of all kinds.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lines().values().map(|line| line.waiting.len()).sum()
    }

    fn join(&self, key: Key, limits: Limits) -> Option<(Waiter, oneshot::Receiver<Permit>)> {
        let (permit, receiver) = oneshot::channel();
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let mut lines = self.lines();
        let line = lines.entry(key).or_default();
        if line.busy < limits.at_once {
            // A permit became free just now.
            line.busy += 1;
            drop(lines);
            let _ = permit.send(Permit { key, attempts: self.clone() }); // nobody has dropped the receiver yet
        } else if line.waiting.len() < limits.waiting {
            line.waiting.push(Waiting { number, next: limits.next, permit });
        } else {
            return None;
        }
        Some((Waiter { key, number, attempts: self.clone() }, receiver))
    }

    /// Passes the released permit to the next waiting attempt; without one, the key's entry is removed after its last permit.
    fn leave(&self, key: Key) {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(&key) else { return };
        let Some(first) = line.waiting.first() else {
            line.busy = line.busy.saturating_sub(1);
            if line.busy == 0 {
                lines.remove(&key);
            }
            return;
        };
        let index = match first.next {
            Next::First => 0,
            Next::Any => random::below(line.waiting.len()),
        };
        let next = line.waiting.remove(index);
        drop(lines);
        // If the receiver has just left, the permit is dropped here, and passes to the next one.
        drop(next.permit.send(Permit { key, attempts: self.clone() }));
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Key, Queue>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.attempts.leave(self.key);
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(line) = self.attempts.lines().get_mut(&self.key) {
            line.waiting.retain(|waiting| waiting.number != self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const ONE: Limits = Limits { at_once: 1, waiting: 2, next: Next::First };
    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn one_at_a_time_and_others_not_at_all() {
        for next in [Next::First, Next::Any] {
            let (attempts, inside) = (Attempts::default(), AtomicUsize::new(0));
            let work = async || {
                let Some(_permit) = attempts.acquire([1; 32], Limits { next, ..ONE }, LONG).await else { return false };
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                true
            };
            let (first, second, third, fourth) = tokio::join!(work(), work(), work(), work());
            assert_eq!([first, second, third, fourth], [true, true, true, false], "two wait, a third does not");
            assert!(attempts.lines().is_empty());
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_and_whoever_leaves_makes_room() {
        let attempts = Attempts::default();
        let permit = attempts.acquire([1; 32], ONE, SHORT).await;
        assert!(permit.is_some() && attempts.acquire([1; 32], ONE, SHORT).await.is_none());
        assert!(attempts.try_acquire([1; 32], ONE).is_none());
        assert!(attempts.acquire([2; 32], ONE, SHORT).await.is_some(), "another line");
        drop(permit);
        assert!(attempts.acquire([1; 32], ONE, SHORT).await.is_some());
        assert!(attempts.lines().is_empty());
    }

    #[tokio::test]
    async fn a_turn_that_comes_as_its_waiter_leaves_goes_to_the_next() {
        let attempts = Attempts::default();
        let permit = attempts.try_acquire([1; 32], ONE).unwrap();
        let (place, receiver) = attempts.join([1; 32], ONE).unwrap();
        let second = tokio::spawn({
            let attempts = attempts.clone();
            async move { attempts.acquire([1; 32], ONE, LONG).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(receiver); // gone, but still queued
        drop(permit);
        assert!(second.await.unwrap());
        drop(place);
        assert!(attempts.lines().is_empty());
    }

    #[tokio::test]
    async fn by_lot_the_last_is_not_always_last() {
        let attempts = Attempts::default();
        let limits = Limits { at_once: 1, waiting: 9, next: Next::Any };
        let mut firsts = 0;
        for _ in 0..200 {
            let permit = attempts.try_acquire([1; 32], limits).unwrap();
            let mut all: Vec<_> = (0..2).map(|_| attempts.join([1; 32], limits).unwrap()).collect();
            drop(permit);
            firsts += usize::from(all[0].1.try_recv().is_ok());
            all.clear();
            assert!(attempts.lines().is_empty());
        }
        assert!((50..150).contains(&firsts), "{firsts}");
    }
}
