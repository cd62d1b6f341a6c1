//! Slowing down guesses, and requests for mail, without locking anyone out (ASVS 6.1.1, 6.3.1). Here is what is counted, and the
//! keys of the counts; attempts at passwords are `password`, requests for mail `mail`, what a network has earned `network`. How
//! counts turn into waits is `protocol::rate_limit`; `docs/security.md#limits` says all of it in words.

mod mail;
mod network;
mod password;

pub use mail::MailLimit;
pub use password::{Admission, Attempt, From, OF_SLOW_NETWORK, Who, forget_here};

use crate::{
    protocol::{
        id::Id,
        rate_limit::{Backoff, Bucket},
        secrets::SecretRing,
        time::Span,
    },
    store::{AnyConnection, Result, rate_limits},
};

/// Failures at one name from one network, or at one user in one known browser. NIST SP 800-63B-4 §3.2.2: after 100 failures in a
/// row, one attempt an hour.
const NAME: Backoff = Backoff {
    free: 4,
    max_wait: Span::from_seconds(300),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((100, Span::from_seconds(3600))),
};
/// Failures at one user from everywhere: one more in half a minute, so that no number of addresses makes guessing quick.
const USER: Bucket = Bucket { capacity: 20, leak: Span::from_seconds(30), overflow: 0 };
/// Failures at all names from one network, but those of names that succeeded there afterwards.
const NETWORK: Bucket = Bucket { capacity: 30, leak: Span::from_seconds(10), overflow: 120 };
/// Failures in known browsers of one network, whoever was tried in them.
const KNOWN_BROWSERS: Bucket = Bucket { capacity: 300, leak: Span::from_seconds(2), overflow: 120 };
/// Mail asked for from one network.
const MAIL_FROM: Bucket = Bucket { capacity: 30, leak: Span::from_seconds(30), overflow: 0 };
/// Mail asked for under one name from one network, or in one browser that is known.
const MAIL_FOR: Backoff =
    Backoff { free: 3, max_wait: Span::from_seconds(3600), forget_after: Span::from_seconds(86_400), exhausted: None };
/// Mail asked for under one name from everywhere by unknown callers: nobody's mailbox is filled.
const MAIL_FOR_ANYONE: Backoff =
    Backoff { free: 10, max_wait: Span::from_seconds(300), forget_after: Span::from_seconds(3600), exhausted: None };
/// User names tried with one link: each try tells whether someone has the name.
const NAMES_TRIED: Backoff = Backoff {
    free: 9,
    max_wait: Span::from_seconds(3600),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((10, Span::from_seconds(3600))),
};
/// Mail that a user has sent to addresses of their choice: five, then one in ten minutes.
const MAIL_TO_OTHERS: Backoff = Backoff {
    free: 5,
    max_wait: Span::from_seconds(600),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((5, Span::from_seconds(600))),
};

/// Forgets what was counted against a user from everywhere: an operator, or a link in a mail, has let them in again.
///
/// # Errors
/// The database's.
pub fn forget(connection: &mut AnyConnection, secrets: &SecretRing, user: Id) -> Result<()> {
    rate_limits::clear(connection, &[true, false].map(|is_near| user_key(secrets, user, is_near)))
}

/// The key of failures at a user from everywhere: of those near where they have signed in before, or of all others.
fn user_key(secrets: &SecretRing, user: Id, is_near: bool) -> rate_limits::Key {
    secrets.pseudonym(if is_near { "user, from near" } else { "user, from elsewhere" }, &user.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_asked_for_a_few_times_and_names_are_tried_ten_times() {
        assert_eq!([3, 4, 8, 16, 5000].map(|n| MAIL_FOR.wait_after(n).seconds()), [0, 1, 16, 3600, 3600]);
        assert_eq!([10, 11, 30].map(|n| MAIL_FOR_ANYONE.wait_after(n).seconds()), [0, 1, 300], "its owner can come between");
        assert_eq!([9, 10, 11].map(|n| NAMES_TRIED.wait_after(n).seconds()), [0, 3600, 3600]);
        assert_eq!([4, 5, 6].map(|n| MAIL_TO_OTHERS.wait_after(n).seconds()), [0, 600, 600]);
    }
}
