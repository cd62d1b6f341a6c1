//! Whether a table takes rows at all, found out by one that is inserted and removed again: so a row that is refused can be told
//! from a table that is not there, a full disk or a database that can only be read. What kind of error the database gives does not
//! tell: it has the same for both (`error`).

use super::{AnyConnection, Result, dialect, error::Error};

/// Whether the table takes this row. It is committed, because a full disk may show only then, and removed.
pub(super) fn is_taken(
    connection: &mut AnyConnection,
    insert: impl FnOnce(&mut AnyConnection) -> Result<()>,
    remove: impl FnOnce(&mut AnyConnection) -> Result<()>,
) -> bool {
    match dialect::together(connection, insert) {
        Ok(()) | Err(Error::Conflict(_)) => {} // another process tries at this moment
        Err(_) => return false,
    }
    if let Err(error) = dialect::together(connection, remove) {
        tracing::warn!(%error, "a row inserted to test whether the database is writable stays until housekeeping removes it");
    }
    true
}
