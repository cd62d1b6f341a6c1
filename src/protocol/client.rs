//! Clients (RFC 6749 §2): their kinds, how they authenticate, and what each may ask for. Checked once, when
//! one is registered; reading a request against them is `authorization`, `client_auth` and `token_request`.

use super::{
    redirect_uri,
    scope::Scopes,
    time::{Span, Timestamp},
};

/// What a client is (RFC 6749 §2.1, RFC 8252, RFC 10017).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A single-page app in a browser: public.
    Spa,
    /// An app on a device: public.
    Native,
    /// A web app with a server: confidential.
    Web,
    /// A program that acts for itself: confidential, without redirect URIs.
    Service,
}

/// How a client authenticates (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// It cannot: a public client.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
}

/// The grant types of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
}

/// Whether PKCE is asked of a client (RFC 9700 §2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PkceRule {
    /// Always; the default.
    Required,
    /// Only checked when sent; for old confidential OpenID Connect clients.
    Optional,
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The name shown to people.
    pub name: String,
    /// What it is.
    pub kind: ClientKind,
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// SHA-256 of its secret, for confidential clients.
    pub secret_hash: Option<Vec<u8>>,
    /// Where answers may go, byte for byte.
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scopes: Scopes,
    /// The resource servers its access tokens are for (RFC 9068 §3, RFC 8707).
    pub audiences: Vec<String>,
    /// The grant types it may use.
    pub grant_types: Vec<GrantType>,
    /// Whether it must use PKCE.
    pub pkce: PkceRule,
    /// Its own refresh retry window, where it differs from the server's; zero is strict.
    pub retry_window: Option<Span>,
    /// Origins allowed by CORS besides those of the redirect URIs.
    pub cors_origins: Vec<String>,
    /// Since when it is switched off.
    pub disabled_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Client {
    /// Whether it cannot keep a secret (RFC 6749 §2.1).
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether it may use the grant type.
    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether consent may be remembered: the answer reaches an identity that is assured, by a secret or by
    /// TLS (RFC 6749 §10.2, RFC 8252 §8.6).
    #[must_use]
    pub fn may_skip_consent(&self, redirect_uri: &str) -> bool {
        !self.is_public() || redirect_uri::is_assured(redirect_uri)
    }

    /// Every web origin that may read this client's answers by CORS.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins: Vec<_> = self.redirect_uris.iter().filter_map(|uri| redirect_uri::origin(uri)).collect();
        origins.extend(self.cors_origins.iter().cloned());
        origins.sort();
        origins.dedup();
        origins
    }

    /// Checks a client before it is registered.
    ///
    /// # Errors
    /// What is wrong and what is expected, for the operator.
    pub fn check(&self) -> Result<(), String> {
        let id_ok =
            (1..=100).contains(&self.id.len()) && self.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        if !id_ok {
            return Err(format!("client id '{}': expected 1 to 100 letters, digits, '-', '.', '_' or '~'", self.id));
        }
        // RFC 9700 §4.15: a client's id, which is the `sub` of its own tokens, can never be a person's.
        if super::id::Id::parse(&self.id).is_ok() {
            return Err(format!(
                "client id '{}': expected something other than 32 hexadecimal digits, which are a person's",
                self.id
            ));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 100 || self.name.chars().any(char::is_control) {
            return Err("client name: expected 1 to 100 characters, none of them a control character".into());
        }
        match (self.kind, self.redirect_uris.len()) {
            (ClientKind::Service, 0) | (ClientKind::Spa | ClientKind::Native | ClientKind::Web, 1..=50) => {}
            (ClientKind::Service, _) => return Err("redirect URIs: expected none for a service".into()),
            (_, 0) => return Err("redirect URIs: expected at least one, received none".into()),
            (_, n) => return Err(format!("redirect URIs: expected at most 50, received {n}")),
        }
        for uri in &self.redirect_uris {
            redirect_uri::check_registration(self.kind, uri)?;
        }
        if self.is_public() != matches!(self.kind, ClientKind::Spa | ClientKind::Native) {
            return Err("authentication: a spa or native app has no secret, a web app or service must have one".into());
        }
        if self.is_public() && self.pkce == PkceRule::Optional {
            return Err("PKCE: may be optional for confidential clients only (RFC 9700 2.1.1)".into());
        }
        for audience in &self.audiences {
            check_audience(audience)?;
        }
        for origin in &self.cors_origins {
            check_origin(origin)?;
        }
        Ok(())
    }
}

