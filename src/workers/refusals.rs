//! The refusals of clients, counted in memory and written asynchronously, many at once. Anyone can cause them: those of one client that
//! wait are bounded, so that it does not displace others, and so are all together. What is over a bound is not counted, as the log has
//! every one.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    protocol::oauth::client_refusal::ClientRefusal,
    store::{AnyConnection, Result, client_refusals},
};

/// The maximum number of different refusals of one client that wait.
const OF_ONE_CLIENT: usize = 20;
/// The maximum number of clients of which refusals wait.
const CLIENTS: usize = 20;

type Waiting = HashMap<String, HashMap<[u8; 32], ClientRefusal>>;

/// The refusals that wait to be written: by client, each under its key.
#[derive(Default)]
pub struct Refusals(Mutex<Waiting>);

impl Refusals {
    /// Counts a refusal.
    pub fn add(&self, refusal: ClientRefusal) {
        let mut waiting = self.waiting();
        if waiting.len() >= CLIENTS && !waiting.contains_key(&refusal.client_id) {
            return;
        }
        let (of_client, key) = (waiting.entry(refusal.client_id.clone()).or_default(), refusal.key());
        if let Some(same) = of_client.get_mut(&key) {
            same.count = same.count.saturating_add(refusal.count);
            same.last_at = same.last_at.max(refusal.last_at);
        } else if of_client.len() < OF_ONE_CLIENT {
            of_client.insert(key, refusal);
        }
    }

    /// Writes those that wait. If the database fails, they go on waiting.
    ///
    /// # Errors
    /// When the database fails.
    pub fn flush(&self, connection: &mut AnyConnection) -> Result<()> {
        let taken: Vec<_> = mem::take(&mut *self.waiting()).into_values().flat_map(HashMap::into_values).collect();
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

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{oauth::client_refusal::Reason, values::time::Timestamp};

    fn refusal(client: &str, error: &str, at: i64) -> ClientRefusal {
        let reason = Reason { error: error.into(), remedy: None, redirect_uri: None };
        ClientRefusal::new(client, "/token", reason, Timestamp::from_millis(at))
    }

    #[test]
    fn the_same_is_counted_and_others_are_bounded() {
        let refusals = Refusals::default();
        for number in 0..OF_ONE_CLIENT + 5 {
            refusals.add(refusal("app", "invalid_grant", i64::try_from(number).unwrap()));
            refusals.add(refusal("app", &format!("invalid_scope: {number}"), 1));
            refusals.add(refusal(&format!("client-{number}"), "invalid_grant", 1));
        }
        let waiting = refusals.waiting();
        assert_eq!((waiting.len(), waiting["app"].len()), (CLIENTS, OF_ONE_CLIENT));
        let same = waiting["app"].values().find(|refusal| refusal.reason.error == "invalid_grant").unwrap();
        assert_eq!((same.count, same.last_at.millis()), (25, 24));
    }
}
