//! Notifications of users by e-mail: the activity entry, the queued e-mail, and the link in it, all in the transaction of the
//! event. Unverified addresses get no e-mail.

use sha2::{Digest, Sha256};

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    deliveries::{self, Content},
    links::{self, Link},
    users::User,
};
use crate::protocol::{
    account::{
        link::{LinkContent, LinkKind, NotifiedEvent},
        notification::{Notification, NotificationKind},
    },
    values::id::Id,
};

/// Records the event, and notifies the user by this e-mail, with a link to say "this was not me".
pub(super) fn tell(connection: &mut AnyConnection, event: &Event<'_>, kind: NotificationKind, user: &User) -> Result<()> {
    activity::insert(connection, event)?;
    write(connection, event, kind, user)
}

/// As [`tell`], of an authenticator that was added: the link removes it.
pub(super) fn tell_of(connection: &mut AnyConnection, event: &Event<'_>, added: Id, user: &User) -> Result<()> {
    activity::insert(connection, event)?;
    write_with(connection, event, (NotificationKind::AuthenticatorAdded, Some(added)), user)
}

/// Records the event, and tells the user by e-mail to request a new password. The e-mail has no link that performs an action.
pub(super) fn ask_to_recover(connection: &mut AnyConnection, event: &Event<'_>, user: &User) -> Result<()> {
    activity::insert(connection, event)?;
    enqueue(connection, event, (NotificationKind::PasswordTaken, None), user)
}

/// Records that the address was changed, by an operator or by a link that restores one, and notifies the former address: without a
/// link, which would restore that address.
pub(super) fn displace(connection: &mut AnyConnection, event: &Event<'_>, displaced: &User) -> Result<()> {
    activity::insert(connection, event)?;
    if !displaced.claims.email_verified {
        return Ok(());
    }
    enqueue(connection, event, (NotificationKind::EmailChanged, None), displaced)
}

/// Enqueues the e-mail with its link, without an activity entry.
pub(super) fn write(connection: &mut AnyConnection, event: &Event<'_>, kind: NotificationKind, user: &User) -> Result<()> {
    write_with(connection, event, (kind, None), user)
}

fn write_with(
    connection: &mut AnyConnection,
    event: &Event<'_>,
    (kind, authenticator): (NotificationKind, Option<Id>),
    user: &User,
) -> Result<()> {
    if !user.claims.email_verified {
        return Ok(());
    }
    // An attacker who took the account over may change the address as well: the link restores the one its e-mail was sent to.
    let email = Some(user.claims.email.clone());
    let id = derived(event.id, "link");
    let (about, at, origin) = (event.about.map(str::to_owned), event.at, event.origin.clone());
    let notified = NotifiedEvent { kind, about, at, origin, authenticator };
    let content = LinkContent::NotMe(notified);
    let link = Link { user_id: Some(event.user), email, content, ..Link::new(id, LinkKind::NotMe, event.at) };
    links::insert(connection, &link)?;
    enqueue(connection, event, (kind, Some(link.id)), user)
}

fn enqueue(
    connection: &mut AnyConnection,
    event: &Event<'_>,
    (kind, link): (NotificationKind, Option<Id>),
    user: &User,
) -> Result<()> {
    let notice = Notification {
        kind,
        to: user.claims.email.clone(),
        name: Some(user.shown_name().to_owned()),
        at: event.at,
        origin: event.origin.clone(),
        about: event.about.map(str::to_owned),
        link,
        grant: event.grant,
    };
    deliveries::enqueue(connection, derived(event.id, "letter"), &Content::Notification(notice), event.at)
}

/// An id derived from another one, with the same creation time.
pub(super) fn derived(id: Id, what: &str) -> Id {
    let mut bytes = *id.as_bytes();
    let hash = Sha256::new().chain_update(what).chain_update(bytes).finalize();
    for (to, from) in bytes.iter_mut().skip(6).zip(hash) {
        *to = from;
    }
    Id::from_bytes(bytes)
}
