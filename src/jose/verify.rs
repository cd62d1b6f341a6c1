//! Verifying tokens: our own (an access token at `/userinfo`, an ID token as a hint), and an access token as
//! a resource server does, with nothing but the published keys (RFC 9068 §4). The algorithm is the key's,
//! never the token's; `jku`, `x5u` and `jwk` in a header are not read (RFC 8725 §3.1, §3.5).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{JwsVerifier, RS256},
};
use serde_json::{Map, Value};

use super::keys::KeyRing;

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// Which kind of token is expected; one can never pass for another (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typ {
    /// `at+jwt` (RFC 9068 §2.1).
    AccessToken,
    /// `JWT`.
    IdToken,
}

/// Why a token is refused, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a resource server expects of an access token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer it trusts.
    pub issuer: &'a str,
    /// Its own name.
    pub audience: &'a str,
    /// The time, in seconds.
    pub now_seconds: i64,
}

/// A token taken apart, not yet verified.
struct Parsed<'a> {
    header: Claims,
    payload: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Verifies the signature and the kind of a token of this server. Neither its end nor its audience is
/// looked at: that depends on what it is for.
///
/// # Errors
/// [`Refused`].
pub fn own(ring: &KeyRing, typ: Typ, token: &str) -> Result<Claims, Refused> {
    let parsed = parse(token, typ)?;
    let kid = parsed.header.get("kid").and_then(Value::as_str).unwrap_or_default();
    let key = ring.find(kid).ok_or_else(|| refuse("the key that signed it is not one of this server"))?;
    key.verifier.verify(parsed.signed.as_bytes(), &parsed.signature).map_err(|_| refuse("the signature is not valid"))?;
    Ok(parsed.payload)
}

/// Verifies an access token with the published keys (RFC 9068 §4).
///
/// # Errors
/// [`Refused`], saying what was expected.
pub fn access_token(jwks: &Value, token: &str, expected: &Expected<'_>) -> Result<Claims, Refused> {
    let parsed = parse(token, Typ::AccessToken)?;
    let kid = parsed.header.get("kid").and_then(Value::as_str);
    let keys = jwks.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let published = keys.iter().find(|key| kid.is_some() && key.get("kid").and_then(Value::as_str) == kid);
    let published =
        published.and_then(Value::as_object).ok_or_else(|| refuse("the key that signed it is not among the published keys"))?;
    let jwk = Jwk::from_map(published.clone()).map_err(|_| refuse("the published key is malformed"))?;
    let verifier = RS256.verifier_from_jwk(&jwk).map_err(|_| refuse("the published key is not one for RS256"))?;
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

/// Whether `aud` is or contains the audience (RFC 7519 §4.1.3).
#[must_use]
pub fn names_audience(claims: &Claims, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// Whether `exp` has come; a token without one counts as expired.
#[must_use]
pub fn is_expired(claims: &Claims, now_seconds: i64) -> bool {
    claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| now_seconds >= exp)
}

fn parse(token: &str, typ: Typ) -> Result<Parsed<'_>, Refused> {
    let malformed = || refuse("it is not a signed JWT of this kind");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
    let object = |part: &str| serde_json::from_slice::<Claims>(&decode(part)?).map_err(|_| malformed());
    let header = object(header)?;
    let member = |name: &str| header.get(name).and_then(Value::as_str);
    let kind = match member("typ").map(str::to_ascii_lowercase).as_deref() {
        Some("at+jwt" | "application/at+jwt") => Some(Typ::AccessToken),
        Some("jwt") => Some(Typ::IdToken),
        _ => None,
    };
    if kind != Some(typ) || member("alg") != Some("RS256") || header.contains_key("crit") {
        return Err(malformed());
    }
    Ok(Parsed { payload: object(payload)?, signature: decode(signature)?, header, signed })
}

fn refuse(why: &str) -> Refused {
    Refused(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        jose::keys::generate,
        protocol::{
            claims::{AccessToken, Audience, IdToken},
            secrets::SecretRing,
            time::{Span, Timestamp},
        },
    };

    fn ring() -> KeyRing {
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let row = generate(&secrets, Timestamp::from_millis(0), Timestamp::from_millis(0)).unwrap();
        KeyRing::open(&[row], &secrets, &KeyRing::default()).unwrap()
    }

    fn access(ring: &KeyRing) -> String {
        let claims = AccessToken {
            iss: "https://id.example.com",
            sub: "s".into(),
            aud: Audience::Several(vec!["https://api.example.com".into(), "https://id.example.com".into()]),
            client_id: "c",
            exp: 100,
            iat: 0,
            jti: "j".into(),
            scope: "openid".into(),
            auth_time: 0,
            sid: "d".into(),
        };
        ring.signing(Timestamp::from_millis(0)).unwrap().access_token(&claims).unwrap()
    }

    const EXPECTED: Expected<'_> =
        Expected { issuer: "https://id.example.com", audience: "https://api.example.com", now_seconds: 99 };

    #[test]
    fn a_resource_server_takes_good_tokens_and_says_what_is_wrong_with_others() {
        let ring = ring();
        let jwks = ring.published(Timestamp::from_millis(0), Span::ZERO);
        let token = access(&ring);
        assert_eq!(access_token(&jwks, &token, &EXPECTED).unwrap()["client_id"], "c");
        for (expected, words) in [
            (Expected { issuer: "https://other.example", ..EXPECTED }, "iss"),
            (Expected { audience: "https://other.example", ..EXPECTED }, "aud"),
            (Expected { now_seconds: 100, ..EXPECTED }, "expired"),
        ] {
            assert!(access_token(&jwks, &token, &expected).unwrap_err().0.contains(words));
        }
        let other = super::tests::ring().published(Timestamp::from_millis(0), Span::ZERO);
        assert!(access_token(&other, &token, &EXPECTED).is_err(), "another server's keys");
    }

    #[test]
    fn one_kind_never_passes_for_another_and_the_algorithm_is_ours() {
        let ring = ring();
        let id_claims = IdToken {
            iss: "i",
            sub: "s".into(),
            aud: "c",
            exp: 1,
            iat: 0,
            auth_time: 0,
            nonce: None,
            at_hash: "h".into(),
            sid: "d".into(),
        };
        let id_token = ring.signing(Timestamp::from_millis(0)).unwrap().id_token(&id_claims).unwrap();
        let token = access(&ring);
        assert!(own(&ring, Typ::IdToken, &id_token).is_ok());
        assert!(own(&ring, Typ::AccessToken, &id_token).is_err());
        assert!(own(&ring, Typ::IdToken, &token).is_err());
        assert!(own(&ring, Typ::AccessToken, &token).is_ok());
        let (header, rest) = token.split_once('.').unwrap();
        let header: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        for (name, value) in
            [("alg", "none"), ("alg", "HS256"), ("alg", "RS512"), ("typ", "JWT"), ("kid", "other"), ("crit", "x")]
        {
            let mut forged = header.clone();
            forged.insert(name.into(), value.into());
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(Value::Object(forged).to_string()));
            assert!(own(&ring, Typ::AccessToken, &forged).is_err(), "{name}={value}");
        }
        for garbage in ["", ".", "..", "a.b.c", &token[..token.len() - 4], &format!("{token}x")] {
            assert!(own(&ring, Typ::AccessToken, garbage).is_err(), "{garbage}");
        }
    }
}
