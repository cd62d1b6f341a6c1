//! The signed-in session: from the cookie to the session's row. A forged cookie is refused before any query; a cookie of an older
//! generation comes from a browser whose session was signed in again elsewhere, and is ignored.

use super::cookies::{Cookie, Keep};
use crate::{
    app::App,
    caches::registrations::Registered,
    protocol::{
        grant::credential::{Credential, Kind},
        values::time::Timestamp,
    },
    store::{
        AnyConnection, Result,
        consents::Recorded,
        sessions::{self, Read, Session},
    },
};

/// The session of this cookie, if it is active.
///
/// # Errors
/// When the database fails.
pub fn current(app: &App, connection: &mut AnyConnection, cookie: Option<&str>, now: Timestamp) -> Result<Option<Session>> {
    let lifetimes = &app.config.lifetimes;
    Ok(unended(app, connection, cookie)?.filter(|session| !session.is_over(now, lifetimes.idle(session.remembered))))
}

/// The rows that an authorization request depends on.
pub struct Ahead<'a> {
    /// The registered clients and APIs.
    pub registered: Registered<'a>,
    /// The signed-in session.
    pub session: Option<Session>,
    /// The consent for the client, or that its user has withdrawn it.
    pub recorded: Option<Recorded>,
}

/// As [`current`], with all rows that a request of this client depends on, in one statement.
///
/// # Errors
/// When the database fails.
pub fn read_ahead<'a>(
    app: &'a App,
    connection: &mut AnyConnection,
    cookie: Option<&str>,
    client: &str,
    now: Timestamp,
) -> Result<Ahead<'a>> {
    let opened = cookie.and_then(|cookie| Credential::open(&app.config.secrets, Kind::Session, cookie));
    if let Some(credential) = opened
        && let Some(Read { session, recorded, revision: Some(revision) }) = sessions::read(connection, credential.id, client)?
    {
        let session = follow(app, connection, session, credential.generation)?;
        let session = session.filter(|session| !session.is_over(now, app.config.lifetimes.idle(session.remembered)));
        let recorded = recorded.filter(|_| session.is_some());
        return Ok(Ahead { registered: app.registrations.at(revision, now), session, recorded });
    }
    Ok(Ahead { registered: app.registrations.now(connection, now)?, session: None, recorded: None })
}

/// The session of this cookie, even if it has idled out, until it is ended: grants may still depend on it.
///
/// # Errors
/// When the database fails.
pub fn unended(app: &App, connection: &mut AnyConnection, cookie: Option<&str>) -> Result<Option<Session>> {
    let opened = cookie.and_then(|cookie| Credential::open(&app.config.secrets, Kind::Session, cookie));
    let Some(credential) = opened else { return Ok(None) };
    let Some(session) = sessions::find(connection, credential.id)? else { return Ok(None) };
    Ok(follow(app, connection, session, credential.generation)?.filter(|session| session.ended_at.is_none()))
}

/// The session of this cookie as it was before it was renewed, if that was a moment ago: by a request sent at the same time.
///
/// # Errors
/// When the database fails.
pub fn renewed(app: &App, connection: &mut AnyConnection, cookie: Option<&str>, now: Timestamp) -> Result<Option<Session>> {
    let opened = cookie.and_then(|cookie| Credential::open(&app.config.secrets, Kind::Session, cookie));
    let Some(Credential { id, generation, .. }) = opened else { return Ok(None) };
    let renewed = sessions::just_begun(connection, id, now)?.filter(|session| session.generation == generation + 1);
    Ok(renewed.map(|session| Session { generation, ..session }))
}

/// The session of this cookie as it was before it was stepped up, and as it is now, if that was a moment ago: by the same form, sent twice.
///
/// # Errors
/// When the database fails.
pub fn stepped_up(
    app: &App,
    connection: &mut AnyConnection,
    cookie: Option<&str>,
    now: Timestamp,
) -> Result<Option<(Session, Session)>> {
    let opened = cookie.and_then(|cookie| Credential::open(&app.config.secrets, Kind::Session, cookie));
    let Some(Credential { id, generation, .. }) = opened else { return Ok(None) };
    let lifetimes = &app.config.lifetimes;
    let current = sessions::just_stepped_up(connection, id, now)?.filter(|session| session.generation == generation + 1);
    let current = current.filter(|session| !session.is_over(now, lifetimes.idle(session.remembered)));
    Ok(current.map(|session| {
        let proofs = session.proofs.older(now, sessions::TWICE);
        (Session { generation, proofs, ..session.clone() }, session)
    }))
}

/// The session, if this generation of its cookie is the current one. A genuine cookie of a newer generation proves that the
/// database was restored to an earlier state, as a newer credential of a grant does (row 4 of its verdict): the row follows the
/// cookie. The time of sign-in stays as in the row, which is earlier.
fn follow(app: &App, connection: &mut AnyConnection, session: Session, generation: u32) -> Result<Option<Session>> {
    if generation <= session.generation {
        return Ok((generation == session.generation).then_some(session));
    }
    if session.ended_at.is_some() {
        return Ok(None);
    }
    if !sessions::heal(connection, session.id, generation)? {
        // Another request of the same browser was first, or the session has ended meanwhile: the row tells which.
        return Ok(sessions::find(connection, session.id)?.filter(|session| session.generation == generation));
    }
    app.metrics.session_healed();
    tracing::error!(session = %session.id, from = session.generation, to = generation, "the database is older than a session cookie (restored backup?): the session continues from the cookie");
    Ok(Some(Session { generation, ..session }))
}

/// The `Set-Cookie` header of a session: until the browser is closed or, for a remembered session, until its end.
#[must_use]
pub fn cookie(app: &App, session: &Session, now: Timestamp) -> String {
    let keep = if session.remembered { Keep::For(session.expires_at.since(now)) } else { Keep::Session };
    Cookie::Session.set(&app.config.issuer, &credential(app, session), keep)
}

/// The cookie's value for a session.
#[must_use]
pub fn credential(app: &App, session: &Session) -> String {
    Credential { kind: Kind::Session, id: session.id, generation: session.generation }.derive(&app.config.secrets)
}
