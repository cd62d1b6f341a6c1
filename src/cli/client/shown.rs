//! A client as printed: under the names of its metadata (RFC 7591 §2) where there are such names. The hash of
//! its secret is never part of it; the secret only when it was just made.

use serde::Serialize;

use super::super::output::{span, time};
use crate::protocol::client::{Client, GrantType, PkceRule};

pub const HEADING: [&str; 6] = ["CLIENT", "NAME", "TYPE", "STATE", "CREATED", "SCOPE"];

#[derive(Serialize)]
pub struct Shown<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// RFC 7591 §3.2.1: beside a secret; 0 is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    client_name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    redirect_uris: &'a [String],
    scope: String,
    token_endpoint_auth_method: &'static str,
    grant_types: Vec<&'static str>,
    audiences: &'a [String],
    pkce_required: bool,
    /// None: the server's.
    refresh_retry_window: Option<String>,
    cors_origins: &'a [String],
    disabled: bool,
    created: String,
}

impl<'a> Shown<'a> {
    pub fn new(client: &'a Client) -> Self {
        Self::with_secret(client, None)
    }

    /// With the secret that was just made.
    pub fn with_secret(client: &'a Client, secret: Option<String>) -> Self {
        Self {
            client_id: &client.id,
            client_secret_expires_at: secret.as_ref().map(|_| 0),
            client_secret: secret,
            client_name: &client.name,
            kind: client.kind.as_str(),
            redirect_uris: &client.redirect_uris,
            scope: client.scopes.to_string(),
            token_endpoint_auth_method: client.auth_method.as_str(),
            grant_types: client.grant_types.iter().copied().map(GrantType::as_str).collect(),
            audiences: &client.audiences,
            pkce_required: client.pkce == PkceRule::Required,
            refresh_retry_window: client.retry_window.map(span),
            cors_origins: &client.cors_origins,
            disabled: client.disabled_at.is_some(),
            created: time(client.created_at),
        }
    }

    /// A row below [`HEADING`].
    pub fn row(&self) -> [String; 6] {
        [
            self.client_id.into(),
            self.client_name.into(),
            self.kind.into(),
            self.state().into(),
            self.created.clone(),
            self.scope.clone(),
        ]
    }

    /// Every field with its name.
    pub fn fields(&self) -> [(&'static str, String); 13] {
        [
            ("client id", self.client_id.into()),
            ("name", self.client_name.into()),
            ("type", self.kind.into()),
            ("state", self.state().into()),
            ("created", self.created.clone()),
            ("authentication", self.token_endpoint_auth_method.into()),
            ("redirect URIs", lines(self.redirect_uris)),
            ("scope", self.scope.clone()),
            ("audiences", lines(self.audiences)),
            ("grant types", if self.grant_types.is_empty() { "none".into() } else { self.grant_types.join("\n") }),
            ("PKCE", if self.pkce_required { "required" } else { "optional" }.into()),
            ("retry window", self.refresh_retry_window.clone().unwrap_or_else(|| "the server's".into())),
            ("CORS origins", lines(self.cors_origins)),
        ]
    }

    fn state(&self) -> &'static str {
        if self.disabled { "off" } else { "on" }
    }
}

fn lines(values: &[String]) -> String {
    if values.is_empty() { "none".into() } else { values.join("\n") }
}
