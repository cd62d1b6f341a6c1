//! Operator actions on an account: each change is one transaction with its activity entry, the e-mail where one is due, and the end
//! of the links it supersedes (decision 0029). `operations` changes accounts only by these functions, so that no change lacks
//! its entry or e-mail.

use super::{
    Ended, delete_in, end_all, end_requests, reset_password_in,
    resets::{Others, RemovalOfOthers, remove_others_in},
};
use crate::{
    protocol::{
        account::{activity::Activity, user},
        grant::end_reason::EndReason,
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        deletions::{self, Deleted},
        devices, dialect,
        error::Error,
        grants, links, notifications,
        sessions::{self, Offline},
        subjects,
        users::{self, User},
    },
};

/// Adds a user.
///
/// # Errors
/// [`Error::Conflict`] if the name, the address or the subject is already taken.
pub fn add(connection: &mut AnyConnection, user: &User, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| add_in(connection, user, event))
}

/// A user of another system.
#[derive(Clone, Debug)]
pub struct ImportedUser {
    /// The user.
    pub user: User,
    /// Their pairwise subjects, by sector.
    pub pairwise: Vec<(String, String)>,
}

/// Adds users, each with the entry that `event` gives for their id, all or none. Returns the index of the first whose name, address or
/// subject is already taken, if any.
///
/// # Errors
/// Database errors.
pub fn import<'a>(
    connection: &mut AnyConnection,
    everyone: &[ImportedUser],
    event: impl Fn(Id) -> Event<'a>,
) -> Result<Option<usize>> {
    let mut at = 0;
    let added = dialect::together(connection, |connection| {
        for ImportedUser { user, pairwise } in everyone {
            let id = user.claims.id;
            if deletions::is_pending(connection, &Deleted::User(id))? {
                return Err(Error::Conflict("a user with this id was deleted, and is still being purged".into()));
            }
            add_in(connection, user, &event(id))?;
            for (sector, subject) in pairwise {
                subjects::keep(connection, id, sector, subject)?;
            }
            at += 1;
        }
        Ok(())
    });
    match added {
        Err(Error::Conflict(_)) => Ok(Some(at)),
        added => added.map(|()| None),
    }
}

fn add_in(connection: &mut AnyConnection, user: &User, event: &Event<'_>) -> Result<()> {
    users::insert(connection, user)?;
    links::end_to_address(connection, &user.claims.email, user.created_at)?; // earlier invitations
    activity::insert(connection, event)
}

/// Updates a user's details: reads them, applies `change`, and writes them back, with the row locked. Changes are recorded in the
/// activity, by the events that `event` gives; a change of the address, or of whether it is verified, ends every earlier link, and
/// an old verified address is notified. `None` if there is no such user.
///
/// # Errors
/// Errors of `change`, or of the database: [`Error::Conflict`] if the address is another user's.
pub fn change_details<'a, E: From<Error>>(
    connection: &mut AnyConnection,
    id: Id,
    event: impl Fn(Activity) -> Event<'a>,
    change: impl FnOnce(&mut User) -> std::result::Result<(), E>,
) -> std::result::Result<Option<User>, E> {
    dialect::exclusively(connection, |connection| {
        let Some(before) = users::lock(connection, id)? else { return Ok(None) };
        let mut user = before.clone();
        change(&mut user)?;
        let (old, new) = (&before.claims, user.claims.clone());
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
        user.claims.updated_at = now;
        users::update(connection, &user, now)?;
        if let Some(activity) = address {
            links::end_all(connection, id, now)?;
            for email in [&old.email, &new.email] {
                links::end_to_address(connection, email, now)?;
            }
            let event = Event { about: user.claims.address(), ..event(activity) };
            if activity == Activity::EmailChanged {
                notifications::displace(connection, &event, &before)?;
            } else {
                activity::insert(connection, &event)?;
            }
        }
        if has_other_details {
            activity::insert(connection, &event(Activity::DetailsChanged))?;
        }
        Ok(Some(user))
    })
}

/// The user's claims besides the address.
fn details(user: &user::User) -> impl PartialEq + '_ {
    (&user.display_name, &user.roles, &user.groups, &user.attributes)
}

