//! The allowance of a network: the failures it is allowed grow with the number of different users who sign in successfully from
//! it, so that a school or an office behind one address is not slowed down, and a list of stolen passwords is.

use std::collections::HashMap;

use crate::{
    protocol::{
        account::rate_limit::{Bucket, Count},
        secrets::SecretRing,
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    store::{
        AnyConnection, Result,
        rate_limits::{self, Key},
    },
};

/// Successful users are counted for this week and the previous one.
const WEEK: Span = Span::from_seconds(7 * 86_400);
/// The failures allowed for each of them.
const ROOM_FOR_EACH: i64 = 3;
/// The maximum number of them that counts.
const MOST_USERS: i64 = 1000;

/// The keys under which the users who signed in successfully from one network are counted.
#[derive(Clone)]
pub struct Successes {
    weeks: [Key; 2],
    /// The key of this user in the count; `None` for an unknown name.
    member: Option<Key>,
}

impl Successes {
    /// The keys of a network, for this user.
    pub fn new(secrets: &SecretRing, network: &str, user: Option<Id>, now: Timestamp) -> Self {
        let week = now.millis().div_euclid(WEEK.millis());
        let count = |week: i64| secrets.pseudonym("users signed in", &format!("{network} {week}"));
        let member = user.map(|user| secrets.pseudonym("user signed in", &format!("{network} {week} {user}")));
        Self { weeks: [count(week), count(week - 1)], member }
    }

    /// All keys, to be read along with others.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.weeks.into_iter().chain(self.member)
    }

    /// The bucket, with the room that these users add.
    pub fn widen(&self, bucket: Bucket, counts: &HashMap<Key, Count>) -> Bucket {
        // The larger of both weeks: most users of one are users of the other.
        let users = self.weeks.iter().filter_map(|week| counts.get(week)).map(|count| count.amount).max().unwrap_or_default();
        bucket.with_room_for(ROOM_FOR_EACH * users.min(MOST_USERS))
    }

    /// Whether this user is already counted.
    pub fn has_member(&self, counts: &HashMap<Key, Count>) -> bool {
        self.member.is_none_or(|member| counts.contains_key(&member))
    }

    /// Counts this user, once a week.
    ///
    /// # Errors
    /// Database errors.
    pub fn add(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
        let Some(member) = self.member else { return Ok(()) };
        let [week, _] = self.weeks;
        let expires_at = now.plus(WEEK).plus(WEEK);
        if rate_limits::add_member(connection, &member, now, expires_at)? {
            rate_limits::add_one(connection, &week, now, expires_at)?;
        }
        Ok(())
    }
}
