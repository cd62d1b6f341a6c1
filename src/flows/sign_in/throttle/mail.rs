//! Rate limits for e-mail requests, and for other requests that bother a recipient or reveal something: each is counted, not only
//! failures.

use std::net::IpAddr;

use super::{MAIL_FOR, MAIL_FOR_ANYONE, MAIL_FROM, MAIL_TO_OTHERS, NAMES_TRIED, network::Successes};
use crate::{
    protocol::{
        account::{login_name::LoginName, rate_limit::Backoff},
        secrets::SecretRing,
        values::{id::Id, network, time::Timestamp},
    },
    store::{
        AnyConnection, Result,
        rate_limits::{self, Key},
    },
};

/// The counts that apply to a request.
pub struct MailLimit {
    backoffs: Vec<(Key, Backoff)>,
    network: Option<(Key, Successes)>,
}

impl MailLimit {
    /// A request for e-mail to a name or address, whether or not a user has it: nothing is looked up. `known_browser` is a cookie
    /// or link of ours; it has counts of its own, so that unknown callers cannot use up those of the owner. Anyone can have one,
    /// so it may be passed only where the sender of the e-mail checks that it belongs to the user, as
    /// `mail_requests::answer_reset` does.
    #[must_use]
    pub fn to_ask(
        secrets: &SecretRing,
        name: &LoginName,
        (address, known_browser): (IpAddr, Option<&str>),
        now: Timestamp,
    ) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        let (subscriber, name) = (network::subscriber(address), name.as_str());
        let network = Some((key("mail from", &subscriber), Successes::new(secrets, &subscriber, None, now)));
        let backoffs = match known_browser {
            Some(browser) => vec![(key("mail in a browser", &format!("{browser} {name}")), MAIL_FOR)],
            None => {
                vec![(key("mail for, from", &format!("{subscriber} {name}")), MAIL_FOR), (key("mail for", name), MAIL_FOR_ANYONE)]
            }
        };
        Self { backoffs, network }
    }

    /// A user name tried with a link from an e-mail.
    #[must_use]
    pub fn of_names(secrets: &SecretRing, link: Id) -> Self {
        Self { backoffs: vec![(secrets.pseudonym("link", &link.to_string()), NAMES_TRIED)], network: None }
    }

    /// An e-mail that a user sends to an address of their choice.
    #[must_use]
    pub fn to_send(secrets: &SecretRing, user: Id, email: &str) -> Self {
        let key = |what, value: &str| secrets.pseudonym(what, value);
        let backoffs = vec![(key("mail of", &user.to_string()), MAIL_TO_OTHERS), (key("mail for", email), MAIL_FOR_ANYONE)];
        Self { backoffs, network: None }
    }

    /// Counts the request, unless it has to wait: then returns for how many seconds.
    ///
    /// # Errors
    /// Database errors.
    pub fn admit(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<Option<i64>> {
        let mut keys: Vec<_> = self.backoffs.iter().map(|(key, _)| *key).collect();
        if let Some((key, successes)) = &self.network {
            keys.push(*key);
            keys.extend(successes.keys());
        }
        let counts = rate_limits::find(connection, &keys)?;
        // All waits are checked before anything is counted: retrying too soon does not slow down the whole network.
        for (key, _) in &self.backoffs {
            if let Some(seconds) = counts.get(key).and_then(|count| count.wait(now)) {
                return Ok(Some(seconds));
            }
        }
        if let Some((key, successes)) = &self.network {
            let bucket = successes.widen(MAIL_FROM, &counts);
            if !rate_limits::fill(connection, key, &bucket, bucket.room_up_to(), now)? {
                let wait = bucket.wait(rate_limits::find(connection, &[*key])?.get(key), now);
                return Ok(Some(wait.seconds() + 1));
            }
        }
        for (key, backoff) in &self.backoffs {
            if !rate_limits::count_in_time(connection, key, backoff, now)? {
                return Ok(Some(1)); // a concurrent request was first; what was counted before stays
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_counted_from_everywhere_and_from_one_network_but_apart_in_a_known_browser() {
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let keys = |last, browser| {
            let limit = MailLimit::to_ask(
                &secrets,
                &LoginName::parse("alice"),
                (IpAddr::from([1, 1, 1, last]), browser),
                Timestamp::from_millis(0),
            );
            limit.backoffs.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        let (one, other) = (keys(1, None), keys(2, None));
        assert!(one[0] != other[0] && one[1] == other[1]);
        assert_eq!(keys(1, Some("b")), keys(2, Some("b")));
        assert_eq!(keys(1, Some("b")).len(), 1);
    }
}
