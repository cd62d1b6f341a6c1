//! Failures that are not the caller's fault, in two responses: "not now" (503: nothing more is committed for the caller, except
//! perhaps a statement that the database did not answer in time) and "our mistake" (500, one fixed text). The reason is for the log
//! alone.

use crate::{
    app::KeysError,
    jose,
    passwords::PasswordError,
    store::{self, error::Outage},
};

/// The time after which a caller should retry, in seconds (RFC 9110 §10.2.3).
pub const RETRY_AFTER: &str = "2";

/// A failure of the server or of a service it depends on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database is down or too busy: 503.
    #[error("{0}")]
    Unavailable(String),
    /// Overloaded, though nothing is down: 503 as well.
    #[error("{0}")]
    Busy(String),
    /// A bug: 500.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// The reason, for the log.
    #[must_use]
    pub fn reason(&self) -> &str {
        let (Self::Unavailable(reason) | Self::Busy(reason) | Self::Internal(reason)) = self;
        reason
    }
}

impl Outage for Fault {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(reason) => Self::Unavailable(reason),
            store::Error::Busy(reason) => Self::Busy(reason),
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<jose::Error> for Fault {
    fn from(error: jose::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<KeysError> for Fault {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(error) => error.into(),
            KeysError::Jose(error) => error.into(),
        }
    }
}

impl From<PasswordError> for Fault {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy(error.to_string()),
            PasswordError::Failed(text) => Self::Internal(text),
        }
    }
}
