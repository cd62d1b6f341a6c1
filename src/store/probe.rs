//! Whether a table takes rows at all, found out by a write that is taken back: so a row that is refused can be told from a table
//! that is not there, is full or may not be written.

use super::{
    AnyConnection, Result, dialect,
    error::{Error, Outage},
};

/// Why the write was taken back.
enum Over {
    /// It was taken: nothing of it is kept.
    Taken,
    /// It was not.
    Refused(Error),
}

impl From<Error> for Over {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Whether the database takes this write, of which nothing is kept.
///
/// # Errors
/// The database's, where it is down.
pub(super) fn is_taken(connection: &mut AnyConnection, write: impl FnOnce(&mut AnyConnection) -> Result<()>) -> Result<bool> {
    let over: std::result::Result<(), Over> = dialect::together(connection, |connection| {
        write(connection)?;
        Err(Over::Taken)
    });
    match over {
        Err(Over::Refused(error)) if error.is_outage() => Err(error),
        Err(Over::Refused(_)) | Ok(()) => Ok(false),
        Err(Over::Taken) => Ok(true),
    }
}
