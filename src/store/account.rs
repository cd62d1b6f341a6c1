//! What is done to a whole account, each in one transaction: ending what lives, changing the password, deleting it. What happened
//! goes into the user's activity with it, and where it matters they are told. What an operator does is `operator`.

mod operator;

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    consents, deliveries, devices, dialect,
    error::Error,
    grant_history, grants, links, notifications,
    sessions::{self, Offline, Session},
    users::{self, User},
};
use crate::protocol::{
    end_reason::EndReason, grant::Grant, id::Id, link::LinkKind, notification::NotificationKind, time::Timestamp,
};

pub use operator::{
    add, ask_to_sign_in_again, change_details, delete, disable, enable, end_before, end_links, import, reset_password,
    take_password,
};

/// What was ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// Browsers.
    pub sessions: Vec<Session>,
    /// Apps' access.
    pub grants: Vec<Grant>,
    /// Whether the password was taken away with it.
    pub password_taken: bool,
}

/// Ends one session of a user; false when they have no such session, or it had ended.
///
/// # Errors
/// The database's.
pub fn end_session(connection: &mut AnyConnection, id: Id, event: &Event<'_>) -> Result<bool> {
    let found = sessions::find(connection, id)?;
    let Some(session) = found.filter(|one| one.user_id == event.user && one.ended_at.is_none()) else { return Ok(false) };
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        let is_first = sessions::end_in(connection, &session, Offline::Keep, event.at)?;
        if is_first {
            activity::insert(connection, event)?;
        }
        Ok(is_first)
    })
}

/// Revokes one grant of a user; false when they have no such grant, or it was revoked before.
///
/// # Errors
/// The database's.
pub fn end_grant(connection: &mut AnyConnection, id: Id, event: &Event<'_>) -> Result<bool> {
    let Some(found) = grants::find(connection, id)?.filter(|found| found.grant.user_id == event.user) else {
        return Ok(false);
    };
    revoke_grant(connection, found.grant.id, EndReason::RevokedByUser, event)
}

/// Revokes a grant of the event's user, whoever asks for it; false when it was revoked before.
///
/// # Errors
/// The database's.
pub fn revoke_grant(connection: &mut AnyConnection, id: Id, reason: EndReason, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        let is_first = grants::revoke(connection, id, reason, event.at)?;
        if is_first {
            activity::insert(connection, event)?;
        }
        Ok(is_first)
    })
}

/// Withdraws what a user allowed an app: consent, and every grant; says how many grants ended. `None` when there was
/// nothing to withdraw.
///
/// # Errors
/// The database's.
pub fn end_app(connection: &mut AnyConnection, client: &str, event: &Event<'_>) -> Result<Option<usize>> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        let (was_allowed, ended) = consents::withdraw(connection, event.user, client, event.at)?;
        if !was_allowed && ended == 0 {
            return Ok(None);
        }
        activity::insert(connection, event)?;
        Ok(Some(ended))
    })
}

/// Ends every session and every grant of a user, or all but this session and what was granted in it.
///
/// # Errors
/// The database's.
pub fn end_everything(connection: &mut AnyConnection, but: Option<&Session>, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        activity::insert(connection, event)?;
        end_requests(connection, event)?;
        end_all(connection, (event.user, but), EndReason::AllRevokedByUser, event.at)
    })
}

/// The user says that it was not them: everything ends, but this session where one is to go on. Without one the password is
/// taken away, and only an e-mail brings a new one: but not from someone whom no e-mail reaches, as their address is not known to
/// be theirs.
///
/// # Errors
/// The database's.
pub fn report_not_me(connection: &mut AnyConnection, but: Option<&Session>, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| report_not_me_in(connection, but, event))
}

/// As [`report_not_me`]. Part of a transaction.
pub(super) fn report_not_me_in(connection: &mut AnyConnection, but: Option<&Session>, event: &Event<'_>) -> Result<Ended> {
    let user = users::lock(connection, event.user)?;
    let password_taken = but.is_none() && user.is_some_and(|user| user.claims.email_verified);
    activity::insert(connection, event)?;
    if password_taken {
        users::set_password(connection, event.user, None)?;
    }
    end_requests(connection, event)?;
    let ended = end_all(connection, (event.user, but), EndReason::NotMe, event.at)?;
    if but.is_none() {
        devices::forget(connection, event.user)?;
    }
    Ok(Ended { password_taken, ..ended })
}

