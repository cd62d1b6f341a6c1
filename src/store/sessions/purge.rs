//! Sessions that leave the table, and the end of those that nobody uses any more. The table is looked through in the order of its
//! primary key: no index follows when a session was last used. Which of them end or leave is `protocol::retention`.

use std::collections::HashSet;

use diesel::{dsl::exists, prelude::*};

use super::{Row, end_row, find};
use crate::{
    protocol::{id::Id, retention::Retention, time::Timestamp},
    store::{
        AnyConnection, Result,
        dialect::{self, load_free},
        meta,
        schema::{grants, sessions},
    },
};

/// So many sessions leave in one transaction, and so many are ended at once, each in one of its own.
const TOGETHER: usize = 100;

type Columns = (Vec<u8>, Vec<u8>, Option<i64>, i64, bool, bool);

/// What came of looking at a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The last session that was dealt with; `None` at the end of the table.
    pub at: Option<Id>,
    /// How many were ended.
    pub ended: usize,
    /// How many rows have left.
    pub deleted: usize,
}

/// What becomes of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PurgeDecision {
    Keep,
    End,
    Remove,
}

/// A session of which something becomes.
struct Due {
    id: Id,
    user: Id,
    decision: PurgeDecision,
}

/// Looks at `slice` sessions behind `after`: ends those that were not used for too long, and removes those that ended long ago;
/// of one in which a grant was given that is still there, it forgets from where it was. At most a hundred of them; where there
/// are more it stops there. A session that another transaction holds, or that was used meanwhile, stays as it is, and so does one
/// whose apps are used.
///
/// # Errors
/// The database's.
pub fn sweep(connection: &mut AnyConnection, after: Id, slice: u32, retention: &Retention) -> Result<Purged> {
    let rows: Vec<Columns> = sessions::table
        .filter(sessions::id.gt(after.as_bytes().as_slice()))
        .order(sessions::id)
        .limit(i64::from(slice))
        .select((sessions::id, sessions::user_id, sessions::ended_at, sessions::last_seen_at, sessions::remembered, has_origin()))
        .load(connection)?;
    let is_end = rows.len() < usize::try_from(slice).unwrap_or(usize::MAX);
    let mut last = after;
    let mut due = Vec::new();
    for (id, user, ended_at, last_seen_at, remembered, has_origin) in rows {
        let row = Row { table: "sessions", name: &last_seen_at };
        // One that cannot be read does not hold the walk up.
        let (id, user) = match (row.id("id", id), row.id("user_id", user)) {
            (Ok(id), Ok(user)) => (id, user),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(%error, "a session was skipped");
                continue;
            }
        };
        let decision = match ended_at.map(Timestamp::from_millis) {
            Some(ended_at) if ended_at <= retention.cutoff() => PurgeDecision::Remove,
            None if retention.is_idle(remembered, Timestamp::from_millis(last_seen_at)) => PurgeDecision::End,
            _ => PurgeDecision::Keep,
        };
        last = id;
        if decision != PurgeDecision::Keep {
            due.push((Due { id, user, decision }, has_origin));
        }
    }
    // Those that stay for a grant, and of which nothing is left to forget, are nobody's work.
    let purgeable: Vec<_> = due.iter().filter(|(one, _)| one.decision == PurgeDecision::Remove).map(|(one, _)| one).collect();
    let staying: HashSet<_> = given_in(connection, &purgeable)?.into_iter().collect();
    let is_done = |one: &Due| one.decision == PurgeDecision::Remove && staying.contains(one.id.as_bytes().as_slice());
    let due: Vec<_> = due.into_iter().filter(|(one, has_origin)| *has_origin || !is_done(one)).map(|(one, _)| one).collect();
    let (now, later) = due.split_at(due.len().min(TOGETHER));
    let (ended, deleted) = settle(connection, now, retention)?;
    let at = match now.last() {
        Some(one) if !later.is_empty() => Some(one.id),
        _ => (!is_end).then_some(last),
    };
    Ok(Purged { at, ended, deleted })
}

/// Whether it is known from where a session was.
#[diesel::dsl::auto_type]
fn has_origin() -> _ {
    sessions::address.is_not_null().or(sessions::place.is_not_null()).or(sessions::user_agent.is_not_null())
}

