//! Wrong client secrets, counted by network and client in this process (RFC 6749 §2.3.1); a network, because an IPv6 caller has a
//! whole /64 of addresses. Only a caller who guesses wrong repeatedly is refused, and only for that client. The table is bounded:
//! when it is full, the least recently used window is evicted.

use std::{
    net::IpAddr,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use crate::protocol::values::{
    network,
    time::{Span, Timestamp},
};

/// The number of wrong secrets that are answered per window.
const ALLOWED: u32 = 20;
/// The length of a window.
const WINDOW: Span = Span::from_seconds(60);
/// The maximum number of windows.
const ENTRIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

type Windows = LruCache<(String, String), Window>;

/// The counters.
pub struct ClientAuthFailures(Mutex<Windows>);

impl Default for ClientAuthFailures {
    fn default() -> Self {
        Self(Mutex::new(LruCache::sparse(ENTRIES)))
    }
}

struct Window {
    began: Timestamp,
    wrong: u32,
}

impl ClientAuthFailures {
    fn lock(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seconds to wait, if too many wrong secrets came from the network of this address for this client.
    #[must_use]
    pub fn wait(&self, address: IpAddr, client_id: &str, now: Timestamp) -> Option<i64> {
        let mut counts = self.lock();
        let window = counts.get(&key(address, client_id)).filter(|window| !window.is_over(now))?;
        let left = WINDOW.millis() - now.since(window.began).millis();
        (window.wrong >= ALLOWED).then_some(left / 1000 + 1)
    }

    /// Counts a wrong secret.
    pub fn count(&self, address: IpAddr, client_id: &str, now: Timestamp) {
        let mut counts = self.lock();
        let window = counts.get_or_insert_mut(key(address, client_id), || Window { began: now, wrong: 0 });
        if window.is_over(now) {
            *window = Window { began: now, wrong: 0 };
        }
        window.wrong += 1;
    }
}

impl Window {
    /// Also true where it began in the future: the clock was set back, and nobody is refused until it has caught up.
    fn is_over(&self, now: Timestamp) -> bool {
        !now.age_of(self.began).is_below(WINDOW)
    }
}

/// The network, and the first characters of the id, up to a client id's length: ids sent by unknown callers take no more room.
fn key(address: IpAddr, client_id: &str) -> (String, String) {
    (network::subscriber(address), client_id.chars().take(100).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_turned_away_for_one_client_and_one_address_for_a_while() {
        let (client_auth_failures, here, there) =
            (ClientAuthFailures::default(), IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]));
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        for _ in 0..ALLOWED {
            assert_eq!(client_auth_failures.wait(here, "app", at(0)), None);
            client_auth_failures.count(here, "app", at(0));
        }
        assert_eq!(client_auth_failures.wait(here, "app", at(30)), Some(31));
        assert_eq!(client_auth_failures.wait(there, "app", at(30)), None);
        assert_eq!(client_auth_failures.wait(here, "other", at(30)), None);
        assert_eq!(client_auth_failures.wait(here, "app", at(60)), None);
    }

    #[test]
    fn the_addresses_of_an_ipv6_caller_are_counted_as_one() {
        let (client_auth_failures, now) = (ClientAuthFailures::default(), Timestamp::from_millis(0));
        let address = |n: u32| format!("2001:db8:1:2:3::{n:x}").parse::<IpAddr>().unwrap();
        for n in 0..ALLOWED {
            assert_eq!(client_auth_failures.wait(address(n), "app", now), None);
            client_auth_failures.count(address(n), "app", now);
        }
        assert_eq!(client_auth_failures.wait(address(99), "app", now), Some(61));
        assert_eq!(client_auth_failures.wait("2001:db8:1:3::1".parse().unwrap(), "app", now), None, "another network");
    }

    #[test]
    fn a_clock_that_is_set_back_refuses_nobody_for_longer() {
        let (client_auth_failures, here) = (ClientAuthFailures::default(), IpAddr::from([1, 1, 1, 1]));
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        (0..ALLOWED).for_each(|_| client_auth_failures.count(here, "app", at(3_600)));
        assert_eq!(client_auth_failures.wait(here, "app", at(3_595)), Some(61), "a little behind");
        assert_eq!(client_auth_failures.wait(here, "app", at(0)), None);
        (0..ALLOWED).for_each(|_| client_auth_failures.count(here, "app", at(0)));
        assert_eq!(client_auth_failures.wait(here, "app", at(1)), Some(60), "it is counted anew");
    }

    #[test]
    fn a_full_table_keeps_those_who_guess_on() {
        let (client_auth_failures, here, now) =
            (ClientAuthFailures::default(), IpAddr::from([1, 1, 1, 1]), Timestamp::from_millis(0));
        (0..ALLOWED).for_each(|_| client_auth_failures.count(here, "app", now));
        for n in 0..ENTRIES.get() * 2 {
            client_auth_failures.count(here, &n.to_string(), now);
            assert_eq!(client_auth_failures.wait(here, "app", now), Some(61), "after {n} others");
        }
        assert_eq!(client_auth_failures.lock().len(), ENTRIES.get());
    }

    #[test]
    fn a_panic_elsewhere_lets_nobody_guess_on() {
        let (client_auth_failures, here, now) =
            (ClientAuthFailures::default(), IpAddr::from([1, 1, 1, 1]), Timestamp::from_millis(0));
        (0..ALLOWED).for_each(|_| client_auth_failures.count(here, "app", now));
        let poisoned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = client_auth_failures.lock();
            panic!("a test");
        }));
        assert!(poisoned.is_err());
        assert_eq!(client_auth_failures.wait(here, "app", now), Some(61));
    }
}
