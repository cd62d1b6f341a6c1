//! Actions on a whole account, each in one transaction: ending sessions and grants, changing the password, deleting the account.
//! The activity entry is written along, and the notification where one is due. What an operator does is `operator`; what users
//! sign in with is changed in `factors`.

mod factors;
mod operator;
mod passkeys;
mod resets;

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    authenticators, consents,
    deletions::{self, Deleted},
    deliveries, devices, dialect,
    error::Error,
    grants, links, notifications,
    sessions::{self, Offline, Session},
    users::{self, User},
};
use crate::protocol::{
    account::{link::LinkKind, notification::NotificationKind},
    grant::{Grant, end_reason::EndReason},
    values::{id::Id, time::Timestamp},
};

pub(super) use factors::take_out;
pub use factors::{Added, add_authenticator, remove_authenticator, remove_password, rename_authenticator, use_recovery_code};
pub use operator::{
    ImportedUser, add, ask_to_sign_in_again, change_details, delete, disable, enable, end_before, end_links, import,
    reset_password, take_password,
};
pub use passkeys::{PasskeyUse, Used, add_passkey, use_passkey};
pub use resets::{Others, RemovalOfOthers, cancel_reset, carry_out_reset, take_authenticator};

/// What was ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// Browser sessions.
    pub sessions: Vec<Session>,
    /// Grants to apps.
    pub grants: Vec<Grant>,
    /// Whether the password was removed too.
    pub password_taken: bool,
}

/// Ends one session of a user; false if they have no such session, or it had already ended.
///
/// # Errors
/// Database errors.
pub fn end_session(connection: &mut AnyConnection, id: Id, event: &Event<'_>) -> Result<bool> {
    let found = sessions::find(connection, id)?;
    let Some(session) = found.filter(|one| one.user_id == event.user && one.ended_at.is_none()) else { return Ok(false) };
    dialect::together(connection, |connection| {
        if users::lock(connection, event.user)?.is_none() {
            return Ok(false);
        }
        let is_first = sessions::end_in(connection, &session, Offline::Keep, event.at)?;
        if is_first {
            activity::insert(connection, event)?;
            if let Some(device) = &session.device_id {
                devices::trust(connection, event.user, device, None)?; // it may be in other hands
            }
        }
        Ok(is_first)
    })
}

/// Revokes one grant of a user; false if they have no such grant, or it was already revoked.
///
/// # Errors
/// Database errors.
pub fn end_grant(connection: &mut AnyConnection, id: Id, event: &Event<'_>) -> Result<bool> {
    let Some(found) = grants::find(connection, id)?.filter(|found| found.grant.user_id == event.user) else {
        return Ok(false);
    };
    revoke_grant(connection, found.grant.id, EndReason::RevokedByUser, event)
}

/// Revokes a grant of the event's user, regardless of who initiated it; false if it was already revoked.
///
/// # Errors
/// Database errors.
pub fn revoke_grant(connection: &mut AnyConnection, id: Id, reason: EndReason, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        if users::lock(connection, event.user)?.is_none() {
            return Ok(false);
        }
        let is_first = grants::revoke(connection, id, reason, event.at)?;
        if is_first {
            activity::insert(connection, event)?;
        }
        Ok(is_first)
    })
}

/// Withdraws a user's consent for an app and revokes all its grants; returns how many. `None` if there was nothing to withdraw.
///
/// # Errors
/// Database errors.
pub fn end_app(connection: &mut AnyConnection, client: &str, event: &Event<'_>) -> Result<Option<usize>> {
    dialect::together(connection, |connection| {
        if users::lock(connection, event.user)?.is_none() {
            return Ok(None);
        }
        let (was_allowed, ended) = consents::withdraw(connection, event.user, client, event.at)?;
        if !was_allowed && ended == 0 {
            return Ok(None);
        }
        activity::insert(connection, event)?;
        Ok(Some(ended))
    })
}

/// Ends every session and grant of a user, or all but this session and what was granted in it.
///
/// # Errors
/// Database errors.
pub fn end_everything(connection: &mut AnyConnection, but: Option<&Session>, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| {
        if users::lock(connection, event.user)?.is_none() {
            return Ok(Ended::default());
        }
        activity::insert(connection, event)?;
        end_requests(connection, event)?;
        end_all(connection, (event.user, but), EndReason::AllRevokedByUser, event.at)
    })
}

/// The user reports "this was not me": everything ends, except this session, if given. Without one the password is removed, and
/// only an e-mail can set a new one; but not for a user without a verified address, whom no e-mail would reach.
///
/// # Errors
/// Database errors.
pub fn report_not_me(connection: &mut AnyConnection, but: Option<&Session>, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| report_not_me_in(connection, but, event))
}

/// As [`report_not_me`]. Part of a transaction.
pub(super) fn report_not_me_in(connection: &mut AnyConnection, but: Option<&Session>, event: &Event<'_>) -> Result<Ended> {
    let Some(user) = users::lock(connection, event.user)? else { return Ok(Ended::default()) };
    let password_taken = but.is_none() && user.claims.email_verified;
    activity::insert(connection, event)?;
    if password_taken {
        users::set_password(connection, event.user, None)?;
    }
    resets::end_reset_in(connection, event)?;
    end_requests(connection, event)?;
    let ended = end_all(connection, (event.user, but), EndReason::NotMe, event.at)?;
    if but.is_none() {
        devices::forget(connection, event.user)?;
    }
    Ok(Ended { password_taken, ..ended })
}

