//! Attempts at passwords that this process has in hand. Those that would be counted together take turns: a right password ends a
//! count, so that what waits behind it is not refused for attempts that were never wrong, and no wrong one slips by while others
//! are being verified. Nothing here is needed by another process: counts that hold for all of them are in the database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What takes turns: a keyed hash.
type Key = [u8; 32];

/// How many attempts wait in the whole process at most, each of them a request without a thread or a connection.
const PLACES: usize = 4096;

/// How many attempts of one kind there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many at once.
    pub at_once: usize,
    /// So many that wait.
    pub waiting: usize,
}

/// The attempts in hand, by what takes turns.
#[derive(Clone)]
pub struct Attempts {
    lines: Arc<Mutex<HashMap<Key, Line>>>,
    places: Arc<Semaphore>,
}

struct Line {
    turns: Arc<Semaphore>,
    /// Those whose turn it is, and those who wait.
    members: usize,
}

/// A turn, until it is dropped.
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    _member: Member,
}

/// Someone in a line. The last one to leave takes the line away.
struct Member {
    key: Key,
    attempts: Attempts,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { lines: Arc::default(), places: Arc::new(Semaphore::new(PLACES)) }
    }
}

impl Attempts {
    /// Waits for a turn, for as long as `patience`; `None` where too many wait, or it takes too long.
    pub async fn turn(&self, key: Key, limits: Limits, patience: Duration) -> Option<Turn> {
        let (member, turns) = self.join(key, limits)?;
        let permit = if let Ok(permit) = turns.clone().try_acquire_owned() {
            permit
        } else {
            let _place = self.places.try_acquire().ok()?;
            tokio::time::timeout(patience, turns.acquire_owned()).await.ok()?.ok()?
        };
        Some(Turn { _permit: permit, _member: member })
    }

    fn join(&self, key: Key, limits: Limits) -> Option<(Member, Arc<Semaphore>)> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Line { turns: Arc::new(Semaphore::new(limits.at_once)), members: 0 };
        let line = lines.entry(key).or_insert_with(new);
        if line.members >= limits.at_once + limits.waiting {
            return None;
        }
        line.members += 1;
        Some((Member { key, attempts: self.clone() }, line.turns.clone()))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut lines = self.attempts.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get_mut(&self.key) {
            line.members -= 1;
            if line.members == 0 {
                lines.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const ONE: Limits = Limits { at_once: 1, waiting: 2 };
    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn one_at_a_time_and_others_not_at_all() {
        let (attempts, inside) = (Attempts::default(), AtomicUsize::new(0));
        let work = async || {
            let Some(_turn) = attempts.turn([1; 32], ONE, LONG).await else { return false };
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            tokio::task::yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
            true
        };
        let (first, second, third, fourth) = tokio::join!(work(), work(), work(), work());
        assert_eq!([first, second, third, fourth], [true, true, true, false], "two wait, a third does not");
        assert!(attempts.lines.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_and_whoever_leaves_makes_room() {
        let attempts = Attempts::default();
        let turn = attempts.turn([1; 32], ONE, SHORT).await;
        assert!(turn.is_some() && attempts.turn([1; 32], ONE, SHORT).await.is_none());
        assert!(attempts.turn([2; 32], ONE, SHORT).await.is_some(), "another line");
        drop(turn);
        assert!(attempts.turn([1; 32], ONE, SHORT).await.is_some());
        assert!(attempts.lines.lock().unwrap().is_empty());
    }
}
