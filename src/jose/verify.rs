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
    /// `at+jwt` (RFC 9068 §2.1).
    AccessToken,
    /// `JWT`.
    IdToken,
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

    /// Whether it is of this kind, by its `typ`.
    fn is(&self, typ: Typ) -> bool {
        let named = match self.header_text("typ").map(str::to_ascii_lowercase).as_deref() {
            Some("at+jwt" | "application/at+jwt") => Some(Typ::AccessToken),
            // A signed `/userinfo` response is a JWT as well, but has no expiry.
            Some("jwt") if self.payload.contains_key("exp") => Some(Typ::IdToken),
            _ => None,
        };
        named == Some(typ)
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
    let parsed = take_apart(token).ok().filter(|parsed| parsed.is(typ)).ok_or_else(malformed)?;
    check_own(ring, &parsed)?;
    Ok(parsed.payload)
}

/// The `typ` of a signed JWT, in lower case, and its claims if one of this server's keys signed it; `None` for anything else. Only
/// for describing a token: to trust it, use [`own`].
#[must_use]
pub fn look(ring: &KeyRing, token: &str) -> Option<(String, Result<Claims, Refused>)> {
    let parsed = take_apart(token).ok()?;
    let typ = parsed.header_text("typ").unwrap_or_default().to_ascii_lowercase();
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

/// Verifies an access token with the published keys (RFC 9068 §4).
///
/// # Errors
/// [`Refused`], with what was expected.
pub fn access_token(jwks: &Value, token: &str, expected: &Expected<'_>) -> Result<Claims, Refused> {
    let parsed = take_apart(token).ok().filter(|parsed| parsed.is(Typ::AccessToken)).ok_or_else(malformed)?;
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
mod tests {
    use super::*;
    use crate::{
        jose::keys::generate,
        protocol::{
            oidc::claims::{AccessToken, Audience, IdToken, SignedUserInfo},
            secrets::SecretRing,
            values::time::{Span, Timestamp},
        },
    };

    fn ring() -> KeyRing {
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let row = generate(&secrets, Algorithm::Rs256, Timestamp::from_millis(0), Timestamp::from_millis(0)).unwrap();
        KeyRing::open(&[row], &secrets, &KeyRing::default()).unwrap()
    }

    fn access(ring: &KeyRing) -> String {
        let claims = AccessToken {
            iss: "https://id.example.com",
            sub: "s",
            aud: Audience::Several(vec!["https://api.example.com".into(), "https://id.example.com".into()]),
            client_id: "c",
            exp: 100,
            iat: 0,
            jti: "j".into(),
            scope: "openid".into(),
            user: None,
        };
        ring.signing(Algorithm::Rs256, Timestamp::from_millis(0)).unwrap().access_token(&claims).unwrap()
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
        let keys = |jwks: &Value| jwks["keys"].as_array().unwrap().clone();
        let several = [keys(&other), keys(&jwks)].concat();
        let both = serde_json::json!({ "keys": several });
        assert!(access_token(&both, &token, &EXPECTED).is_ok(), "of several keys the one that the token names");
    }

    #[test]
    fn one_kind_never_passes_for_another_and_the_algorithm_is_ours() {
        let ring = ring();
        let id_claims = IdToken {
            iss: "i",
            sub: "s",
            aud: "c",
            exp: 1,
            iat: 0,
            auth_time: 0,
            nonce: None,
            acr: None,
            amr: vec![],
            at_hash: "h".into(),
            sid: "d",
            requested: Map::new(),
        };
        let id_token = ring.signing(Algorithm::Rs256, Timestamp::from_millis(0)).unwrap().id_token(&id_claims).unwrap();
        let token = access(&ring);
        let user_info = SignedUserInfo { iss: "i", aud: "c", iat: 0, claims: Map::from_iter([("sub".to_owned(), "s".into())]) };
        let user_info = ring.signing(Algorithm::Rs256, Timestamp::from_millis(0)).unwrap().user_info(&user_info).unwrap();
        assert!(own(&ring, Typ::IdToken, &user_info).is_err() && own(&ring, Typ::AccessToken, &user_info).is_err());
        assert!(own(&ring, Typ::IdToken, &id_token).is_ok());
        assert!(own(&ring, Typ::AccessToken, &id_token).is_err());
        assert!(own(&ring, Typ::IdToken, &token).is_err());
        assert!(own(&ring, Typ::AccessToken, &token).is_ok());
        let (typ, claims) = look(&ring, &token).unwrap();
        assert_eq!((typ.as_str(), &claims.unwrap()["client_id"]), ("at+jwt", &"c".into()));
        assert!(look(&super::tests::ring(), &token).unwrap().1.is_err() && look(&ring, "a.b.c").is_none());
        let (header, rest) = token.split_once('.').unwrap();
        let header: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        for (name, value) in [
            ("alg", "none"),
            ("alg", "HS256"),
            ("alg", "RS512"),
            ("alg", "PS256"),
            ("alg", "ES256"),
            ("typ", "JWT"),
            ("kid", "other"),
            ("crit", "x"),
        ] {
            let mut forged = header.clone();
            forged.insert(name.into(), value.into());
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(Value::Object(forged).to_string()));
            assert!(own(&ring, Typ::AccessToken, &forged).is_err(), "{name}={value}");
            assert_eq!(named_key(&forged).is_none(), name == "crit", "{name}={value}");
        }
        for garbage in ["", ".", "..", "a.b.c", &token[..token.len() - 4], &format!("{token}x")] {
            assert!(own(&ring, Typ::AccessToken, garbage).is_err(), "{garbage}");
        }
    }
}
