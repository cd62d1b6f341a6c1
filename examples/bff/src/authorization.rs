//! Everything that is said to the authorization server: how a sign-in begins and ends, refreshing, revoking, signing out. What it
//! says about itself is `discovery`, logout tokens are `logout_token`. All of it blocks.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreRequestTokenError, CoreTokenResponse},
    url::Url,
};
use serde::{Deserialize, Serialize};

use crate::{
    discovery::{Discovery, Metadata},
    http,
    sessions::SessionId,
    settings::Settings,
};

/// No `offline_access`: the tokens end with the session at the authorization server. Ask for it if they are to outlive that.
const SCOPES: [&str; 3] = ["profile", "notes:read", "notes:write"];
type Client = CoreClient<
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

/// The authorization server.
pub struct Server {
    pub settings: Settings,
    discovery: Discovery,
}

/// What is remembered of a sign-in until the browser is back.
#[derive(Deserialize, Serialize)]
pub struct Begun {
    /// The answer belongs to this browser.
    pub state: String,
    /// The ID token belongs to this sign-in.
    pub nonce: String,
    /// The code is of use to nobody else.
    pub verifier: String,
    pub return_to: String,
    /// The session that the browser had.
    pub replaces: Option<SessionId>,
}

impl Begun {
    /// The parameters of an answer to this. Any site can send the browser here with another.
    pub fn answer(&self, query: &str) -> Option<HashMap<String, String>> {
        parameters(query).filter(|answer| answer.get("state") == Some(&self.state))
    }
}

/// Who has signed in.
#[derive(Clone, Deserialize)]
pub struct User {
    pub sub: String,
    /// The session at the authorization server.
    pub sid: Option<String>,
    pub name: Option<String>,
    pub preferred_username: Option<String>,
}

/// What is kept of an answer. It has no `Debug`: tokens do not belong in a log.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub id_token: Option<String>,
    pub refresh_at: Instant,
    pub expires_at: Instant,
}

/// Why there is no answer that helps.
pub enum Failure {
    /// The user has said no.
    Denied,
    /// The server has said no, or the answer is not one to what was asked. Of a refresh: it is over.
    Refused(String),
    /// Not reached, or the server is in trouble. Nothing has ended.
    Unavailable(String),
}

impl Server {
    pub fn new(settings: Settings) -> Self {
        Self { settings, discovery: Discovery::default() }
    }

    fn metadata(&self) -> Result<Arc<Metadata>, Failure> {
        self.discovery.metadata(&self.settings.issuer)
    }

    /// The keys, which have one with this ID if there is one.
    pub fn keys(&self, kid: &str) -> Result<serde_json::Value, Failure> {
        self.discovery.keys(kid, &self.settings.issuer)
    }

