//! What a user is told of by mail: the event in their activity, the e-mail in the queue, and the link in it, all in the
//! transaction of what happened. Addresses that are not known to be theirs get no e-mail.

use sha2::{Digest, Sha256};

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    deliveries::{self, Content},
    links::{self, Link},
    users::User,
};
use crate::protocol::{
    id::Id,
    link::{LinkContent, LinkKind, NotifiedEvent},
    notification::{Notification, NotificationKind},
};

/// Keeps the event, and tells the user by this e-mail, with a link to say "this was not me".
pub(super) fn tell(connection: &mut AnyConnection, event: &Event<'_>, kind: NotificationKind, user: &User) -> Result<()> {
    activity::insert(connection, event)?;
    write(connection, event, kind, user)
}

/// Keeps the event, and writes to the user that a new password is to be asked for. There is no link in this e-mail that does
/// anything.
pub(super) fn ask_to_recover(connection: &mut AnyConnection, event: &Event<'_>, user: &User) -> Result<()> {
    activity::insert(connection, event)?;
    enqueue(connection, event, (NotificationKind::PasswordTaken, None), user)
}

/// Notes that the address was changed, by an operator or by a link that brings one back, and tells the address that the account
/// had: without a link, which would bring that one back.
pub(super) fn displace(connection: &mut AnyConnection, event: &Event<'_>, displaced: &User) -> Result<()> {
    activity::insert(connection, event)?;
    if !displaced.claims.email_verified {
        return Ok(());
    }
    enqueue(connection, event, (NotificationKind::EmailChanged, None), displaced)
}

/// The e-mail alone.
pub(super) fn write(connection: &mut AnyConnection, event: &Event<'_>, kind: NotificationKind, user: &User) -> Result<()> {
    if !user.claims.email_verified {
        return Ok(());
    }
    // Who took the account over may change the address as well: the link brings back the one that its e-mail went to.
    let email = Some(user.claims.email.clone());
    let id = derived(event.id, "link");
    let notified = NotifiedEvent { kind, about: event.about.map(str::to_owned), at: event.at, origin: event.origin.clone() };
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
    };
    deliveries::enqueue(connection, derived(event.id, "letter"), &Content::Notification(notice), event.at)
}

/// An id that follows from another one, and was made when that was.
pub(super) fn derived(id: Id, what: &str) -> Id {
    let mut bytes = *id.as_bytes();
    let hash = Sha256::new().chain_update(what).chain_update(bytes).finalize();
    for (to, from) in bytes.iter_mut().skip(6).zip(hash) {
        *to = from;
    }
    Id::from_bytes(bytes)
}
