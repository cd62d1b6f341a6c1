//! Wrong client secrets, counted by address and client in this process (RFC 6749 §2.3.1). Only who guesses
//! wrong again and again is turned away, and only for that client. The table is bounded: when it is full, it
//! is emptied of windows that are over, and then altogether.

use std::{collections::HashMap, net::IpAddr, sync::Mutex};

use crate::protocol::time::{Span, Timestamp};

/// How many wrong secrets in one window are answered.
const ALLOWED: u32 = 20;
/// How long a window is.
const WINDOW: Span = Span::from_seconds(60);
/// How many windows are kept.
const ENTRIES: usize = 10_000;

/// The counts.
#[derive(Default)]
pub struct Guesses(Mutex<HashMap<(IpAddr, String), Window>>);

struct Window {
    began: Timestamp,
    wrong: u32,
}

impl Guesses {
    /// How many seconds to wait, where too many wrong secrets came from this address for this client.
    #[must_use]
    pub fn wait(&self, address: IpAddr, client_id: &str, now: Timestamp) -> Option<i64> {
        let counts = self.0.lock().ok()?;
        let window = counts.get(&(address, known(client_id)))?;
        let left = WINDOW.millis() - now.since(window.began).millis();
        (window.wrong >= ALLOWED && left > 0).then_some(left / 1000 + 1)
    }

    /// Counts a wrong secret.
    pub fn count(&self, address: IpAddr, client_id: &str, now: Timestamp) {
        let Ok(mut counts) = self.0.lock() else { return };
        let is_over = |window: &Window| now.since(window.began) >= WINDOW;
        if counts.len() >= ENTRIES {
            counts.retain(|_, window| !is_over(window));
            if counts.len() >= ENTRIES {
                counts.clear();
            }
        }
        let window = counts.entry((address, known(client_id))).or_insert(Window { began: now, wrong: 0 });
        if is_over(window) {
            *window = Window { began: now, wrong: 0 };
        }
        window.wrong += 1;
    }
}

/// As much of an id as a client can have: what strangers send takes no more room.
fn known(client_id: &str) -> String {
    client_id.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_turned_away_for_one_client_and_one_address_for_a_while() {
        let (guesses, here, there) = (Guesses::default(), IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]));
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        for _ in 0..ALLOWED {
            assert_eq!(guesses.wait(here, "app", at(0)), None);
            guesses.count(here, "app", at(0));
        }
        assert_eq!(guesses.wait(here, "app", at(30)), Some(31));
        assert_eq!(guesses.wait(there, "app", at(30)), None);
        assert_eq!(guesses.wait(here, "other", at(30)), None);
        assert_eq!(guesses.wait(here, "app", at(60)), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let guesses = Guesses::default();
        for n in 0..=ENTRIES * 2 {
            guesses.count(IpAddr::from([1, 1, 1, 1]), &n.to_string(), Timestamp::from_millis(0));
        }
        assert!(guesses.0.lock().unwrap().len() <= ENTRIES);
    }
}
