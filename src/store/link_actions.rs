//! Actions of e-mail links: using a link and performing its action is one transaction, so that one of many concurrent uses wins,
//! and an action that fails half-way leaves the link unused.

use super::{
    AnyConnection, Result,
    account::{self, Ended},
    activity::{self, Event},
    devices, dialect,
    error::Error,
    links::{self, Link},
    notifications,
    users::{self, User},
};
use crate::protocol::account::{
    activity::Activity,
    link::{LinkContent, LinkKind, NotifiedEvent},
    notification::NotificationKind,
};

/// Creates the account that the link is for, with the address it was sent to, and does `then` in the same transaction; `None` if
/// the link is of another kind, used or expired: then nothing was done.
///
/// # Errors
/// [`Error::Conflict`] if the name or address is already taken: the link stays valid.
pub fn register<T>(
    connection: &mut AnyConnection,
    link: &Link,
    user: &User,
    event: &Event<'_>,
    then: impl FnOnce(&mut AnyConnection) -> Result<T>,
) -> Result<Option<T>> {
    let Some(email) = link.email.clone() else { return Ok(None) };
    if !matches!(link.kind, LinkKind::Register | LinkKind::Invitation) || event.user != user.claims.id {
        return Ok(None);
    }
    let mut user = user.clone();
    user.claims.email = email;
    dialect::together(connection, |connection| {
        if !links::use_up(connection, link.id, link.kind, event.at)? {
            return Ok(None);
        }
        users::insert(connection, &user)?;
        activity::insert(connection, event)?;
        then(connection).map(Some)
    })
}

/// Sets the password of the link's user; `None` if they are not the event's user or are disabled, or if the link was used, ended or
/// has expired. The browser and its network are known from then on, so that a user who reads their e-mail there is not slowed down
/// by attackers' guesses.
///
/// # Errors
/// Database errors.
pub fn reset_password(
    connection: &mut AnyConnection,
    link: &Link,
    hash: &str,
    browser: (&str, &str),
    event: &Event<'_>,
) -> Result<Option<Ended>> {
    dialect::together(connection, |connection| {
        let user = lock(connection, link, event)?;
        // It was sent to the address the user had then.
        let user = user.filter(|user| link.email.as_ref() == Some(&user.claims.email));
        if user.is_none() || !links::use_up(connection, link.id, LinkKind::Reset, event.at)? {
            return Ok(None);
        }
        let ended = account::reset_password_in(connection, hash, event)?;
        devices::see(connection, event.user, browser, event.at)?;
        Ok(Some(ended))
    })
}

/// The result of confirming an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The address is now the user's.
    Yes,
    /// The link was used, has expired, or is of another kind.
    Invalid,
    /// Another account has taken the address.
    Taken,
}

/// Sets the user's address to the one the link was sent to, and notifies the old one.
///
/// # Errors
/// Database errors.
pub fn confirm_email(connection: &mut AnyConnection, link: &Link, event: &Event<'_>) -> Result<Confirmed> {
    let Some(email) = link.email.as_deref() else { return Ok(Confirmed::Invalid) };
    let done = dialect::together(connection, |connection| {
        let Some(before) = lock(connection, link, event)? else { return Ok(Confirmed::Invalid) };
        if !links::use_up(connection, link.id, LinkKind::ConfirmEmail, event.at)? {
            return Ok(Confirmed::Invalid);
        }
        users::set_email(connection, event.user, (email, true), event.at)?;
        account::end_requests(connection, event)?;
        if before.claims.email == email {
            activity::insert(connection, &Event { activity: Activity::EmailVerified, ..*event })?;
        } else {
            notifications::tell(connection, event, NotificationKind::EmailChanged, &before)?;
        }
        Ok(Confirmed::Yes)
    });
    match done {
        Err(Error::Conflict(_)) => Ok(Confirmed::Taken),
        done => done,
    }
}

/// "This was not me": everything ends, the password is removed, and the account's former address is restored; the address it
/// replaces is notified. Links in e-mails sent since then end, because the attacker who changed the address received them. Earlier
/// ones do not, as an attacker who took the account over has none of them (decision 0029). `None` if the link is not the event's
/// user's, was used, ended or has expired, or the account is disabled.
///
/// # Errors
/// Database errors.
pub fn not_me(connection: &mut AnyConnection, link: &Link, event: &Event<'_>) -> Result<Option<Ended>> {
    let attempt = |connection: &mut AnyConnection, brings_back: bool| {
        dialect::together(connection, |connection| {
            let Some(user) = lock(connection, link, event)? else { return Ok(None) };
            if !links::use_up(connection, link.id, LinkKind::NotMe, event.at)? {
                return Ok(None);
            }
            let since = links::end_since(connection, event.user, (LinkKind::NotMe, link.created_at), event.at)?;
            // A link of an earlier version holds the address only if its e-mail reported a new one; otherwise the first such later
            // e-mail tells the address at the time this one was sent.
            let email = link.email.as_deref().or_else(|| since.iter().find_map(|later| later.email.as_deref()));
            if let Some(email) = email.filter(|_| brings_back) {
                bring_back(connection, &user, email, event)?;
            }
            // What was added by then goes: that of this e-mail, and of later ones, whose links end with this one.
            for reported in since.iter().chain([link]) {
                if let LinkContent::NotMe(NotifiedEvent { authenticator: Some(added), .. }) = reported.content {
                    account::take_out(connection, event.user, added)?;
                }
            }
            account::report_not_me_in(connection, None, event).map(Some)
        })
    };
    match attempt(connection, true) {
        // Another user has taken the old address: everything ends nonetheless.
        Err(Error::Conflict(_)) => attempt(connection, false),
        done => done,
    }
}

fn bring_back(connection: &mut AnyConnection, user: &User, email: &str, event: &Event<'_>) -> Result<()> {
    if user.claims.email == email {
        return Ok(());
    }
    users::set_email(connection, event.user, (email, true), event.at)?;
    let (id, activity) = (notifications::derived(event.id, "address"), Activity::EmailChanged);
    notifications::displace(connection, &Event { id, activity, about: Some(email), ..*event }, user)
}

/// The user of a link, with the row locked until the transaction ends; `None` if they are not the event's user, deleted, or
/// disabled: a link does nothing to a disabled account.
fn lock(connection: &mut AnyConnection, link: &Link, event: &Event<'_>) -> Result<Option<User>> {
    if link.user_id != Some(event.user) {
        return Ok(None);
    }
    Ok(users::lock(connection, event.user)?.filter(|user| user.disabled_at.is_none()))
}
