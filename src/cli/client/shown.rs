//! A client as printed: its settings as they are (`protocol::oauth::client_metadata`), and what else there is to know. The hash of its
//! secret is never included; the secret only when it was just created.

use serde::Serialize;
use serde_json::Value;

use super::super::output::{lines, time};
use crate::protocol::{
    oauth::client::{Client, ClientMetadata},
    secrets::sensitive::Sensitive,
};

pub const HEADING: [&str; 6] = ["CLIENT", "NAME", "TYPE", "STATE", "CREATED", "SCOPE"];

/// How a setting is called in text, and what it says where the setting is absent. Those that are not listed have their name,
/// without underscores.
const LABELS: [(&str, &str, &str); 22] = [
    ("client_name", "name", "none"),
    ("redirect_uris", "redirect URIs", "none"),
    ("default_scope", "default scope", "openid and the scopes of the APIs"),
    ("token_endpoint_auth_method", "authentication", "none"),
    ("client_secret_basic_only", "Basic only", "no"),
    ("secret_for_native", "secret in the app", "no"),
    ("jwks", "client keys", "none"),
    ("jwks_uri", "client keys URL", "none"),
    ("assertion_audience", "assertion audience", "issuer"),
    ("first_party", "first party", "no"),
    ("audiences", "APIs", "none"),
    ("default_audiences", "default APIs", "all"),
    ("pkce", "PKCE", "by type"),
    ("refresh_retry_window", "retry window", "the server's"),
    ("min_acr", "minimum acr", "any"),
    ("cors_origins", "CORS origins", "none"),
    ("signing_alg", "signatures", "RS256"),
    ("id_token_claims", "ID token claims", "granted"),
    ("id_token_on_refresh", "ID token on refresh", "yes"),
    ("userinfo_signed", "/userinfo signed", "no"),
    ("post_logout_redirect_uris", "after sign-out", "none"),
    ("backchannel_logout_uri", "back-channel logout", "none"),
];

#[derive(Serialize)]
pub struct Shown<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// RFC 7591 §3.2.1: accompanies a secret; 0 is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    /// The number of active secrets.
    active_secrets: usize,
    #[serde(flatten)]
    settings: &'a ClientMetadata,
    disabled: bool,
    created: String,
}

impl<'a> Shown<'a> {
    pub fn new(client: &'a Client) -> Self {
        Self::with_secret(client, None)
    }

    /// With the secret that was just created.
    pub fn with_secret(client: &'a Client, secret: Option<&'a Sensitive<String>>) -> Self {
        Self {
            client_id: &client.id,
            client_secret_expires_at: secret.as_ref().map(|_| 0),
            client_secret: secret.map(|secret| secret.expose().as_str()),
            active_secrets: [&client.secret_hash, &client.previous_secret_hash].into_iter().flatten().count(),
            settings: &client.settings,
            disabled: client.disabled_at.is_some(),
            created: time(client.created_at),
        }
    }

    /// A table row below [`HEADING`].
    pub fn row(&self) -> [String; 6] {
        [
            self.client_id.into(),
            self.settings.client_name.clone(),
            self.settings.kind.as_str().into(),
            self.state().into(),
            self.created.clone(),
            self.settings.scope.to_string(),
        ]
    }

    /// Every setting, those with their default as well, and the rest.
    pub fn fields(&self) -> Vec<(String, String)> {
        let settings = serde_json::to_value(self.settings).unwrap_or_default();
        let setting = |member: &&str| {
            let listed = LABELS.iter().find(|(name, ..)| name == member);
            let absent = match *member {
                "pkce" => self.settings.pkce_rule().as_str(),
                _ => listed.map_or("none", |(_, _, absent)| absent),
            };
            let label = listed.map_or_else(|| member.replace('_', " "), |(_, label, _)| (*label).to_owned());
            (label, settings.get(member).map_or_else(|| absent.to_owned(), text))
        };
        let mut fields = vec![("client id".to_owned(), self.client_id.to_owned())];
        fields.extend(ClientMetadata::members().iter().map(setting));
        let rest = [
            ("active secrets", self.active_secrets.to_string()),
            ("state", self.state().to_owned()),
            ("created", self.created.clone()),
        ];
        fields.extend(rest.map(|(label, value)| (label.to_owned(), value)));
        fields
    }

    fn state(&self) -> &'static str {
        if self.disabled { "disabled" } else { "enabled" }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(is) => if *is { "yes" } else { "no" }.into(),
        Value::Array(values) => lines(values.iter().map(text)),
        Value::Object(_) => "registered inline".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_of_settings() {
        for (member, ..) in LABELS {
            assert!(ClientMetadata::members().contains(&member), "{member}: no such setting");
        }
    }
}
