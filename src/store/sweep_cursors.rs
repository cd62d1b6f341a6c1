//! The table `sweep_cursors`: how far a table has been swept in the order of its ids, slice by slice, by whichever process has the
//! lease. If a position was not stored, because a process crashed, some rows are examined twice.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    error::Error,
    mapping::{Row, time},
    schema::sweep_cursors,
};
use crate::protocol::values::{
    id::Id,
    time::{Span, Timestamp},
};

/// When the last sweep began, by the clock of the process that began it; `None` if there was none yet.
///
/// # Errors
/// Database errors.
pub fn last_begun(connection: &mut AnyConnection) -> Result<Option<Timestamp>> {
    let last = sweep_cursors::table
        .order(sweep_cursors::begun_at.desc())
        .select(sweep_cursors::begun_at)
        .first::<i64>(connection)
        .optional()?;
    Ok(last.map(time))
}

/// The position to continue from; `None` if the next sweep is not due yet. A sweep begins when `every` has passed since the last
/// one began, or if that time is in the future, written by a wrong clock.
///
/// # Errors
/// Database errors.
pub fn next(connection: &mut AnyConnection, name: &str, now: Timestamp, every: Span) -> Result<Option<Id>> {
    let found = sweep_cursors::table
        .find(name)
        .select((sweep_cursors::position, sweep_cursors::begun_at))
        .get_result::<(Option<Vec<u8>>, i64)>(connection)
        .optional()?;
    let start = Id::from_bytes([0; 16]);
    let Some((position, begun_at)) = found else {
        let row = (
            sweep_cursors::name.eq(name),
            sweep_cursors::position.eq(Some(start.as_bytes().as_slice())),
            sweep_cursors::begun_at.eq(now.millis()),
        );
        return match diesel::insert_into(sweep_cursors::table).values(row).execute(connection).map_err(Error::from) {
            Ok(_) => Ok(Some(start)),
            Err(Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        };
    };
    if let Some(position) = position {
        return Row { table: "sweep_cursors", name: &name }.id("position", position).map(Some);
    }
    let begun_at = time(begun_at);
    if begun_at <= now && now.since(begun_at) < every {
        return Ok(None);
    }
    let set = (sweep_cursors::position.eq(Some(start.as_bytes().as_slice())), sweep_cursors::begun_at.eq(now.millis()));
    diesel::update(sweep_cursors::table.find(name)).set(set).execute(connection)?;
    Ok(Some(start))
}

/// Stores the last id examined, or that the sweep is complete.
///
/// # Errors
/// Database errors.
pub fn note(connection: &mut AnyConnection, name: &str, position: Option<Id>) -> Result<()> {
    let position = position.as_ref().map(|id| id.as_bytes().as_slice());
    diesel::update(sweep_cursors::table.find(name)).set(sweep_cursors::position.eq(position)).execute(connection)?;
    Ok(())
}
