//! Client registration rules (RFC 7591 §2, RFC 9700 §2, RFC 10017): a client is validated as a whole before it is stored, and again
//! when it is changed. Redirect URIs are `redirect_uri`, URLs that this server calls `remote_url`.

use super::{
    api,
    client::{AssertionAudience, AuthMethod, Client, ClientKeySource, ClientKind, ClientMetadata, GrantType, PkceRule},
    redirect_uri,
    web_origin::check_origin,
};
use crate::protocol::{
    error::Invalid,
    values::{id::Id, plain_text::check_text, remote_url, time::Span},
};

/// The lower limit of `max_auth_age`: below it, users have to sign in again while still signing in.
const MIN_MAX_AUTH_AGE: Span = Span::from_seconds(300);
/// The upper limit: no grant is valid for longer.
const MAX_MAX_AUTH_AGE: Span = Span::from_seconds(366 * 86_400);
/// The maximum retry window, as for the server's own setting.
const MAX_RETRY_WINDOW: Span = Span::from_seconds(300);
/// The maximum length of a client's lists.
const LIST_LIMIT: usize = 50;

impl Client {
    /// Validates a client for registration.
    ///
    /// # Errors
    /// The mistake and the expected value, for the operator.
    pub fn check(&self) -> Result<(), Invalid> {
        check_id(&self.id)?;
        self.settings.check()
    }
}

impl ClientMetadata {
    /// Validates the settings as a whole.
    ///
    /// # Errors
    /// The mistake and the expected value, for the operator.
    pub fn check(&self) -> Result<(), Invalid> {
        check_text("client name", &self.client_name)?;
        let default_audiences = self.default_audiences.as_deref().unwrap_or_default();
        for (name, list) in [
            ("redirect URIs", self.redirect_uris.as_slice()),
            ("post-logout redirect URIs", &self.post_logout_redirect_uris),
            ("APIs", &self.audiences),
            ("default APIs", default_audiences),
            ("CORS origins", &self.cors_origins),
            ("introspected APIs", &self.introspects),
        ] {
            if list.len() > LIST_LIMIT {
                return Err(format!("{name}: expected at most {LIST_LIMIT}, received {}", list.len()).into());
            }
            if let Some(twice) = repeated(list) {
                return Err(format!("{name}: expected each once, received '{twice}' twice").into());
            }
        }
        if let Some(twice) = repeated(&self.grant_types) {
            return Err(format!("grant types: expected each once, received '{}' twice", twice.as_str()).into());
        }
        self.check_redirect_uris()?;
        self.check_authentication()?;
        self.check_grants()?;
        self.audiences.iter().chain(&self.introspects).try_for_each(|uri| api::check_uri(uri))?;
        self.cors_origins.iter().try_for_each(|origin| check_origin(origin))?;
        if let Some(outside) = self.default_audiences().iter().find(|uri| !self.audiences.contains(uri)) {
            return Err(format!("default API '{outside}': expected one of the client's APIs").into());
        }
        if let Some(outside) = self.default_scope.as_ref().and_then(|default| default.first_outside(&self.scope)) {
            return Err(format!("default scope '{outside}': expected one of the client's scopes").into());
        }
        if let Some(uri) = &self.backchannel_logout_uri {
            remote_url::check("backchannel_logout_uri", uri)?;
        }
        self.pairwise_sector.as_deref().map_or(Ok(()), |sector| check_sector(self, sector))
    }

    fn check_redirect_uris(&self) -> Result<(), Invalid> {
        match (self.kind, self.redirect_uris.as_slice()) {
            (ClientKind::Service, []) => {}
            (ClientKind::Service, _) => return Err("redirect URIs: expected none for a service".into()),
            (_, []) => return Err("redirect URIs: expected at least one, received none".into()),
            _ => {}
        }
        self.redirect_uris.iter().try_for_each(|uri| redirect_uri::check_registration(self.kind, uri))?;
        if self.kind == ClientKind::Service
            && !(self.post_logout_redirect_uris.is_empty() && self.backchannel_logout_uri.is_none())
        {
            return Err("logout: expected no address for a service, which has no users".into());
        }
        self.post_logout_redirect_uris.iter().try_for_each(|uri| {
            redirect_uri::check_registration(self.kind, uri).map_err(|why| format!("post-logout {why}").into())
        })
    }

