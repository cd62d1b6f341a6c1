//! What a link in a mail does, once: using it up and doing what it is for are one transaction, so that of many who use it at
//! once one wins, and one that fails half-way has used nothing up.

use super::{
    AnyConnection, Result,
    account::{self, Ended},
    activity::{self, Event},
    dialect,
    error::Error,
    links::{self, Link},
    people::{self, Person},
    warnings,
};
use crate::protocol::{link::LinkKind, notice::Letter};

/// Makes the account that the link is for; false when it was used or is over, and then nothing was done.
///
/// # Errors
/// [`Error::Conflict`] when name or address exist already: the link is as good as before.
pub fn register(connection: &mut AnyConnection, link: &Link, person: &Person, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !links::use_up(connection, link.id, event.at)? {
            return Ok(false);
        }
        people::insert(connection, person)?;
        activity::insert(connection, event)?;
        Ok(true)
    })
}

/// Sets the password by a link; `None` when it was used or is over.
///
/// # Errors
/// The database's.
pub fn reset_password(connection: &mut AnyConnection, link: &Link, hash: &str, event: &Event<'_>) -> Result<Option<Ended>> {
    dialect::together(connection, |connection| {
        if !links::use_up(connection, link.id, event.at)? {
            return Ok(None);
        }
        account::reset_password_in(connection, hash, event).map(Some)
    })
}

/// What came of confirming an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It is the person's now.
    Yes,
    /// The link was used, or is over.
    Dead,
    /// Another account has the address by now.
    Taken,
}

/// Gives the person the address that the link was sent to, and tells the old one.
///
/// # Errors
/// The database's.
pub fn confirm_email(connection: &mut AnyConnection, link: &Link, event: &Event<'_>) -> Result<Confirmed> {
    let Some(email) = link.email.as_deref() else { return Ok(Confirmed::Dead) };
    let done = dialect::together(connection, |connection| {
        if !links::use_up(connection, link.id, event.at)? {
            return Ok(Confirmed::Dead);
        }
        let Some(mut person) = people::find(connection, event.person)? else { return Ok(Confirmed::Dead) };
        let before = person.clone();
        (person.claims.email, person.claims.email_verified) = (email.to_owned(), true);
        people::update(connection, &person, event.at)?;
        links::use_up_all(connection, event.person, LinkKind::Reset, event.at)?;
        links::use_up_all(connection, event.person, LinkKind::ConfirmEmail, event.at)?;
        if before.claims.email == email {
            activity::insert(connection, event)?; // it is only known to be theirs now
        } else {
            warnings::tell(connection, event, Letter::EmailChanged, &before)?;
        }
        Ok(Confirmed::Yes)
    });
    match done {
        Err(Error::Conflict(_)) => Ok(Confirmed::Taken),
        done => done,
    }
}

/// "This was not me": everything ends, the password is taken away, and an address that was changed since comes back; `None`
/// when the link was used or is over.
///
/// # Errors
/// The database's.
pub fn not_me(connection: &mut AnyConnection, link: &Link, event: &Event<'_>) -> Result<Option<Ended>> {
    let attempt = |connection: &mut AnyConnection, email: Option<&str>| {
        dialect::together(connection, |connection| {
            if !links::use_up(connection, link.id, event.at)? {
                return Ok(None);
            }
            if let Some(email) = email
                && let Some(mut person) = people::find(connection, event.person)?
            {
                (person.claims.email, person.claims.email_verified) = (email.to_owned(), true);
                people::update(connection, &person, event.at)?;
            }
            account::disown_in(connection, None, event).map(Some)
        })
    };
    match attempt(connection, link.email.as_deref()) {
        // Someone else has the old address by now: everything ends all the same.
        Err(Error::Conflict(_)) => attempt(connection, None),
        done => done,
    }
}
