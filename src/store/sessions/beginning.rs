//! Sign-in: a session begins or continues. The notification of the user is `notifications`; the browsers known as theirs are
//! `devices`.

use diesel::prelude::*;

use super::{Session, end_row, find, insert};
use crate::{
    protocol::{
        account::{
            activity::Activity,
            notification::NotificationKind,
            proof::{Proof, Proofs},
        },
        oidc::authentication::Method,
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        devices, dialect,
        error::Error,
        notifications,
        schema::sessions,
        users::{self, User},
    },
};

/// Within this time, a form that is sent again is the same sign-in: a double click, or a click repeated by a browser.
pub const TWICE: Span = Span::from_seconds(10);

/// A successful sign-in.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// The user.
    pub user: &'a User,
    /// The previous session of this browser.
    pub before: Option<&'a Session>,
    /// The session to create if the previous one cannot continue. Its id is that of the form: sent twice, it begins one session.
    pub new: Session,
    /// The id in its place if the form was used before.
    pub spare: Id,
    /// The address range, by which a device is recognised.
    pub network: &'a str,
    /// The id of the activity entry.
    pub event: Id,
}

/// Signs a user in. Their own session in this browser gets a new generation; another user's ends, and the new one begins. The user
/// is notified of a browser or network that was never seen before (ASVS 6.3.5). The same form sent twice at once signs in once. `None` if the password was changed or the account
/// disabled meanwhile: then nothing was done.
///
/// # Errors
/// Database errors.
pub fn begin(connection: &mut AnyConnection, sign_in: SignIn<'_>, now: Timestamp) -> Result<Option<Session>> {
    dialect::together(connection, |connection| begin_in(connection, sign_in, now))
}

/// As [`begin`], as part of a transaction.
///
/// # Errors
/// Database errors.
pub fn begin_in(connection: &mut AnyConnection, sign_in: SignIn<'_>, now: Timestamp) -> Result<Option<Session>> {
    // This locks the user's row: of two requests that sign in at once, the second sees what the first has done.
    let Some(auth_time) = users::hold(connection, sign_in.user, now)? else { return Ok(None) };
    let same = find(connection, sign_in.new.id)?;
    if let Some(begun) = same.as_ref().filter(|session| is_just_begun(session, sign_in.user.claims.id, now)) {
        return Ok(Some(begun.clone()));
    }
    if let Some(before) = sign_in.before
        && let Some(renewed) = find(connection, before.id)?
        && renewed.generation == before.generation + 1
        && is_just_begun(&renewed, sign_in.user.claims.id, now)
    {
        return Ok(Some(renewed));
    }
    let SignIn { user, before, new, spare, network, event } = sign_in;
    let new = Session { id: if same.is_some() { spare } else { new.id }, auth_time, ..new };
    // Without it, all browsers would be one known device.
    let device = new.device_id.clone().ok_or_else(|| Error::Failed("a sign-in without a device".into()))?;
    let seen = devices::see(connection, user.claims.id, (&device, network), now)?;
    let origin = new.origin.clone();
    // The very first sign-in of an account needs no notification.
    let is_new = user.signed_in_at.is_some() && !(seen.device && seen.network);
    let activity = if is_new { Activity::SignedInAnew } else { Activity::SignedIn };
    let event = Event { id: event, user: user.claims.id, activity, origin: &origin, about: None, grant: None, at: now };
    if is_new {
        notifications::tell(connection, &event, NotificationKind::NewDevice, user)?;
    } else {
        activity::insert(connection, &event)?;
    }
    go_on_or_begin(connection, user, before, new, now).map(Some)
}

/// The session with this id, if it was begun or renewed a moment ago and is active.
///
/// # Errors
/// Database errors.
pub fn just_begun(connection: &mut AnyConnection, id: Id, now: Timestamp) -> Result<Option<Session>> {
    Ok(find(connection, id)?.filter(|session| is_just_begun(session, session.user_id, now)))
}

fn is_just_begun(session: &Session, user: Id, now: Timestamp) -> bool {
    session.user_id == user && session.ended_at.is_none() && now.age_of(session.auth_time).is_at_most(TWICE)
}