    fn check_authentication(&self) -> Result<(), Invalid> {
        if self.is_public() != matches!(self.kind, ClientKind::Spa | ClientKind::Native) {
            return Err("authentication: spa and native clients cannot authenticate; web and service clients must".into());
        }
        if self.is_public() && self.pkce == PkceRule::Optional {
            return Err("PKCE: can be optional for confidential clients only (RFC 9700 2.1.1)".into());
        }
        if self.is_public() && !self.introspects.is_empty() {
            return Err("introspection: expected a client that authenticates (RFC 7662 2.1)".into());
        }
        if self.secret_for_native && self.kind != ClientKind::Native {
            let received = self.kind.as_str();
            return Err(format!("secret_for_native: expected a native client, received {received} (RFC 8252 8.5)").into());
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err("keys: expected either jwks or jwks_uri, received both (RFC 7591 2)".into());
        }
        // RFC 6749 §2.3.1: the header can be the only place, the body cannot.
        if self.client_secret_basic_only && self.token_endpoint_auth_method != AuthMethod::ClientSecretBasic {
            let received = self.token_endpoint_auth_method.as_str();
            return Err(format!("client_secret_basic_only: expected a client of client_secret_basic, received {received}").into());
        }
        if self.assertion_audience != AssertionAudience::Issuer && self.token_endpoint_auth_method != AuthMethod::PrivateKeyJwt {
            let received = self.token_endpoint_auth_method.as_str();
            return Err(format!("assertion_audience: expected a client of private_key_jwt, received {received}").into());
        }
        match (self.keys(), self.token_endpoint_auth_method) {
            (ClientKeySource::None, AuthMethod::PrivateKeyJwt) => {
                Err("private_key_jwt: expected the client's public keys or their URL, received neither".into())
            }
            (ClientKeySource::None, _) | (ClientKeySource::Inline(_), AuthMethod::PrivateKeyJwt) => Ok(()),
            (ClientKeySource::Url(url), AuthMethod::PrivateKeyJwt) => remote_url::check("jwks_uri", &url),
            _ => Err("keys: expected none unless the client authenticates with private_key_jwt".into()),
        }
    }

    fn check_grants(&self) -> Result<(), Invalid> {
        let credentials = self.may_use(GrantType::ClientCredentials);
        if credentials && self.is_public() {
            return Err("client_credentials: expected a client that authenticates (RFC 6749 4.4)".into());
        }
        if self.kind == ClientKind::Service && self.grant_types.iter().any(|grant| *grant != GrantType::ClientCredentials) {
            return Err("grant types: expected only client_credentials for a service".into());
        }
        if self.kind != ClientKind::Service && !self.may_use(GrantType::AuthorizationCode) {
            return Err("grant types: expected authorization_code for a client with users".into());
        }
        self.check_first_party()?;
        if let Some(window) = self.refresh_retry_window.filter(|window| *window > MAX_RETRY_WINDOW) {
            return Err(format!("retry window: expected at most {MAX_RETRY_WINDOW}, received {window}").into());
        }
        match self.max_auth_age {
            Some(_) if self.kind == ClientKind::Service => {
                Err("max auth age: expected none for a service, which has no users".into())
            }
            Some(span) if !(MIN_MAX_AUTH_AGE..=MAX_MAX_AUTH_AGE).contains(&span) => {
                Err(format!("max auth age: expected 5m to 366days, received {span}").into())
            }
            _ => Ok(()),
        }
    }
}

impl ClientMetadata {
    /// RFC 8252 §8.6, RFC 6749 §10.2: an app that anybody can pose as must not get access without the user's knowledge.
    fn check_first_party(&self) -> Result<(), Invalid> {
        let stray = self.redirect_uris.iter().find(|uri| self.is_public() && !redirect_uri::is_assured(uri));
        match (self.first_party, self.kind, stray) {
            (true, ClientKind::Service, _) => Err("first_party: expected none for a service, which has no users".into()),
            (true, _, Some(uri)) => Err(format!(
                "first_party: expected https redirect URIs of a public client, as any app can receive the response at '{uri}' (RFC 8252 8.6)"
            )
            .into()),
            _ => Ok(()),
        }
    }
}

