//! Passkeys of an account: added with the user handle that they were made with, and used, with what their counter says.

use super::{Added, factors, still_counts};
use crate::{
    protocol::values::time::Timestamp,
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        authenticators::{self, Authenticator},
        dialect,
        sessions::Session,
        users::{self, User},
    },
};

/// A verified use of a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    /// Its counter.
    pub counter: i64,
    /// Whether a provider keeps it on several devices now.
    pub is_synced: bool,
    /// Whether it cannot leave its device: then its counter cannot fall.
    pub is_device_bound: bool,
}

/// What a use of a passkey counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// It counts.
    Yes,
    /// It counts, although the counter has fallen: that is in the activity.
    CounterFell,
    /// It does not count: the counter of a passkey that cannot leave its device has fallen, so there is a copy.
    Copied,
    /// The passkey was removed meanwhile.
    Gone,
}

/// Adds a passkey that was made with this user handle, which becomes the user's with their first one.
///
/// # Errors
/// [`crate::store::error::Error::Conflict`] if its credential id is another's.
pub fn add_passkey(
    connection: &mut AnyConnection,
    proof: (&User, &Session),
    (new, handle): (&Authenticator, &[u8]),
    event: &Event<'_>,
) -> Result<Added> {
    dialect::together(connection, |connection| {
        if !still_counts(connection, proof, event.at)? || !users::keep_handle(connection, event.user, handle)? {
            return Ok(Added::No);
        }
        factors::insert(connection, proof.0, new, event)
    })
}

/// Records the use of a passkey. `event` is recorded if the counter has fallen.
///
/// # Errors
/// Database errors.
pub fn use_passkey(connection: &mut AnyConnection, passkey: &Authenticator, used: PasskeyUse, event: &Event<'_>) -> Result<Used> {
    let at: Timestamp = event.at;
    if authenticators::advance_passkey(connection, passkey.id, (used.counter, used.is_synced), at)? {
        return Ok(Used::Yes);
    }
    dialect::together(connection, |connection| {
        if users::lock(connection, event.user)?.is_none() || authenticators::find(connection, passkey.id)?.is_none() {
            return Ok(Used::Gone);
        }
        activity::insert(connection, event)?;
        if used.is_device_bound {
            return Ok(Used::Copied);
        }
        authenticators::set_passkey(connection, passkey.id, (used.counter, used.is_synced), at)?;
        Ok(Used::CounterFell)
    })
}
