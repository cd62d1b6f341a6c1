//! A probe of whether a table accepts rows, by one that is inserted and deleted again: it tells a rejected row from a missing
//! table, a full disk or a read-only database. The kind of the database's error does not, as it is the same for both (`error`).

use super::{AnyConnection, Result, dialect, error::Error};

/// Whether the table accepts this row. It is committed, because a full disk may show only then, and deleted.
pub(super) fn is_taken(
    connection: &mut AnyConnection,
    insert: impl FnOnce(&mut AnyConnection) -> Result<()>,
    remove: impl FnOnce(&mut AnyConnection) -> Result<()>,
) -> bool {
    match dialect::together(connection, insert) {
        Ok(()) | Err(Error::Conflict(_)) => {} // another process probes at the same time
        Err(_) => return false,
    }
    if let Err(error) = dialect::together(connection, remove) {
        tracing::warn!(%error, "a row inserted to test whether the database is writable stays until housekeeping removes it");
    }
    true
}
