//! Everything that is said to the authorization server: what it says about itself, signing in, refreshing, revoking. How its answer
//! comes back to this program is `loopback`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse},
};
use serde::Deserialize;

use crate::{Failure, loopback::Loopback, token_store::Tokens};

/// `offline_access`: the app stays signed in when the browser is closed.
const SCOPES: [&str; 3] = ["offline_access", "notes:read", "notes:write"];
const TIMEOUT: Duration = Duration::from_secs(10);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The authorization server.
pub struct Server {
    client: Client,
    metadata: Metadata,
    client_id: String,
}

/// What it says about itself (RFC 8414).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
}

/// Why there are no new tokens.
pub enum RefreshFailure {
    /// It is over: revoked, or not used for too long. The user has to sign in again.
    Ended,
    /// Not reached, or the server is in trouble. Nothing has ended.
    Unavailable(String),
}

impl Server {
    pub fn discover(issuer: &str, client_id: &str) -> Result<Self, Failure> {
        let url = format!("{issuer}/.well-known/openid-configuration");
        let text = agent(true).get(&url).call().and_then(|mut answer| answer.body_mut().read_to_string());
        let text = text.map_err(|error| format!("{issuer} cannot be reached: {error}"))?;
        let metadata: Metadata = serde_json::from_str(&text)?;
        // RFC 8414 §3.3: metadata of another issuer must not be used.
        if metadata.issuer != issuer {
            return Err(format!("expected metadata of {issuer}, received that of {}", metadata.issuer).into());
        }
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint.clone())?)
            .set_token_uri(TokenUrl::new(metadata.token_endpoint.clone())?)
            // A native app has no secret: every copy of it would contain the same.
            .set_auth_type(AuthType::RequestBody);
        Ok(Self { client, metadata, client_id: client_id.to_owned() })
    }

    /// Signs the user in, in the browser, where they are signed in already perhaps, and see whom they give their password to.
    pub fn sign_in(&self) -> Result<Tokens, Failure> {
        let loopback = Loopback::open()?;
        let redirect_uri = RedirectUrl::new(loopback.redirect_uri())?;
        // With the verifier, which never leaves this program, the code is of use to nobody else (RFC 7636).
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = self
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .set_redirect_uri(std::borrow::Cow::Borrowed(&redirect_uri))
            .url();
        println!("Your browser opens this page. If it does not, open it yourself:\n{url}");
        let _ = open::that_detached(url.as_str()); // there may be no browser on this machine
        let code = loopback.wait_for_code(state.secret(), &self.metadata.issuer)?;
        let tokens = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(verifier)
            .set_redirect_uri(std::borrow::Cow::Owned(redirect_uri))
            .request(&http)
            .map_err(|error| format!("the code could not be redeemed: {}", described(&error)))?;
        Ok(read(&tokens, None))
    }

    /// New tokens. The refresh token is used up: the next one is in the answer. If two runs of this program refresh at once, Symbolon
    /// gives both the same next one.
    pub fn refresh(&self, refresh_token: &str) -> Result<Tokens, RefreshFailure> {
        let old = RefreshToken::new(refresh_token.to_owned());
        match self.client.exchange_refresh_token(&old).request(&http) {
            Ok(tokens) => Ok(read(&tokens, Some(refresh_token))),
            Err(RequestTokenError::ServerResponse(refusal)) if *refusal.error() == BasicErrorResponseType::InvalidGrant => {
                Err(RefreshFailure::Ended)
            }
            Err(error) => Err(RefreshFailure::Unavailable(described(&error))),
        }
    }

    /// Ends a refresh token, and all that came from it (RFC 7009).
    pub fn revoke(&self, refresh_token: &str) -> Result<(), Failure> {
        let form = [("token", refresh_token), ("client_id", self.client_id.as_str())];
        agent(true).post(&self.metadata.revocation_endpoint).send_form(form)?;
        Ok(())
    }
}

/// Calls other servers: no redirects, as a token goes nowhere else, and nobody is waited for forever.
pub fn agent(status_is_error: bool) -> ureq::Agent {
    let config = ureq::Agent::config_builder().max_redirects(0).timeout_global(Some(TIMEOUT));
    ureq::Agent::new_with_config(config.http_status_as_error(status_is_error).build())
}

/// How the crate sends its requests.
fn http(request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, ureq::Error> {
    let mut answer = agent(false).run(request)?;
    let body = answer.body_mut().read_to_vec()?;
    Ok(answer.map(|_| body))
}

fn described<E: std::error::Error + 'static>(error: &RequestTokenError<E, oauth2::basic::BasicErrorResponse>) -> String {
    match error {
        RequestTokenError::ServerResponse(refusal) => refusal.to_string(),
        RequestTokenError::Request(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// A token is renewed a minute before it ends, so that no request meets the end, and up to half a minute more, so that not all copies
/// of the app call again at the same moment. At most in the last third of its time.
fn read(tokens: &BasicTokenResponse, old: Option<&str>) -> Tokens {
    let lifetime = tokens.expires_in().map_or(60, |lifetime| lifetime.as_secs());
    let ahead = (60 + rand::random_range(0..30)).min(lifetime / 3);
    let next = tokens.refresh_token().map(|token| token.secret().as_str()).or(old);
    Tokens {
        access_token: tokens.access_token().secret().clone(),
        refresh_token: next.map(str::to_owned),
        refresh_at: now() + lifetime - ahead,
        expires_at: now() + lifetime,
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
