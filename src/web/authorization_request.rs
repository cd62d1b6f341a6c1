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
            api::scopes_at,
            authorization::{self, AuthorizationRequest, PageProblem, Refusal},
            client::{Client, ClientMetadata},
            return_address::{Mismatch, ReturnAddress},
        },
        oidc::prompt,
        values::params::{FlawKind, Params},
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
    match AuthorizationRequest::parse(params, &client, &app.config.scope_claims) {
        Ok(request) if request.prompt.create && !app.is_registration_open() => {
            let error = ProtocolError::new(ErrorCode::InvalidRequest, prompt::unknown(prompt::CREATE, false));
            Ok(Read::Refused(request.address, error))
        }
        Ok(request) => narrow(connection, registered, client, request),
        Err(Refusal::Page(problem)) => Ok(Read::Page(show(base, context, Some(&client), params, &problem))),
        Err(Refusal::Redirect(address, error)) => Ok(Read::Refused(address, error)),
    }
}

/// RFC 8707 §2.2: only scopes of the requested APIs are asked for and consented to. The rows are read only if the request does not
/// name all of the client's APIs.
fn narrow(
    connection: &mut AnyConnection,
    registered: &Registered<'_>,
    client: Arc<Client>,
    mut request: AuthorizationRequest,
) -> Result<Read, Fault> {
    if client.settings.audiences.iter().all(|uri| request.audiences.contains(uri)) {
        return Ok(Read::Good(Box::new((client, request))));
    }
    let apis = registered.apis(connection, &client.settings.audiences)?;
    request.scopes = scopes_at(&request.scopes, &apis, &request.audiences);
    request.consent_scopes = scopes_at(&request.consent_scopes, &apis, &request.audiences);
    if request.scopes.is_empty() {
        let text = "scope: expected at least one scope of the requested resource, received none";
        return Ok(Read::Refused(request.address, ProtocolError::new(ErrorCode::InvalidScope, text)));
    }
    Ok(Read::Good(Box::new((client, request))))
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
            let registered = client.map(|client| client.settings.redirect_uris.as_slice()).unwrap_or_default();
            let hint = registered.iter().find_map(|uri| difference(uri, received));
            Problem::RedirectUriMismatch { received, client_name: name, hint }
        }
    };
    let page = page::error(base, context, 400, shown);
    match (client, problem) {
        (Some(client), PageProblem::RedirectUri(mismatch)) => {
            let why = note(mismatch, client, received);
            page.noting(format!("client {}: {why}", client.id)).recorded_for(&client.id, why)
        }
        _ => page,
    }
}

/// Why the redirect URI was refused, for the log and the client's operator: with the command that would allow it, where it could be
/// registered. Anyone can send anything; only the operator knows whether it is the client's.
fn note(mismatch: &Mismatch, client: &Client, received: &str) -> String {
    if *mismatch == Mismatch::Missing {
        return "redirect_uri: expected a registered one, received none".to_owned();
    }
    let start: String = received.chars().take(300).collect();
    let text = format!("redirect_uri: expected a registered one, received '{start}'");
    let mut uris = client.settings.redirect_uris.clone();
    uris.push(received.to_owned());
    let registered = ClientMetadata { redirect_uris: uris, ..client.settings.clone() };
    // In single quotes nothing but these is special to a shell.
    if start.len() < received.len() || received.contains(['\'', '\\']) || registered.check().is_err() {
        return text;
    }
    let options: String = registered.redirect_uris.iter().map(|uri| format!(" --redirect-uri '{uri}'")).collect();
    format!("{text}; to allow it, if it is the client's: symbolon client set {}{options}", client.id)
}

/// The one difference between two URIs, if there is exactly one of the usual kinds.
fn difference(registered: &str, received: &str) -> Option<RedirectHint> {
    let trimmed = |uri: &str| uri.trim_end_matches('/').to_owned();
    if trimmed(registered) == trimmed(received) {
        return Some(RedirectHint::TrailingSlash);
    }
    if registered.eq_ignore_ascii_case(received) {
        return Some(RedirectHint::HostCase);
    }
    if registered.split('?').next() == received.split('?').next() {
        return Some(RedirectHint::QueryDiffers);
    }
    let (a, b) = (url::Url::parse(registered).ok()?, url::Url::parse(received).ok()?);
    let rest_is_same = a.path() == b.path() && a.query() == b.query();
    let loopback = |host: Option<&str>| matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"));
    match (a.scheme() == b.scheme(), a.host_str() == b.host_str(), a.port() == b.port()) {
        (false, true, _) if rest_is_same => Some(RedirectHint::Scheme),
        (true, true, false) if rest_is_same => Some(RedirectHint::Port),
        (true, false, _) if rest_is_same && loopback(a.host_str()) && loopback(b.host_str()) => Some(RedirectHint::Localhost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_mistakes_are_named() {
        let registered = "https://app.example.com/cb";
        for (received, hint) in [
            ("https://app.example.com/cb/", Some(RedirectHint::TrailingSlash)),
            ("https://App.example.com/cb", Some(RedirectHint::HostCase)),
            ("https://app.example.com/cb?x=1", Some(RedirectHint::QueryDiffers)),
            ("http://app.example.com/cb", Some(RedirectHint::Scheme)),
            ("https://app.example.com:8443/cb", Some(RedirectHint::Port)),
            ("https://evil.example/cb", None),
            ("nonsense", None),
        ] {
            assert_eq!(difference(registered, received), hint, "{received}");
        }
        assert_eq!(difference("http://localhost:8081/cb", "http://127.0.0.1:8081/cb"), Some(RedirectHint::Localhost));
    }
}