fn check_id(id: &str) -> Result<(), Invalid> {
    let is_well_formed = (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    if !is_well_formed {
        return Err(format!("client id '{id}': expected 1 to 100 letters, digits, '-', '.', '_' or '~'").into());
    }
    // RFC 9700 §4.15: a client's id, which is the `sub` of its own tokens, must never equal a user's.
    if Id::parse(id).is_ok() || is_pairwise(id) {
        return Err(format!(
            "client id '{id}': expected something that cannot be mistaken for a user's subject: not 32 hexadecimal digits, and no 'p.' at the start"
        )
        .into());
    }
    Ok(())
}

/// Whether a subject has the form of a pairwise one.
#[must_use]
pub fn is_pairwise(subject: &str) -> bool {
    subject.starts_with("p.")
}

/// OpenID Connect Core §8.1: the sector is the host name that all redirect URIs of a client share, unless it is set explicitly.
fn check_sector(client: &ClientMetadata, sector: &str) -> Result<(), Invalid> {
    let is_host = (1..=253).contains(&sector.len())
        && sector.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    if client.kind == ClientKind::Service {
        return Err("pairwise subjects: expected none for a service, which has no users".into());
    }
    if is_host {
        Ok(())
    } else {
        Err(format!("sector '{sector}': expected a host name in lower case (OpenID Connect Core 8.1)").into())
    }
}

/// A value that stands in a list more than once.
fn repeated<T: PartialEq>(list: &[T]) -> Option<&T> {
    list.iter().enumerate().find_map(|(at, one)| list.iter().skip(at + 1).any(|other| other == one).then_some(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::{client::tests::client, scope::Scopes};

    #[track_caller]
    fn refused(kind: ClientKind, change: fn(&mut Client)) -> String {
        let mut client = client(kind);
        change(&mut client);
        client.check().unwrap_err().to_string()
    }

    #[test]
    fn a_registration_says_what_it_expects() {
        for kind in ClientKind::ALL {
            assert_eq!(client(*kind).check(), Ok(()), "{kind:?}");
        }
        let refused = |change| refused(ClientKind::Spa, change);
        assert!(refused(|c| c.id = "a b".into()).contains("1 to 100"));
        assert!(refused(|c| c.id = "0".repeat(32)).contains("32 hexadecimal"));
        assert!(refused(|c| c.id = "p.abc".into()).contains("subject"));
        for name in [" ", "a\u{202e}b", "\u{feff}", "a\nb"] {
            let mut client = client(ClientKind::Spa);
            client.settings.client_name = name.into();
            assert!(client.check().unwrap_err().as_ref().contains("name"), "{name:?}");
        }
        assert!(refused(|c| c.settings.redirect_uris.clear()).contains("at least one"));
        assert!(refused(|c| c.settings.redirect_uris = vec!["https://a.example/".into(); 51]).contains("at most 50"));
        assert!(
            refused(|c| c.settings.redirect_uris = vec!["https://a.example/".into(); 2]).contains("'https://a.example/' twice")
        );
        assert!(refused(|c| c.settings.grant_types.push(GrantType::RefreshToken)).contains("'refresh_token' twice"));
        assert!(refused(|c| c.settings.pkce = PkceRule::Optional).contains("9700"));
        assert!(
            refused(|c| c.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost).contains("cannot authenticate")
        );
        assert!(refused(|c| c.settings.audiences = vec!["api".into()]).contains("absolute"));
        assert!(refused(|c| c.settings.cors_origins = vec!["null".into()]).contains("scheme"));
        assert!(refused(|c| c.settings.cors_origins = vec!["https://a.example/".into()]).contains("scheme"));
        assert!(
            refused(|c| c.settings.default_audiences = Some(vec!["https://other.example".into()]))
                .contains("one of the client's")
        );
        assert!(refused(|c| c.settings.default_scope = Some(Scopes::parse("openid a:read").unwrap())).contains("'a:read'"));
        assert!(refused(|c| c.settings.introspects = vec!["https://api.example.com".into()]).contains("authenticates"));
        assert!(refused(|c| c.settings.post_logout_redirect_uris = vec!["http://a.example/".into()]).contains("post-logout"));
        assert!(refused(|c| c.settings.backchannel_logout_uri = Some("http://a.example/".into())).contains("https"));
        assert!(refused(|c| c.settings.pairwise_sector = Some("https://a.example".into())).contains("host name"));
    }

    #[test]
    fn each_way_to_authenticate_has_what_it_needs() {
        let refused = |change| refused(ClientKind::Web, change);
        assert!(refused(|c| c.settings.token_endpoint_auth_method = AuthMethod::None).contains("must"));
        assert!(refused(|c| c.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt).contains("public keys"));
        assert!(refused(|c| c.settings.jwks = Some("{}".into())).contains("expected none"));
        let pinned = |method| {
            let mut web = client(ClientKind::Web);
            (web.settings.token_endpoint_auth_method, web.settings.client_secret_basic_only) = (method, true);
            web.check()
        };
        assert_eq!(pinned(AuthMethod::ClientSecretBasic), Ok(()));
        assert!(pinned(AuthMethod::ClientSecretPost).unwrap_err().as_ref().contains("received client_secret_post"));
        assert!(refused(|c| c.settings.assertion_audience = AssertionAudience::TokenEndpoint).contains("private_key_jwt"));
        for kind in [ClientKind::Spa, ClientKind::Web, ClientKind::Service] {
            let mut client = client(kind);
            client.settings.secret_for_native = true;
            assert!(client.check().unwrap_err().as_ref().contains("expected a native client"), "{kind:?}");
        }
        let mut native = client(ClientKind::Native);
        native.settings.secret_for_native = true;
        assert_eq!(native.check(), Ok(()));
        assert!(native.settings.is_public() && !native.settings.has_secret() && native.settings.keeps_secret());
        native.settings.grant_types.push(GrantType::ClientCredentials);
        assert!(native.check().unwrap_err().as_ref().contains("authenticates"));
        let mut web = client(ClientKind::Web);
        web.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        web.settings.jwks_uri = Some("https://app.example.com/jwks".into());
        assert_eq!(web.check(), Ok(()));
        web.settings.jwks = Some("{}".into());
        assert!(web.check().unwrap_err().as_ref().contains("either jwks or jwks_uri"));
        (web.settings.jwks, web.settings.jwks_uri) = (None, Some("http://app.example.com/jwks".into()));
        assert!(web.check().unwrap_err().as_ref().starts_with("jwks_uri"));
    }

    #[test]
    fn max_auth_age_is_neither_too_low_nor_beyond_every_grant() {
        let with =
            |kind, seconds| ClientMetadata { max_auth_age: Some(Span::from_seconds(seconds)), ..client(kind).settings }.check();
        for seconds in [300, 259_200, 366 * 86_400] {
            assert_eq!(with(ClientKind::Spa, seconds), Ok(()), "{seconds}");
        }
        for seconds in [0, 299, 366 * 86_400 + 1] {
            assert!(with(ClientKind::Web, seconds).unwrap_err().as_ref().contains("5m to 366days"), "{seconds}");
        }
        assert!(with(ClientKind::Service, 3_600).unwrap_err().as_ref().contains("no users"));
    }

    #[test]
    fn consent_is_the_operators_only_where_nobody_can_pose_as_the_app() {
        let with = |kind, uris: &[&str]| {
            let redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
            ClientMetadata { first_party: true, redirect_uris, ..client(kind).settings }.check()
        };
        for kind in [ClientKind::Spa, ClientKind::Native, ClientKind::Web] {
            assert_eq!(with(kind, &["https://app.example.com/cb"]), Ok(()), "{kind:?}");
        }
        assert_eq!(with(ClientKind::Web, &["http://localhost:3000/cb"]), Ok(()), "a secret proves which client it is");
        for (kind, uri) in [
            (ClientKind::Spa, "http://localhost:3000/cb"),
            (ClientKind::Native, "http://127.0.0.1/cb"),
            (ClientKind::Native, "http://[::1]/cb"),
            (ClientKind::Native, "com.example.app:/cb"),
        ] {
            let refused = with(kind, &["https://app.example.com/cb", uri]).unwrap_err().to_string();
            assert!(refused.contains(uri) && refused.contains("8252"), "{refused}");
        }
        assert!(with(ClientKind::Service, &[]).unwrap_err().as_ref().contains("no users"));
    }

    #[test]
    fn a_retry_window_is_not_for_thieves() {
        let with = |kind, millis| {
            ClientMetadata { refresh_retry_window: Some(Span::from_millis(millis)), ..client(kind).settings }.check()
        };
        assert_eq!((with(ClientKind::Spa, 0), with(ClientKind::Web, 300_000)), (Ok(()), Ok(())));
        assert!(with(ClientKind::Spa, 300_001).unwrap_err().as_ref().contains("at most 5m"));
    }

    #[test]
    fn grant_types_fit_the_kind() {
        let client_credentials = |c: &mut Client| c.settings.grant_types.push(GrantType::ClientCredentials);
        assert!(refused(ClientKind::Spa, client_credentials).contains("authenticates"));
        assert!(
            refused(ClientKind::Service, |c| c.settings.grant_types.push(GrantType::RefreshToken))
                .contains("only client_credentials")
        );
        assert!(refused(ClientKind::Web, |c| c.settings.grant_types.clear()).contains("authorization_code"));
        assert!(
            refused(ClientKind::Service, |c| c.settings.backchannel_logout_uri = Some("https://a.example/".into()))
                .contains("no users")
        );
        let mut web = client(ClientKind::Web);
        client_credentials(&mut web);
        assert_eq!(web.check(), Ok(()), "a web app may act for itself as well");
    }
}
