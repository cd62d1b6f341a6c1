//! What someone asked for by a form that tells nothing, found out and answered by a letter: each in one transaction with the
//! end of the delivery that brought it here, so that it is answered once.

use super::{
    AnyConnection, Result, account,
    activity::{self, Event},
    deliveries::{self, Ask, Content, Delivery},
    devices, dialect,
    links::{self, Link},
    people::{self, Person},
    rate_limits,
    sessions::Session,
};
use crate::protocol::{
    activity::Activity,
    email_address::EmailAddress,
    id::Id,
    link::LinkKind,
    login_name::LoginName,
    notice::{Letter, Notice},
    rate_limit::Backoff,
    secrets::SecretRing,
    time::{Span, Timestamp},
};

/// So many letters with a link for a new password are sent to one person in an hour, whoever asks for them.
const RESETS: i64 = 5;
const HOUR: Span = Span::from_seconds(3600);
/// And so many besides to whoever asks in a browser with which they have signed in before, or in which a link of a mail to them was
/// opened: no stranger can use those up.
const OWN_RESETS: Backoff = Backoff { free: RESETS, ceiling: HOUR, forget_after: HOUR, exhausted: Some((RESETS, HOUR)) };

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

/// A new password was asked for: whoever has an account with an address that is known to be theirs gets a link, and the links of
/// before are dead that work in the same browser; those of others are not, as anyone can ask. Nobody else gets anything, and
/// nobody more than a few in an hour. Says whether a letter goes out.
///
/// # Errors
/// The database's.
pub fn answer_reset(
    connection: &mut AnyConnection,
    secrets: &SecretRing,
    (delivery, ask): (&Delivery, &Ask),
    ids: Ids,
    now: Timestamp,
) -> Result<bool> {
    let browser = ask.browser.clone();
    dialect::together(connection, |connection| {
        let found = people::find_by_login(connection, &LoginName::parse(&ask.login))?.map(|found| found.claims.id);
        let person = found.map(|id| people::lock(connection, id)).transpose()?.flatten();
        if !deliveries::finish(connection, delivery)? {
            return Ok(false);
        }
        let Some(person) = person.filter(Person::can_recover) else { return Ok(false) };
        let id = person.claims.id;
        if !is_within_limits(connection, secrets, ask, id, now)? {
            return Ok(false);
        }
        links::end_in(connection, id, (LinkKind::Reset, &browser), now)?;
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

/// Whether one more letter is sent to this person. Part of a transaction.
fn is_within_limits(connection: &mut AnyConnection, secrets: &SecretRing, ask: &Ask, person: Id, now: Timestamp) -> Result<bool> {
    let own = match (&ask.device, ask.link) {
        (Some(device), _) if devices::is_known(connection, person, device)? => Some(device.clone()),
        (_, Some(link)) if links::find(connection, link)?.is_some_and(|link| link.went_to(person)) => Some(link.to_string()),
        _ => None,
    };
    let Some(own) = own else {
        let hour_ago = Timestamp::from_millis(now.millis() - HOUR.millis());
        return Ok(links::count_since(connection, person, LinkKind::Reset, hour_ago)? < RESETS);
    };
    let key = secrets.pseudonym("mail asked for by its owner", &format!("{person} {own}"));
    rate_limits::count_in_time_in(connection, &key, &OWN_RESETS, now)
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
        let Some(email) = EmailAddress::parse(&ask.login).map(String::from) else { return Ok(false) };
        if people::find_by_login(connection, &LoginName::parse(&email))?.is_some() {
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

/// A link of a person, and the letter that brings it, in one transaction: an address to confirm, which someone asked for who has
/// shown the password in a session. False where that was overtaken, and then nothing was done.
///
/// # Errors
/// The database's.
pub fn send_link(
    connection: &mut AnyConnection,
    proof: (&Person, &Session),
    link: &Link,
    (id, notice): (Id, &Notice),
    event: &Event<'_>,
) -> Result<bool> {
    dialect::together(connection, |connection| {
        if link.person_id != Some(proof.0.claims.id) || !account::still_counts(connection, proof, event.at)? {
            return Ok(false);
        }
        links::end_kind(connection, event.person, link.kind, link.created_at)?; // the newest counts
        links::insert(connection, link)?;
        activity::insert(connection, event)?;
        deliveries::enqueue(connection, id, &Content::Letter(notice.clone()), link.created_at)?;
        Ok(true)
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
