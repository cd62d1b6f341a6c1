//! Password attempts, at the sign-in page and for confirmation in an account. A wrong password is counted once it was verified as
//! wrong; until then attempts with the same counts take turns (`limits::password_attempts`).

use std::{net::IpAddr, time::Duration};

use super::{KNOWN_BROWSERS, NAME, NETWORK, USER, network::Successes};
use crate::{
    clock::Stopwatch,
    limits::password_attempts::{Attempts, Limits, Next, Permit},
    protocol::{
        account::{login_name::LoginName, rate_limit::Bucket},
        secrets::SecretRing,
        values::{
            id::Id,
            network,
            time::{Span, Timestamp},
        },
    },
    store::{
        AnyConnection, Result,
        rate_limits::{self, Key},
    },
};

/// The target of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The user, if the name belongs to one.
    pub user_id: Option<Id>,
    /// The name that was typed.
    pub name: &'a LoginName,
}

/// The origin of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// The address.
    pub address: IpAddr,
    /// The device id of the browser, if this user has signed in with it before.
    pub known_browser: Option<&'a str>,
    /// Whether this user has signed in from nearby before.
    pub is_near: bool,
}

/// The admission of an attempt by its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The password is verified.
    Go,
    /// It is verified once the network has room again ([`Attempt::begin_queued`]).
    Queued,
    /// It is not verified, and the user is told to wait this many seconds.
    Wait(i64),
    /// It is not verified, and answered like a wrong password.
    Refuse,
}

/// How long an attempt waits for its turn, and for its network.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts that count as failures of the same name, browser or session.
const OF_NAME: Limits = Limits { at_once: 1, waiting: 16, next: Next::Any };
/// Attempts of unknown callers in one network being verified. They cannot take all places on the hashing threads.
const OF_OUTSIDERS: Limits = Limits { at_once: 16, waiting: 512, next: Next::First };
/// Attempts in the known browsers of one network, or of users signed in there.
const OF_THE_KNOWN: Limits = Limits { at_once: 8, waiting: 512, next: Next::First };
/// Attempts of a network that is slowed down.
pub const OF_SLOW_NETWORK: Limits = Limits { at_once: 1, waiting: 128, next: Next::Any };
/// Up to this many failures of one name are taken for a user correcting a typing error, and do not wait for the network.
const CORRECTIONS: i64 = 3;

/// The counts that apply to one attempt. The keys are keyed hashes: the table reveals neither users nor addresses.
#[derive(Clone)]
pub struct Attempt {
    /// Failures for this name from this network, for this user in this browser, or in this session.
    name: Key,
    /// The number of those failures.
    failures: i64,
    /// Failures for this user from everywhere; `None` in a known browser.
    user: Option<Key>,
    /// Failures of the network; `None` for a signed-in user.
    network: Option<Network>,
    /// The queue for verification: unknown callers, known browsers and sessions of a network take turns separately.
    queue: (Key, Limits),
}

#[derive(Clone)]
struct Network {
    key: Key,
    bucket: Bucket,
    successes: Successes,
    /// Whether this user was already counted among the successes.
    is_counted: bool,
    /// The time between attempts, if the network is slowed down.
    space: Option<Span>,
    /// The failures of this name within the bucket: a success removes no more than these.
    share: Key,
}

impl Attempt {
    /// An attempt to sign in as a user, or with an unknown name. Both are counted alike.
    #[must_use]
    pub fn to_sign_in(secrets: &SecretRing, who: Who<'_>, from: From<'_>, now: Timestamp) -> Self {
        let subscriber = network::subscriber(from.address);
        let key = |what, value: &str| secrets.pseudonym(what, value);
        let ((what, value), user) = match (from.known_browser, who.user_id) {
            (Some(browser), Some(user)) => (in_browser(browser, user), None),
            (_, user) => {
                let nobody = || key("nobody", who.name.as_str());
                let user = user.map_or_else(nobody, |user| rate_limits::user_key(secrets, user, from.is_near));
                (by_name(&subscriber, who.name), Some(user))
            }
        };
        let (of_network, bucket, limits) = match from.known_browser {
            Some(_) => ("network of known browsers", KNOWN_BROWSERS, OF_THE_KNOWN),
            None => ("network", NETWORK, OF_OUTSIDERS),
        };
        let network = Network {
            key: key(of_network, &subscriber),
            bucket,
            successes: Successes::new(secrets, &subscriber, who.user_id, now),
            is_counted: false,
            space: None,
            share: key("share of a network", &format!("{subscriber} {what} {value}")),
        };
        let queue = (key("turn of a network", &format!("{subscriber} {of_network}")), limits);
        Self { name: key(what, &value), failures: 0, user, network: Some(network), queue }
    }

    /// An attempt at a second factor of a user who has shown the first: counted as one to sign in; but where the browser is not known, for
    /// this user from everywhere, as whoever tries codes knows the password already. Names of networks, then, do not make it fast.
    #[must_use]
    pub fn to_verify(secrets: &SecretRing, user: Id, from: From<'_>, now: Timestamp) -> Self {
        let id = user.to_string();
        let who = Who { user_id: Some(user), name: &LoginName::parse(&id) };
        let attempt = Self::to_sign_in(secrets, who, from, now);
        let name = if from.known_browser.is_some() { attempt.name } else { secrets.pseudonym("second factor", &id) };
        Self { name, ..attempt }
    }