    fn client(&self, metadata: &Metadata) -> Result<Client, Failure> {
        let redirect_uri = RedirectUrl::new(format!("{}/callback", self.settings.app_url));
        Ok(CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.settings.client_id.clone()),
            Some(ClientSecret::new(self.settings.client_secret.clone())),
        )
        .set_redirect_uri(redirect_uri.map_err(|error| Failure::Unavailable(error.to_string()))?))
    }

    /// Where to send the browser, and what to remember of it until it is back.
    pub fn begin_sign_in(&self, return_to: String, replaces: Option<SessionId>) -> Result<(Url, Begun), Failure> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow: CoreAuthenticationFlow = AuthenticationFlow::AuthorizationCode;
        let client = self.client(&*self.metadata()?)?;
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let begun = Begun {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            return_to,
            replaces,
        };
        Ok((url, begun))
    }

    /// The tokens for an answer to what was begun, and who the user is. Fails if it is of another issuer, or an error.
    pub fn finish_sign_in(&self, answer: &HashMap<String, String>, begun: &Begun) -> Result<(Tokens, User), Failure> {
        let refused = |what: &str| Err(Failure::Refused(what.to_owned()));
        let has = |name: &str, value: &str| answer.get(name).map(String::as_str) == Some(value);
        if !has("iss", &self.settings.issuer) {
            return refused("another issuer (RFC 9207)");
        }
        if has("error", "access_denied") {
            return Err(Failure::Denied);
        }
        let Some(code) = answer.get("code") else { return refused("an error instead of a code") };
        let metadata = self.metadata()?;
        let tokens = self
            .client(&metadata)?
            .exchange_code(AuthorizationCode::new(code.clone()))
            .map_err(|error| Failure::Unavailable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()))
            .request(&http::send)
            .map_err(|error| failure(&error))?;
        let user = self.user(&tokens, &Nonce::new(begun.nonce.clone()), metadata)?;
        Ok((read(&tokens, None), user))
    }

    /// Who an ID token is about, after its signature, `iss`, `aud`, `exp` and nonce were checked.
    fn user(&self, tokens: &CoreTokenResponse, nonce: &Nonce, mut metadata: Arc<Metadata>) -> Result<User, Failure> {
        let id_token = tokens.id_token().ok_or_else(|| Failure::Refused("there is no ID token".to_owned()))?;
        let check = |metadata: &Metadata| {
            let client = self.client(metadata)?;
            let checked = id_token.claims(&client.id_token_verifier(), nonce).map(|_| ());
            checked.map_err(|error| Failure::Refused(format!("the ID token: {error}")))
        };
        if check(&metadata).is_err() {
            // It may be signed with a new key.
            metadata = self.discovery.with_new_keys(&self.settings.issuer)?;
            check(&metadata)?;
        }
        // The claims again, as `sid` is none that the crate knows. (Its types can be extended by claims; this is shorter.)
        let text = id_token.to_string();
        let payload = text.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
        serde_json::from_slice(&payload).map_err(|error| Failure::Refused(format!("the ID token: {error}")))
    }

    /// New tokens. The refresh token is used up: the next one is in the answer. `Failure::Refused` says that it is over.
    pub fn refresh(&self, tokens: &Tokens) -> Result<Tokens, Failure> {
        let Some(token) = &tokens.refresh else { return Err(Failure::Refused("there is no refresh token".to_owned())) };
        let client = self.client(&*self.metadata()?)?;
        let old = RefreshToken::new(token.clone());
        let request = client.exchange_refresh_token(&old).map_err(|error| Failure::Unavailable(error.to_string()))?;
        match request.request(&http::send) {
            Ok(new) => Ok(read(&new, Some(tokens))),
            Err(RequestTokenError::ServerResponse(refusal)) if *refusal.error() == CoreErrorResponseType::InvalidGrant => {
                Err(Failure::Refused(refusal.to_string()))
            }
            // Also `invalid_client`: that is a mistake in our settings, for which nobody should be signed out.
            Err(error) => Err(Failure::Unavailable(described(&error))),
        }
    }

    /// Ends a refresh token, and all that came from it (RFC 7009). It may fail: then they end with their time.
    pub fn revoke(&self, tokens: &Tokens) {
        let Some(token) = &tokens.refresh else { return };
        let revoked = self.metadata().map_err(|_| "no metadata".to_owned()).and_then(|metadata| {
            let encoded = |text: &str| openidconnect::url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let (id, secret) = (encoded(&self.settings.client_id), encoded(&self.settings.client_secret));
            let credentials = base64::prelude::BASE64_STANDARD.encode(format!("{id}:{secret}"));
            let request = ureq::http::Request::post(&metadata.additional_metadata().revocation_endpoint)
                .header("Authorization", format!("Basic {credentials}"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(format!("token={}", encoded(token)).into_bytes())
                .map_err(|error| error.to_string())?;
            http::send(request).map_err(|error| error.to_string())
        });
        if let Err(error) = revoked {
            eprintln!("not revoked: {error}");
        }
    }

    /// Where to send the browser to sign out there as well.
    pub fn sign_out_url(&self, tokens: &Tokens) -> Result<String, Failure> {
        let metadata = self.metadata()?;
        let mut url = Url::parse(&metadata.additional_metadata().end_session_endpoint)
            .map_err(|error| Failure::Unavailable(error.to_string()))?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("id_token_hint", tokens.id_token.as_deref().unwrap_or_default())
            .append_pair("post_logout_redirect_uri", &format!("{}/", self.settings.app_url));
        Ok(url.into())
    }
}

/// The parameters of an answer; none if one is there twice.
fn parameters(query: &str) -> Option<HashMap<String, String>> {
    let mut found = HashMap::new();
    openidconnect::url::form_urlencoded::parse(query.as_bytes())
        .all(|(name, value)| found.insert(name.into_owned(), value.into_owned()).is_none())
        .then_some(found)
}

type TokenError = CoreRequestTokenError<ureq::Error>;

fn failure(error: &TokenError) -> Failure {
    match error {
        RequestTokenError::ServerResponse(refusal) if !matches!(refusal.error(), CoreErrorResponseType::Extension(_)) => {
            Failure::Refused(refusal.to_string())
        }
        _ => Failure::Unavailable(described(error)),
    }
}

fn described(error: &TokenError) -> String {
    match error {
        RequestTokenError::ServerResponse(refusal) => refusal.to_string(),
        RequestTokenError::Request(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// A token is renewed a minute before it ends, so that no request meets the end, and up to half a minute more, so that not all who
/// signed in when work began call again at the same moment. At most in the last third of its time.
fn read(tokens: &CoreTokenResponse, old: Option<&Tokens>) -> Tokens {
    let lifetime = tokens.expires_in().unwrap_or(Duration::from_secs(60));
    let ahead = Duration::from_millis(rand::random_range(60_000..90_000)).min(lifetime / 3);
    let now = Instant::now();
    Tokens {
        access: tokens.access_token().secret().clone(),
        refresh: tokens.refresh_token().map(|token| token.secret().clone()).or_else(|| old?.refresh.clone()),
        id_token: tokens.id_token().map(ToString::to_string).or_else(|| old?.id_token.clone()),
        refresh_at: now + lifetime - ahead,
        expires_at: now + lifetime,
    }
}
