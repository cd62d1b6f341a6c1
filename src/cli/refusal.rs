//! Why an operation was not done, as a message of the command line: with the command that shows what there is, or that would help.
//! And the note on a deletion that is not complete.

use super::{Error, note};
use crate::operations::{Conflict, OperationError, Resource, deletions::Purge};

/// Says so if the purge after a deletion was interrupted.
pub fn note_pending(purge: &Purge) {
    if let Some(error) = &purge.error {
        note(&format!("note: the deletion is effective, but rows are left, which a running server will purge: {error}"));
    }
}

impl From<OperationError> for Error {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::NotFound { kind, name } => Self::Missing { kind, name },
            OperationError::Conflict(conflict) => Self::Refused(with_remedy(&conflict)),
            OperationError::Invalid(why) => why.into(),
            OperationError::Keys(error) => Self::Refused(error.to_string()),
            OperationError::Store(error) => Self::Store(error),
        }
    }
}

/// What the command says of a name that nothing has.
pub fn missing(kind: Resource, name: &str) -> String {
    match kind {
        Resource::User => {
            format!("user '{name}': no user has this name or e-mail address (list all with symbolon user list)")
        }
        Resource::Client => format!("client '{name}': no such client (list all with symbolon client list)"),
        Resource::Api => format!("API '{name}': no such API (list all with symbolon api list)"),
        Resource::Grant => format!("grant '{name}': no such grant (list the newest with symbolon grant list)"),
        Resource::Authenticator => {
            format!("authenticator '{name}': the user has no such (list theirs with symbolon user authenticators NAME)")
        }
        Resource::Reset => format!("user '{name}': no removal of authenticators waits for its time"),
        Resource::Invitation => {
            format!("e-mail address '{name}': it has no open invitation (list all with symbolon user invitations)")
        }
    }
}

fn with_remedy(conflict: &Conflict) -> String {
    match conflict {
        Conflict::CannotRecover(_) => {
            format!("{conflict} (symbolon user enable, symbolon user set --email-verified)")
        }
        Conflict::NoMailToRecover(_) => {
            format!("{conflict} (set one with symbolon user set-password, or disable the user with symbolon user disable)")
        }
        Conflict::NoMail => format!("{conflict}: configure it, or use --print"),
        Conflict::TwoSecrets(_) => {
            format!("{conflict}: retire the old one (symbolon client retire-secret), or revoke both with --now")
        }
        Conflict::KeyExists(algorithm) => {
            format!("{conflict} (create a new one with symbolon key rotate --algorithm {})", algorithm.as_str())
        }
        Conflict::NoKey(algorithm) => {
            format!("{conflict} (create the first with symbolon key add --algorithm {})", algorithm.as_str())
        }
        Conflict::KeyUpcoming { .. } => format!("{conflict}; use --now to create one that signs at once"),
        _ => conflict.to_string(),
    }
}
