//! What must be registered before a client may name it: APIs, their scopes, and a key for its algorithm.

use super::super::{Error, Work, key, refuse};
use crate::protocol::{
    oauth::{
        api::Api,
        client::{Client, ClientMetadata},
        client_review::strays,
        resource,
        scope::{STANDARD, ScopeClaims},
    },
    values::algorithm::Algorithm,
};

/// Names APIs as they are registered: `https://api.example.com/` is the API `https://api.example.com`.
pub fn spell_apis(settings: &mut ClientMetadata, apis: &[Api]) {
    let registered: Vec<_> = apis.iter().map(|api| api.uri.clone()).collect();
    let spell = |list: &mut Vec<String>| {
        let spelled: Vec<_> = list.iter().map(|uri| resource::find(&registered, uri).unwrap_or(uri).clone()).collect();
        *list = once_each(&spelled);
    };
    spell(&mut settings.audiences);
    spell(&mut settings.introspects);
    settings.default_audiences.iter_mut().for_each(spell);
}

/// The values in order, without repetitions.
pub fn once_each(values: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

/// Refuses APIs and scopes that the client names and nobody has registered, unless it named them `before`: `client check` reports
/// those.
pub fn refuse_strays(before: Option<&Client>, client: &Client, apis: &[Api], custom: &ScopeClaims) -> Result<(), Error> {
    let already = before.map(|before| strays(before, apis, custom)).unwrap_or_default();
    let named = strays(client, apis, custom);
    if let Some(uri) = named.apis.iter().find(|uri| !already.apis.contains(uri)) {
        return refuse(format!("API '{uri}': no such API (list all with symbolon api list, register one with symbolon api add)"));
    }
    let Some(scope) = named.scopes.iter().find(|scope| !already.scopes.contains(scope)) else { return Ok(()) };
    let own: Vec<_> = STANDARD.into_iter().chain(custom.scopes()).collect();
    refuse(format!(
        "scope '{scope}': expected one of {}, or a scope of one of the client's APIs (list them with symbolon api show URI)",
        own.join(", ")
    ))
}

/// Refuses a requested algorithm without a signing key, unless the client already had that algorithm.
pub fn key(work: &mut Work<'_>, algorithm: Option<Algorithm>, before: Option<&Client>) -> Result<(), Error> {
    let is_new = |algorithm: &Algorithm| before.is_none_or(|client| client.settings.signing_alg != *algorithm);
    algorithm.filter(is_new).map_or(Ok(()), |algorithm| key::expect_signing(work, algorithm))
}