/// The sessions and grants that were ended at this very time.
///
/// # Errors
/// The database's.
pub fn ended_at(connection: &mut AnyConnection, user: Id, at: Timestamp) -> Result<Ended> {
    let mut sessions = sessions::of_user(connection, user)?;
    sessions.retain(|session| session.ended_at == Some(at));
    Ok(Ended { sessions, grants: grants::revoked_at(connection, user, at)?, ..Ended::default() })
}

/// Sets the name that a user is called by; false when there is no such user.
///
/// # Errors
/// The database's.
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

/// Sets the password that the user chose, who knew the old one, and goes on in this session under a new cookie; `None`
/// when the old one was changed meanwhile.
///
/// # Errors
/// The database's.
pub fn change_password(
    connection: &mut AnyConnection,
    user: &User,
    hash: &str,
    (session, ends_others): (&Session, bool),
    event: &Event<'_>,
) -> Result<Option<(Session, Ended)>> {
    dialect::together(connection, |connection| {
        // Both rows are held before anything is changed.
        if users::lock(connection, event.user)?.is_none() || !sessions::hold(connection, session, event.at)? {
            return Ok(None);
        }
        let old = user.password_hash.as_deref().unwrap_or_default();
        if !users::replace_hash(connection, event.user, old, hash)? {
            return Ok(None);
        }
        end_requests(connection, event)?;
        let Some(renewed) = sessions::renew_cookie(connection, session, event.at)? else {
            return Err(Error::Busy("the session changed concurrently".into())); // undoes the change
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

/// Sets a password without the old one: by a link, or by an operator. Everything ends: whoever had the old one is out. Part of a
/// transaction.
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

/// Deletes the account, by the user themselves, who has shown the password in a session: false where that was overtaken.
///
/// # Errors
/// The database's.
pub fn delete_own(connection: &mut AnyConnection, proof: (&User, &Session), now: Timestamp) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !still_counts(connection, proof, now)? {
            return Ok(false);
        }
        delete_in(connection, proof.0.claims.id, now)?;
        Ok(true)
    })
}

/// Whether the password that a user has shown in a session counts still: it is theirs, the account is not disabled, and
/// the session has not ended meanwhile. Holds the rows of both until the transaction ends.
pub(super) fn still_counts(connection: &mut AnyConnection, (user, session): (&User, &Session), now: Timestamp) -> Result<bool> {
    Ok(users::holds(connection, user)? && sessions::hold(connection, session, now)?)
}

/// Deletes a user: their sessions and grants end, what they allowed and what happened to them is forgotten. Their id and
/// their pairwise subjects stay theirs: neither is ever given to anyone else (OpenID Connect Core §5.7). Part of a transaction.
fn delete_in(connection: &mut AnyConnection, user: Id, now: Timestamp) -> Result<()> {
    let found = users::lock(connection, user)?;
    links::forget(connection, user)?;
    end_all(connection, (user, None), EndReason::UserDeleted, now)?;
    sessions::forget_origins(connection, user)?;
    consents::forget(connection, user)?;
    grants::forget_origins(connection, user)?;
    grant_history::forget(connection, user)?;
    devices::forget(connection, user)?;
    activity::forget(connection, user)?;
    if let Some(user) = found {
        let (email, username) = (user.claims.email.as_str(), user.claims.username.as_str());
        links::end_to_address(connection, email, now)?;
        deliveries::forget(connection, email, &[email, username])?;
    }
    users::remove(connection, user)
}

/// Ends the links that someone asked for before, for a new password or to confirm an address: whoever was in may have been a
/// unknown caller. Those that say "this was not me" stay good: they are the owner's way back (decisions 0019, 0029). Part of a transaction.
pub(super) fn end_requests(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    links::end_kind(connection, event.user, LinkKind::Reset, event.at)?;
    links::end_kind(connection, event.user, LinkKind::ConfirmEmail, event.at)
}

/// Ends every session and grant, but this session and what was granted in it. Part of a transaction.
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
    Ok(Ended { sessions, grants, ..Ended::default() })
}
