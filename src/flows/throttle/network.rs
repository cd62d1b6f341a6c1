//! What a network may do: how many failures it is allowed grows with the different users who sign in rightly from there, so that
//! a school or an office behind one address is no suspect, and a list of stolen passwords is.

use std::collections::HashMap;

use crate::{
    protocol::{
        id::Id,
        rate_limit::{Bucket, Count},
        secrets::SecretRing,
        time::{Span, Timestamp},
    },
    store::{
        AnyConnection, Result,
        rate_limits::{self, Key},
    },
};

/// Users who signed in rightly are counted for this week and the one before.
const WEEK: Span = Span::from_seconds(7 * 86_400);
/// So much room each of them makes.
const ROOM_FOR_EACH: i64 = 3;
/// So many of them are counted at most.
const MOST_USERS: i64 = 1000;

/// The keys under which users who signed in rightly from one network are counted.
#[derive(Clone)]
pub struct Successes {
    weeks: [Key; 2],
    /// Whether this user is counted already; of nobody there is nothing to count.
    member: Option<Key>,
}

impl Successes {
    /// Those of a network, as the user of this id sees them.
    pub fn new(secrets: &SecretRing, network: &str, user: Option<Id>, now: Timestamp) -> Self {
        let week = now.millis().div_euclid(WEEK.millis());
        let count = |week: i64| secrets.pseudonym("users signed in", &format!("{network} {week}"));
        let member = user.map(|user| secrets.pseudonym("user signed in", &format!("{network} {week} {user}")));
        Self { weeks: [count(week), count(week - 1)], member }
    }

    /// Every key, to be read with others.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.weeks.into_iter().chain(self.member)
    }

    /// The bucket with the room that they make.
    pub fn widen(&self, bucket: Bucket, counts: &HashMap<Key, Count>) -> Bucket {
        // The greater of both weeks: most users of one are users of the other.
        let users = self.weeks.iter().filter_map(|week| counts.get(week)).map(|count| count.amount).max().unwrap_or_default();
        bucket.with_room_for(ROOM_FOR_EACH * users.min(MOST_USERS))
    }

    /// Whether this user is counted already.
    pub fn has_member(&self, counts: &HashMap<Key, Count>) -> bool {
        self.member.is_none_or(|member| counts.contains_key(&member))
    }

    /// Counts this user, once a week.
    ///
    /// # Errors
    /// The database's.
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
