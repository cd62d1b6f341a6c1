//! The refusals of clients, counted in memory and written asynchronously, many at once: a flood of bad requests costs one small
//! transaction per second. Bounded; what is over the bound is not counted, as the log has every one.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    protocol::oauth::client_refusal::ClientRefusal,
    store::{AnyConnection, Result, client_refusals},
};

/// The maximum number of different refusals that wait.
const WAITING: usize = 200;

/// The refusals that wait to be written, each under its key.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<[u8; 32], ClientRefusal>>);

impl Refusals {
    /// Counts a refusal.
    pub fn add(&self, refusal: ClientRefusal) {
        let (mut waiting, key) = (self.waiting(), refusal.key());
        if let Some(same) = waiting.get_mut(&key) {
            same.count = same.count.saturating_add(refusal.count);
            same.last_at = same.last_at.max(refusal.last_at);
        } else if waiting.len() < WAITING {
            waiting.insert(key, refusal);
        }
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// Writes those that wait. If the database fails, they go on waiting.
    ///
    /// # Errors
    /// When the database fails.
    pub fn flush(&self, connection: &mut AnyConnection) -> Result<()> {
        let taken: Vec<_> = mem::take(&mut *self.waiting()).into_values().collect();
        if taken.is_empty() {
            return Ok(());
        }
        let written = client_refusals::add(connection, &taken);
        if written.is_err() {
            for refusal in taken {
                self.add(refusal);
            }
        }
        written
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<[u8; 32], ClientRefusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::values::time::Timestamp;

    #[test]
    fn the_same_is_counted_and_others_are_bounded() {
        let (refusals, at) = (Refusals::default(), Timestamp::from_millis);
        for number in 0..WAITING + 5 {
            refusals.add(ClientRefusal::new("app", "/token", &format!("invalid_scope: {number}"), at(1)));
            refusals.add(ClientRefusal::new("app", "/token", "invalid_grant", at(i64::try_from(number).unwrap())));
        }
        let waiting = refusals.waiting();
        assert_eq!(waiting.len(), WAITING);
        let same = waiting.values().find(|refusal| refusal.error == "invalid_grant").unwrap();
        assert_eq!((same.count, same.last_at), (205, at(204)));
    }
}