fn go_on_or_begin(
    connection: &mut AnyConnection,
    user: &User,
    before: Option<&Session>,
    new: Session,
    now: Timestamp,
) -> Result<Session> {
    if let Some(before) = before {
        let goes_on = before.user_id == user.claims.id && now < before.expires_at;
        // A remembered session stays remembered, as its apps depend on it. One that becomes remembered now gets the longer expiry.
        let is_upgraded = new.remembered && !before.remembered;
        let renewed = Session {
            id: before.id,
            generation: before.generation + 1,
            created_at: before.created_at,
            expires_at: if is_upgraded { new.expires_at } else { before.expires_at },
            remembered: before.remembered || new.remembered,
            ..new.clone()
        };
        if goes_on && renew(connection, before, &renewed)? {
            return Ok(renewed);
        }
        end_row(connection, before, now)?;
    }
    insert(connection, &new)?;
    Ok(new)
}

/// Renews the session after the same user signed in again: a new generation, which invalidates the old cookie. False if the session
/// was ended or renewed concurrently.
fn renew(connection: &mut AnyConnection, session: &Session, renewed: &Session) -> Result<bool> {
    let row = sessions::table
        .find(session.id.as_bytes().as_slice())
        .filter(sessions::generation.eq(i64::from(session.generation)))
        .filter(sessions::ended_at.is_null());
    let rows = diesel::update(row)
        .set((
            sessions::generation.eq(i64::from(renewed.generation)),
            sessions::auth_time.eq(renewed.auth_time.millis()),
            sessions::last_seen_at.eq(renewed.last_seen_at.millis()),
            sessions::amr.eq(renewed.amr.to_string()),
            sessions::proofs.eq(Some(renewed.proofs.to_string())),
            sessions::user_agent.eq(renewed.origin.user_agent.as_deref()),
            sessions::address.eq(renewed.origin.address.as_deref()),
            sessions::place.eq(renewed.origin.place.as_deref()),
            sessions::device_id.eq(renewed.device_id.as_deref()),
            sessions::remembered.eq(renewed.remembered),
            sessions::expires_at.eq(renewed.expires_at.millis()),
        ))
        .execute(connection)?;
    Ok(rows == 1)
}

/// Continues the session under a new cookie: a new generation; as a sign-in now, if all that the account has was verified for it: the
/// password. `None` if it was ended or renewed meanwhile. Part of a transaction.
pub(in crate::store) fn renew_cookie(
    connection: &mut AnyConnection,
    session: &Session,
    is_verified: bool,
    now: Timestamp,
) -> Result<Option<Session>> {
    let mut renewed = Session { generation: session.generation + 1, last_seen_at: now, ..session.clone() };
    if is_verified {
        renewed.auth_time = now;
        renewed.proofs = renewed.proofs.with(Proof { method: Method::Password, at: now });
    }
    Ok(renew(connection, session, &renewed)?.then_some(renewed))
}

/// Continues the session with further proofs, and under a new cookie: whoever else has the old one does not gain them. The time of the
/// sign-in stays (decision 0049). `None` if the session was ended or renewed, the password changed or the account disabled meanwhile.
///
/// # Errors
/// Database errors.
pub fn step_up(
    connection: &mut AnyConnection,
    (user, session): (&User, &Session),
    proofs: &Proofs,
    now: Timestamp,
) -> Result<Option<Session>> {
    let proofs = proofs.iter().fold(session.proofs.clone(), Proofs::with);
    let Some(amr) = proofs.amr() else { return Ok(None) };
    let renewed = Session { generation: session.generation + 1, last_seen_at: now, amr, proofs, ..session.clone() };
    dialect::together(connection, |connection| {
        let is_renewed = users::holds(connection, user)? && renew(connection, session, &renewed)?;
        Ok(is_renewed.then_some(renewed))
    })
}

/// The session with this id, if it was stepped up a moment ago and is active.
///
/// # Errors
/// Database errors.
pub fn just_stepped_up(connection: &mut AnyConnection, id: Id, now: Timestamp) -> Result<Option<Session>> {
    let is_just_proven = |session: &Session| session.proofs.iter().any(|proof| now.age_of(proof.at).is_at_most(TWICE));
    Ok(find(connection, id)?.filter(|session| session.ended_at.is_none() && is_just_proven(session)))
}
