//! What a client's settings lack, or do against OAuth 2.1, RFC 9700, OpenID Connect Core and their like: advice for its
//! operator, a line for each setting. What may be registered at all is `registration`; this says what would be better.

mod sign_in;
mod tokens;

use serde::Serialize;
use url::Url;

use super::{
    api::Api,
    client::{Client, ClientKind},
    names::names,
    scope::{STANDARD, ScopeClaims},
    time::Span,
};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Allowed; something else would be better.
    Advice,
    /// It does not work, or a specification forbids it.
    Problem,
}

names!(Level { Ok = "ok", Advice = "advice", Problem = "problem" });

/// What is to be said of one setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    #[serde(serialize_with = "by_name")]
    pub level: Level,
    /// The setting.
    pub setting: &'static str,
    /// What it is.
    pub is: String,
    /// What it should be.
    pub should_be: String,
    /// Who says so.
    pub section: &'static str,
}

/// What is known besides the client itself.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Every registered API.
    pub apis: &'a [Api],
    /// The operator's own scopes.
    pub scope_claims: &'a ScopeClaims,
    /// Whether there is a key that signs by the client's algorithm.
    pub has_key: bool,
    /// Why the client's own keys could not be read.
    pub keys_failure: Option<&'a str>,
    /// The server's refresh retry window.
    pub retry_window: Span,
}

/// What a client names and nobody has registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// APIs, be they for its tokens or for introspection.
    pub apis: Vec<String>,
    /// Scopes that are neither standard, nor the operator's own, nor of one of its APIs.
    pub scopes: Vec<String>,
}

/// What the client names and nobody has registered; `apis` are all that are.
#[must_use]
pub fn strays(client: &Client, apis: &[Api], scope_claims: &ScopeClaims) -> Strays {
    let is_known = |uri: &&String| apis.iter().any(|api| api.uri == **uri);
    let own: Vec<_> = apis.iter().filter(|api| client.audiences.contains(&api.uri)).collect();
    let is_about_users = |scope: &str| STANDARD.contains(&scope) || scope_claims.scopes().any(|one| one == scope);
    let is_stray = |scope: &&str| !is_about_users(scope) && !own.iter().any(|api| api.has(scope));
    let mut unknown: Vec<_> = client.audiences.iter().chain(&client.introspects).filter(|uri| !is_known(uri)).cloned().collect();
    unknown.sort();
    unknown.dedup();
    Strays { apis: unknown, scopes: client.scopes.iter().filter(is_stray).map(str::to_owned).collect() }
}

/// The hosts of the redirect URIs, each once; private-use schemes have none.
#[must_use]
pub fn redirect_hosts(client: &Client) -> Vec<String> {
    let mut hosts: Vec<_> = client.redirect_uris.iter().filter_map(|uri| host(uri)).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Every line that is to be said of the client.
#[must_use]
pub fn review(client: &Client, facts: &Facts<'_>) -> Vec<Finding> {
    let mut lines = Lines(Vec::new());
    lines.state(client);
    lines.authentication(client, facts);
    if client.kind == ClientKind::Service {
        lines.service(client, facts);
    } else {
        lines.pkce(client);
        lines.redirect_uris(client);
        lines.refresh(client, facts);
        lines.max_auth_age(client);
        lines.logout(client);
        lines.subjects(client);
    }
    lines.apis(client, facts);
    lines.signatures(client, facts);
    lines.0
}

struct Lines(Vec<Finding>);

impl Lines {
    fn say(&mut self, level: Level, setting: &'static str, is: &str, should_be: &str, section: &'static str) {
        self.0.push(Finding { level, setting, is: is.to_owned(), should_be: should_be.to_owned(), section });
    }

    fn state(&mut self, client: &Client) {
        if client.disabled_at.is_some() {
            let is = "disabled: its requests fail with invalid_client";
            self.say(Level::Advice, "state", is, "enabled, or deleted if it is no longer needed", "RFC 6749 5.2");
        }
    }
}

fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?.host_str().filter(|host| !host.is_empty()).map(str::to_owned)
}

/// For serde.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn by_name<S: serde::Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level.as_str())
}

#[cfg(test)]
#[path = "client_review_tests.rs"]
mod tests;
