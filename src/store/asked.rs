//! What someone asked for by a form that tells nothing, found out and answered by a letter: each in one transaction with the
//! end of the delivery that brought it here, so that it is answered once.

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    deliveries::{self, Ask, Content, Delivery},
    dialect,
    links::{self, Link},
    people,
};
use crate::protocol::{
    activity::Activity,
    id::Id,
    link::LinkKind,
    notice::{Letter, Notice},
    time::Timestamp,
};

/// The ids of what an answer makes.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// The link.
    pub link: Id,
    /// The letter.
    pub letter: Id,
    /// The event.
    pub event: Id,
}

/// A new password was asked for: whoever has an account with an address that is known to be theirs gets a link, and the
/// links of before are dead. Nobody else gets anything. Says whether a letter goes out.
///
/// # Errors
/// The database's.
pub fn answer_reset(
    connection: &mut AnyConnection,
    (delivery, ask): (&Delivery, &Ask),
    browser: Vec<u8>,
    ids: Ids,
    now: Timestamp,
) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !deliveries::finish(connection, delivery)? {
            return Ok(false);
        }
        let person = people::find_by_login(connection, &ask.login)?;
        let person = person.filter(people::Person::can_recover);
        let Some(person) = person else { return Ok(false) };
        let id = person.claims.id;
        links::use_up_all(connection, id, LinkKind::Reset, now)?;
        let link = Link {
            person_id: Some(id),
            email: Some(person.claims.email.clone()),
            browser: Some(browser),
            content: (!ask.query.is_empty()).then(|| ask.query.clone()),
            ..Link::new(ids.link, LinkKind::Reset, now)
        };
        links::insert(connection, &link)?;
        let activity = Activity::ResetAsked;
        activity::insert(connection, &Event { id: ids.event, person: id, activity, origin: &ask.origin, about: None, at: now })?;
        let name = Some(person.shown_name().to_owned());
        let notice = letter(Letter::Reset, person.claims.email, name, (ask, delivery), Some(link.id));
        deliveries::enqueue(connection, ids.letter, &Content::Letter(notice), now)?;
        Ok(true)
    })
}

/// Someone wants to register with an address: its owner gets a link, or hears that they have an account. Says whether they
/// had none.
///
/// # Errors
/// The database's.
pub fn answer_registration(
    connection: &mut AnyConnection,
    (delivery, ask): (&Delivery, &Ask),
    ids: Ids,
    now: Timestamp,
) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !deliveries::finish(connection, delivery)? {
            return Ok(false);
        }
        let email = ask.login.to_lowercase();
        if people::find_by_login(connection, &email)?.is_some() {
            let notice = letter(Letter::AlreadyRegistered, email, None, (ask, delivery), None);
            deliveries::enqueue(connection, ids.letter, &Content::Letter(notice), now)?;
            return Ok(false);
        }
        let link = Link {
            email: Some(email.clone()),
            content: (!ask.query.is_empty()).then(|| ask.query.clone()),
            ..Link::new(ids.link, LinkKind::Register, now)
        };
        links::insert(connection, &link)?;
        let notice = letter(Letter::Register, email, None, (ask, delivery), Some(link.id));
        deliveries::enqueue(connection, ids.letter, &Content::Letter(notice), now)?;
        Ok(true)
    })
}

/// A link of a person, and the letter that brings it, in one transaction: an address to confirm.
///
/// # Errors
/// The database's.
pub fn send_link(connection: &mut AnyConnection, link: &Link, letter: (Id, &Notice), event: Option<&Event<'_>>) -> Result<()> {
    dialect::together(connection, |connection| {
        if let Some(person) = link.person_id {
            links::use_up_all(connection, person, link.kind, link.created_at)?; // the newest counts
        }
        links::insert(connection, link)?;
        if let Some(event) = event {
            activity::insert(connection, event)?;
        }
        deliveries::enqueue(connection, letter.0, &Content::Letter(letter.1.clone()), link.created_at)
    })
}

/// An invitation, with the letter that brings it or without: the newest to an address counts. All in one transaction.
///
/// # Errors
/// The database's.
pub fn invite(connection: &mut AnyConnection, link: &Link, letter: Option<(Id, &Notice)>) -> Result<()> {
    dialect::together(connection, |connection| {
        links::withdraw(connection, link.email.as_deref().unwrap_or_default(), link.created_at)?;
        links::insert(connection, link)?;
        let Some((id, notice)) = letter else { return Ok(()) };
        deliveries::enqueue(connection, id, &Content::Letter(notice.clone()), link.created_at)
    })
}

fn letter(letter: Letter, to: String, name: Option<String>, (ask, delivery): (&Ask, &Delivery), link: Option<Id>) -> Notice {
    Notice { letter, to, name, at: delivery.created_at, origin: ask.origin.clone(), about: None, link }
}
