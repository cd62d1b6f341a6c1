//! Database errors, classified by what the caller can do about them.

use std::fmt;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// What a pooler that gives each transaction another connection breaks: prepared statements, settings of a connection, and ending a
/// commit that waits.
pub(super) const TRANSACTION_POOLING: &str = "a pooler (PgBouncer?) in front of PostgreSQL is in transaction mode: expected pool_mode = session for this database, or PostgreSQL itself (docs/operations.md, PostgreSQL)";

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// A database error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, is shutting down, busy or full: answer 503. A statement without a response may have taken
    /// effect.
    #[error("{0}")]
    Unavailable(String),
    /// The row keeps changing concurrently, or the caller has given up: answer 503, nothing was done.
    #[error("{0}")]
    Busy(String),
    /// A unique value already exists.
    #[error("{0}")]
    Conflict(String),
    /// A row holds a value this server never wrote: table, column and row.
    #[error("{0}")]
    Corrupt(String),
    /// Anything else: a bug of this server.
    #[error("{0}")]
    Failed(String),
}

/// Tells whether an error means that the database is down, so that its connection is discarded.
pub trait Outage {
    /// Whether the database could not be reached.
    fn is_outage(&self) -> bool;
}

/// Whether this is SQLite's text for a file that another process has locked (`SQLITE_BUSY`), which is in no other language than this.
/// Only for the start of a server, which may wait for it; PostgreSQL's texts are never read.
#[must_use]
pub fn is_locked(why: &str) -> bool {
    why.contains("database is locked")
}

impl Outage for Error {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<DieselError> for Error {
    /// Classified by what Diesel makes of SQLSTATE and of SQLite's result codes, never by the message, which is in the server's
    /// language (docs/decisions/0026). Our statements are fixed and tested: an error that is not about a constraint is a limit, a
    /// lock, a disk or a closed connection, and means "not now".
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
                // A limit, a lock, a disk; or a bug of this server, which the error does not distinguish.
                _ => {
                    // The name of a statement is in the message, in whatever language: the connection has another one's statements.
                    let text = if text.contains("__diesel_stmt_") { format!("{text}: {TRANSACTION_POOLING}") } else { text };
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
    /// A column holds a value this server never wrote.
    #[must_use]
    pub fn corrupt(table: &str, column: &str, row: impl fmt::Display) -> Self {
        Self::Corrupt(format!("{table}.{column} of row {row} holds a value this server does not write"))
    }
}
