//! Slowing down guesses without locking anyone out. An attempt is counted before the password is looked at, by
//! account and by address; the wait grows with each failure. A browser that has signed in as this person
//! before is counted apart: whoever guesses elsewhere does not slow the owner down (ASVS 6.1.1, 6.3.1).

use std::net::IpAddr;

use crate::{
    protocol::{
        id::Id,
        secrets::SecretRing,
        time::{Span, Timestamp},
    },
    store::{
        AnyConnection, Result,
        sign_in_failures::{self, Count},
    },
};

/// How a count turns into a wait.
#[derive(Clone, Copy, Debug)]
struct Slope {
    /// How many failures cost nothing.
    free: i64,
    /// The longest wait.
    ceiling: Span,
    /// After how long without a failure the count begins anew.
    forget_after: Span,
}

const ACCOUNT: Slope = Slope { free: 4, ceiling: Span::from_seconds(300), forget_after: Span::from_seconds(86_400) };
const ADDRESS: Slope = Slope { free: 30, ceiling: Span::from_seconds(120), forget_after: Span::from_seconds(900) };
/// NIST SP 800-63B-4 §3.2.2: no more than 100 failures in a row; from then on, one an hour.
const EXHAUSTED: (i64, Span) = (100, Span::from_seconds(3600));
/// How often a count that others change at the same time is tried again.
const TRIES: u32 = 5;

/// The counters one attempt is under. Their names are keyed hashes: the table tells neither people nor addresses.
pub struct Attempt {
    account: [u8; 32],
    /// None for a known browser: it has a counter of its own, as its account.
    address: Option<[u8; 32]>,
}

impl Attempt {
    /// An attempt to sign in as `person`, or under a name that nobody has.
    #[must_use]
    pub fn new(secrets: &SecretRing, person: Option<Id>, typed: &str, address: IpAddr, known_browser: Option<&str>) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        if let Some(browser) = known_browser {
            return Self { account: key("browser", browser), address: None };
        }
        let account =
            person.map_or_else(|| key("name", &typed.trim().to_lowercase()), |person| key("person", &person.to_string()));
        Self { account, address: Some(key("address", &network(address))) }
    }

    /// Counts the attempt. When it comes too soon nothing is counted, and the wait is returned in seconds.
    ///
    /// # Errors
    /// The database's.
    pub fn begin(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<Option<i64>> {
        let account = (self.account.as_slice(), ACCOUNT);
        let counters: Vec<_> = self.address.iter().map(|address| (address.as_slice(), ADDRESS)).chain([account]).collect();
        // Every wait before any count: whoever tries again at a slowed account does not slow their whole network down.
        for (key, slope) in &counters {
            if let Err(seconds) = next(sign_in_failures::find(connection, key)?, *slope, now) {
                return Ok(Some(seconds));
            }
        }
        for (key, slope) in counters {
            if let Some(seconds) = count(connection, key, slope, now)? {
                return Ok(Some(seconds));
            }
        }
        Ok(None)
    }

    /// The password was right: the account's count is over, the address gets this attempt back.
    ///
    /// # Errors
    /// The database's.
    pub fn succeeded(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
        sign_in_failures::clear(connection, &self.account)?;
        self.address.as_ref().map_or(Ok(()), |address| sign_in_failures::take_back(connection, address, now))
    }
}

fn count(connection: &mut AnyConnection, key: &[u8], slope: Slope, now: Timestamp) -> Result<Option<i64>> {
    for _ in 0..TRIES {
        let before = sign_in_failures::find(connection, key)?;
        match next(before, slope, now) {
            Err(seconds) => return Ok(Some(seconds)),
            Ok(after) if sign_in_failures::replace(connection, key, before, after)? => return Ok(None),
            Ok(_) => {}
        }
    }
    Ok(Some(1)) // so many at once: the next one may try in a second
}

/// The count with one more attempt, or the seconds to wait.
fn next(before: Option<Count>, slope: Slope, now: Timestamp) -> std::result::Result<Count, i64> {
    let before = before.unwrap_or_default();
    let wait = before.next_at - now.millis();
    // A wait longer than the longest is a clock that went back.
    if wait > 0 && wait <= EXHAUSTED.1.millis() {
        return Err(wait / 1000 + 1);
    }
    let quiet = now.since(Timestamp::from_millis(before.last_at));
    let failures = if quiet > slope.forget_after && before.failures < EXHAUSTED.0 { 1 } else { before.failures + 1 };
    let last_at = now.millis().max(before.last_at + 1); // tells two attempts of one millisecond apart
    Ok(Count { failures, last_at, next_at: now.millis() + wait_after(failures, slope).millis() })
}

/// How long to wait after so many failures: nothing, then one second, and twice as long each time.
fn wait_after(failures: i64, slope: Slope) -> Span {
    if failures >= EXHAUSTED.0 {
        return EXHAUSTED.1;
    }
    match u32::try_from(failures - slope.free) {
        Err(_) | Ok(0) => Span::ZERO,
        Ok(beyond) => Span::from_seconds(1u32 << (beyond - 1).min(12)).min(slope.ceiling),
    }
}

/// IPv6 callers have a whole /64 to themselves.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}", address.to_bits() >> 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_wait_grows_to_a_ceiling_and_never_locks_for_good() {
        let waits: Vec<_> =
            [1, 4, 5, 6, 7, 12, 13, 14, 99, 100, 5000].iter().map(|n| wait_after(*n, ACCOUNT).seconds()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 128, 256, 300, 300, 3600, 3600]);
    }

    #[test]
    fn too_soon_is_not_counted_and_quiet_is_forgotten() {
        let count = Count { failures: 6, last_at: 10_000, next_at: 12_000 };
        assert_eq!(next(Some(count), ACCOUNT, at(10_500)), Err(2));
        assert_eq!(next(Some(count), ACCOUNT, at(12_000)).map(|c| c.failures), Ok(7));
        assert_eq!(next(Some(count), ACCOUNT, at(90_000_000)).map(|c| c.failures), Ok(1));
        assert_eq!(next(None, ACCOUNT, at(5)), Ok(Count { failures: 1, last_at: 5, next_at: 5 }));
        assert!(next(Some(count), ACCOUNT, at(-10_000_000)).is_ok(), "a clock that went back");
    }

    #[test]
    fn one_counter_for_every_spelling_of_a_name() {
        let (person, here) = (Some(Id::from([1; 16])), IpAddr::from([1, 1, 1, 1]));
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let account = |typed: &str, person| Attempt::new(&secrets, person, typed, here, None).account;
        assert_eq!(account("alice", person), account("alice@example.com", person));
        assert_eq!(account("Nobody ", None), account("nobody", None));
        assert_ne!(Attempt::new(&secrets, person, "alice", here, Some("b")).account, account("alice", person));
        assert_eq!(network("2001:db8:1:2:3::4".parse().unwrap()), network("2001:db8:1:2:ffff::1".parse().unwrap()));
    }
}
