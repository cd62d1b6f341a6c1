//! A registered client (RFC 6749 §2): its id, its settings (`client_metadata`), and what else is stored with it. What may be
//! registered is `registration`; validating a request against a client is `authorization`, `client_auth` and `token_request`.

use super::redirect_uri;
pub use super::{
    client_metadata::ClientMetadata,
    client_values::{AssertionAudience, AuthMethod, ClientKeySource, ClientKind, GrantType, IdTokenClaims, PkceRule},
};
use crate::protocol::values::time::Timestamp;

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What its operator decides about it.
    pub settings: ClientMetadata,
    /// SHA-256 of its newest secret, for clients that have one.
    pub secret_hash: Option<Vec<u8>>,
    /// SHA-256 of the previous secret, which works until it is retired.
    pub previous_secret_hash: Option<Vec<u8>>,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Client {
    /// A client of this kind with the default settings: it may sign users in, and nothing else.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>, kind: ClientKind, now: Timestamp) -> Self {
        Self {
            id: id.into(),
            settings: ClientMetadata::new(name, kind),
            secret_hash: None,
            previous_secret_hash: None,
            disabled_at: None,
            created_at: now,
        }
    }

    /// Whether consent may be remembered: the response reaches a client whose identity is assured, by a secret or by TLS
    /// (RFC 6749 §10.2, RFC 8252 §8.6).
    #[must_use]
    pub fn may_skip_consent(&self, redirect_uri: &str) -> bool {
        !self.settings.is_public() || redirect_uri::is_assured(redirect_uri)
    }

    /// Every web origin that may read responses to this client by CORS.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins: Vec<_> = self.settings.redirect_uris.iter().filter_map(|uri| redirect_uri::origin(uri)).collect();
        origins.extend(self.settings.cors_origins.iter().cloned());
        origins.sort();
        origins.dedup();
        origins
    }
}

#[cfg(test)]
pub(in crate::protocol) mod tests {
    use super::*;
    use crate::protocol::oauth::scope::Scopes;

    /// A valid client of this kind.
    pub(in crate::protocol) fn client(kind: ClientKind) -> Client {
        let mut client = Client::new("app", "App", kind, Timestamp::from_millis(0));
        client.settings.scope = Scopes::parse("openid profile email offline_access").unwrap();
        client.settings.audiences = vec!["https://api.example.com".into(), "https://files.example.com".into()];
        client.secret_hash = client.settings.has_secret().then(|| vec![1; 32]);
        if kind != ClientKind::Service {
            client.settings.redirect_uris = vec!["https://app.example.com/cb".into()];
        }
        client
    }

    #[test]
    fn consent_is_asked_again_where_the_answer_may_go_astray() {
        assert!(client(ClientKind::Spa).may_skip_consent("https://app.example.com/cb"));
        assert!(!client(ClientKind::Spa).may_skip_consent("http://localhost:8081/cb"));
        assert!(!client(ClientKind::Native).may_skip_consent("com.example.app:/cb"));
        assert!(client(ClientKind::Web).may_skip_consent("http://localhost:8081/cb"));
    }
}
