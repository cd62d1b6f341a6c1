//! The table `revisions`: change counters. What a process has cached of clients and APIs (`crate::caches::registrations`) is valid while
//! their revision is the same; it is read along with the first row that a request reads.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect::on_either, schema::revisions};

/// The row for clients, their origins, and APIs.
pub(super) const REGISTRATIONS: &str = "registrations";

/// The revision of clients and APIs, as part of another statement.
macro_rules! revision {
    () => {
        $crate::store::schema::revisions::table
            .find($crate::store::revisions::REGISTRATIONS)
            .select($crate::store::schema::revisions::number)
            .single_value()
    };
}
pub(super) use revision;

/// The revision of clients and APIs.
///
/// # Errors
/// Database errors.
pub fn of_registrations(connection: &mut AnyConnection) -> Result<i64> {
    let row = revisions::table.find(REGISTRATIONS).select(revisions::number);
    Ok(on_either!(connection, one => row.get_result(one))?)
}

/// Increments the revision of clients and APIs. Part of the transaction that changes one, and its first write: all of them lock
/// this row first, so that no two deadlock.
pub(super) fn registrations_change(connection: &mut AnyConnection) -> Result<()> {
    let row = revisions::table.find(REGISTRATIONS);
    diesel::update(row).set(revisions::number.eq(revisions::number + 1)).execute(connection)?;
    Ok(())
}
