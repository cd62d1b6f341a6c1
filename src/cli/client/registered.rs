//! What must be registered before a client may name it: APIs, their scopes, and a key for its algorithm.

use super::super::{Error, Work, key, refuse, similar};
use crate::protocol::{
    oauth::{
        api::Api,
        client::Client,
        client_review::strays,
        scope::{STANDARD, ScopeClaims},
    },
    values::algorithm::Algorithm,
};

/// Refuses APIs and scopes that the client names and nobody has registered, unless it named them `before`: `client check` reports
/// those.
pub fn refuse_strays(before: Option<&Client>, client: &Client, apis: &[Api], custom: &ScopeClaims) -> Result<(), Error> {
    let already = before.map(|before| strays(before, apis, custom)).unwrap_or_default();
    let named = strays(client, apis, custom);
    if let Some(uri) = named.apis.iter().find(|uri| !already.apis.contains(uri)) {
        let question = similar::question(uri, apis.iter().map(|api| api.uri.as_str()));
        return refuse(format!(
            "API '{uri}': no such API (list all with symbolon api list, register one with symbolon api add).{question}"
        ));
    }
    let Some(scope) = named.scopes.iter().find(|scope| !already.scopes.contains(scope)) else { return Ok(()) };
    let own: Vec<_> = STANDARD.into_iter().chain(custom.scopes()).collect();
    let of_apis = apis.iter().filter(|api| client.settings.audiences.contains(&api.uri)).flat_map(|api| &api.scopes);
    let known = own.iter().copied().chain(of_apis.map(|scope| scope.name.as_str()));
    // A scope of an API that the client does not have yet.
    let owner = apis.iter().find(|api| api.has(scope));
    let question = match owner {
        Some(api) => format!(" It is a scope of {}: add --api {}", api.uri, api.uri),
        None => similar::question(scope, known),
    };
    refuse(format!(
        "scope '{scope}': expected one of {}, or a scope of one of the client's APIs (list them with symbolon api show URI).{question}",
        own.join(", ")
    ))
}

/// Refuses a requested algorithm without a signing key, unless the client already had that algorithm.
pub fn key(work: &mut Work<'_>, algorithm: Option<Algorithm>, before: Option<&Client>) -> Result<(), Error> {
    let is_new = |algorithm: &Algorithm| before.is_none_or(|client| client.settings.signing_alg != *algorithm);
    algorithm.filter(is_new).map_or(Ok(()), |algorithm| key::expect_signing(work, algorithm))
}
