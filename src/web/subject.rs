//! Subject identifiers: a user's id or, for a client registered for pairwise subjects, one per sector (OpenID Connect Core §8); and
//! the user named by an ID token that is sent as a hint.

use super::fault::Fault;
use crate::{
    app::App,
    jose::verify::{self, Typ},
    protocol::{
        oauth::{client::Client, registration::is_pairwise},
        oidc::{claims, logout::Hint},
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{AnyConnection, Result, sessions, subjects},
};

/// The user's pairwise subject at this client, created when first needed; `None` where the subject is the user's id.
///
/// # Errors
/// When the database fails.
pub fn at(connection: &mut AnyConnection, client: &Client, user: Id) -> Result<Option<String>> {
    let Some(sector) = &client.settings.pairwise_sector else { return Ok(None) };
    subjects::find_or_insert(connection, user, sector, random::subject()).map(Some)
}

/// The user with this subject at this client. A subject of another sector matches nobody, and neither does a user id where subjects
/// are pairwise: a client that could try both would learn that they are the same user's (OpenID Connect Core §8).
///
/// # Errors
/// When the database fails.
pub fn user(connection: &mut AnyConnection, client: &Client, subject: &str) -> Result<Option<Id>> {
    let Some(sector) = &client.settings.pairwise_sector else { return Ok(Id::parse(subject).ok()) };
    if !is_well_formed(subject) {
        return Ok(None);
    }
    let found = subjects::find(connection, subject)?;
    Ok(found.filter(|(_, of)| of == sector).map(|(user, _)| user))
}

/// Whether this can be a pairwise subject: no other text reaches the database, which does not accept every text.
fn is_well_formed(subject: &str) -> bool {
    let is_random = |text: &str| text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    subject.strip_prefix("p.").is_some_and(is_random)
}

/// The user with this subject at any client: for tokens that this server itself has signed.
fn anyone(connection: &mut AnyConnection, subject: &str) -> Result<Option<Id>> {
    if !is_pairwise(subject) {
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
    let pairwise = is_pairwise(sub).then_some(sub);
    let is_named = |id: &Id| text("sid").is_some_and(|sid| claims::is_sid(&app.config.secrets, pairwise, *id, sid));
    let candidates = match (among, user) {
        (Among::Browser(here), _) => here.into_iter().collect(),
        // A pairwise `sid` is derived from that of the session: which one it is takes a look at all of them.
        (Among::Unended, Some(user)) => sessions::unended_of(connection, user)?.iter().map(|session| session.id).collect(),
        (Among::Unended, None) => Vec::new(),
    };
    Ok(Some(Hint { client_id: client_id.to_owned(), user, session: candidates.into_iter().find(is_named) }))
}
