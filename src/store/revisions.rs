//! The table `revisions`: how often something has changed, as one number. What a process has read of clients and APIs
//! (`crate::registrations`) holds for as long as theirs is the same; it is read along with what a request reads first.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect::on_either, schema::revisions};

/// The row of clients, their origins, and APIs.
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
/// The database's.
pub fn of_registrations(connection: &mut AnyConnection) -> Result<i64> {
    let row = revisions::table.find(REGISTRATIONS).select(revisions::number);
    Ok(on_either!(connection, one => row.get_result(one))?)
}

/// A client or an API changes. Part of the transaction that changes it, and the first thing it writes of them: all hold
/// this row before the others, so that no two wait for each other for ever.
pub(super) fn registrations_change(connection: &mut AnyConnection) -> Result<()> {
    let row = revisions::table.find(REGISTRATIONS);
    diesel::update(row).set(revisions::number.eq(revisions::number + 1)).execute(connection)?;
    Ok(())
}
