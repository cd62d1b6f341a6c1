//! Token verification: our own tokens (an access token at `/userinfo`, an ID token as a hint), and an access token as a resource
//! server verifies it, with only the published keys (RFC 9068 §4). The algorithm is the key's, never the token's; `jku`, `x5u` and
//! `jwk` in a header are ignored (RFC 8725 §3.1, §3.5).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::jwk::Jwk;
use serde_json::{Map, Value};

use super::{algorithms, keys::KeyRing};
use crate::protocol::values::algorithm::Algorithm;

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// The expected kind of token; no kind passes for another (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typ {
    /// `at+jwt` (RFC 9068 §2.1), or `JWT` where the token's APIs ask for that.
    AccessToken,
    /// `JWT`.
    IdToken,
}

impl Typ {
    /// The kind of a token of this server, by the `typ` of its header and by the claims that only this kind has. The issuer writes
    /// both, and no claim about a user has one of these names (`ScopeClaims::new`).
    #[must_use]
    pub fn of(typ: &str, claims: &Claims) -> Option<Self> {
        let has = |name| claims.contains_key(name);
        if is_access_token_typ(typ) {
            return Some(Self::AccessToken);
        }
        // A signed `/userinfo` response is a JWT as well, but has no expiry.
        if !typ.eq_ignore_ascii_case("jwt") || !has("exp") {
            return None;
        }
        match (has("client_id"), has("jti"), has("at_hash")) {
            (true, true, false) => Some(Self::AccessToken),
            (false, false, _) => Some(Self::IdToken),
            _ => None,
        }
    }
}

/// RFC 9068 §4: a media type without the parameter names, in any case.
fn is_access_token_typ(typ: &str) -> bool {
    ["at+jwt", "application/at+jwt"].iter().any(|one| typ.eq_ignore_ascii_case(one))
}

/// Why a token is rejected, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// A resource server's expectations of an access token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer it trusts.
    pub issuer: &'a str,
    /// Its own identifier.
    pub audience: &'a str,
    /// The current time, in seconds.
    pub now_seconds: i64,
}

/// A parsed token, not yet verified.
pub(super) struct Parsed<'a> {
    header: Claims,
    pub(super) payload: Claims,
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

impl Parsed<'_> {
    /// A string member of the header.
    pub(super) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    fn typ(&self) -> &str {
        self.header_text("typ").unwrap_or_default()
    }

    fn algorithm(&self) -> Option<Algorithm> {
        self.header_text("alg").and_then(Algorithm::from_name)
    }
}

/// The `jti` that a token claims, before anything is verified: only its payload is parsed.
#[must_use]
pub fn named_jti(token: &str) -> Option<String> {
    object(token.split('.').nth(1)?).ok()?.get("jti")?.as_str().map(str::to_owned)
}

/// Verifies the signature and the kind of a token of this server. Neither its expiry nor its audience is checked: that depends on
/// its use.
///
/// # Errors
/// [`Refused`].
pub fn own(ring: &KeyRing, typ: Typ, token: &str) -> Result<Claims, Refused> {
    let parsed =
        take_apart(token).ok().filter(|parsed| Typ::of(parsed.typ(), &parsed.payload) == Some(typ)).ok_or_else(malformed)?;
    check_own(ring, &parsed)?;
    Ok(parsed.payload)
}

/// The `typ` of a signed JWT, in lower case, and its claims if one of this server's keys signed it; `None` for anything else. Only
/// for describing a token: to trust it, use [`own`].
#[must_use]
pub fn look(ring: &KeyRing, token: &str) -> Option<(String, Result<Claims, Refused>)> {
    let parsed = take_apart(token).ok()?;
    let typ = parsed.typ().to_ascii_lowercase();
    Some((typ, check_own(ring, &parsed).map(|()| parsed.payload)))
}

