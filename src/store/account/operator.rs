//! What an operator does to an account: each change in one transaction with its entry in the account's activity, the letter where
//! one is due, and the end of the links that it outranks (decision 0029). The command line changes accounts by these functions
//! alone, so that nothing is done past the entry and the letter.

use super::{Ended, delete_in, end_all, end_requests, reset_password_in};
use crate::{
    protocol::{
        activity::{Activity, NOWHERE},
        end_reason::EndReason,
        id::Id,
        person,
        time::Timestamp,
    },
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        devices, dialect,
        error::Error,
        grants, links,
        people::{self, Person},
        sessions::{self, Offline},
        warnings,
    },
};

/// Adds a person.
///
/// # Errors
/// [`Error::Conflict`] when name or address exist already.
pub fn add(connection: &mut AnyConnection, person: &Person, event: Id) -> Result<()> {
    dialect::together(connection, |connection| add_in(connection, person, event))
}

/// Adds people, each with the id of the entry: all of them, or none. The position of the first whose name or address exists
/// already, where there is one.
///
/// # Errors
/// The database's.
pub fn import(connection: &mut AnyConnection, everyone: &[(Person, Id)]) -> Result<Option<usize>> {
    let mut at = 0;
    let added = dialect::together(connection, |connection| {
        for (person, event) in everyone {
            add_in(connection, person, *event)?;
            at += 1;
        }
        Ok(())
    });
    match added {
        Err(Error::Conflict(_)) => Ok(Some(at)),
        added => added.map(|()| None),
    }
}

fn add_in(connection: &mut AnyConnection, person: &Person, event: Id) -> Result<()> {
    people::insert(connection, person)?;
    links::end_to_address(connection, &person.claims.email, person.created_at)?; // invitations of before
    let (of, at) = (person.claims.id, person.created_at);
    activity::insert(connection, &Event { id: event, person: of, activity: Activity::Added, origin: &NOWHERE, about: None, at })
}

/// Changes what is kept of a person: reads it, lets `change` have it, and writes it back, while nobody else does so. What changed
/// stands in their activity, by the events that `event` gives; another address, or another answer to whether it is theirs, ends
/// every link of before, and an old address that was theirs is told. `None` when there is no such person.
///
/// # Errors
/// What `change` says, or the database: [`Error::Conflict`] when the address is another's.
pub fn change_details<E: From<Error>>(
    connection: &mut AnyConnection,
    id: Id,
    event: impl Fn(Activity) -> Event<'static>,
    change: impl FnOnce(&mut Person) -> std::result::Result<(), E>,
) -> std::result::Result<Option<Person>, E> {
    dialect::exclusively(connection, |connection| {
        let Some(before) = people::lock(connection, id)? else { return Ok(None) };
        let mut person = before.clone();
        change(&mut person)?;
        let (old, new) = (&before.claims, person.claims.clone());
        let address = if old.email != new.email {
            Some(Activity::EmailChanged)
        } else if old.email_verified == new.email_verified {
            None
        } else if new.email_verified {
            Some(Activity::EmailVerified)
        } else {
            Some(Activity::EmailUnverified)
        };
        let has_other_details = details(old) != details(&new);
        if address.is_none() && !has_other_details {
            return Ok(Some(before));
        }
        let now = event(Activity::DetailsChanged).at;
        person.claims.updated_at = now;
        people::update(connection, &person, now)?;
        if let Some(activity) = address {
            links::end_all(connection, id, now)?;
            for email in [&old.email, &new.email] {
                links::end_to_address(connection, email, now)?;
            }
            let event = Event { about: Some(&person.claims.email), ..event(activity) };
            if activity == Activity::EmailChanged {
                warnings::displace(connection, &event, &before)?;
            } else {
                activity::insert(connection, &event)?;
            }
        }
        if has_other_details {
            activity::insert(connection, &event(Activity::DetailsChanged))?;
        }
        Ok(Some(person))
    })
}

/// What claims tell of a person besides the address.
fn details(person: &person::Person) -> impl PartialEq + '_ {
    (&person.display_name, &person.roles, &person.groups, &person.attributes)
}

