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
/// The maximum length of a client's id: that of a URL that another provider took as one.
const ID_LIMIT: usize = 255;
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
        if self.pairwise_sector.is_some() && self.kind == ClientKind::Service {
            return Err("pairwise subjects: expected none for a service, which has no users".into());
        }
        self.pairwise_sector.as_deref().map_or(Ok(()), check_sector)
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
        // RFC 6749 §3.3: a request about a user that gets no scope is refused. A client without users may be for APIs without scopes.
        if self.scope.is_empty() && !credentials {
            return Err("scopes: expected at least one, received none: every authorization request would be refused".into());
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

/// RFC 6749 §2.2: printable ASCII. Without spaces, because it is part of lines of the log and of the command line.
fn check_id(id: &str) -> Result<(), Invalid> {
    if !(1..=ID_LIMIT).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("client id '{id}': expected 1 to {ID_LIMIT} characters of printable ASCII, without spaces").into());
    }
    if id.starts_with('-') {
        return Err(
            format!("client id '{id}': expected another first character than '-', by which commands know their options").into()
        );
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
fn is_pairwise(subject: &str) -> bool {
    subject.starts_with("p.")
}

/// OpenID Connect Core §8.1: the sector is the host name that all redirect URIs of a client share, unless it is set explicitly.
///
/// # Errors
/// The expected form.
pub fn check_sector(sector: &str) -> Result<(), Invalid> {
    let is_host = (1..=253).contains(&sector.len())
        && sector.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
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
#[path = "registration_tests.rs"]
mod tests;