fn check_own(ring: &KeyRing, parsed: &Parsed<'_>) -> Result<(), Refused> {
    let kid = parsed.header_text("kid").unwrap_or_default();
    let key = ring.find(kid).ok_or_else(|| refuse("it was not signed with a key of this server"))?;
    if parsed.algorithm() != Some(key.algorithm) {
        return Err(malformed());
    }
    key.verifier.verify(parsed.signed.as_bytes(), &parsed.signature).map_err(|_| refuse("the signature is not valid"))
}

/// Verifies an access token with the published keys (RFC 9068 §4). Its `typ` must be that of access tokens: an API that asks for
/// another one has to distinguish its tokens by their audience.
///
/// # Errors
/// [`Refused`], with what was expected.
pub fn access_token(jwks: &Value, token: &str, expected: &Expected<'_>) -> Result<Claims, Refused> {
    let parsed = take_apart(token).ok().filter(|parsed| is_access_token_typ(parsed.typ())).ok_or_else(malformed)?;
    let algorithm = parsed.algorithm().ok_or_else(malformed)?;
    let kid = parsed.header_text("kid");
    let keys = jwks.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let published = keys.iter().find(|key| kid.is_some() && key.get("kid").and_then(Value::as_str) == kid);
    let published = published.and_then(Value::as_object).ok_or_else(|| refuse("the key that signed it is not published"))?;
    let jwk = Jwk::from_map(published.clone()).map_err(|_| refuse("the published key is malformed"))?;
    if published.get("alg").and_then(Value::as_str) != Some(algorithm.as_str()) {
        return Err(refuse("alg: the published key is for another algorithm"));
    }
    let verifier = algorithms::verifier(algorithm, &jwk).map_err(|_| refuse("the published key is malformed"))?;
    verifier.verify(parsed.signed.as_bytes(), &parsed.signature).map_err(|_| refuse("the signature is not valid"))?;
    let claims = parsed.payload;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(refuse(&format!("iss: expected '{}'", expected.issuer)));
    }
    if !names_audience(&claims, expected.audience) {
        return Err(refuse(&format!("aud: expected '{}' among the audiences", expected.audience)));
    }
    if is_expired(&claims, expected.now_seconds) {
        return Err(refuse("the token has expired"));
    }
    Ok(claims)
}

/// Every audience of a token (RFC 7519 §4.1.3).
pub fn audiences(claims: &Claims) -> impl Iterator<Item = &str> {
    let (one, several) = match claims.get("aud") {
        Some(Value::Array(several)) => (None, several.as_slice()),
        one => (one, [].as_slice()),
    };
    one.into_iter().chain(several).filter_map(Value::as_str)
}

/// Whether `aud` is or contains the audience.
#[must_use]
pub fn names_audience(claims: &Claims, audience: &str) -> bool {
    audiences(claims).any(|one| one == audience)
}

/// Whether it is past `exp`; a token without one counts as expired.
#[must_use]
pub fn is_expired(claims: &Claims, now_seconds: i64) -> bool {
    claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| now_seconds >= exp)
}

/// The key id that a token claims, before anything is verified: only its header is parsed.
#[must_use]
pub fn named_key(token: &str) -> Option<String> {
    let header = read_header(token.split_once('.')?.0).ok()?;
    header.get("kid").and_then(Value::as_str).map(str::to_owned)
}

/// Parses a compact JWS (RFC 7515 §7.1). Critical extensions are not supported (§4.1.11).
pub(super) fn take_apart(token: &str) -> Result<Parsed<'_>, Refused> {
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
    let header = read_header(header)?;
    Ok(Parsed { payload: object(payload)?, signature: decode(signature)?, header, signed })
}

fn read_header(part: &str) -> Result<Claims, Refused> {
    object(part).ok().filter(|header| !header.contains_key("crit")).ok_or_else(malformed)
}

fn object(part: &str) -> Result<Claims, Refused> {
    serde_json::from_slice(&decode(part)?).map_err(|_| malformed())
}

fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed())
}

fn malformed() -> Refused {
    refuse("it is not a signed JWT of the expected type")
}

pub(super) fn refuse(why: &str) -> Refused {
    Refused(why.to_owned())
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