/// Checks the identifier of a resource server (RFC 8707 §2): an absolute URI without fragment.
///
/// # Errors
/// What is wrong and what is expected.
pub fn check_audience(audience: &str) -> Result<(), String> {
    match url::Url::parse(audience) {
        Ok(_) if !audience.contains(['#', ' ']) && audience.len() <= 500 => Ok(()),
        _ => Err(format!("audience '{audience}': expected an absolute URI without fragment (RFC 8707 2)")),
    }
}

/// Checks an origin for CORS: scheme, host and port, nothing else.
///
/// # Errors
/// What is wrong and what is expected.
pub fn check_origin(origin: &str) -> Result<(), String> {
    match redirect_uri::origin(origin) {
        Some(parsed) if parsed == origin => Ok(()),
        _ => Err(format!("CORS origin '{origin}': expected scheme://host[:port], as a browser sends it")),
    }
}

macro_rules! names {
    ($type:ty { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order discovery lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value's registered name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}

names!(ClientKind { Spa = "spa", Native = "native", Web = "web", Service = "service" });
names!(AuthMethod { None = "none", ClientSecretBasic = "client_secret_basic", ClientSecretPost = "client_secret_post" });
names!(GrantType { AuthorizationCode = "authorization_code", RefreshToken = "refresh_token" });

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A good client of this kind.
    pub(in crate::protocol) fn client(kind: ClientKind) -> Client {
        let public = matches!(kind, ClientKind::Spa | ClientKind::Native);
        Client {
            id: "app".into(),
            name: "App".into(),
            kind,
            auth_method: if public { AuthMethod::None } else { AuthMethod::ClientSecretBasic },
            secret_hash: (!public).then(|| vec![1; 32]),
            redirect_uris: if kind == ClientKind::Service { vec![] } else { vec!["https://app.example.com/cb".into()] },
            scopes: Scopes::parse("openid profile email offline_access").unwrap(),
            audiences: vec!["https://api.example.com".into(), "https://files.example.com".into()],
            grant_types: GrantType::ALL.to_vec(),
            pkce: PkceRule::Required,
            retry_window: None,
            cors_origins: vec![],
            disabled_at: None,
            created_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_registration_says_what_it_expects() {
        for kind in ClientKind::ALL {
            assert_eq!(client(*kind).check(), Ok(()), "{kind:?}");
        }
        let refused = |change: fn(&mut Client)| {
            let mut client = client(ClientKind::Spa);
            change(&mut client);
            client.check().unwrap_err()
        };
        assert!(refused(|c| c.id = "a b".into()).contains("1 to 100"));
        assert!(refused(|c| c.id = "0".repeat(32)).contains("32 hexadecimal"));
        assert!(refused(|c| c.name = " ".into()).contains("name"));
        assert!(refused(|c| c.redirect_uris.clear()).contains("at least one"));
        assert!(refused(|c| c.pkce = PkceRule::Optional).contains("9700"));
        assert!(refused(|c| c.auth_method = AuthMethod::ClientSecretPost).contains("has no secret"));
        assert!(refused(|c| c.audiences = vec!["api".into()]).contains("absolute"));
        assert!(refused(|c| c.cors_origins = vec!["null".into()]).contains("scheme"));
        assert!(refused(|c| c.cors_origins = vec!["https://a.example/".into()]).contains("scheme"));
    }

    #[test]
    fn consent_is_asked_again_where_the_answer_may_go_astray() {
        assert!(client(ClientKind::Spa).may_skip_consent("https://app.example.com/cb"));
        assert!(!client(ClientKind::Spa).may_skip_consent("http://localhost:8081/cb"));
        assert!(!client(ClientKind::Native).may_skip_consent("com.example.app:/cb"));
        assert!(client(ClientKind::Web).may_skip_consent("http://localhost:8081/cb"));
    }
}
