//! What can go wrong with the database, sorted by what the caller can do about it.

use std::fmt;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, is shutting down, busy or full: answer 503. A statement that it did not answer may be done.
    #[error("{0}")]
    Unavailable(String),
    /// Others change the same row all the time, or the caller has left: answer 503, nothing was done.
    #[error("{0}")]
    Busy(String),
    /// A unique value exists already.
    #[error("{0}")]
    Conflict(String),
    /// A row holds what this server never wrote: table, column and row.
    #[error("{0}")]
    Corrupt(String),
    /// Anything else: a mistake of ours.
    #[error("{0}")]
    Failed(String),
}

/// Tells whether an error means that the database is down, so that its connection is thrown away.
pub trait Outage {
    /// Whether the database could not be reached.
    fn is_outage(&self) -> bool;
}

impl Outage for Error {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<DieselError> for Error {
    /// Sorted by what Diesel makes of SQLSTATE and of SQLite's result codes, never by the words, which come in the language of the
    /// server (docs/decisions/0026). Our statements are fixed and tested: what the database says of one that is not about a constraint
    /// is a limit, a lock, a disk or an end of the connection, and means "not now".
    fn from(error: DieselError) -> Self {
        let text = error.to_string();
        match error {
            DieselError::DatabaseError(kind, _) => match kind {
                DatabaseErrorKind::UniqueViolation => Self::Conflict(text),
                DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation => Self::Failed(text),
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(text),
                // A limit, a lock, a disk; or a mistake of ours, which the answer does not tell.
                _ => {
                    tracing::error!(error = text, "unknown database error");
                    Self::Unavailable(text)
                }
            },
            DieselError::BrokenTransactionManager | DieselError::RollbackErrorOnCommit { .. } => Self::Unavailable(text),
            _ => Self::Failed(text),
        }
    }
}

impl Error {
    /// A value this server never wrote.
    #[must_use]
    pub fn corrupt(table: &str, column: &str, row: impl fmt::Display) -> Self {
        Self::Corrupt(format!("{table}.{column} of row {row} holds a value this server does not write"))
    }
}
