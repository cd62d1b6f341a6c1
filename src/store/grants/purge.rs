//! Grants that leave the table, with their history and what is known of their apps' networks. The table is looked through in the
//! order of its primary key: no index follows what rotation changes. Which of them leave is `protocol::retention`.

use diesel::prelude::*;

use crate::{
    protocol::{
        id::Id,
        retention::{GrantLife, Retention},
    },
    store::{
        AnyConnection, Result, devices,
        dialect::{self, load_free},
        grant_history,
        mapping::{Row, time, times},
        meta,
        schema::{grants, sessions},
    },
};

/// So many grants leave in one transaction.
const TOGETHER: usize = 200;
/// So many lines of history leave in one.
const LINES: u32 = 1_000;

type Columns = (Vec<u8>, i64, bool, i64, Option<i64>, i64, Option<i64>);

/// What came of looking at a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The last grant that was dealt with; `None` at the end of the table.
    pub at: Option<Id>,
    /// How many rows have left, lines of history among them.
    pub deleted: usize,
}

/// Looks at `slice` grants behind `after`, and removes those that leave, at most two hundred: where there are more, or more
/// history than fits into one transaction, it stops there. Reading holds nobody up; a row that another transaction holds, or that
/// was used since, stays.
///
/// # Errors
/// The database's.
pub fn sweep(connection: &mut AnyConnection, after: Id, slice: u32, retention: &Retention) -> Result<Purged> {
    let rows: Vec<Columns> = grants::table
        .filter(grants::id.gt(after.as_bytes().as_slice()))
        .order(grants::id)
        .limit(i64::from(slice))
        .select((
            grants::id,
            grants::generation,
            grants::session_id.is_not_null(),
            grants::created_at,
            grants::rotated_at,
            grants::expires_at,
            grants::revoked_at,
        ))
        .load(connection)?;
    let is_end = rows.len() < usize::try_from(slice).unwrap_or(usize::MAX);
    let (mut last, mut purgeable) = (after, Vec::new());
    for row in rows {
        // One that cannot be read does not hold the walk up.
        match to_life(row) {
            Ok((id, Ok(life))) => {
                last = id;
                purgeable.extend(retention.may_purge_grant(&life).then_some(id));
            }
            Ok((id, Err(error))) => {
                last = id;
                tracing::error!(%error, "grant {id} skipped");
            }
            Err(error) => tracing::error!(%error, "a grant was skipped"),
        }
    }
    let are_all = purgeable.len() <= TOGETHER;
    purgeable.truncate(TOGETHER);
    let last_purgeable = purgeable.last().copied();
    let needed = in_unended_sessions(connection, &purgeable)?;
    purgeable.retain(|id| !needed.contains(id));
    let Some(last_purgeable) = last_purgeable else { return Ok(Purged { at: (!is_end).then_some(last), deleted: 0 }) };
    Ok(match remove_apart(connection, &purgeable, retention)? {
        Removed::Lines(deleted) => Purged { at: Some(after), deleted }, // there are more of them
        Removed::Grants(deleted) => {
            Purged { at: if are_all { (!is_end).then_some(last) } else { Some(last_purgeable) }, deleted }
        }
    })
}

/// Those of these grants that were redeemed in a session that goes on: who signs out there has their clients told
/// (`deliveries::enqueue_logout`).
fn in_unended_sessions(connection: &mut AnyConnection, purgeable: &[Id]) -> Result<Vec<Id>> {
    if purgeable.is_empty() {
        return Ok(Vec::new());
    }
    let keys = purgeable.iter().map(|id| id.as_bytes().as_slice());
    let needed: Vec<Vec<u8>> = grants::table
        .inner_join(sessions::table.on(sessions::id.eq(grants::sid)))
        .filter(grants::id.eq_any(keys))
        .filter(grants::generation.gt(0))
        .filter(sessions::ended_at.is_null())
        .select(grants::id)
        .load(connection)?;
    let row = Row { table: "grants", name: &"a grant" };
    needed.into_iter().map(|id| row.id("id", id)).collect()
}

fn to_life(
    (id, generation, ends_with_session, created_at, rotated_at, expires_at, revoked_at): Columns,
) -> Result<(Id, Result<GrantLife>)> {
    let row = Row { table: "grants", name: &created_at };
    let life = row.generation("generation", generation).map(|generation| GrantLife {
        generation,
        ends_with_session,
        created_at: time(created_at),
        rotated_at: times(rotated_at),
        expires_at: time(expires_at),
        revoked_at: times(revoked_at),
    });
    Ok((row.id("id", id)?, life))
}

/// What has left, in rows.
enum Removed {
    /// Some of the history, of which there was more than fits into one transaction.
    Lines(usize),
    /// Grants, with what was left of their history.
    Grants(usize),
}

/// As [`remove`]; where they cannot be removed together, each by itself, so that one stays and not all of them.
fn remove_apart(connection: &mut AnyConnection, purgeable: &[Id], retention: &Retention) -> Result<Removed> {
    match remove(connection, purgeable, retention) {
        Err(_) if meta::write(connection).is_ok() => {}
        removed => return removed,
    }
    let (mut deleted, mut has_more) = (0, false);
    for id in purgeable {
        match remove(connection, &[*id], retention) {
            Ok(Removed::Grants(rows)) => deleted += rows,
            Ok(Removed::Lines(rows)) => (deleted, has_more) = (deleted + rows, true),
            Err(error) if meta::write(connection).is_err() => return Err(error), // it is not this one
            Err(error) => tracing::error!(%error, "grant {id} could not be removed: skipped"),
        }
    }
    Ok(if has_more { Removed::Lines(deleted) } else { Removed::Grants(deleted) })
}

fn remove(connection: &mut AnyConnection, purgeable: &[Id], retention: &Retention) -> Result<Removed> {
    let keys = || purgeable.iter().map(|id| id.as_bytes().as_slice());
    // Again, while the rows are held: whoever advances one notes when.
    let unused = || grants::rotated_at.is_null().or(grants::rotated_at.le(retention.cutoff().millis()));
    dialect::together(connection, |connection| {
        let still = || grants::table.filter(grants::id.eq_any(keys())).filter(unused()).select((grants::id, grants::user_id));
        let held: Vec<(Vec<u8>, Vec<u8>)> = load_free!(connection, still())?;
        let row = Row { table: "grants", name: &retention.now.millis() };
        let held = held.into_iter().map(|(id, user)| Ok((row.id("id", id)?, row.id("user_id", user)?)));
        let held = held.collect::<Result<Vec<_>>>()?;
        let ids: Vec<_> = held.iter().map(|(id, _)| id.as_bytes().as_slice()).collect();
        let some = grant_history::forget_some_of(connection, &ids, LINES)?;
        if some > 0 {
            return Ok(Removed::Lines(some));
        }
        let lines = grant_history::forget_all_of(connection, &ids)?;
        let deleted = diesel::delete(grants::table.filter(grants::id.eq_any(&ids))).execute(connection)?;
        devices::forget_apps(connection, &held)?;
        Ok(Removed::Grants(deleted + lines))
    })
}
