//! Purging of sessions, and the end of idle ones. The table is swept in the order of its primary key: no index covers the last use
//! of a session. Which sessions end or are purged is `protocol::grant::retention`.

use std::collections::HashSet;

use diesel::{dsl::exists, prelude::*};

use super::{Row, end_row, find};
use crate::{
    protocol::{
        grant::retention::Retention,
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, Result,
        dialect::{self, load_free},
        meta,
        schema::{grants, sessions},
    },
};

/// The maximum number of sessions purged in one transaction, and of sessions ended by one sweep, each in its own transaction.
const TOGETHER: usize = 100;

type Columns = (Vec<u8>, Vec<u8>, Option<i64>, i64, bool, bool);

/// The result of sweeping a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The last session processed; `None` at the end of the table.
    pub at: Option<Id>,
    /// How many were ended.
    pub ended: usize,
    /// The number of deleted rows.
    pub deleted: usize,
}

/// What to do with a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PurgeDecision {
    Keep,
    End,
    Remove,
}

/// A session that is due.
struct Due {
    id: Id,
    user: Id,
    decision: PurgeDecision,
}

/// Examines `slice` sessions after `after`: ends idle ones, and deletes those that ended long ago; one in which a still stored
/// grant was issued only loses its recorded origin. At most a hundred; it stops early if more are due. A session that is locked by
/// another transaction, or was used meanwhile, is kept as it is, and so is one whose apps are in use.
///
/// # Errors
/// Database errors.
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
        // An unreadable row does not stop the sweep.
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
    // A session kept for a grant, with its origin already deleted, needs nothing.
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

/// Whether a session has a recorded origin.
#[diesel::dsl::auto_type]
fn has_origin() -> _ {
    sessions::address.is_not_null().or(sessions::place.is_not_null()).or(sessions::user_agent.is_not_null())
}

/// Of these sessions, those in which a still stored grant was issued: its page shows the browser, and `protocol::grant` checks
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

/// Ends and deletes; returns how many of each.
fn settle(connection: &mut AnyConnection, due: &[Due], retention: &Retention) -> Result<(usize, usize)> {
    let mut ended = 0;
    for one in due.iter().filter(|one| one.decision == PurgeDecision::End) {
        match end_idle(connection, one.id, retention) {
            Ok(is_ended) => ended += usize::from(is_ended),
            Err(error) if meta::write(connection).is_err() => return Err(error), // this row is not the cause
            Err(error) => tracing::error!(%error, "session {} could not be ended: skipped", one.id),
        }
    }
    let purgeable: Vec<_> = due.iter().filter(|one| one.decision == PurgeDecision::Remove).collect();
    Ok((ended, remove_apart(connection, &purgeable, retention.cutoff())?))
}

/// As [`remove`]; if they cannot be removed together, one by one, so that a single failing row does not keep the others.
fn remove_apart(connection: &mut AnyConnection, purgeable: &[&Due], cutoff: Timestamp) -> Result<usize> {
    match remove(connection, purgeable, cutoff) {
        Err(_) if meta::write(connection).is_ok() => {}
        removed => return removed,
    }
    let mut deleted = 0;
    for one in purgeable {
        match remove(connection, std::slice::from_ref(one), cutoff) {
            Ok(removed) => deleted += removed,
            Err(error) if meta::write(connection).is_err() => return Err(error), // this row is not the cause
            Err(error) => tracing::error!(%error, "session {} could not be removed: skipped", one.id),
        }
    }
    Ok(deleted)
}

/// Ends a session, unless it, or an app whose access ends with it, was used since it was examined.
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
        // A credential of theirs last used before this time is refused: no use can come in between.
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

/// Deletes those of these sessions that ended up to this time; returns how many.
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
