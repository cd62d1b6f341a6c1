//! Purging of grants, with their history and the known networks of their apps. The table is swept in the order of its primary key:
//! no index covers columns that rotation changes. Which grants are purged is `protocol::grant::retention`.

use diesel::prelude::*;

use crate::{
    protocol::{
        grant::retention::{GrantLife, Retention},
        values::id::Id,
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

/// The maximum number of grants purged in one transaction.
const TOGETHER: usize = 200;
/// The maximum number of history entries purged in one transaction.
const LINES: u32 = 1_000;

type Columns = (Vec<u8>, i64, bool, i64, Option<i64>, i64, Option<i64>);

/// The result of sweeping a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The last grant processed; `None` at the end of the table.
    pub at: Option<Id>,
    /// The number of deleted rows, including history entries.
    pub deleted: usize,
}

/// Examines `slice` grants after `after`, and purges at most two hundred; it stops early if more are due, or if there is more
/// history than fits into one transaction. Reading takes no locks; a row that is locked by another transaction, or was used
/// meanwhile, is kept.
///
/// # Errors
/// Database errors.
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
        // An unreadable row does not stop the sweep.
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
        Removed::Lines(deleted) => Purged { at: Some(after), deleted }, // more remain
        Removed::Grants(deleted) => {
            Purged { at: if are_all { (!is_end).then_some(last) } else { Some(last_purgeable) }, deleted }
        }
    })
}

/// Of these grants, those redeemed in a session that has not ended: signing out there still notifies their clients
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

/// What was deleted, in rows.
enum Removed {
    /// Part of the history, which did not fit into one transaction.
    Lines(usize),
    /// Grants, with the rest of their history.
    Grants(usize),
}

/// As [`remove`]; if they cannot be removed together, one by one, so that a single failing row does not keep the others.
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
            Err(error) if meta::write(connection).is_err() => return Err(error), // this row is not the cause
            Err(error) => tracing::error!(%error, "grant {id} could not be removed: skipped"),
        }
    }
    Ok(if has_more { Removed::Lines(deleted) } else { Removed::Grants(deleted) })
}

fn remove(connection: &mut AnyConnection, purgeable: &[Id], retention: &Retention) -> Result<Removed> {
    let keys = || purgeable.iter().map(|id| id.as_bytes().as_slice());
    // Checked again while the rows are locked: a rotation updates the time.
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
