//! Reading an authorization request, whichever endpoint received it: the client first, then the request. Until the redirect URI has
//! matched, an error is shown on a page of ours (RFC 6749 §4.1.2.1): the expected value, the received value, and the one difference
//! that is most likely the cause.

use std::sync::Arc;

use super::{context::Context, fault::Fault, page, reply::Reply, request::QUERY_LIMIT, returning};
use crate::{
    app::App,
    caches::registrations::Registered,
    pages::{Problem, RedirectHint},
    protocol::{
        error::{ErrorCode, ProtocolError},
        oauth::{
            authorization::{self, AuthorizationRequest, PageProblem, Refusal},
            authorization_response,
            client::{Client, ClientKind},
            client_refusal::Reason,
            redirect_uri,
            resource::KnownScopes,
            return_address::{Mismatch, ReturnAddress},
        },
        oidc::prompt,
        values::{
            params::{FlawKind, Params},
            time::Timestamp,
        },
    },
    store::AnyConnection,
};

/// The bytes that our own parameters add to a request on its way through the pages.
const ROOM: usize = 640;

/// The result of reading a request.
pub enum Read {
    /// A valid request.
    Good(Box<(Arc<Client>, AuthorizationRequest)>),
    /// An error, shown on a page of ours.
    Page(Reply),
    /// An error, returned to the client.
    Refused(ReturnAddress, ProtocolError),
}

/// Reads a request.
///
/// # Errors
/// When the database fails.
pub fn read(
    app: &App,
    context: &Context,
    connection: &mut AnyConnection,
    registered: &Registered<'_>,
    params: &Params,
) -> Result<Read, Fault> {
    let base = app.config.issuer.base();
    if returning::request_of(params).len() > QUERY_LIMIT - ROOM {
        return Ok(Read::Page(page::error(base, context, 414, Problem::TooLarge { limit: QUERY_LIMIT - ROOM })));
    }
    let id = match authorization::client_id(params) {
        Ok(id) => id,
        Err(problem) => return Ok(Read::Page(show(base, context, None, params, &problem))),
    };
    let Some(client) = registered.client(connection, id)? else {
        return Ok(Read::Page(page::error(base, context, 400, Problem::UnknownClient { received: id })));
    };
    if client.disabled_at.is_some() {
        let page = page::error(base, context, 400, Problem::ClientDisabled { client_name: &client.settings.client_name });
        return Ok(Read::Page(page.noting(format!("client {id}: disabled"))));
    }
    let apis = registered.all_apis(connection)?;
    let known = KnownScopes { of_users: &app.config.scope_claims, apis: &apis };
    match AuthorizationRequest::parse(params, &client, &known) {
        Ok(request) if request.prompt.create && !app.is_registration_open() => {
            let error = ProtocolError::new(ErrorCode::InvalidRequest, prompt::unknown(prompt::CREATE, false));
            Ok(Read::Refused(request.address, error))
        }
        Ok(request) => Ok(Read::Good(Box::new((client, request)))),
        Err(Refusal::Page(problem)) => Ok(Read::Page(show(base, context, Some(&client), params, &problem))),
        Err(Refusal::Redirect(address, error)) => Ok(Read::Refused(address, error)),
    }
}

/// The request in the query of one of our own pages, with its client, if it is valid; the page works without.
///
/// # Errors
/// When the database fails.
pub fn pending(
    app: &App,
    connection: &mut AnyConnection,
    params: &Params,
    now: Timestamp,
) -> Result<Option<(Arc<Client>, AuthorizationRequest)>, Fault> {
    let Some(id) = params.get("client_id") else { return Ok(None) };
    let registered = app.registrations.now(connection, now)?;
    let Some(client) = registered.client(connection, id)?.filter(|client| client.disabled_at.is_none()) else { return Ok(None) };
    let apis = registered.all_apis(connection)?;
    let known = KnownScopes { of_users: &app.config.scope_claims, apis: &apis };
    let request = AuthorizationRequest::parse(params, &client, &known).ok();
    Ok(request.map(|request| (client, request)))
}

