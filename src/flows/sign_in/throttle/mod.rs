//! Rate limits for password guesses and e-mail requests, without locking anyone out (ASVS 6.1.1, 6.3.1). This module holds the
//! limits and the keys of the counts; password attempts are `password`, e-mail requests `mail`, the allowance of a network
//! `network`. How counts become waits is `protocol::account::rate_limit`; `docs/security.md#limits` describes all of it.

mod mail;
mod network;
mod password;
mod tries;

pub use mail::MailLimit;
#[cfg(feature = "testing")]
pub use password::OF_SLOW_NETWORK;
pub use password::{Admission, Attempt, From, Who, forget_here};
pub use tries::may_try;

use crate::protocol::{
    account::rate_limit::{Backoff, Bucket},
    values::time::Span,
};

/// Failures for one name from one network, or for one user in one known browser. NIST SP 800-63B-4 §3.2.2: after 100 failures in
/// a row, one attempt an hour.
const NAME: Backoff = Backoff {
    free: 4,
    max_wait: Span::from_seconds(300),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((100, Span::from_seconds(3600))),
};
/// Failures for one user from everywhere: one more per half minute, so that many addresses do not make guessing fast.
const USER: Bucket = Bucket { capacity: 20, leak: Span::from_seconds(30), overflow: 0 };
/// Failures for all names from one network, except those of names that succeeded there afterwards.
const NETWORK: Bucket = Bucket { capacity: 30, leak: Span::from_seconds(10), overflow: 120 };
/// Failures in the known browsers of one network, for any user.
const KNOWN_BROWSERS: Bucket = Bucket { capacity: 300, leak: Span::from_seconds(2), overflow: 120 };
/// E-mail requests from one network.
const MAIL_FROM: Bucket = Bucket { capacity: 30, leak: Span::from_seconds(30), overflow: 0 };
/// E-mail requests for one name from one network, or in one known browser.
const MAIL_FOR: Backoff =
    Backoff { free: 3, max_wait: Span::from_seconds(3600), forget_after: Span::from_seconds(86_400), exhausted: None };
/// E-mail requests for one name by unknown callers everywhere: nobody's mailbox is flooded.
const MAIL_FOR_ANYONE: Backoff =
    Backoff { free: 10, max_wait: Span::from_seconds(300), forget_after: Span::from_seconds(3600), exhausted: None };
/// User names tried with one link: each try reveals whether the name is taken.
const NAMES_TRIED: Backoff = Backoff {
    free: 9,
    max_wait: Span::from_seconds(3600),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((10, Span::from_seconds(3600))),
};
/// Codes tried in one sign-in in progress, which is no longer valid by the time that another is accepted.
const TRIES: Backoff = Backoff {
    free: 9,
    max_wait: Span::from_seconds(3600),
    forget_after: Span::from_seconds(3600),
    exhausted: Some((10, Span::from_seconds(3600))),
};
/// E-mails of a user to addresses of their choice: five, then one per ten minutes.
const MAIL_TO_OTHERS: Backoff = Backoff {
    free: 5,
    max_wait: Span::from_seconds(600),
    forget_after: Span::from_seconds(86_400),
    exhausted: Some((5, Span::from_seconds(600))),
};

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
