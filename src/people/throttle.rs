//! Slowing down guesses, and letters that strangers ask for, without locking anyone out (ASVS 6.1.1, 6.3.1). An attempt is
//! counted before the password is looked at: by address, by name and address, and by person. The first two tell how long to wait.
//! The third, which no one else's guesses may hold for long, only refuses, in the words of a wrong password: it would tell that
//! two names are one person's. A browser that has signed in as this person before is counted apart.

use std::net::IpAddr;

use crate::{
    protocol::{
        id::Id,
        network,
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
    /// After how many failures the ceiling holds no more, and what the wait is then.
    exhausted: Option<(i64, Span)>,
}

/// Everyone behind one address.
const ADDRESS: Slope =
    Slope { free: 30, ceiling: Span::from_seconds(120), forget_after: Span::from_seconds(900), exhausted: None };
/// One name, tried from one address. NIST SP 800-63B-4 §3.2.2: after 100 failures in a row, one an hour.
const NAME: Slope = Slope {
    free: 4,
    ceiling: Span::from_seconds(300),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((100, Span::from_seconds(3600))),
};
/// One person, tried from everywhere under every name: never for long, so that the owner can come between.
const PERSON: Slope =
    Slope { free: 20, ceiling: Span::from_seconds(30), forget_after: Span::from_seconds(86_400), exhausted: None };
/// Everyone behind one address who asks for letters.
const ASKING: Slope =
    Slope { free: 20, ceiling: Span::from_seconds(300), forget_after: Span::from_seconds(3600), exhausted: None };
/// Letters asked for under one name from one address.
const ASKING_FOR: Slope =
    Slope { free: 3, ceiling: Span::from_seconds(3600), forget_after: Span::from_seconds(86_400), exhausted: None };
/// Letters asked for under one name from everywhere: nobody's mailbox is filled, and its owner can come between.
const ASKED_FOR: Slope =
    Slope { free: 10, ceiling: Span::from_seconds(300), forget_after: Span::from_seconds(3600), exhausted: None };
/// User names tried with one link: each try tells whether someone has the name.
const NAMES_TRIED: Slope = Slope {
    free: 9,
    ceiling: Span::from_seconds(3600),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((10, Span::from_seconds(3600))),
};
/// Letters that a person has sent to addresses of their choice: five, then one in ten minutes.
const LETTERS: Slope = Slope {
    free: 5,
    ceiling: Span::from_seconds(600),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((5, Span::from_seconds(600))),
};
/// The longest wait of all.
const LONGEST: Span = Span::from_seconds(3600);
/// How often a count that others change at the same time is tried again.
const TRIES: u32 = 5;

/// The counters one attempt is under. Their names are keyed hashes: the table tells neither people nor addresses.
pub struct Attempt {
    /// Those that say how long to wait.
    told: Vec<([u8; 32], Slope)>,
    /// The one that does not.
    quiet: Option<[u8; 32]>,
}

/// What the counters say of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The password is looked at.
    Go,
    /// It is not, and the person is told to wait so many seconds.
    Wait(i64),
    /// It is not, and the answer is that of a wrong password.
    Refuse,
}

