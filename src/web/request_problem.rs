//! The page for an authorization request that must not be redirected (RFC 6749 §4.1.2.1): what was expected,
//! what came, and the one difference that is most likely the cause.

use super::{page, reply::Reply, request::Context};
use crate::{
    pages::{Problem, RedirectHint},
    protocol::{
        authorization::PageProblem,
        client::Client,
        params::{FlawKind, Params},
        redirect_uri::Mismatch,
    },
};

/// The page.
#[must_use]
pub fn show(base: &str, context: &Context, client: Option<&Client>, params: &Params, problem: &PageProblem) -> Reply {
    let name = client.map_or("", |client| client.name.as_str());
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
            Problem::RedirectUriMissing { registered_count: client.map_or(0, |client| client.redirect_uris.len()) }
        }
        PageProblem::RedirectUri(Mismatch::Unregistered) => {
            let registered = client.map(|client| client.redirect_uris.as_slice()).unwrap_or_default();
            let hint = registered.iter().find_map(|uri| difference(uri, received));
            Problem::RedirectUriMismatch { received, client_name: name, hint }
        }
    };
    page::error(base, context, 400, shown)
}

/// The one difference between two URIs, if there is just one of the usual kind.
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
