//! The table `resets`: users whose authenticators an operator removes, once the time in which they can object is over. A row is
//! deleted when that is done, or cancelled.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    mapping::{Row, time},
    schema::resets,
};
use crate::protocol::values::{id::Id, time::Timestamp};

/// A reset that is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When the authenticators are removed.
    pub due_at: Timestamp,
}

/// The reset that waits for a user.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, user: Id) -> Result<Option<Reset>> {
    let row = resets::table.find(user.as_bytes().as_slice()).select((resets::requested_at, resets::due_at));
    let found: Option<(i64, i64)> = row.get_result(connection).optional()?;
    Ok(found.map(|(requested_at, due_at)| Reset { requested_at: time(requested_at), due_at: time(due_at) }))
}

/// The users whose reset is due, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn due(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<Vec<Id>> {
    let due = resets::table.filter(resets::due_at.le(now.millis())).order(resets::due_at).limit(i64::from(limit));
    let rows: Vec<(Vec<u8>, i64)> = due.select((resets::user_id, resets::due_at)).load(connection)?;
    rows.into_iter().map(|(id, due_at)| Row { table: "resets", name: &due_at }.id("user_id", id)).collect()
}

/// Plans a reset, instead of an earlier one. Part of a transaction.
pub(super) fn plan(connection: &mut AnyConnection, user: Id, reset: Reset) -> Result<()> {
    end(connection, user)?;
    let times = (resets::requested_at.eq(reset.requested_at.millis()), resets::due_at.eq(reset.due_at.millis()));
    diesel::insert_into(resets::table).values((resets::user_id.eq(user.as_bytes().as_slice()), times)).execute(connection)?;
    Ok(())
}

/// Deletes a user's reset; false if there is none. Part of a transaction.
pub(super) fn end(connection: &mut AnyConnection, user: Id) -> Result<bool> {
    Ok(diesel::delete(resets::table.find(user.as_bytes().as_slice())).execute(connection)? == 1)
}

/// Deletes a user's reset if it is due; false otherwise. Part of a transaction.
pub(super) fn end_due(connection: &mut AnyConnection, user: Id, now: Timestamp) -> Result<bool> {
    let row = resets::table.find(user.as_bytes().as_slice()).filter(resets::due_at.le(now.millis()));
    Ok(diesel::delete(row).execute(connection)? == 1)
}
