//! What operators can do: one function for each use case, with the actor and the context in hand. The command
//! line calls them, as an admin API would. Each that changes something is one transaction of `store`, and its result is what
//! programs are shown. Nothing here knows how a command, a flag or a page is called.

pub mod apis;
pub mod authenticators;
pub mod clients;
pub mod consents;
mod date_time;
pub mod deletions;
pub mod details;
mod error;
mod grant_state;
pub mod grants;
pub mod installation;
pub mod invitations;
pub mod keys;
pub mod known_names;
pub mod links;
pub mod page;
pub mod presets;
pub mod recovery;
pub mod user_changes;
pub mod users;

use crate::{
    config::Config,
    passwords::Passwords,
    protocol::{
        account::activity::{Activity, Origin, UNKNOWN_ORIGIN},
        secrets::sensitive::Sensitive,
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{AnyConnection, activity::Event},
};

pub use date_time::DateTime;
pub use error::{Conflict, OperationError, Resource};

/// What an operation works with.
pub struct Context<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// A connection to the database.
    pub connection: &'a mut AnyConnection,
    /// The time.
    pub now: Timestamp,
}

/// Who performs an operation. Its origin is recorded in the activity of the account concerned, and told in e-mails about it.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    origin: &'a Origin,
}

impl Actor<'static> {
    /// The operator at the command line, who has no address.
    pub const OPERATOR: Self = Actor { origin: &UNKNOWN_ORIGIN };
}

impl<'a> Actor<'a> {
    /// The activity of this actor on an account.
    fn event(self, now: Timestamp, user: Id, activity: Activity) -> Event<'a> {
        Event { id: random::id(now), user, activity, origin: self.origin, about: None, grant: None, at: now }
    }
}

/// A new password, and how it is hashed.
pub struct NewPassword<'a> {
    /// Hashes it.
    pub passwords: &'a Passwords,
    /// The password.
    pub text: &'a Sensitive<String>,
}
