//! Who is signed in: from the cookie to the session's row. A forged cookie is refused before any query; one of
//! an older generation is that of a browser that was signed in again elsewhere, and counts for nothing.

use super::cookies::{self, Keep};
use crate::{
    app::App,
    protocol::{
        credential::{Credential, Kind},
        next_step::Allowed,
        time::Timestamp,
    },
    registrations::Registered,
    store::{
        AnyConnection, Result,
        sessions::{self, Read, Session},
    },
};

/// The session of this cookie, if it is alive.
///
/// # Errors
/// The database's.
pub fn current(app: &App, connection: &mut AnyConnection, cookie: Option<&str>, now: Timestamp) -> Result<Option<Session>> {
    let lifetimes = &app.config.lifetimes;
    Ok(unended(app, connection, cookie)?.filter(|session| !session.is_over(now, lifetimes.idle(session.remembered))))
}

/// What an authorization request depends on.
pub struct Ahead<'a> {
    /// Clients and APIs.
    pub registered: Registered<'a>,
    /// Who is signed in.
    pub session: Option<Session>,
    /// What they allowed the client.
    pub allowed: Option<Allowed>,
}

/// As [`current`], with all that a request of this client depends on, in one statement.
///
/// # Errors
/// The database's.
pub fn read_ahead<'a>(
    app: &'a App,
    connection: &mut AnyConnection,
    cookie: Option<&str>,
    client: &str,
    now: Timestamp,
) -> Result<Ahead<'a>> {
    let opened = cookie.and_then(|cookie| Credential::open(&app.config.secrets, Kind::Session, cookie));
    if let Some(credential) = opened
        && let Some(Read { session, allowed, revision: Some(revision) }) = sessions::read(connection, credential.id, client)?
    {
        let session = follow(app, connection, session, credential.generation)?;
        let session = session.filter(|session| !session.is_over(now, app.config.lifetimes.idle(session.remembered)));
        let allowed = allowed.filter(|_| session.is_some());
        return Ok(Ahead { registered: app.registrations.at(revision, now), session, allowed });
    }
    Ok(Ahead { registered: app.registrations.now(connection, now)?, session: None, allowed: None })
}

/// The session of this cookie until someone ends it. Nobody may be signed in in it any more, but what was granted
/// in it may live on.
///
/// # Errors
/// The database's.
pub fn unended(app: &App, connection: &mut AnyConnection, cookie: Option<&str>) -> Result<Option<Session>> {
    let opened = cookie.and_then(|cookie| Credential::open(&app.config.secrets, Kind::Session, cookie));
    let Some(credential) = opened else { return Ok(None) };
    let Some(session) = sessions::find(connection, credential.id)? else { return Ok(None) };
    Ok(follow(app, connection, session, credential.generation)?.filter(|session| session.ended_at.is_none()))
}

/// The session, if this generation of its cookie is the current one. A genuine one that is newer proves that the database went back
/// in time, as that of a grant does (row 4 of its verdict): the row follows it. When its user signed in stays as the row has it,
/// which is earlier.
fn follow(app: &App, connection: &mut AnyConnection, session: Session, generation: u32) -> Result<Option<Session>> {
    if generation <= session.generation {
        return Ok((generation == session.generation).then_some(session));
    }
    if session.ended_at.is_some() {
        return Ok(None);
    }
    if !sessions::heal(connection, session.id, generation)? {
        // Another request of the same browser was first, or the session has ended meanwhile: the row as it is now says which.
        return Ok(sessions::find(connection, session.id)?.filter(|session| session.generation == generation));
    }
    app.metrics.session_healed();
    tracing::error!(session = %session.id, from = session.generation, to = generation, "the database is older than a session cookie (restored backup?): the session continues from the cookie");
    Ok(Some(Session { generation, ..session }))
}

/// The header that sets the cookie of a session: until the browser is closed, or, for one that is remembered, until its end.
#[must_use]
pub fn cookie(app: &App, session: &Session, now: Timestamp) -> String {
    let keep = if session.remembered { Keep::For(session.expires_at.since(now)) } else { Keep::Session };
    cookies::set(cookies::SESSION, &credential(app, session), keep)
}

/// The cookie's value for a session.
#[must_use]
pub fn credential(app: &App, session: &Session) -> String {
    Credential { kind: Kind::Session, id: session.id, generation: session.generation }.derive(&app.config.secrets)
}
