//! A review of a client's settings against OAuth 2.1, RFC 9700, OpenID Connect Core and related specifications: advice for the
//! operator, one finding per setting. What may be registered at all is `registration`; this says what would be better.

mod sign_in;
mod tokens;

use serde::Serialize;
use url::Url;

use super::{
    api::Api,
    client::{Client, ClientKind, ClientMetadata},
    scope::{STANDARD, ScopeClaims},
};
use crate::protocol::values::time::Span;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As recommended.
    Ok,
    /// Allowed, but another value would be better.
    Advice,
    /// It does not work, or a specification forbids it.
    Problem,
}

impl Level {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Advice => "advice",
            Self::Problem => "problem",
        }
    }
}

/// A finding about one setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its severity.
    pub level: Level,
    /// The setting.
    pub setting: &'static str,
    /// Its current value.
    pub is: String,
    /// The recommended value.
    pub should_be: String,
    /// The specification that recommends it.
    pub section: &'static str,
}

/// The facts needed besides the client itself.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Every registered API.
    pub apis: &'a [Api],
    /// The operator's own scopes.
    pub scope_claims: &'a ScopeClaims,
    /// Whether there is a signing key for the client's algorithm.
    pub has_key: bool,
    /// Why the client's own keys could not be fetched or parsed.
    pub keys_failure: Option<&'a str>,
    /// Whether its last sign-ins all used PKCE; `false` if there were none.
    pub uses_pkce: bool,
    /// The server's refresh retry window.
    pub retry_window: Span,
}

/// Names in a client's settings that are not registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// Unregistered APIs, as audiences or for introspection.
    pub apis: Vec<String>,
    /// Scopes that are neither standard, nor the operator's own, nor of one of its APIs.
    pub scopes: Vec<String>,
}

/// The names in the client's settings that are not registered; `apis` are all registered ones.
#[must_use]
pub fn strays(client: &Client, apis: &[Api], scope_claims: &ScopeClaims) -> Strays {
    let is_known = |uri: &&String| apis.iter().any(|api| api.uri == **uri);
    let own: Vec<_> = apis.iter().filter(|api| client.settings.audiences.contains(&api.uri)).collect();
    let is_about_users = |scope: &str| STANDARD.contains(&scope) || scope_claims.scopes().any(|one| one == scope);
    let is_stray = |scope: &&str| !is_about_users(scope) && !own.iter().any(|api| api.has(scope));
    let mut unknown: Vec<_> =
        client.settings.audiences.iter().chain(&client.settings.introspects).filter(|uri| !is_known(uri)).cloned().collect();
    unknown.sort();
    unknown.dedup();
    Strays { apis: unknown, scopes: client.settings.scope.iter().filter(is_stray).map(str::to_owned).collect() }
}

/// The distinct hosts of the redirect URIs; private-use schemes have none.
#[must_use]
pub fn redirect_hosts(settings: &ClientMetadata) -> Vec<String> {
    let mut hosts: Vec<_> = settings.redirect_uris.iter().filter_map(|uri| host(uri)).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Every finding about the client.
#[must_use]
pub fn review(client: &Client, facts: &Facts<'_>) -> Vec<Finding> {
    let mut lines = Lines { client_id: client.id.clone(), findings: Vec::new() };
    lines.state(client);
    lines.authentication(client, facts);
    if client.settings.kind == ClientKind::Service {
        lines.service(client, facts);
    } else {
        lines.pkce(client, facts);
        lines.redirect_uris(client);
        lines.refresh(client, facts);
        lines.consent(client);
        lines.max_auth_age(client);
        lines.logout(client);
        lines.subjects(client);
    }
    lines.apis(client, facts);
    lines.signatures(client, facts);
    lines.findings
}

struct Lines {
    client_id: String,
    findings: Vec<Finding>,
}

impl Lines {
    /// In `should_be`, ID stands for the client's id in a command.
    fn say(&mut self, level: Level, setting: &'static str, is: &str, should_be: &str, section: &'static str) {
        let should_be = should_be.replace("client set ID", &format!("client set {}", self.client_id));
        self.findings.push(Finding { level, setting, is: is.to_owned(), should_be, section });
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

#[cfg(test)]
#[path = "client_review_tests.rs"]
mod tests;