/// Sets a password. Everything ends: whoever had the old one is out.
///
/// # Errors
/// The database's.
pub fn reset_password(connection: &mut AnyConnection, hash: &str, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| {
        people::lock(connection, event.person)?;
        links::end_all(connection, event.person, event.at)?; // before the letter that brings a new one
        reset_password_in(connection, hash, event)
    })
}

/// Begins a recovery, which an operator cannot finish (ASVS 6.4.6): everything ends, the password is taken away, and the person
/// is told by mail where they ask for a new one. `None` where they could not: their address is not known to be theirs, the
/// account is switched off or gone. Then nothing was done.
///
/// # Errors
/// The database's.
pub fn take_password(connection: &mut AnyConnection, (asked, ended): (&Event<'_>, &Event<'_>)) -> Result<Option<Ended>> {
    dialect::together(connection, |connection| {
        let person = people::lock(connection, asked.person)?;
        let Some(person) = person.filter(Person::can_recover) else { return Ok(None) };
        people::set_password(connection, asked.person, None)?;
        people::ask_to_sign_in_again(connection, asked.person, asked.at)?;
        links::end_all(connection, asked.person, asked.at)?;
        activity::insert(connection, ended)?;
        warnings::ask_to_recover(connection, asked, &person)?;
        let ended = end_all(connection, (asked.person, None), EndReason::PasswordRemoved, asked.at)?;
        devices::forget(connection, asked.person)?;
        Ok(Some(Ended { password_taken: true, ..ended }))
    })
}

/// Asks the person to sign in again: until they have, every grant is refused. None is ended; but an address that someone in a
/// session asked for is not confirmed any more, as that session counts no more.
///
/// # Errors
/// The database's.
pub fn ask_to_sign_in_again(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        people::lock(connection, event.person)?;
        people::ask_to_sign_in_again(connection, event.person, event.at)?;
        end_requests(connection, event)?;
        activity::insert(connection, event)
    })
}

/// Ends the sessions and grants of a person in which they signed in before this moment: they sign in again in each. Nothing, and no
/// entry, where there are none.
///
/// # Errors
/// The database's.
pub fn end_before(connection: &mut AnyConnection, before: Timestamp, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| {
        people::lock(connection, event.person)?;
        let mut sessions = sessions::unended_of(connection, event.person)?;
        sessions.retain(|session| session.auth_time < before);
        let mut grants = grants::live_of(connection, event.person, event.at)?;
        grants.retain(|grant| grant.auth_time < before);
        if sessions.is_empty() && grants.is_empty() {
            return Ok(Ended::default());
        }
        activity::insert(connection, event)?;
        for session in &sessions {
            sessions::end_in(connection, session, Offline::Lives, event.at)?;
        }
        for grant in &grants {
            grants::revoke(connection, grant.id, EndReason::SignInAgain, event.at)?;
        }
        Ok(Ended { sessions, grants, ..Ended::default() })
    })
}

/// Switches the account off and ends its sessions, grants and links, which stay dead when it is switched on again.
///
/// # Errors
/// The database's.
pub fn disable(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        people::lock(connection, event.person)?;
        people::set_disabled(connection, event.person, Some(event.at))?;
        activity::insert(connection, event)?;
        links::end_all(connection, event.person, event.at)?;
        end_all(connection, (event.person, None), EndReason::UserDisabled, event.at).map(drop)
    })
}

/// Switches the account on again.
///
/// # Errors
/// The database's.
pub fn enable(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        people::lock(connection, event.person)?;
        people::set_disabled(connection, event.person, None)?;
        links::end_all(connection, event.person, event.at)?;
        activity::insert(connection, event)
    })
}

/// Ends every link of the person's letters, and says how many could still be used.
///
/// # Errors
/// The database's.
pub fn end_links(connection: &mut AnyConnection, event: &Event<'_>) -> Result<usize> {
    dialect::together(connection, |connection| {
        people::lock(connection, event.person)?;
        let ended = links::end_all(connection, event.person, event.at)?;
        if ended > 0 {
            activity::insert(connection, event)?;
        }
        Ok(ended)
    })
}

/// Deletes a person, with all that is kept of them but their id and their subjects.
///
/// # Errors
/// The database's.
pub fn delete(connection: &mut AnyConnection, person: Id, now: Timestamp) -> Result<()> {
    dialect::together(connection, |connection| delete_in(connection, person, now))
}
