//! What a user signs in with, changed by the user: each change in one transaction with its activity entry and its e-mail. The user has
//! confirmed that it is them (`protocol::account::authenticator`), in a session that is held until the transaction ends.

use super::still_counts;
use crate::{
    protocol::{
        account::{authenticator::AuthenticatorKind, notification::NotificationKind},
        values::id::Id,
    },
    store::{
        AnyConnection, Result,
        activity::Event,
        authenticators::{self, Authenticator},
        devices, dialect, notifications,
        sessions::Session,
        users::{self, User},
    },
};

/// The maximum number of authenticators of a user.
const MOST: usize = 30;

/// The result of adding an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It can be used from now on.
    Yes,
    /// The user has as many as are allowed.
    TooMany,
    /// The account or the session changed meanwhile: nothing was done.
    No,
}

/// Adds an authenticator. A set of recovery codes replaces the one before.
///
/// # Errors
/// [`crate::store::error::Error::Conflict`] if a passkey's credential id is another's.
pub fn add_authenticator(
    connection: &mut AnyConnection,
    proof: (&User, &Session),
    new: &Authenticator,
    event: &Event<'_>,
) -> Result<Added> {
    dialect::together(connection, |connection| {
        if !still_counts(connection, proof, event.at)? {
            return Ok(Added::No);
        }
        if new.kind == AuthenticatorKind::RecoveryCodes {
            let there = authenticators::of_user(connection, event.user)?;
            for old in there.iter().filter(|one| one.kind == new.kind) {
                authenticators::remove(connection, event.user, old.id)?;
            }
            authenticators::insert(connection, new)?;
            notifications::tell(connection, event, NotificationKind::RecoveryCodesMade, proof.0)?;
            return Ok(Added::Yes);
        }
        insert(connection, proof.0, new, event)
    })
}

/// Inserts an authenticator that is one of several, with its activity entry and its e-mail. Part of a transaction.
pub(super) fn insert(connection: &mut AnyConnection, user: &User, new: &Authenticator, event: &Event<'_>) -> Result<Added> {
    if authenticators::of_user(connection, event.user)?.len() >= MOST {
        return Ok(Added::TooMany);
    }
    authenticators::insert(connection, new)?;
    notifications::tell_of(connection, event, new.id, user)?;
    Ok(Added::Yes)
}

/// Takes an authenticator out of an account, whoever removes it; false if the user has no such. Trust in browsers ends, which was given
/// on the strength of what there was; with the last passkey and TOTP app the recovery codes go, as there is nothing left that they
/// stand in for. Part of a transaction.
pub(in crate::store) fn take_out(connection: &mut AnyConnection, user: Id, id: Id) -> Result<bool> {
    if !authenticators::remove(connection, user, id)? {
        return Ok(false);
    }
    devices::end_trust(connection, user, None)?;
    let left = authenticators::of_user(connection, user)?;
    if left.iter().all(|one| one.kind == AuthenticatorKind::RecoveryCodes) {
        authenticators::remove_all(connection, user)?;
    }
    Ok(true)
}

/// Removes an authenticator; false if it is gone already, or the account or the session changed meanwhile.
///
/// # Errors
/// Database errors.
pub fn remove_authenticator(connection: &mut AnyConnection, proof: (&User, &Session), id: Id, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !still_counts(connection, proof, event.at)? || !take_out(connection, event.user, id)? {
            return Ok(false);
        }
        notifications::tell(connection, event, NotificationKind::AuthenticatorRemoved, proof.0)?;
        Ok(true)
    })
}

/// Renames an authenticator; false if it is gone.
///
/// # Errors
/// Database errors.
pub fn rename_authenticator(connection: &mut AnyConnection, (user, id): (Id, Id), name: Option<&str>) -> Result<bool> {
    authenticators::rename(connection, user, id, name)
}

/// Removes the password of a user who has a passkey; false if there is none, or the account or the session changed meanwhile.
///
/// # Errors
/// Database errors.
pub fn remove_password(connection: &mut AnyConnection, proof: (&User, &Session), event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !still_counts(connection, proof, event.at)? {
            return Ok(false);
        }
        let there = authenticators::of_user(connection, event.user)?;
        if there.iter().all(|one| one.kind != AuthenticatorKind::Passkey) {
            return Ok(false);
        }
        users::set_password(connection, event.user, None)?;
        notifications::tell(connection, event, NotificationKind::AuthenticatorRemoved, proof.0)?;
        Ok(true)
    })
}

/// Uses up a recovery code of a set: the bit of its number. False if it was used, or the set replaced, meanwhile.
///
/// # Errors
/// Database errors.
pub fn use_recovery_code(
    connection: &mut AnyConnection,
    (user, set): (&User, &Authenticator),
    number: u32,
    event: &Event<'_>,
) -> Result<bool> {
    let bit = 1_i64.checked_shl(number).unwrap_or_default();
    if bit == 0 || set.counter & bit != 0 {
        return Ok(false);
    }
    dialect::together(connection, |connection| {
        if users::lock(connection, event.user)?.is_none()
            || !authenticators::advance(connection, set, set.counter | bit, event.at)?
        {
            return Ok(false);
        }
        notifications::tell(connection, event, NotificationKind::RecoveryCodeUsed, user)?;
        Ok(true)
    })
}
