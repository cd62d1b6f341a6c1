//! Attempts at a password: at the sign-in page, and where it is asked for again in an account. A wrong password is counted once it
//! was found to be wrong; until then attempts that would be counted together take turns (`crate::attempts`).

use std::{net::IpAddr, time::Duration};

use super::{KNOWN_BROWSERS, NAME, NETWORK, USER, network::Successes, user_key};
use crate::{
    attempts::{Attempts, Limits, Next, Turn},
    clock::Stopwatch,
    protocol::{
        id::Id,
        login_name::LoginName,
        network,
        rate_limit::Bucket,
        secrets::SecretRing,
        time::{Span, Timestamp},
    },
    store::{
        AnyConnection, Result,
        rate_limits::{self, Key},
    },
};

/// Who is tried.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The user, where the name is one's.
    pub user: Option<Id>,
    /// The name that was typed.
    pub name: &'a LoginName,
}

/// From where.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// The address.
    pub address: IpAddr,
    /// The name of the browser, if this user has signed in with it before.
    pub known_browser: Option<&'a str>,
    /// Whether this user has signed in from near there before.
    pub is_near: bool,
}

/// What the counts say of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The password is looked at.
    Go,
    /// It is looked at once the network has room again ([`Attempt::begin_in_turn`]).
    InTurn,
    /// It is not looked at, and the user is told to wait so many seconds.
    Wait(i64),
    /// It is not looked at, and the answer is that of a wrong password.
    Refuse,
}

/// The longest time between two attempts of a network that has failed too often.
const LONGEST_SPACE: Span = Span::from_seconds(5);
/// How long an attempt waits for its turn, and for its network.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts that count as failures of the same name, browser or session.
const OF_NAME: Limits = Limits { at_once: 1, waiting: 16, next: Next::Any };
/// Attempts of one network that are being verified. It cannot take every place at the gate of hashing.
const OF_NETWORK: Limits = Limits { at_once: 32, waiting: 512, next: Next::First };
/// Attempts of one network that has to wait.
pub const OF_SLOW_NETWORK: Limits = Limits { at_once: 1, waiting: 128, next: Next::Any };
/// So many failures of one name are taken for those of someone who corrects a mistake, and do not wait for their network.
const CORRECTIONS: i64 = 3;

/// The counts that one attempt is under. Their keys are keyed hashes: the table tells neither users nor addresses.
#[derive(Clone)]
pub struct Attempt {
    /// Failures at this name from this network, at this user in this browser, or in this session.
    name: Key,
    /// How many there were.
    failures: i64,
    /// Failures at this user from everywhere; none of a known browser.
    user: Option<Key>,
    /// Failures of the network; none for who is signed in.
    network: Option<Network>,
    /// What takes turns while passwords are verified.
    turn: Key,
}

#[derive(Clone)]
struct Network {
    key: Key,
    bucket: Bucket,
    successes: Successes,
    /// Whether this user was counted among them before.
    is_counted: bool,
    /// Between attempts, where it has to wait.
    space: Option<Span>,
    /// What of its bucket are failures at this name: a success takes no more out than that.
    share: Key,
}

impl Attempt {
    /// An attempt to sign in as a user, or under a name that nobody has. Both are counted alike.
    #[must_use]
    pub fn to_sign_in(secrets: &SecretRing, who: Who<'_>, from: From<'_>, now: Timestamp) -> Self {
        let subscriber = network::subscriber(from.address);
        let key = |what, value: &str| secrets.pseudonym(what, value);
        let (what, value, user) = match (from.known_browser, who.user) {
            (Some(browser), Some(user)) => ("browser and user", format!("{browser} {user}"), None),
            (_, user) => {
                let name = who.name.as_str();
                let user = user.map_or_else(|| key("nobody", name), |user| user_key(secrets, user, from.is_near));
                ("name", format!("{subscriber} {name}"), Some(user))
            }
        };
        let (of_network, bucket) = match from.known_browser {
            Some(_) => ("network of known browsers", KNOWN_BROWSERS),
            None => ("network", NETWORK),
        };
        let network = Network {
            key: key(of_network, &subscriber),
            bucket,
            successes: Successes::new(secrets, &subscriber, who.user, now),
            is_counted: false,
            space: None,
            share: key("share of a network", &format!("{subscriber} {what} {value}")),
        };
        let name = key(what, &value);
        Self { name, failures: 0, user, network: Some(network), turn: key("turn of a network", &subscriber) }
    }

