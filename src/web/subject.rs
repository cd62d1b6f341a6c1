//! Subject identifiers: a user's id or the subject that another provider gave them; for a client registered for pairwise subjects, one
//! per sector (OpenID Connect Core §8); and the user named by an ID token that is sent as a hint.

use super::fault::Fault;
use crate::{
    app::App,
    jose::verify::{self, Typ},
    protocol::{
        account::subject::{is_well_formed, stored},
        oauth::client::Client,
        oidc::{claims, logout::Hint},
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{
        AnyConnection, Result,
        sessions::{self, Session},
        subjects,
    },
};

/// The subject at this client of the user who is signed in, a pairwise one being created when first needed; `None` where it is the
/// user's id.
///
/// # Errors
/// When the database fails.
pub fn at(connection: &mut AnyConnection, client: &Client, session: &Session) -> Result<Option<String>> {
    let Some(sector) = &client.settings.pairwise_sector else { return Ok(session.subject.clone()) };
    subjects::find_or_insert(connection, session.user_id, sector, random::subject()).map(Some)
}

/// The user with this subject at this client. A subject of another sector matches nobody, and neither does a user id where subjects
/// are pairwise: a client that could try both would learn that they are the same user's (OpenID Connect Core §8).
///
/// # Errors
/// When the database fails.
pub fn user(connection: &mut AnyConnection, client: &Client, subject: &str) -> Result<Option<Id>> {
    let sector = client.settings.pairwise_sector.as_deref();
    match (sector, Id::parse(subject)) {
        (None, Ok(id)) => return Ok(subjects::is_named_by_id(connection, id)?.then_some(id)),
        (Some(_), Ok(_)) => return Ok(None),
        _ if !is_well_formed(subject) => return Ok(None),
        _ => {}
    }
    let found = subjects::find(connection, subject)?;
    Ok(found.filter(|(_, of)| of == sector.unwrap_or(subjects::PUBLIC)).map(|(user, _)| user))
}

/// The user with this subject at any client: for tokens that this server itself has signed.
fn anyone(connection: &mut AnyConnection, subject: &str) -> Result<Option<Id>> {
    if stored(subject).is_none() {
        return Ok(Id::parse(subject).ok());
    }
    Ok(subjects::find(connection, subject)?.map(|(user, _)| user))
}

/// The sessions that an ID token sent as a hint can belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// That of this browser, if there is one.
    Browser(Option<Id>),
    /// All of the user's that have not ended: the request came without a cookie.
    Unended,
}

/// The client and the user of an ID token of ours, which may have expired, and to which of these sessions it belongs. `None` for
/// anything else.
///
/// # Errors
/// When the database fails.
pub fn hint(
    app: &App,
    connection: &mut AnyConnection,
    (token, among): (&str, Among),
    now: Timestamp,
) -> std::result::Result<Option<Hint>, Fault> {
    let ring = app.keys_verifying(connection, token, now)?;
    let Ok(token_claims) = verify::own(&ring, Typ::IdToken, token) else { return Ok(None) };
    let text = |name| claims::text(&token_claims, name).ok();
    let (Some(iss), Some(sub), Some(client_id)) = (text("iss"), text("sub"), text("aud")) else { return Ok(None) };
    if iss != app.config.issuer.as_str() {
        return Ok(None);
    }
    let user = anyone(connection, sub)?;
    let is_named = |id: &Id| text("sid").is_some_and(|sid| claims::is_sid(&app.config.secrets, stored(sub), *id, sid));
    let candidates = match (among, user) {
        (Among::Browser(here), _) => here.into_iter().collect(),
        // The `sid` beside a stored subject is derived from that of the session: which one it is takes a look at all of them.
        (Among::Unended, Some(user)) => sessions::unended_of(connection, user)?.iter().map(|session| session.id).collect(),
        (Among::Unended, None) => Vec::new(),
    };
    Ok(Some(Hint { client_id: client_id.to_owned(), user, session: candidates.into_iter().find(is_named) }))
}
