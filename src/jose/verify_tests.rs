//! Tests: which tokens are taken for what, by this server and by a resource server.

use super::*;
use crate::{
    jose::keys::generate,
    protocol::{
        oauth::api_tokens::TokenTyp,
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
    access_token_of(ring, TokenTyp::AccessToken)
}

fn access_token_of(ring: &KeyRing, typ: TokenTyp) -> String {
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
    ring.signing(Algorithm::Rs256, Timestamp::from_millis(0)).unwrap().access_token(&claims, typ).unwrap()
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
        claims: &Map::new(),
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
    let as_jwt = access_token_of(&ring, TokenTyp::Jwt);
    assert!(own(&ring, Typ::AccessToken, &as_jwt).is_ok(), "an API may ask for this typ");
    assert!(own(&ring, Typ::IdToken, &as_jwt).is_err());
    let jwks = ring.published(Timestamp::from_millis(0), Span::ZERO);
    assert!(access_token(&jwks, &as_jwt, &EXPECTED).is_err(), "a resource server of RFC 9068 takes at+jwt alone");
    let (header, rest) = token.split_once('.').unwrap();
    let header: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    for (name, value) in
        [("alg", "none"), ("alg", "HS256"), ("alg", "RS512"), ("alg", "PS256"), ("alg", "ES256"), ("kid", "other"), ("crit", "x")]
    {
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
#[test]
fn a_jwt_is_of_the_kind_whose_claims_it_has() {
    let kind = |typ: &str, names: &[&str]| Typ::of(typ, &names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect());
    let (access, id) = (["exp", "client_id", "jti", "sid"], ["exp", "at_hash", "nonce", "sid"]);
    assert_eq!(kind("at+jwt", &access), Some(Typ::AccessToken));
    assert_eq!(kind("application/AT+JWT", &[]), Some(Typ::AccessToken));
    assert_eq!((kind("JWT", &access), kind("jwt", &id)), (Some(Typ::AccessToken), Some(Typ::IdToken)));
    assert_eq!(kind("JWT", &["sub", "aud"]), None, "a signed /userinfo response");
    for names in [&["exp", "client_id"][..], &["exp", "jti"], &["exp", "client_id", "jti", "at_hash"], &["client_id", "jti"]] {
        assert_eq!(kind("JWT", names), None, "{names:?}");
    }
    for typ in ["", "logout+jwt", "token-introspection+jwt", "JWE"] {
        assert_eq!((kind(typ, &access), kind(typ, &id)), (None, None), "{typ}");
    }
}
