//! What a link in a mail does, once: using it up and doing what it is for are one transaction, so that of many who use it at
//! once one wins, and one that fails half-way has used nothing up.

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
use crate::protocol::{activity::Activity, link::LinkKind, notification::NotificationKind};

/// Makes the account that the link is for, with the address that it was sent to; false when it is not for this, was used or is
/// over, and then nothing was done.
///
/// # Errors
/// [`Error::Conflict`] when name or address exist already: the link is as good as before.
pub fn register(connection: &mut AnyConnection, link: &Link, user: &User, event: &Event<'_>) -> Result<bool> {
    let Some(email) = link.email.clone() else { return Ok(false) };
    if !matches!(link.kind, LinkKind::Register | LinkKind::Invitation) || event.user != user.claims.id {
        return Ok(false);
    }
    let mut user = user.clone();
    user.claims.email = email;
    dialect::together(connection, |connection| {
        if !links::use_up(connection, link.id, link.kind, event.at)? {
            return Ok(false);
        }
        users::insert(connection, &user)?;
        activity::insert(connection, event)?;
        Ok(true)
    })
}

/// Sets the password of the link's user; `None` when they are not the event's, or disabled, or when it was used or ended, or
/// is over. The browser in which it is done, and its network, are known from then on: whoever reads the user's mail there is not
/// slowed down by unknown callers who guess.
///
/// # Errors
/// The database's.
pub fn reset_password(
    connection: &mut AnyConnection,
    link: &Link,
    hash: &str,
    browser: (&str, &str),
    event: &Event<'_>,
) -> Result<Option<Ended>> {
    dialect::together(connection, |connection| {
        let user = lock(connection, link, event)?;
        // It went to the address that they had then.
        let user = user.filter(|user| link.email.as_ref() == Some(&user.claims.email));
        if user.is_none() || !links::use_up(connection, link.id, LinkKind::Reset, event.at)? {
            return Ok(None);
        }
        let ended = account::reset_password_in(connection, hash, event)?;
        devices::see(connection, event.user, browser, event.at)?;
        Ok(Some(ended))
    })
}

/// What came of confirming an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It is the user's now.
    Yes,
    /// The link was used, is over, or is not for this.
    Invalid,
    /// Another account has the address by now.
    Taken,
}

/// Gives the user the address that the link was sent to, and tells the old one.
///
/// # Errors
/// The database's.
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

/// "This was not me": everything ends, the password is taken away, and the address that the account had comes back, which the one
/// it is taken from is told. The links of e-mails that were sent since end: whoever changed the address got them. Those of before
/// do not, as whoever took the account over has none of them (decision 0029). `None` when the link is not the event's user's,
/// was used or ended, or is over, or the account is disabled.
///
/// # Errors
/// The database's.
pub fn not_me(connection: &mut AnyConnection, link: &Link, event: &Event<'_>) -> Result<Option<Ended>> {
    let attempt = |connection: &mut AnyConnection, brings_back: bool| {
        dialect::together(connection, |connection| {
            let Some(user) = lock(connection, link, event)? else { return Ok(None) };
            if !links::use_up(connection, link.id, LinkKind::NotMe, event.at)? {
                return Ok(None);
            }
            let since = links::end_since(connection, event.user, (LinkKind::NotMe, link.created_at), event.at)?;
            // A link of a former version says so only where its e-mail told of another address; otherwise the first such e-mail
            // since says which address it was when this one was sent.
            let email = link.email.as_deref().or_else(|| since.iter().find_map(|later| later.email.as_deref()));
            if let Some(email) = email.filter(|_| brings_back) {
                bring_back(connection, &user, email, event)?;
            }
            account::report_not_me_in(connection, None, event).map(Some)
        })
    };
    match attempt(connection, true) {
        // Someone else has the old address by now: everything ends all the same.
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

/// The user of a link, whose row is held until the transaction ends; `None` when they are not the event's, are gone, or are
/// disabled: nothing is done by a link to a disabled account.
fn lock(connection: &mut AnyConnection, link: &Link, event: &Event<'_>) -> Result<Option<User>> {
    if link.user_id != Some(event.user) {
        return Ok(None);
    }
    Ok(users::lock(connection, event.user)?.filter(|user| user.disabled_at.is_none()))
}