    /// An attempt of a signed-in user to confirm their identity in this session. It is counted separately from sign-ins, so that
    /// neither its success nor its failure affects the counts of others there; except for the count of this user from everywhere,
    /// if the browser is not known.
    #[must_use]
    pub fn to_confirm(secrets: &SecretRing, (user, session): (Id, Id), from: From<'_>) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        let queue = (key("turn of a network", &format!("{} sessions", network::subscriber(from.address))), OF_THE_KNOWN);
        let user = from.known_browser.is_none().then(|| rate_limits::user_key(secrets, user, from.is_near));
        Self { name: key("session", &session.to_string()), failures: 0, user, network: None, queue }
    }

    /// The turn of this attempt among those with the same count, if it is free now.
    #[must_use]
    pub fn try_acquire(&self, attempts: &Attempts) -> Option<Permit> {
        attempts.try_acquire(self.name, OF_NAME)
    }

    /// Waits for that turn; `None` if too many are waiting.
    pub async fn acquire(&self, attempts: &Attempts) -> Option<Permit> {
        attempts.acquire(self.name, OF_NAME, PATIENCE).await
    }

    /// Whether the password is verified. If so, the attempt is counted for its user until the password is known to be right.
    ///
    /// # Errors
    /// Database errors.
    pub fn begin(&mut self, connection: &mut AnyConnection, now: Timestamp) -> Result<Admission> {
        let mut keys = vec![self.name];
        if let Some(network) = &self.network {
            keys.push(network.key);
            keys.extend(network.successes.keys());
        }
        let counts = rate_limits::find(connection, &keys)?;
        if let Some(count) = counts.get(&self.name) {
            if let Some(seconds) = count.wait(now) {
                return Ok(Admission::Wait(seconds));
            }
            self.failures = if now.since(count.updated_at) > NAME.forget_after { 0 } else { count.amount };
        }
        if let Some(network) = &mut self.network {
            network.bucket = network.successes.widen(network.bucket, &counts);
            network.is_counted = network.successes.has_member(&counts);
            network.space = network.bucket.spacing(counts.get(&network.key), now);
            if network.space.is_some() && !(1..=CORRECTIONS).contains(&self.failures) {
                return Ok(Admission::Queued);
            }
        }
        self.count_for_user(connection, now)
    }

    /// As [`Attempt::begin`], for an attempt whose network was slowed down; the inner error is the time still to wait.
    ///
    /// # Errors
    /// Database errors.
    pub fn begin_queued(
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
        self.user = None; // not counted, so nothing is to be taken out
        Ok(Admission::Refuse)
    }

    /// Waits until the network has a free place for verification; `None` if too many are waiting.
    pub async fn verifying(&self, attempts: &Attempts) -> Option<Permit> {
        let (key, limits) = self.queue;
        attempts.acquire(key, limits, PATIENCE).await
    }

    /// Waits to be first in the queue of its network; returns how long it may still wait, or `None` if too many are waiting.
    pub async fn waiting(&self, attempts: &Attempts) -> Option<(Permit, Duration)> {
        let begun = Stopwatch::start();
        let key = self.network.as_ref()?.key;
        let permit = attempts.acquire(key, OF_SLOW_NETWORK, PATIENCE).await?;
        Some((permit, PATIENCE.saturating_sub(begun.elapsed())))
    }

    /// Counts a wrong password.
    ///
    /// # Errors
    /// Database errors.
    pub fn failed(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
        rate_limits::count(connection, &self.name, &NAME, now)?;
        let Some(Network { key, bucket, share, .. }) = &self.network else { return Ok(()) };
        if rate_limits::fill(connection, key, bucket, bucket.most() - bucket.leak.millis(), now)? {
            rate_limits::fill(connection, share, bucket, bucket.room_up_to(), now)?;
        }
        Ok(())
    }

    /// Counts a right password: the failures of this name, in this browser and for this user are reset, and what is left of this
    /// name's failures is taken out of the network's bucket.
    ///
    /// # Errors
    /// Database errors.
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

    /// Takes back an attempt whose password was not verified after all.
    ///
    /// # Errors
    /// Database errors.
    pub fn abandoned(&self, connection: &mut AnyConnection) -> Result<()> {
        self.user.as_ref().map_or(Ok(()), |user| rate_limits::take_out(connection, user, USER.leak.millis()))
    }
}

/// Resets the failures counted here for a user who has set a new password by a link: in this browser, and for their names in this
/// network.
///
/// # Errors
/// Database errors.
pub fn forget_here(
    connection: &mut AnyConnection,
    secrets: &SecretRing,
    (user, names): (Id, [&str; 2]),
    (address, browser): (IpAddr, &str),
) -> Result<()> {
    let subscriber = network::subscriber(address);
    let names = names.map(|name| by_name(&subscriber, &LoginName::parse(name)));
    let keys: Vec<_> =
        names.iter().chain([&in_browser(browser, user)]).map(|(what, value)| secrets.pseudonym(what, value)).collect();
    rate_limits::clear(connection, &keys)
}

fn in_browser(browser: &str, user: Id) -> (&'static str, String) {
    ("browser and user", format!("{browser} {user}"))
}

fn by_name(subscriber: &str, name: &LoginName) -> (&'static str, String) {
    ("name", format!("{subscriber} {}", name.as_str()))
}

#[cfg(test)]
#[path = "password_tests.rs"]
mod tests;