/// The sessions and grants that were ended at exactly this time.
///
/// # Errors
/// Database errors.
pub fn ended_at(connection: &mut AnyConnection, user: Id, at: Timestamp) -> Result<Ended> {
    let mut sessions = sessions::of_user(connection, user)?;
    sessions.retain(|session| session.ended_at == Some(at));
    Ok(Ended { sessions, grants: grants::revoked_at(connection, user, at)?, ..Ended::default() })
}

/// Sets a user's display name; false if there is no such user.
///
/// # Errors
/// Database errors.
pub fn change_display_name(connection: &mut AnyConnection, name: Option<&str>, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        let Some(user) = users::lock(connection, event.user)? else { return Ok(false) };
        if user.claims.display_name.as_deref() != name {
            users::set_display_name(connection, event.user, name, event.at)?;
            activity::insert(connection, event)?;
        }
        Ok(true)
    })
}

/// Sets the password chosen by a user who knew the old one, or has shown more, or had none; this session continues under a new
/// cookie, and as a sign-in with the password if that `is_verified` now. `None` if the old password was changed, the account disabled or the session ended meanwhile.
///
/// # Errors
/// Database errors.
pub fn change_password(
    connection: &mut AnyConnection,
    user: &User,
    hash: &str,
    (session, is_verified, ends_others): (&Session, bool, bool),
    event: &Event<'_>,
) -> Result<Option<(Session, Ended)>> {
    dialect::together(connection, |connection| {
        // Both rows are locked before anything is changed.
        if !still_counts(connection, (user, session), event.at)? {
            return Ok(None);
        }
        users::set_password(connection, event.user, Some(hash))?;
        end_requests(connection, event)?;
        let Some(renewed) = sessions::renew_cookie(connection, session, is_verified, event.at)? else {
            return Err(Error::Busy("the session changed concurrently".into())); // rolls the change back
        };
        let ended = if ends_others {
            end_all(connection, (event.user, Some(session)), EndReason::PasswordChanged, event.at)?
        } else {
            Ended::default()
        };
        notifications::tell(connection, event, NotificationKind::PasswordChanged, user)?;
        Ok(Some((renewed, ended)))
    })
}

/// Sets a password without the old one: by a link, or by an operator. Everything ends, so that anyone who knew the old password is
/// signed out. Part of a transaction.
pub(super) fn reset_password_in(connection: &mut AnyConnection, hash: &str, event: &Event<'_>) -> Result<Ended> {
    users::set_password(connection, event.user, Some(hash))?;
    users::ask_to_sign_in_again(connection, event.user, event.at)?;
    end_requests(connection, event)?;
    let ended = end_all(connection, (event.user, None), EndReason::PasswordReset, event.at)?;
    devices::forget(connection, event.user)?;
    if let Some(user) = users::find(connection, event.user)? {
        notifications::tell(connection, event, NotificationKind::PasswordReset, &user)?;
    }
    Ok(ended)
}

/// Deletes the account at the request of its user, who has entered the password in a session: false if password, account or session
/// changed meanwhile.
///
/// # Errors
/// Database errors.
pub fn delete_own(connection: &mut AnyConnection, proof: (&User, &Session), now: Timestamp) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !still_counts(connection, proof, now)? {
            return Ok(false);
        }
        delete_in(connection, proof.0.claims.id, now)?;
        Ok(true)
    })
}

/// Whether a password that was entered in a session is still valid: it is the user's, the account is not disabled, and the session
/// has not ended meanwhile. Locks both rows until the transaction ends.
pub(super) fn still_counts(connection: &mut AnyConnection, (user, session): (&User, &Session), now: Timestamp) -> Result<bool> {
    Ok(users::holds(connection, user)? && sessions::hold(connection, session, now)?)
}

/// Deletes a user: from now on there is none. What was stored about them is purged by `deletions`, and so are sessions and grants
/// ended, which are inactive without their user. Their id and pairwise subjects stay reserved: neither is ever reassigned (OpenID
/// Connect Core §5.7). Part of a transaction.
fn delete_in(connection: &mut AnyConnection, id: Id, now: Timestamp) -> Result<()> {
    let Some(user) = users::lock(connection, id)? else { return Ok(()) };
    // Only as long as the row is there, nobody else has the name and the address.
    let (email, username) = (user.claims.email.as_str(), user.claims.username.as_str());
    links::end_to_address(connection, email, now)?;
    deliveries::forget(connection, &[email, username])?;
    authenticators::remove_all(connection, id)?;
    super::resets::end(connection, id)?;
    users::remove(connection, id)?;
    deletions::mark(connection, &Deleted::User(id), now)
}

/// Ends the user's pending links for a password reset or to confirm an address: an attacker may have requested them while signed
/// in. The "this was not me" links stay valid: they are the owner's way back (decisions 0019, 0029). Part of a transaction.
pub(super) fn end_requests(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    links::end_kind(connection, event.user, LinkKind::Reset, event.at)?;
    links::end_kind(connection, event.user, LinkKind::ConfirmEmail, event.at)
}

/// Ends every session and grant, except this session and what was granted in it.
fn end_all(
    connection: &mut AnyConnection,
    (user, but): (Id, Option<&Session>),
    reason: EndReason,
    now: Timestamp,
) -> Result<Ended> {
    let spared = but.map(|session| session.id);
    let mut sessions = sessions::unended_of(connection, user)?;
    sessions.retain(|session| Some(session.id) != spared);
    let mut grants = grants::active_of(connection, user, now)?;
    grants.retain(|grant| Some(grant.sid) != spared);
    sessions::end_all(connection, user, spared, now)?;
    grants::revoke_everything(connection, user, spared, reason, now)?;
    devices::end_trust(connection, user, but.and_then(|session| session.device_id.as_deref()))?;
    Ok(Ended { sessions, grants, ..Ended::default() })
}
