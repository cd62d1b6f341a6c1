//! The settings that `symbolon client add` and `client set` can change, and applying them. Whether the whole may be registered is
//! decided by `protocol::oauth::registration`, and by `registered` for what must exist already.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde_json::Value;

use super::{
    super::{Error, api::class, refuse},
    apis::spell_apis,
    from_json::{self, Given},
    scopes::{default_scope, parse, refuse_offline_access_without_refresh},
};
use crate::{
    config::named_file,
    jose::client_keys::ClientKeys,
    protocol::{
        error::Invalid,
        oauth::{
            api::Api,
            client::{
                AssertionAudience, AuthMethod, Client, ClientKeySource, ClientMetadata, GrantType, IdTokenClaims, PkceRule,
            },
            client_review::redirect_hosts,
        },
        oidc::authentication::Class,
        values::{algorithm::Algorithm, once_each::once_each, time::Span},
    },
};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Settings {
    /// Read all settings from a file with JSON, in the form that `client show --json` prints; - is standard input. Other options
    /// are applied on top
    #[arg(long, value_name = "FILE")]
    from_json: Option<PathBuf>,
    /// A redirect URI, matched exactly; can be repeated. On loopback, also at localhost, a native app can use any port, and an empty
    /// path is the same as /
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        help = "Scopes it can request; can be repeated [default for new clients: openid profile email offline_access; for services: all scopes of their APIs]"
    )]
    scopes: Vec<String>,
    /// A scope that is granted to a request without scope; can be repeated [default for new clients: openid and the scopes of the
    /// requested APIs]
    #[arg(long = "default-scope", value_name = "SCOPE")]
    default_scopes: Vec<String>,
    /// An API it can request tokens for, by identifier; can be repeated
    #[arg(long = "api", value_name = "URI", visible_alias = "audience")]
    apis: Vec<String>,
    /// An API that tokens are for if the request has no resource; can be repeated [default for new clients: all]
    #[arg(long = "default-api", value_name = "URI")]
    default_apis: Vec<String>,
    /// An API whose tokens it can introspect; can be repeated
    #[arg(long, value_name = "URI")]
    introspects: Vec<String>,
    #[arg(long, value_name = "METHOD", value_parser = auth(), help = "How a web or service client authenticates [default for new clients: client_secret_basic]")]
    auth: Option<AuthMethod>,
    /// Accept its secret in the Authorization header alone, not in the request body
    #[arg(long)]
    client_secret_basic_only: bool,
    /// Give a native client a secret, for programs that require one: every copy of the app contains it, so it does not
    /// authenticate the app, and the client stays public
    #[arg(long)]
    secret_for_native: bool,
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "jwks_uri",
        help = "A file with its public keys for private_key_jwt, a JWK set"
    )]
    jwks: Option<PathBuf>,
    /// The URL of its public keys, a JWK set
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// What its assertions may have as their audience: the issuer alone, or the URL of the token endpoint as well [default for
    /// new clients: issuer]
    #[arg(long, value_name = "AUDIENCE", value_parser = assertion_audience())]
    assertion_audience: Option<AssertionAudience>,
    /// The algorithm that its tokens are signed with; it needs an active key, see `symbolon key add` [default for new
    /// clients: RS256]
    #[arg(long, value_name = "ALG", value_parser = algorithm())]
    signing_alg: Option<Algorithm>,
    /// Which claims about the user its ID tokens have: those of the granted scopes profile, email, roles and groups, or only
    /// those that it requests one by one [default for new clients: granted]
    #[arg(long, value_name = "CLAIMS", value_parser = id_token_claims())]
    id_token_claims: Option<IdTokenClaims>,
    /// Return no ID token on refresh, which saves a signature
    #[arg(long)]
    no_id_token_on_refresh: bool,
    /// Sign /userinfo responses
    #[arg(long)]
    userinfo_signed: bool,
    /// Use pairwise subjects in this sector, a host name [default: the host of the redirect URIs]
    #[arg(long, value_name = "SECTOR", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "the option may stand without its value")]
    pairwise: Option<Option<String>>,
    /// A post-logout redirect URI, matched as redirect URIs are; can be repeated
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// The back-channel logout URL
    #[arg(long, value_name = "URL")]
    backchannel_logout_uri: Option<String>,
    /// An app of your own: you consent on behalf of users, who are not asked. Not for public clients with redirect URIs on loopback or
    /// of a private-use scheme
    #[arg(long)]
    first_party: bool,
    /// Allow a web client the client credentials grant; services always have it
    #[arg(long)]
    client_credentials: bool,
    #[arg(long, value_name = "RULE", value_parser = pkce(), help = "Whether a web client must use PKCE: always, or unless it sends a nonce with the scope openid, or not [default for new clients: or_nonce; others than web clients always must]")]
    pkce: Option<PkceRule>,
    /// The old form of `--pkce optional`
    #[arg(long, hide = true, conflicts_with = "pkce")]
    pkce_optional: bool,
    /// How long a used refresh token can be exchanged again for the same new one, after a lost response; 0s is strict
    #[arg(long, value_name = "DURATION", value_parser = retry_window)]
    retry_window: Option<Span>,
    /// How long a sign-in is valid for this client; after that, its grants are rejected until users sign in again; 5m to
    /// 366days, or none
    #[arg(long, value_name = "DURATION", value_parser = max_auth_age, alias = "sign-in-ceiling")]
    max_auth_age: Option<MaxAuthAge>,
    /// The weakest class of sign-in that its users may have; weaker sign-ins are asked for more, and existing grants of such sign-ins
    /// are rejected
    #[arg(long, value_name = "CLASS", value_parser = class())]
    min_acr: Option<Class>,
    /// An origin allowed by CORS besides those of the redirect URIs; can be repeated
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<String>,
    /// Do not issue refresh tokens
    #[arg(long, conflicts_with = "retry_window")]
    no_refresh: bool,
    /// What `--jwks` or `--jwks-uri` name.
    #[arg(skip)]
    keys: Option<ClientKeySource>,
    /// What `--from-json` names.
    #[arg(skip)]
    pub given: Option<Given>,
}

