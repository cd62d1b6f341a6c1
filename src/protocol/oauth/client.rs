//! OAuth clients (RFC 6749 §2): their kinds, authentication methods, and what each may request. What may be registered is
//! `registration`; validating a request against a client is `authorization`, `client_auth` and `token_request`.

use super::{redirect_uri, scope::Scopes};
use crate::protocol::values::{
    algorithm::Algorithm,
    names::names,
    time::{Span, Timestamp},
};

pub use super::client_values::ClientKind;

/// How a client authenticates (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// It does not: a public client.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// A JWT signed with the client's own key (RFC 7523, OpenID Connect Core §9).
    PrivateKeyJwt,
}

/// The grant types of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

/// Whether PKCE is required of a client (RFC 9700 §2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PkceRule {
    /// Always; the default.
    Required,
    /// Only verified when sent; for old confidential OpenID Connect clients.
    Optional,
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The name shown to users.
    pub name: String,
    /// Its kind.
    pub kind: ClientKind,
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// SHA-256 of its newest secret, for clients that have one.
    pub secret_hash: Option<Vec<u8>>,
    /// SHA-256 of the previous secret, which works until it is retired.
    pub previous_secret_hash: Option<Vec<u8>>,
    /// Its public keys (RFC 7517 §5), for `private_key_jwt`.
    pub keys: ClientKeySource,
    /// Its registered redirect URIs, compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// The scopes it may request.
    pub scopes: Scopes,
    /// The APIs it may request tokens for (RFC 9068 §3, RFC 8707).
    pub audiences: Vec<String>,
    /// The default audiences when the request names no resource; `None` means all.
    pub default_audiences: Option<Vec<String>>,
    /// The APIs whose tokens it may introspect (RFC 7662): those it serves.
    pub introspects: Vec<String>,
    /// The grant types it may use.
    pub grant_types: Vec<GrantType>,
    /// Whether it must use PKCE.
    pub pkce: PkceRule,
    /// Its own refresh retry window, overriding the server's; zero is strict.
    pub retry_window: Option<Span>,
    /// Origins allowed by CORS besides those of the redirect URIs.
    pub cors_origins: Vec<String>,
    /// The signing algorithm of its ID and access tokens.
    pub algorithm: Algorithm,
    /// Whether `/userinfo` returns a signed JWT to it (OpenID Connect Core §5.3.2).
    pub userinfo_signed: bool,
    /// The sector of its pairwise subjects (Core §8.1); `None` means public subjects: the user's id, the same for every client.
    pub pairwise_sector: Option<String>,
    /// Where users may be redirected after logout, compared byte for byte (RP-Initiated Logout §3).
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it is notified that a session has ended (Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// The maximum age of the sign-in, after which its grants are refused; `None` means the grants' own lifetime.
    pub max_auth_age: Option<Span>,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Where a client's public keys come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientKeySource {
    /// It has none.
    #[default]
    None,
    /// Registered with it: a JWK set as JSON.
    Inline(String),
    /// Fetched from a URL of the client's.
    Url(String),
}

impl Client {
    /// A client of this kind with the default settings: it may sign users in, and nothing else.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>, kind: ClientKind, now: Timestamp) -> Self {
        let is_public = matches!(kind, ClientKind::Spa | ClientKind::Native);
        Self {
            id: id.into(),
            name: name.into(),
            kind,
            auth_method: if is_public { AuthMethod::None } else { AuthMethod::ClientSecretBasic },
            secret_hash: None,
            previous_secret_hash: None,
            keys: ClientKeySource::None,
            redirect_uris: vec![],
            scopes: Scopes::default(),
            audiences: vec![],
            default_audiences: None,
            introspects: vec![],
            grant_types: match kind {
                ClientKind::Service => vec![GrantType::ClientCredentials],
                _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            },
            pkce: PkceRule::Required,
            retry_window: None,
            cors_origins: vec![],
            algorithm: Algorithm::default(),
            userinfo_signed: false,
            pairwise_sector: None,
            post_logout_redirect_uris: vec![],
            backchannel_logout_uri: None,
            max_auth_age: None,
            disabled_at: None,
            created_at: now,
        }
    }

    /// Whether it is public: it cannot keep a secret (RFC 6749 §2.1).
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether it may use the grant type.
    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether consent may be remembered: the response reaches a client whose identity is assured, by a secret or by TLS
    /// (RFC 6749 §10.2, RFC 8252 §8.6).
    #[must_use]
    pub fn may_skip_consent(&self, redirect_uri: &str) -> bool {
        !self.is_public() || redirect_uri::is_assured(redirect_uri)
    }

    /// The APIs that apply when a request names none.
    #[must_use]
    pub fn default_audiences(&self) -> &[String] {
        self.default_audiences.as_deref().unwrap_or(&self.audiences)
    }

    /// Whether it authenticates with a secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        matches!(self.auth_method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
    }

    /// Every web origin that may read responses to this client by CORS.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins: Vec<_> = self.redirect_uris.iter().filter_map(|uri| redirect_uri::origin(uri)).collect();
        origins.extend(self.cors_origins.iter().cloned());
        origins.sort();
        origins.dedup();
        origins
    }
}

names!(AuthMethod {
    None = "none",
    ClientSecretBasic = "client_secret_basic",
    ClientSecretPost = "client_secret_post",
    PrivateKeyJwt = "private_key_jwt",
});
names!(GrantType {
    AuthorizationCode = "authorization_code",
    RefreshToken = "refresh_token",
    ClientCredentials = "client_credentials",
});

#[cfg(test)]
pub(in crate::protocol) mod tests {
    use super::*;

    /// A valid client of this kind.
    pub(in crate::protocol) fn client(kind: ClientKind) -> Client {
        let mut client = Client::new("app", "App", kind, Timestamp::from_millis(0));
        client.scopes = Scopes::parse("openid profile email offline_access").unwrap();
        client.audiences = vec!["https://api.example.com".into(), "https://files.example.com".into()];
        client.secret_hash = client.has_secret().then(|| vec![1; 32]);
        if kind != ClientKind::Service {
            client.redirect_uris = vec!["https://app.example.com/cb".into()];
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