    /// An attempt of a user who is signed in, in this session, to confirm that they are who they are. It is counted apart from
    /// sign-ins, so that neither a success nor a failure of one's own counts for what is tried there.
    #[must_use]
    pub fn to_confirm(secrets: &SecretRing, (user, session): (Id, Id), from: From<'_>) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        let turn = key("turn of a network", &network::subscriber(from.address));
        let user = from.known_browser.is_none().then(|| user_key(secrets, user, from.is_near));
        Self { name: key("session", &session.to_string()), failures: 0, user, network: None, turn }
    }

    /// The turn of this attempt among those that count as it does, if it is free now.
    #[must_use]
    pub fn try_turn(&self, attempts: &Attempts) -> Option<Turn> {
        attempts.try_turn(self.name, OF_NAME)
    }

    /// Waits for that turn; `None` where too many wait.
    pub async fn turn(&self, attempts: &Attempts) -> Option<Turn> {
        attempts.turn(self.name, OF_NAME, PATIENCE).await
    }

    /// Whether the password is looked at. Where it is, it is counted for its user until it was found to be right.
    ///
    /// # Errors
    /// The database's.
    pub fn begin(&mut self, connection: &mut AnyConnection, now: Timestamp) -> Result<Admission> {
        let mut keys = vec![self.name];
        if let Some(network) = &self.network {
            keys.push(network.key);
            keys.extend(network.successes.keys());
        }
        let counts = rate_limits::find(connection, &keys)?;
        if let Some(count) = counts.get(&self.name) {
            if let Some(seconds) = NAME.wait(count, now) {
                return Ok(Admission::Wait(seconds));
            }
            self.failures = if now.since(count.updated_at) > NAME.forget_after { 0 } else { count.amount };
        }
        if let Some(network) = &mut self.network {
            network.bucket = network.successes.widen(network.bucket, &counts);
            network.is_counted = network.successes.has_member(&counts);
            network.space = network.bucket.spacing(counts.get(&network.key), now, LONGEST_SPACE);
            if network.space.is_some() && !(1..=CORRECTIONS).contains(&self.failures) {
                return Ok(Admission::InTurn);
            }
        }
        self.count_for_user(connection, now)
    }

    /// As [`Attempt::begin`], of one whose network had to wait; the milliseconds to wait still, where it is not its turn yet.
    ///
    /// # Errors
    /// The database's.
    pub fn begin_in_turn(
        &mut self,
        connection: &mut AnyConnection,
        now: Timestamp,
    ) -> Result<std::result::Result<Admission, Duration>> {
        if let Some(Network { key, space: Some(space), .. }) = &self.network
            && !rate_limits::reserve(connection, key, *space, now)?
        {
            let counts = rate_limits::find(connection, &[*key])?;
            let next = counts.get(key).map_or(0, |count| count.next_at.millis() - now.millis());
            return Ok(Err(Duration::from_millis(u64::try_from(next).unwrap_or_default().clamp(10, 10_000))));
        }
        self.count_for_user(connection, now).map(Ok)
    }

    fn count_for_user(&mut self, connection: &mut AnyConnection, now: Timestamp) -> Result<Admission> {
        let Some(user) = self.user else { return Ok(Admission::Go) };
        if rate_limits::fill(connection, &user, &USER, USER.room_up_to(), now)? {
            return Ok(Admission::Go);
        }
        self.user = None; // it was not counted: there is nothing to take back
        Ok(Admission::Refuse)
    }