/// The response to the user's refusal, on one of our own pages, of the request in its query: to the client, if the request is valid,
/// with `access_denied` (RFC 6749 §4.1.2.1), and otherwise as `/authorize` answers it.
///
/// # Errors
/// When the database fails.
pub fn refuse(
    app: &App,
    context: &Context,
    connection: &mut AnyConnection,
    params: &Params,
    description: &'static str,
) -> Result<Reply, Fault> {
    refuse_with(app, context, connection, params, ProtocolError::new(ErrorCode::AccessDenied, description))
}

/// As [`refuse`], with another error.
///
/// # Errors
/// When the database fails.
pub fn refuse_with(
    app: &App,
    context: &Context,
    connection: &mut AnyConnection,
    params: &Params,
    why: ProtocolError,
) -> Result<Reply, Fault> {
    let description = why.description.clone();
    let registered = app.registrations.now(connection, context.now)?;
    let (address, error) = match read(app, context, connection, &registered, params)? {
        Read::Page(page) => return Ok(page),
        Read::Good(good) => (good.1.address, why),
        Read::Refused(address, error) => (address, error),
    };
    let response = authorization_response::failure(&address, app.config.issuer.as_str(), &error);
    Ok(page::authorization_response(app.config.issuer.base(), context, &response).noting(description))
}

fn show(base: &str, context: &Context, client: Option<&Client>, params: &Params, problem: &PageProblem) -> Reply {
    let name = client.map_or("", |client| client.settings.client_name.as_str());
    let received = params.get("redirect_uri").unwrap_or_default();
    let detail;
    let shown = match problem {
        PageProblem::ClientMissing => Problem::MissingClient,
        PageProblem::Malformed(flaw) if flaw.kind == FlawKind::Repeated => Problem::RepeatedParameter { name: &flaw.name },
        PageProblem::Malformed(flaw) => {
            detail = flaw.describe();
            Problem::MalformedRequest { detail: &detail }
        }
        PageProblem::RedirectUri(Mismatch::Missing) => {
            Problem::RedirectUriMissing { registered_count: client.map_or(0, |client| client.settings.redirect_uris.len()) }
        }
        PageProblem::RedirectUri(Mismatch::Unregistered) => {
            let hint = client.and_then(|client| hint(client, received));
            Problem::RedirectUriMismatch { received, client_name: name, hint }
        }
    };
    let page = page::error(base, context, 400, shown);
    match (client, problem) {
        (Some(client), PageProblem::RedirectUri(mismatch)) => {
            let why = note(client, mismatch, received);
            page.noting(format!("client {}: {why}", client.id)).recorded_for(&client.id, Reason::redirect_uri(why, received))
        }
        _ => page,
    }
}

/// Why the redirect URI was refused, for the log and the client's operator.
fn note(client: &Client, mismatch: &Mismatch, received: &str) -> String {
    if *mismatch == Mismatch::Missing {
        return "redirect_uri: expected a registered one, received none".to_owned();
    }
    let hint = hint(client, received).map(|hint| format!(", of which {hint}")).unwrap_or_default();
    format!("redirect_uri: expected a registered one, received '{}'{hint}", received.chars().take(300).collect::<String>())
}

fn hint(client: &Client, received: &str) -> Option<RedirectHint> {
    let Client { settings, .. } = client;
    settings.redirect_uris.iter().find_map(|registered| difference(settings.kind, registered, received))
}

/// The one difference between two URIs as they are compared, if there is exactly one.
fn difference(kind: ClientKind, registered: &str, received: &str) -> Option<RedirectHint> {
    let (registered, received) = (redirect_uri::as_compared(kind, registered), redirect_uri::as_compared(kind, received));
    let (registered, received) = (parts(&registered)?, parts(&received)?);
    let mut differing = registered.into_iter().zip(received).enumerate().filter(|(_, (one, other))| one != other);
    let (part, (one, other)) = differing.next()?;
    if differing.next().is_some() {
        return None;
    }
    let is_loopback = |host| redirect_uri::LOOPBACK.contains(&host);
    let is_anywhere = kind == ClientKind::Native && registered[0] == "http" && is_loopback(registered[1]);
    match part {
        0 if one.eq_ignore_ascii_case(other) => Some(RedirectHint::CaseDiffers),
        0 => Some(RedirectHint::Scheme),
        1 if is_loopback(one) && is_loopback(other) => Some(RedirectHint::Localhost),
        // A native app may use any port on loopback: what is left of it there is none.
        2 if !is_anywhere => Some(RedirectHint::Port),
        3 if one.trim_end_matches('/') == other.trim_end_matches('/') => Some(RedirectHint::TrailingSlash),
        1 | 3 if one.eq_ignore_ascii_case(other) => Some(RedirectHint::CaseDiffers),
        4 => Some(RedirectHint::QueryDiffers),
        _ => None,
    }
}

