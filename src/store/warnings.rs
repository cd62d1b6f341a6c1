//! What a person is told of by mail: the event in their activity, the letter in the queue, and the link in it, all in the
//! transaction of what happened. Addresses that are not known to be theirs get no letter.

use sha2::{Digest, Sha256};

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    deliveries::{self, Content},
    error::Error,
    links::{self, Link},
    people::Person,
};
use crate::protocol::{
    id::Id,
    link::{LinkKind, Told},
    notice::{Letter, Notice},
};

/// Keeps the event, and tells the person by this letter, with a link to say "this was not me".
pub(super) fn tell(connection: &mut AnyConnection, event: &Event<'_>, letter: Letter, person: &Person) -> Result<()> {
    activity::insert(connection, event)?;
    write(connection, event, letter, person)
}

/// Keeps the event, and writes to the person that a new password is to be asked for. There is no link in this letter that does
/// anything.
pub(super) fn ask_to_recover(connection: &mut AnyConnection, event: &Event<'_>, person: &Person) -> Result<()> {
    activity::insert(connection, event)?;
    enqueue(connection, event, (Letter::PasswordTaken, None), person)
}

/// Notes that the address was changed, by an operator or by a link that brings one back, and tells the address that the account
/// had: without a link, which would bring that one back.
pub(super) fn displace(connection: &mut AnyConnection, event: &Event<'_>, displaced: &Person) -> Result<()> {
    activity::insert(connection, event)?;
    if !displaced.claims.email_verified {
        return Ok(());
    }
    enqueue(connection, event, (Letter::EmailChanged, None), displaced)
}

/// The letter alone.
pub(super) fn write(connection: &mut AnyConnection, event: &Event<'_>, letter: Letter, person: &Person) -> Result<()> {
    if !person.claims.email_verified {
        return Ok(());
    }
    // Who took the account over may change the address as well: the link brings back the one that its letter went to.
    let email = Some(person.claims.email.clone());
    let id = derived(event.id, "link");
    let told = Told { letter, about: event.about.map(str::to_owned), at: event.at, origin: event.origin.clone() };
    let content = serde_json::to_string(&told).map_err(|error| Error::Failed(error.to_string()))?;
    let link = Link { person_id: Some(event.person), email, content: Some(content), ..Link::new(id, LinkKind::NotMe, event.at) };
    links::insert(connection, &link)?;
    enqueue(connection, event, (letter, Some(link.id)), person)
}

fn enqueue(
    connection: &mut AnyConnection,
    event: &Event<'_>,
    (letter, link): (Letter, Option<Id>),
    person: &Person,
) -> Result<()> {
    let notice = Notice {
        letter,
        to: person.claims.email.clone(),
        name: Some(person.shown_name().to_owned()),
        at: event.at,
        origin: event.origin.clone(),
        about: event.about.map(str::to_owned),
        link,
    };
    deliveries::enqueue(connection, derived(event.id, "letter"), &Content::Letter(notice), event.at)
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