    /// Waits until the network has a place for one more that is verified; `None` where too many wait.
    pub async fn verifying(&self, attempts: &Attempts) -> Option<Turn> {
        attempts.turn(self.turn, OF_NETWORK, PATIENCE).await
    }

    /// Waits until it is the first to wait for its network, and how long it may wait still; `None` where too many wait.
    pub async fn waiting(&self, attempts: &Attempts) -> Option<(Turn, Duration)> {
        let begun = Stopwatch::start();
        let key = self.network.as_ref()?.key;
        let turn = attempts.turn(key, OF_SLOW_NETWORK, PATIENCE).await?;
        Some((turn, PATIENCE.saturating_sub(begun.elapsed())))
    }

    /// The password was wrong.
    ///
    /// # Errors
    /// The database's.
    pub fn failed(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
        rate_limits::count(connection, &self.name, &NAME, now)?;
        let Some(Network { key, bucket, share, .. }) = &self.network else { return Ok(()) };
        if rate_limits::fill(connection, key, bucket, bucket.most() - bucket.leak.millis(), now)? {
            rate_limits::fill(connection, share, bucket, bucket.room_up_to(), now)?;
        }
        Ok(())
    }

    /// The password was right: what was counted for this name, in this browser and for this user is over, and the network gets
    /// back what is left of this name's failures there.
    ///
    /// # Errors
    /// The database's.
    pub fn succeeded(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
        let over: Vec<_> = self.user.into_iter().chain((self.failures > 0).then_some(self.name)).collect();
        if !over.is_empty() {
            rate_limits::clear(connection, &over)?;
        }
        let Some(Network { key, bucket, successes, is_counted, share, .. }) = &self.network else { return Ok(()) };
        if self.failures > 0 {
            let left = bucket.level(rate_limits::take(connection, share)?.as_ref(), now);
            rate_limits::take_out(connection, key, left)?;
        }
        if *is_counted { Ok(()) } else { successes.add(connection, now) }
    }

    /// The password was not looked at after all: nothing is held against anyone.
    ///
    /// # Errors
    /// The database's.
    pub fn abandoned(&self, connection: &mut AnyConnection) -> Result<()> {
        self.user.as_ref().map_or(Ok(()), |user| rate_limits::take_out(connection, user, USER.leak.millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(name: &str, user: Option<u8>, known_browser: Option<&str>, is_near: bool) -> Attempt {
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let who = Who { user: user.map(|byte| Id::from([byte; 16])), name: &LoginName::parse(name) };
        let from = From { address: IpAddr::from([1, 1, 1, 1]), known_browser, is_near };
        Attempt::to_sign_in(&secrets, who, from, Timestamp::from_millis(0))
    }

    #[test]
    fn one_count_for_every_name_of_a_user_and_none_that_tells_them_apart() {
        let (alice, by_email) = (attempt("alice", Some(1), None, false), attempt("alice@example.com", Some(1), None, false));
        assert_eq!(alice.user, by_email.user);
        assert_ne!(alice.name, by_email.name);
        assert_ne!(alice.user, attempt("alice", Some(1), None, true).user, "near where they have signed in");
        assert_ne!(attempt("nobody", None, None, false).user, attempt("no.one", None, None, false).user);
    }

    #[test]
    fn a_known_browser_counts_for_each_of_its_users_and_not_for_them_from_everywhere() {
        let (alice, bob) = (attempt("alice", Some(1), Some("b"), false), attempt("bob", Some(2), Some("b"), false));
        assert_ne!(alice.name, bob.name);
        assert_eq!(alice.name, attempt("alice@example.com", Some(1), Some("b"), true).name);
        assert!(alice.user.is_none() && bob.user.is_none());
        let network = |attempt: &Attempt| attempt.network.as_ref().unwrap().key;
        assert_eq!(network(&alice), network(&bob));
        assert_ne!(network(&alice), network(&attempt("alice", Some(1), None, false)));
    }
}
