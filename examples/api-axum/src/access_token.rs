//! Whether a request may be served: the access token is checked as RFC 9068 §4 says, and refusals are answered as RFC 6750 §3 says.
//! A handler that takes an `Allowed<Read>` is only called with a token that has this scope.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    Json,
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use jsonwebtoken::{Algorithm, Validation, errors::ErrorKind};
use serde::Deserialize;
use serde_json::json;

use crate::keys::{KeysUnavailable, PublishedKeys};

/// Asymmetric algorithms alone. Without a list, a token could choose how it is checked.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
/// Seconds by which the clocks of two machines may differ.
const CLOCK_TOLERANCE: u64 = 30;

/// What tokens are checked against.
pub struct Verifier {
    pub issuer: String,
    /// This API, as it was registered.
    pub audience: String,
    pub keys: PublishedKeys,
}

/// The claims of an access token that this API uses.
#[derive(Deserialize)]
pub struct Claims {
    /// The user. It never changes.
    pub sub: String,
    /// The app.
    pub client_id: String,
    #[serde(default)]
    scope: serde_json::Value,
}

/// A scope, as a type.
pub trait Scope {
    const NAME: &'static str;
}

/// The claims of a token with the scope `S`.
pub struct Allowed<S> {
    pub token: Claims,
    scope: PhantomData<S>,
}

/// Why a request is not served.
pub enum Refusal {
    /// Nothing was tried, so nothing is wrong: the challenge has no error (RFC 6750 §3.1).
    NoToken,
    InvalidToken(&'static str),
    InsufficientScope(&'static str),
    /// The token may be good.
    NoKeys,
}

impl<S: Scope> FromRequestParts<Arc<Verifier>> for Allowed<S> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, verifier: &Arc<Verifier>) -> Result<Self, Refusal> {
        let token = verifier.check(bearer(parts).ok_or(Refusal::NoToken)?).await?;
        let granted = token.scope.as_str().unwrap_or_default();
        if !granted.split(' ').any(|scope| scope == S::NAME) {
            return Err(Refusal::InsufficientScope(S::NAME));
        }
        Ok(Self { token, scope: PhantomData })
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

impl Verifier {
    async fn check(&self, token: &str) -> Result<Claims, Refusal> {
        const INVALID: Refusal = Refusal::InvalidToken("the token is not valid for this API");
        let header = jsonwebtoken::decode_header(token).map_err(|_| INVALID)?;
        // An ID token is no access token.
        let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
        let is_access_token = typ.trim_start_matches("application/") == "at+jwt";
        // We know no extension that would have to be understood (RFC 7515 §4.1.11).
        if !is_access_token || header.crit.is_some() {
            return Err(INVALID);
        }
        let key = self.keys.find(&header.kid.ok_or(INVALID)?).await.map_err(|KeysUnavailable| Refusal::NoKeys)?;
        let key = key.filter(|key| ALGORITHMS.contains(&key.algorithm)).ok_or(INVALID)?;
        // A key is for one algorithm, whatever the token says.
        let mut expected = Validation::new(key.algorithm);
        expected.set_issuer(&[&self.issuer]);
        expected.set_audience(&[&self.audience]); // a token for another API is not for this one
        expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        expected.validate_nbf = true;
        expected.leeway = CLOCK_TOLERANCE;
        match jsonwebtoken::decode(token, &key.key, &expected) {
            Ok(token) => Ok(token.claims),
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => {
                Err(Refusal::InvalidToken("the token has expired"))
            }
            Err(_) => Err(INVALID),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Fixed texts: nothing of the request gets into a header.
        let (status, error, description, scope) = match self {
            Self::NoKeys => {
                let body = Json(json!({ "error": "temporarily_unavailable" }));
                return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], body).into_response();
            }
            Self::NoToken => (StatusCode::UNAUTHORIZED, None, "an access token is required", None),
            Self::InvalidToken(description) => (StatusCode::UNAUTHORIZED, Some("invalid_token"), description, None),
            Self::InsufficientScope(scope) => {
                (StatusCode::FORBIDDEN, Some("insufficient_scope"), "the token lacks a scope", Some(scope))
            }
        };
        let mut challenge = r#"Bearer realm="notes""#.to_owned();
        if let Some(error) = error {
            challenge += &format!(r#", error="{error}", error_description="{description}""#);
        }
        if let Some(scope) = scope {
            challenge += &format!(r#", scope="{scope}""#);
        }
        let body = json!({ "error": error.unwrap_or("unauthorized"), "error_description": description });
        (status, [(header::WWW_AUTHENTICATE, challenge)], Json(body)).into_response()
    }
}