impl Attempt {
    /// An attempt to sign in as `person`, or under a name that nobody has. Both are counted alike.
    #[must_use]
    pub fn new(secrets: &SecretRing, person: Option<Id>, typed: &str, address: IpAddr, known_browser: Option<&str>) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        if let Some(browser) = known_browser {
            return Self { told: vec![(key("browser", browser), NAME)], quiet: None };
        }
        let (typed, network) = (typed.trim().to_lowercase(), network::subscriber(address));
        let told = vec![(key("address", &network), ADDRESS), (key("name", &format!("{network} {typed}")), NAME)];
        Self { told, quiet: Some(person.map_or_else(|| key("nobody", &typed), |person| secrets.person_counter(person))) }
    }

    /// Asking for a letter under a name or address, whoever has it: nothing is looked up for it.
    #[must_use]
    pub fn to_ask(secrets: &SecretRing, typed: &str, address: IpAddr) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        let (typed, network) = (typed.trim().to_lowercase(), network::subscriber(address));
        let told = vec![
            (key("asking", &network), ASKING),
            (key("asking for", &format!("{network} {typed}")), ASKING_FOR),
            (key("asked for", &typed), ASKED_FOR),
        ];
        Self { told, quiet: None }
    }

    /// A user name tried with a link in a letter.
    #[must_use]
    pub fn with_link(secrets: &SecretRing, link: Id) -> Self {
        Self { told: vec![(secrets.pseudonym("link", &link.to_string()), NAMES_TRIED)], quiet: None }
    }

    /// A letter that a person wants to have sent to an address of their choice. It counts though all goes well.
    #[must_use]
    pub fn letter(secrets: &SecretRing, person: Id, email: &str) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        Self { told: vec![(key("letters", &person.to_string()), LETTERS), (key("asked for", email), ASKED_FOR)], quiet: None }
    }

    /// Counts the attempt, unless it comes too soon.
    ///
    /// # Errors
    /// The database's.
    pub fn begin(&mut self, connection: &mut AnyConnection, now: Timestamp) -> Result<Admission> {
        // Every wait before any count: whoever tries again at a slowed account does not slow their whole network down.
        for (key, slope) in &self.told {
            if let Err(seconds) = next(sign_in_failures::find(connection, key)?, *slope, now) {
                return Ok(Admission::Wait(seconds));
            }
        }
        for (key, slope) in &self.told {
            if let Some(seconds) = count(connection, key, *slope, now)? {
                return Ok(Admission::Wait(seconds)); // another attempt was first: what was counted before it stays
            }
        }
        match &self.quiet {
            Some(quiet) if count(connection, quiet, PERSON, now)?.is_some() => {
                self.quiet = None; // not counted: there is nothing to take back
                Ok(Admission::Refuse)
            }
            _ => Ok(Admission::Go),
        }
    }

    /// The password was right: what was counted for this name and person is over, the address gets the attempt back.
    ///
    /// # Errors
    /// The database's.
    pub fn succeeded(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
        for (key, slope) in &self.told {
            if slope.exhausted.is_some() {
                sign_in_failures::clear(connection, key)?;
            } else {
                sign_in_failures::take_back(connection, key, now)?;
            }
        }
        self.quiet.as_ref().map_or(Ok(()), |quiet| sign_in_failures::clear(connection, quiet))
    }

    /// The password was not looked at after all: nothing is held against anyone.
    ///
    /// # Errors
    /// The database's.
    pub fn take_back(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
        let keys = self.told.iter().map(|(key, _)| key).chain(&self.quiet);
        keys.into_iter().try_for_each(|key| sign_in_failures::take_back(connection, key, now))
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
    // A wait longer than the longest is a clock that went back. Where none is due, an attempt that was counted first, though it
    // came a moment later, is no reason for one.
    let is_due = wait_after(before.failures, slope) > Span::ZERO;
    if is_due && wait > 0 && wait <= LONGEST.millis() {
        return Err(wait / 1000 + 1);
    }
    let quiet = now.since(Timestamp::from_millis(before.last_at));
    let failures = if quiet > slope.forget_after { 1 } else { before.failures + 1 };
    let last_at = now.millis().max(before.last_at + 1); // tells two attempts of one millisecond apart
    Ok(Count { failures, last_at, next_at: now.millis() + wait_after(failures, slope).millis() })
}

