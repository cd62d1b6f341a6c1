//! Back-channel logout: the authorization server tells that a session has ended there, with a signed token (OpenID Connect
//! Back-Channel Logout 1.0 §2.4 to 2.6).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::Jwk};
use serde::Deserialize;
use serde_json::Value;

use crate::authorization::{Failure, Server};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
/// Seconds since it was issued.
const MAX_AGE: u64 = 300;
/// Seconds by which the clocks of two machines may differ.
const CLOCK_TOLERANCE: u64 = 30;

/// What a logout token says: which session has ended, or that all of a user's have.
#[derive(Deserialize)]
pub struct LoggedOut {
    pub sid: Option<String>,
    pub sub: Option<String>,
    jti: String,
    iat: u64,
    events: HashMap<String, Value>,
    nonce: Option<Value>,
}

/// The `jti` of tokens, until these are too old anyway; in your session store if there are several processes.
#[derive(Default)]
pub struct Used(Mutex<HashMap<String, Instant>>);

/// The claims of a logout token. `Failure::Refused` says what is wrong with it.
pub fn verify(token: &str, server: &Server, used: &Used) -> Result<LoggedOut, Failure> {
    let refused = |what: &str| Failure::Refused(what.to_owned());
    let header = jsonwebtoken::decode_header(token).map_err(|_| refused("it is no token"))?;
    // An ID token is no logout token.
    let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
    if typ.trim_start_matches("application/") != "logout+jwt" || header.crit.is_some() {
        return Err(refused("it is a token of another kind"));
    }
    let kid = header.kid.ok_or_else(|| refused("it names no key"))?;
    let (key, algorithm) = key(&server.keys(&kid)?, &kid).ok_or_else(|| refused("an unknown key"))?;
    let mut expected = Validation::new(algorithm);
    expected.set_issuer(&[&server.settings.issuer]);
    expected.set_audience(&[&server.settings.client_id]);
    expected.set_required_spec_claims(&["exp", "iss", "aud"]);
    expected.validate_nbf = true;
    expected.leeway = CLOCK_TOLERANCE;
    let claims = jsonwebtoken::decode::<LoggedOut>(token, &key, &expected).map_err(|error| refused(&error.to_string()))?.claims;

    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    if claims.iat > now + CLOCK_TOLERANCE || claims.iat + MAX_AGE + CLOCK_TOLERANCE < now {
        return Err(refused("it was issued at another time"));
    }
    if !claims.events.get(EVENT).is_some_and(Value::is_object) {
        return Err(refused("it is about something else"));
    }
    if claims.nonce.is_some() {
        return Err(refused("it has a nonce, as an ID token does"));
    }
    if claims.sid.is_none() && claims.sub.is_none() {
        return Err(refused("it names neither a session nor a user"));
    }
    if !used.is_first(&claims.jti) {
        return Err(refused("it was used before"));
    }
    Ok(claims)
}

/// A key, and the one algorithm that it is for, whatever the token says.
fn key(published: &Value, kid: &str) -> Option<(DecodingKey, Algorithm)> {
    let listed = published["keys"].as_array()?.iter().find(|key| key["kid"] == kid)?;
    let jwk: Jwk = serde_json::from_value(listed.clone()).ok()?;
    let algorithm: Algorithm = jwk.common.key_algorithm?.to_string().parse().ok()?;
    ALGORITHMS.contains(&algorithm).then_some((DecodingKey::from_jwk(&jwk).ok()?, algorithm))
}

impl Used {
    fn is_first(&self, jti: &str) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| *until > Instant::now());
        let until = Instant::now() + Duration::from_secs(MAX_AGE + 2 * CLOCK_TOLERANCE);
        used.insert(jti.to_owned(), until).is_none()
    }
}