/// Sets a password. Everything ends, so that anyone who knew the old one is signed out.
///
/// # Errors
/// Database errors.
pub fn reset_password(connection: &mut AnyConnection, hash: &str, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        links::end_all(connection, event.user, event.at)?; // before the e-mail that brings a new one
        reset_password_in(connection, hash, event)
    })
}

/// Begins a password reset that an operator cannot finish (ASVS 6.4.6): everything ends, the password is removed, and the user is
/// told by e-mail where to request a new one. What else they could sign in with is removed as well, at its time. `None` if they could
/// not set a new password: their address is not verified, the account is disabled or deleted. Then nothing was done.
///
/// # Errors
/// Database errors.
pub fn take_password(
    connection: &mut AnyConnection,
    (requested, ended): (&Event<'_>, &Event<'_>),
    others: RemovalOfOthers<'_>,
) -> Result<Option<(Ended, Others)>> {
    dialect::together(connection, |connection| {
        let user = users::lock(connection, requested.user)?;
        let Some(user) = user.filter(User::can_recover) else { return Ok(None) };
        users::set_password(connection, requested.user, None)?;
        users::ask_to_sign_in_again(connection, requested.user, requested.at)?;
        links::end_all(connection, requested.user, requested.at)?;
        activity::insert(connection, ended)?;
        notifications::ask_to_recover(connection, requested, &user)?;
        let ended = end_all(connection, (requested.user, None), EndReason::PasswordRemoved, requested.at)?;
        devices::forget(connection, requested.user)?;
        let others = remove_others_in(connection, &user, others)?;
        Ok(Some((Ended { password_taken: true, ..ended }, others)))
    })
}

/// Requires the user to sign in again: until then every grant is refused, though none is revoked. A pending change of address,
/// requested in a session, is cancelled, as that session is no longer valid.
///
/// # Errors
/// Database errors.
pub fn ask_to_sign_in_again(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        users::ask_to_sign_in_again(connection, event.user, event.at)?;
        end_requests(connection, event)?;
        activity::insert(connection, event)
    })
}

/// Ends the sessions and grants of a user that were signed in before this time, so that a new sign-in is required in each. Does
/// nothing, and writes no entry, if there are none.
///
/// # Errors
/// Database errors.
pub fn end_before(connection: &mut AnyConnection, before: Timestamp, event: &Event<'_>) -> Result<Ended> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        let mut sessions = sessions::unended_of(connection, event.user)?;
        sessions.retain(|session| session.auth_time < before);
        let mut grants = grants::active_of(connection, event.user, event.at)?;
        grants.retain(|grant| grant.auth_time < before);
        if sessions.is_empty() && grants.is_empty() {
            return Ok(Ended::default());
        }
        activity::insert(connection, event)?;
        for session in &sessions {
            sessions::end_in(connection, session, Offline::Keep, event.at)?;
        }
        for grant in &grants {
            grants::revoke(connection, grant.id, EndReason::SignInAgain, event.at)?;
        }
        Ok(Ended { sessions, grants, ..Ended::default() })
    })
}

/// Disables the account and ends its sessions, grants and links, which stay ended if it is enabled again.
///
/// # Errors
/// Database errors.
pub fn disable(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        users::set_disabled(connection, event.user, Some(event.at))?;
        activity::insert(connection, event)?;
        links::end_all(connection, event.user, event.at)?;
        end_all(connection, (event.user, None), EndReason::UserDisabled, event.at).map(drop)
    })
}

/// Enables the account again.
///
/// # Errors
/// Database errors.
pub fn enable(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        users::set_disabled(connection, event.user, None)?;
        links::end_all(connection, event.user, event.at)?;
        activity::insert(connection, event)
    })
}

/// Ends every e-mail link of the user, and returns how many were still usable.
///
/// # Errors
/// Database errors.
pub fn end_links(connection: &mut AnyConnection, event: &Event<'_>) -> Result<usize> {
    dialect::together(connection, |connection| {
        users::lock(connection, event.user)?;
        let ended = links::end_all(connection, event.user, event.at)?;
        if ended > 0 {
            activity::insert(connection, event)?;
        }
        Ok(ended)
    })
}

/// Deletes a user: the row, and the name and address with it. `deletions` purges the rest, except their id and subjects.
///
/// # Errors
/// Database errors.
pub fn delete(connection: &mut AnyConnection, user: Id, now: Timestamp) -> Result<()> {
    dialect::together(connection, |connection| delete_in(connection, user, now))
}
