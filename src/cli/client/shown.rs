//! A client as printed: under its metadata names (RFC 7591 §2) where there are such names. The hash of its secret is never
//! included; the secret only when it was just created.

use serde::Serialize;
use serde_json::Value;

use super::super::output::{lines, span, time};
use crate::protocol::{
    oauth::client::{Client, ClientKeySource, GrantType, PkceRule},
    secrets::sensitive::Sensitive,
};

pub const HEADING: [&str; 6] = ["CLIENT", "NAME", "TYPE", "STATE", "CREATED", "SCOPE"];

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
    client_name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    redirect_uris: &'a [String],
    scope: String,
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a str>,
    grant_types: Vec<&'static str>,
    audiences: &'a [String],
    /// None: all of them.
    default_audiences: Option<&'a [String]>,
    introspects: &'a [String],
    pkce_required: bool,
    /// None: the server's.
    refresh_retry_window: Option<String>,
    /// None: for as long as its grants live.
    max_auth_age: Option<String>,
    cors_origins: &'a [String],
    id_token_signed_response_alg: &'static str,
    /// None: plain JSON.
    userinfo_signed_response_alg: Option<&'static str>,
    subject_type: &'static str,
    /// Where its subjects are pairwise.
    sector: Option<&'a str>,
    post_logout_redirect_uris: &'a [String],
    backchannel_logout_uri: Option<&'a str>,
    disabled: bool,
    created: String,
}

impl<'a> Shown<'a> {
    pub fn new(client: &'a Client) -> Self {
        Self::with_secret(client, None)
    }

    /// With the secret that was just created.
    pub fn with_secret(client: &'a Client, secret: Option<&'a Sensitive<String>>) -> Self {
        let algorithm = client.algorithm.as_str();
        Self {
            client_id: &client.id,
            client_secret_expires_at: secret.as_ref().map(|_| 0),
            client_secret: secret.map(|secret| secret.expose().as_str()),
            active_secrets: [&client.secret_hash, &client.previous_secret_hash].into_iter().flatten().count(),
            client_name: &client.name,
            kind: client.kind.as_str(),
            redirect_uris: &client.redirect_uris,
            scope: client.scopes.to_string(),
            token_endpoint_auth_method: client.auth_method.as_str(),
            jwks: match &client.keys {
                ClientKeySource::Inline(set) => serde_json::from_str(set).ok(),
                _ => None,
            },
            jwks_uri: match &client.keys {
                ClientKeySource::Url(url) => Some(url),
                _ => None,
            },
            grant_types: client.grant_types.iter().copied().map(GrantType::as_str).collect(),
            audiences: &client.audiences,
            default_audiences: client.default_audiences.as_deref(),
            introspects: &client.introspects,
            pkce_required: client.pkce == PkceRule::Required,
            refresh_retry_window: client.retry_window.map(span),
            max_auth_age: client.max_auth_age.map(span),
            cors_origins: &client.cors_origins,
            id_token_signed_response_alg: algorithm,
            userinfo_signed_response_alg: client.userinfo_signed.then_some(algorithm),
            subject_type: if client.pairwise_sector.is_some() { "pairwise" } else { "public" },
            sector: client.pairwise_sector.as_deref(),
            post_logout_redirect_uris: &client.post_logout_redirect_uris,
            backchannel_logout_uri: client.backchannel_logout_uri.as_deref(),
            disabled: client.disabled_at.is_some(),
            created: time(client.created_at),
        }
    }

    /// A table row below [`HEADING`].
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
    pub fn fields(&self) -> [(&'static str, String); 22] {
        let none_or = |value: Option<&str>| value.unwrap_or("none").to_owned();
        [
            ("client id", self.client_id.into()),
            ("name", self.client_name.into()),
            ("type", self.kind.into()),
            ("state", self.state().into()),
            ("created", self.created.clone()),
            ("authentication", self.token_endpoint_auth_method.into()),
            ("active secrets", self.active_secrets.to_string()),
            ("client keys", if self.jwks.is_some() { "registered inline".into() } else { none_or(self.jwks_uri) }),
            ("redirect URIs", lines(self.redirect_uris)),
            ("scope", self.scope.clone()),
            ("APIs", lines(self.audiences)),
            ("default APIs", self.default_audiences.map_or_else(|| "all".into(), lines)),
            ("introspects", lines(self.introspects)),
            ("grant types", lines(&self.grant_types)),
            ("PKCE", if self.pkce_required { "required" } else { "optional" }.into()),
            ("retry window", self.refresh_retry_window.clone().unwrap_or_else(|| "the server's".into())),
            ("max auth age", none_or(self.max_auth_age.as_deref())),
            ("CORS origins", lines(self.cors_origins)),
            ("signatures", self.signatures()),
            ("subjects", self.sector.map_or_else(|| self.subject_type.into(), |sector| format!("pairwise in {sector}"))),
            ("after sign-out", lines(self.post_logout_redirect_uris)),
            ("back-channel logout", none_or(self.backchannel_logout_uri)),
        ]
    }

    fn signatures(&self) -> String {
        let what = if self.userinfo_signed_response_alg.is_some() { "tokens and /userinfo" } else { "tokens" };
        format!("{} for {what}", self.id_token_signed_response_alg)
    }

    fn state(&self) -> &'static str {
        if self.disabled { "disabled" } else { "enabled" }
    }
}
