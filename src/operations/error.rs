//! Why an operation was not done. The texts name things, not the commands with which to find or change them: those are the caller's.

use crate::{
    jose,
    protocol::{error::Invalid, values::algorithm::Algorithm},
    store::{self, error::Outage},
};

use super::DateTime;

/// Why an operation was not done. Nothing was changed then, unless the database says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// There is no such thing.
    #[error("{kind} '{name}' does not exist", kind = kind.name())]
    NotFound {
        /// What was looked for.
        kind: Resource,
        /// The name it was looked for by.
        name: String,
    },
    /// The state of something that exists forbids it.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A value is refused.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] jose::Error),
    /// The database failed.
    #[error("database: {0}")]
    Store(#[from] store::Error),
}

/// What can be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A user, by user name or e-mail address.
    User,
    /// A client, by its client ID.
    Client,
    /// An API, by its identifier.
    Api,
    /// A grant, by its id.
    Grant,
    /// An open invitation, by e-mail address.
    Invitation,
    /// An authenticator of a user, by its id.
    Authenticator,
    /// A reset that waits for its time, by the name of its user.
    Reset,
}

/// The state that forbids an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another user has the name.
    #[error("user name '{0}' is already taken")]
    UserName(String),
    /// Another user has the address.
    #[error("e-mail address '{0}' is already taken")]
    EmailAddress(String),
    /// Another user has the name or the address.
    #[error("user name or e-mail address '{username}', '{email}' is already taken")]
    UserNameOrAddress {
        /// The name.
        username: String,
        /// The address.
        email: String,
    },
    /// One of several users cannot be added: another user has, or had, one of these.
    #[error("{} is already taken", taken.join(" or "))]
    Imported {
        /// Which one, counted from 0.
        at: usize,
        /// The name, the address and the subjects.
        taken: Vec<String>,
    },
    /// Whoever has the address has an account.
    #[error("e-mail address '{0}' already belongs to a user")]
    HasAccount(String),
    /// The user cannot reset a password by e-mail.
    #[error("user '{0}' must be enabled and have a verified e-mail address")]
    CannotRecover(String),
    /// A user would need an e-mail to set a new password.
    #[error("mail is not configured, and user '{0}' can set a new password only by e-mail")]
    NoMailToRecover(String),
    /// No e-mail can be sent.
    #[error("mail is not configured")]
    NoMail,
    /// Nobody can register.
    #[error("registration: expected invitation or open in the configuration, received off")]
    RegistrationOff,
    /// An API is registered under this identifier.
    #[error("API '{0}' is already registered")]
    Api(String),
    /// The client has two secrets, and a third would revoke one in use.
    #[error("client '{0}' already has two active secrets")]
    TwoSecrets(String),
    /// There is a key for the algorithm.
    #[error("there is already a key for {name}", name = .0.as_str())]
    KeyExists(Algorithm),
    /// There is no key for the algorithm.
    #[error("there is no key for {name} yet", name = .0.as_str())]
    NoKey(Algorithm),
    /// A new key for the algorithm is published already.
    #[error("key {kid} is already published and signs from {signs_from}")]
    KeyUpcoming {
        /// The key.
        kid: String,
        /// The time from which it signs.
        signs_from: DateTime,
    },
    /// The key was there a moment ago.
    #[error("key {0} was deleted by another process")]
    KeyDeleted(String),
}

impl Resource {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Client => "client",
            Self::Api => "API",
            Self::Grant => "grant",
            Self::Invitation => "invitation",
            Self::Authenticator => "authenticator",
            Self::Reset => "reset",
        }
    }

    /// The error that says that there is none of this name.
    pub(super) fn missing(self, name: impl Into<String>) -> OperationError {
        OperationError::NotFound { kind: self, name: name.into() }
    }
}

impl Outage for OperationError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}