/// Those of these sessions in which a grant was given that is still there: its page says in which browser, and `protocol::grant`
/// whether its session has ended.
fn given_in(connection: &mut AnyConnection, some: &[&Due]) -> Result<Vec<Vec<u8>>> {
    if some.is_empty() {
        return Ok(Vec::new());
    }
    let keys = some.iter().map(|one| one.id.as_bytes().as_slice());
    let users = some.iter().map(|one| one.user.as_bytes().as_slice());
    let given = grants::table.filter(grants::user_id.eq_any(users)).filter(grants::sid.eq_any(keys)).select(grants::sid);
    Ok(given.distinct().load(connection)?)
}

/// Ends and removes; says how many of each.
fn settle(connection: &mut AnyConnection, due: &[Due], retention: &Retention) -> Result<(usize, usize)> {
    let mut ended = 0;
    for one in due.iter().filter(|one| one.decision == PurgeDecision::End) {
        match end_idle(connection, one.id, retention) {
            Ok(is_ended) => ended += usize::from(is_ended),
            Err(error) if meta::write(connection).is_err() => return Err(error), // it is not this one
            Err(error) => tracing::error!(%error, "session {} could not be ended: skipped", one.id),
        }
    }
    let purgeable: Vec<_> = due.iter().filter(|one| one.decision == PurgeDecision::Remove).collect();
    Ok((ended, remove_apart(connection, &purgeable, retention.cutoff())?))
}

/// As [`remove`]; where they cannot be removed together, each by itself, so that one stays and not all of them.
fn remove_apart(connection: &mut AnyConnection, purgeable: &[&Due], cutoff: Timestamp) -> Result<usize> {
    match remove(connection, purgeable, cutoff) {
        Err(_) if meta::write(connection).is_ok() => {}
        removed => return removed,
    }
    let mut deleted = 0;
    for one in purgeable {
        match remove(connection, std::slice::from_ref(one), cutoff) {
            Ok(removed) => deleted += removed,
            Err(error) if meta::write(connection).is_err() => return Err(error), // it is not this one
            Err(error) => tracing::error!(%error, "session {} could not be removed: skipped", one.id),
        }
    }
    Ok(deleted)
}

/// Ends a session, unless it was used since it was looked at, or an app whose access ends with it is used.
fn end_idle(connection: &mut AnyConnection, id: Id, retention: &Retention) -> Result<bool> {
    let key = id.as_bytes().as_slice();
    dialect::together(connection, |connection| {
        let unended = || sessions::table.find(key).filter(sessions::ended_at.is_null()).select(sessions::id);
        let held: Vec<Vec<u8>> = load_free!(connection, unended())?;
        let found = if held.is_empty() { None } else { find(connection, id)? };
        let Some(session) = found else { return Ok(false) };
        if !retention.is_idle(session.remembered, session.last_seen_at) {
            return Ok(false);
        }
        // Of no later use than that no credential of theirs is taken any more: nothing can come between.
        let since = retention.idle_since(session.remembered).millis();
        let last_used_since = grants::rotated_at.gt(since).or(grants::rotated_at.is_null().and(grants::created_at.gt(since)));
        let in_use = grants::table
            .filter(grants::session_id.eq(key))
            .filter(grants::revoked_at.is_null())
            .filter(last_used_since.assume_not_null());
        if diesel::select(exists(in_use)).get_result(connection)? {
            return Ok(false);
        }
        end_row(connection, &session, retention.now)
    })
}

/// Removes those of these sessions that ended until then; says how many.
fn remove(connection: &mut AnyConnection, purgeable: &[&Due], cutoff: Timestamp) -> Result<usize> {
    if purgeable.is_empty() {
        return Ok(0);
    }
    let keys = || purgeable.iter().map(|one| one.id.as_bytes().as_slice());
    dialect::together(connection, |connection| {
        let given = given_in(connection, purgeable)?;
        let ended = || sessions::table.filter(sessions::id.eq_any(keys())).filter(sessions::ended_at.le(cutoff.millis()));
        let held: Vec<Vec<u8>> = load_free!(connection, ended().select(sessions::id))?;
        let (staying, free): (Vec<_>, Vec<_>) = held.into_iter().partition(|id| given.contains(id));
        let none = None::<&str>;
        diesel::update(sessions::table.filter(sessions::id.eq_any(staying)).filter(has_origin()))
            .set((sessions::address.eq(none), sessions::place.eq(none), sessions::user_agent.eq(none)))
            .execute(connection)?;
        Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(free))).execute(connection)?)
    })
}