/// How long to wait after so many failures: nothing, then one second, and twice as long each time.
fn wait_after(failures: i64, slope: Slope) -> Span {
    if let Some((limit, wait)) = slope.exhausted
        && failures >= limit
    {
        return wait;
    }
    match u32::try_from(failures - slope.free) {
        Err(_) | Ok(0) => Span::ZERO,
        Ok(beyond) => Span::from_seconds(1u32 << (beyond - 1).min(12)).min(slope.ceiling),
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
        let waits: Vec<_> = [1, 4, 5, 6, 7, 12, 13, 14, 99, 100, 5000].iter().map(|n| wait_after(*n, NAME).seconds()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 128, 256, 300, 300, 3600, 3600]);
    }

    #[test]
    fn too_soon_is_not_counted_and_quiet_is_forgotten() {
        let count = Count { failures: 6, last_at: 10_000, next_at: 12_000 };
        assert_eq!(next(Some(count), NAME, at(10_500)), Err(2));
        assert_eq!(next(Some(count), NAME, at(12_000)).map(|c| c.failures), Ok(7));
        assert_eq!(next(Some(count), NAME, at(90_000_000)).map(|c| c.failures), Ok(1));
        assert_eq!(next(None, NAME, at(5)), Ok(Count { failures: 1, last_at: 5, next_at: 5 }));
        assert!(next(Some(count), NAME, at(-10_000_000)).is_ok(), "a clock that went back");
        let later = next(None, NAME, at(20)).ok();
        assert_eq!(next(later, NAME, at(10)).map(|c| c.failures), Ok(2), "of two at once the later was counted first");
    }

    #[test]
    fn an_address_is_never_shut_out_for_long() {
        assert_eq!([30, 31, 99, 100, 5000].map(|n| wait_after(n, ADDRESS).seconds()), [0, 1, 120, 120, 120]);
        assert_eq!([20, 21, 100, 5000].map(|n| wait_after(n, PERSON).seconds()), [0, 1, 30, 30]);
    }

    #[test]
    fn a_count_is_kept_for_as_long_as_it_is_remembered() {
        for slope in [ADDRESS, NAME, PERSON, ASKING, ASKING_FOR, ASKED_FOR, NAMES_TRIED, LETTERS] {
            let longest = slope.exhausted.map_or(slope.ceiling, |(_, wait)| wait.max(slope.ceiling));
            assert!(slope.forget_after.plus(longest) <= sign_in_failures::KEPT, "{slope:?}");
        }
    }

    #[test]
    fn letters_are_asked_for_a_few_times_and_names_tried_ten_times() {
        assert_eq!([3, 4, 8, 16, 5000].map(|n| wait_after(n, ASKING_FOR).seconds()), [0, 1, 16, 3600, 3600]);
        assert_eq!([10, 11, 30].map(|n| wait_after(n, ASKED_FOR).seconds()), [0, 1, 300], "its owner can come between");
        assert_eq!([20, 21, 40].map(|n| wait_after(n, ASKING).seconds()), [0, 1, 300]);
        assert_eq!([9, 10, 11].map(|n| wait_after(n, NAMES_TRIED).seconds()), [0, 3600, 3600]);
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let asked = |typed: &str, last| Attempt::to_ask(&secrets, typed, IpAddr::from([1, 1, 1, last])).told;
        let keys = |told: Vec<([u8; 32], Slope)>| told.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(keys(asked("Alice ", 1)), keys(asked("alice", 1)));
        let (one, other) = (keys(asked("alice", 1)), keys(asked("alice", 2)));
        assert_eq!(one[2], other[2], "from everywhere");
        assert!(one[0] != other[0] && one[1] != other[1]);
    }

    #[test]
    fn one_counter_for_every_name_of_a_person_and_none_that_tells_them_apart() {
        let (person, here) = (Some(Id::from([1; 16])), IpAddr::from([1, 1, 1, 1]));
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let attempt = |typed: &str, person| Attempt::new(&secrets, person, typed, here, None);
        assert_eq!(attempt("alice", person).quiet, attempt("alice@example.com", person).quiet);
        assert_ne!(attempt("alice", person).told[1].0, attempt("alice@example.com", person).told[1].0);
        assert_eq!(attempt("Nobody ", None).quiet, attempt("nobody", None).quiet);
        assert_eq!(attempt("Nobody ", None).told[1].0, attempt("nobody", None).told[1].0);
        assert!(Attempt::new(&secrets, person, "alice", here, Some("b")).quiet.is_none());
    }
}