/// Scheme, host, port, path and query, as they are written: parsers would hide a difference.
fn parts(uri: &str) -> Option<[&str; 5]> {
    let (scheme, rest) = uri.split_once("://")?;
    let (before_query, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (authority, path) = before_query.split_at(before_query.find('/').unwrap_or(before_query.len()));
    let port = authority.rfind(':').filter(|at| !authority.get(*at..).is_some_and(|rest| rest.contains(']')));
    let (host, port) = authority.split_at(port.unwrap_or(authority.len()));
    Some([scheme, host, port, path, query])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_mistakes_are_named() {
        let registered = "https://app.example.com/cb";
        for (received, hint) in [
            ("https://app.example.com/cb/", Some(RedirectHint::TrailingSlash)),
            ("https://App.example.com/cb", Some(RedirectHint::CaseDiffers)),
            ("https://app.example.com/CB", Some(RedirectHint::CaseDiffers)),
            ("https://app.example.com/cb?x=1", Some(RedirectHint::QueryDiffers)),
            ("http://app.example.com/cb", Some(RedirectHint::Scheme)),
            ("https://app.example.com:8443/cb", Some(RedirectHint::Port)),
            ("https://app.example.com:443/cb", Some(RedirectHint::Port)),
            ("http://app.example.com:8443/cb", None),
            ("https://app.example.com:8443/cb/", None),
            ("https://app.example.com/other", None),
            ("https://evil.example/cb", None),
            ("nonsense", None),
        ] {
            assert_eq!(difference(ClientKind::Web, registered, received), hint, "{received}");
        }
        let with_query = difference(ClientKind::Web, "https://a.example/cb?x=1", "https://a.example/cb/?x=1");
        assert_eq!(with_query, Some(RedirectHint::TrailingSlash));
        assert_eq!(difference(ClientKind::Web, "https://a.example", "https://a.example/"), Some(RedirectHint::TrailingSlash));
    }

    #[test]
    fn on_loopback_the_difference_is_what_is_compared() {
        use ClientKind::{Native, Spa};
        use RedirectHint::{CaseDiffers, Localhost, Port, QueryDiffers, TrailingSlash};
        for (kind, registered, received, hint) in [
            (Spa, "http://localhost:8081/cb", "http://127.0.0.1:8081/cb", Some(Localhost)),
            (Spa, "http://localhost:8081/cb", "http://127.0.0.1:8082/cb", None),
            (Spa, "http://127.0.0.1/", "http://127.0.0.1:5000", Some(Port)),
            (Spa, "http://127.0.0.1:5000", "http://127.0.0.1", Some(Port)),
            (Native, "http://localhost/cb", "http://[::1]:5000/cb", Some(Localhost)),
            (Native, "http://127.0.0.1/cb", "http://127.0.0.1:5000/cb/", Some(TrailingSlash)),
            (Native, "http://127.0.0.1:1/cb", "http://127.0.0.1:5000/cb?x", Some(QueryDiffers)),
            (Native, "http://127.0.0.1/cb", "http://127.0.0.1:0/cb", None),
            (Native, "http://localhost/cb", "http://localhost:65536/cb", None),
            (Native, "http://localhost/cb", "http://localhost:/cb", None),
            (Native, "http://localhost/cb", "http://localhost:5@evil.example/cb", None),
            (Native, "https://app.example/cb", "https://app.example:8443/cb", Some(Port)),
            (Native, "https://app.example/cb", "HTTPS://app.example/cb", Some(CaseDiffers)),
            (Native, "http://127.0.0.1/cb", "http://127.0.0.1:5000/other", None),
            (Native, "com.example.app:/cb", "com.example.app:/cb/", None),
        ] {
            assert_eq!(difference(kind, registered, received), hint, "{kind:?} {registered} {received}");
        }
    }
}