/// The maximum age of a sign-in; `None` is the lifetime of the grant.
#[derive(Clone, Copy, Debug)]
struct MaxAuthAge(Option<Span>);

/// The authentication methods that can be requested: a public client has none.
fn auth() -> impl TypedValueParser<Value = AuthMethod> {
    let names = AuthMethod::names().into_iter().filter(|name| *name != AuthMethod::None.as_str());
    PossibleValuesParser::new(names).try_map(|name| AuthMethod::from_name(&name).ok_or("expected an authentication method"))
}

/// The rules about PKCE.
fn pkce() -> impl TypedValueParser<Value = PkceRule> {
    PossibleValuesParser::new(PkceRule::names()).try_map(|name| PkceRule::from_name(&name).ok_or("expected a rule about PKCE"))
}

/// The audiences of assertions.
fn assertion_audience() -> impl TypedValueParser<Value = AssertionAudience> {
    let names = PossibleValuesParser::new(AssertionAudience::names());
    names.try_map(|name| AssertionAudience::from_name(&name).ok_or("expected an audience"))
}

/// What ID tokens say about the user.
fn id_token_claims() -> impl TypedValueParser<Value = IdTokenClaims> {
    let names = PossibleValuesParser::new(IdTokenClaims::names());
    names.try_map(|name| IdTokenClaims::from_name(&name).ok_or("expected which claims"))
}

/// The signature algorithms.
pub fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    let names = PossibleValuesParser::new(Algorithm::names());
    names.try_map(|name| Algorithm::from_name(&name).ok_or("expected a signature algorithm"))
}

impl Settings {
    /// Reads the files it names, before anything else.
    pub fn read(mut self) -> Result<Self, Error> {
        self.given = self.from_json.as_deref().map(from_json::read).transpose()?;
        self.keys = match (&self.jwks, self.jwks_uri.take()) {
            (None, None) => None,
            (None, Some(url)) => Some(ClientKeySource::Url(url)),
            (Some(path), _) => {
                let text = named_file::read(path).map_err(|why| format!("--jwks {why}"))?;
                ClientKeys::parse(&text).map_err(|why| format!("--jwks '{}': {why}", path.display()))?;
                let set: Value = serde_json::from_str(&text).map_err(|error| format!("--jwks '{}': {error}", path.display()))?;
                Some(ClientKeySource::Inline(set.to_string()))
            }
        };
        Ok(self)
    }

    /// The algorithm that is requested, if it is not the default.
    pub fn requested_alg(&self) -> Option<Algorithm> {
        let given = self.given.as_ref().map(|given| given.settings.signing_alg);
        self.signing_alg.or(given.filter(|algorithm| *algorithm != Algorithm::default()))
    }

    /// Whether a way to authenticate is requested, or a secret: a client that has none of the secrets it needs gets one.
    pub fn requests_secret(&self) -> bool {
        self.auth.is_some() || self.given.is_some() || self.secret_for_native
    }

    /// Applies the requested settings to a client that is new; `apis` are all that are registered.
    pub fn give_to_new(&self, client: &mut Client, apis: &[Api]) -> Result<(), Error> {
        let lacks_scope = self.given.as_ref().is_none_or(|given| !given.has_scope);
        self.give(client, lacks_scope && self.scopes.is_empty(), apis)
    }

    /// Applies the requested settings to a client; the others stay, unless the whole was read.
    pub fn give_to_existing(&self, client: &mut Client, apis: &[Api]) -> Result<(), Error> {
        let lacks_scope = self.given.as_ref().is_some_and(|given| !given.has_scope);
        self.give(client, lacks_scope && self.scopes.is_empty(), apis)
    }

    /// Applies the requested settings, with the default scopes where `lacks_scope`. The whole is checked.
    fn give(&self, client: &mut Client, lacks_scope: bool, apis: &[Api]) -> Result<(), Error> {
        let settings = &mut client.settings;
        self.give_lists(settings)?;
        spell_apis(settings, apis);
        if let Some(url) = &self.backchannel_logout_uri {
            settings.backchannel_logout_uri = Some(url.clone());
        }
        settings.signing_alg = self.signing_alg.unwrap_or(settings.signing_alg);
        settings.refresh_retry_window = self.retry_window.or(settings.refresh_retry_window);
        if let Some(MaxAuthAge(max_auth_age)) = self.max_auth_age {
            settings.max_auth_age = max_auth_age;
        }
        settings.min_acr = self.min_acr.or(settings.min_acr);
        settings.userinfo_signed |= self.userinfo_signed;
        settings.id_token_claims = self.id_token_claims.unwrap_or(settings.id_token_claims);
        settings.id_token_on_refresh &= !self.no_id_token_on_refresh;
        settings.first_party |= self.first_party;
        settings.pkce = self.pkce_rule().unwrap_or(settings.pkce);
        self.give_grants(settings);
        if lacks_scope {
            settings.scope = default_scope(settings, apis)?;
        }
        refuse_offline_access_without_refresh(settings)?;
        self.give_authentication(settings);
        if settings.is_public() && self.pkce_rule() == Some(PkceRule::OrNonce) {
            return refuse("--pkce: expected required for a public client (RFC 9700 2.1.1), received or_nonce");
        }
        if let Some(sector) = &self.pairwise {
            settings.pairwise_sector = Some(sector.clone().map_or_else(|| only_host(settings), Ok)?);
        }
        if !settings.keeps_secret() {
            (client.secret_hash, client.previous_secret_hash) = (None, None);
        }
        Ok(client.check()?)
    }

    fn give_lists(&self, settings: &mut ClientMetadata) -> Result<(), Error> {
        let replace = |list: &mut Vec<String>, given: &[String]| {
            if !given.is_empty() {
                *list = once_each(given.iter().cloned());
            }
        };
        replace(&mut settings.redirect_uris, &self.redirect_uris);
        replace(&mut settings.audiences, &self.apis);
        replace(&mut settings.introspects, &self.introspects);
        replace(&mut settings.post_logout_redirect_uris, &self.post_logout_redirect_uris);
        replace(&mut settings.cors_origins, &self.cors_origins);
        if !self.default_apis.is_empty() {
            settings.default_audiences = Some(once_each(self.default_apis.iter().cloned()));
        }
        if !self.scopes.is_empty() {
            settings.scope = parse(&self.scopes.join(" "))?;
        }
        if !self.default_scopes.is_empty() {
            settings.default_scope = Some(parse(&self.default_scopes.join(" "))?);
        }
        Ok(())
    }

    fn give_grants(&self, settings: &mut ClientMetadata) {
        if self.client_credentials && !settings.may_use(GrantType::ClientCredentials) {
            settings.grant_types.push(GrantType::ClientCredentials);
        }
        if self.no_refresh {
            settings.grant_types.retain(|grant| *grant != GrantType::RefreshToken);
        }
    }

    fn pkce_rule(&self) -> Option<PkceRule> {
        self.pkce.or(self.pkce_optional.then_some(PkceRule::Optional))
    }

    /// Removes what the chosen authentication method does not use.
    fn give_authentication(&self, settings: &mut ClientMetadata) {
        if let Some(method) = self.auth {
            settings.token_endpoint_auth_method = method;
            if method != AuthMethod::PrivateKeyJwt {
                settings.set_keys(ClientKeySource::None);
                settings.assertion_audience = AssertionAudience::Issuer;
            }
            settings.client_secret_basic_only &= method == AuthMethod::ClientSecretBasic;
        }
        settings.client_secret_basic_only |= self.client_secret_basic_only;
        settings.secret_for_native |= self.secret_for_native;
        settings.assertion_audience = self.assertion_audience.unwrap_or(settings.assertion_audience);
        if let Some(keys) = &self.keys {
            settings.set_keys(keys.clone());
        }
    }
}

/// OpenID Connect Core §8.1: the host that all redirect URIs share is the sector, unless one is named.
fn only_host(settings: &ClientMetadata) -> Result<String, Error> {
    match <[String; 1]>::try_from(redirect_hosts(settings)) {
        Ok([host]) => Ok(host),
        Err(hosts) if hosts.is_empty() => {
            refuse("--pairwise: expected a sector, because no redirect URI has a host (OpenID Connect Core 8.1)")
        }
        Err(hosts) => refuse(format!(
            "--pairwise: expected a sector, because the redirect URIs have several hosts, {} (OpenID Connect Core 8.1)",
            hosts.join(" and ")
        )),
    }
}

/// The bounds are those of `ClientMetadata::check`.
fn retry_window(text: &str) -> Result<Span, Invalid> {
    Span::parse(text).ok_or_else(|| "expected a duration such as 30s, at most 5m; 0s is strict".into())
}

/// As above.
fn max_auth_age(text: &str) -> Result<MaxAuthAge, Invalid> {
    if text == "none" {
        return Ok(MaxAuthAge(None));
    }
    Span::parse(text).map(|span| MaxAuthAge(Some(span))).ok_or_else(|| "expected a duration such as 72h, or none".into())
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
