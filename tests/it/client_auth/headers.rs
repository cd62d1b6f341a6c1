//! The headers and signatures of assertions (RFC 8725 §3): only the client's registered keys decide, each by its own algorithm,
//! whatever a header requests.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer as Mac};
use serde_json::{Value, json};
use symbolon::testing::protocol::oauth::client::ClientKeySource;

use super::{
    ENDPOINTS, add_asserting, assert_to, passed, refused,
    signer::{Signer, claims, set, unsigned},
};
use crate::harness::{Server, both};

/// Signed with a shared secret, as HS256 has it.
fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let text = unsigned(header, claims);
    let key = PKey::hmac(secret).unwrap();
    let mut mac = Mac::new(MessageDigest::sha256(), &key).unwrap();
    mac.update(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.sign_to_vec().unwrap()))
}

#[track_caller]
fn all_refused(server: &Server, assertions: &[String]) {
    for (number, assertion) in assertions.iter().enumerate() {
        if number % 15 == 14 {
            server.advance(61);
        }
        let answer = assert_to(server, ENDPOINTS[number % 3], assertion);
        assert_eq!((answer.status, answer.error()), (400, "invalid_client"), "{number}: {answer:?}");
    }
    server.advance(61);
}

#[test]
fn no_algorithm_but_the_keys_own() {
    both(|server| {
        for alg in ["RS256", "ES256", "EdDSA"] {
            let key = Signer::new(alg);
            let id = alg.to_lowercase();
            add_asserting(server, &id, ClientKeySource::Inline(key.set()));
            let late = |mut claims: Value| {
                claims["exp"] = json!(server.now().seconds() + 900);
                claims
            };
            let claims = || late(claims(server, &id));
            let none = json!({"alg": "none"});
            let mut wrong = vec![
                format!("{}.", unsigned(&none, &claims())),
                format!("{}.AAAA", unsigned(&none, &claims())),
                key.sign(none, &claims()),
            ];
            let pem = key.public_pem.clone();
            let der = PKey::public_key_from_pem(&pem).unwrap().public_key_to_der().unwrap();
            let text = key.public.to_string();
            let first = ["n", "x"].iter().find_map(|name| key.public.get(name)).unwrap().as_str().unwrap();
            let raw = URL_SAFE_NO_PAD.decode(first).unwrap();
            for secret in [pem.as_slice(), pem.trim_ascii_end(), &der, text.as_bytes(), first.as_bytes(), &raw, b""] {
                if !secret.is_empty() {
                    wrong.push(hs256(&json!({"alg": "HS256", "typ": "JWT"}), &claims(), secret));
                }
            }
            for other in ["None", "HS256", "RS384", "RS512", "ES384", "ES256K", "Ed448", "RSA-OAEP", "", "rs256", "PS512"] {
                wrong.push(key.sign(json!({"alg": other}), &claims()));
            }
            for other in ["RS256", "PS256", "ES256", "EdDSA"] {
                if other != alg {
                    wrong.push(key.sign(json!({"alg": other}), &claims()));
                }
            }
            wrong.push(key.sign(json!({"alg": 7}), &claims()));
            all_refused(server, &wrong);
            let answer = assert_to(server, "/token", &key.good(server, &id));
            assert!(passed(&answer), "{alg}: {answer:?}");
        }
    });
}

#[test]
fn one_key_for_rsa_is_good_for_both_paddings_unless_it_says_which() {
    both(|server| {
        let (rs, ps) = (Signer::new("RS256"), Signer::new("PS256"));
        add_asserting(server, "both", ClientKeySource::Inline(rs.set()));
        for key in [&rs, &ps] {
            assert!(passed(&assert_to(server, "/token", &key.good(server, "both"))));
        }
        let mut bound = Signer::new("RS256");
        bound.public["alg"] = "PS256".into();
        add_asserting(server, "bound", ClientKeySource::Inline(bound.set()));
        assert!(passed(&assert_to(server, "/token", &ps.good(server, "bound"))));
        refused(&assert_to(server, "/token", &rs.good(server, "bound")));
    });
}

#[test]
fn the_header_brings_no_key_and_no_other_kind_of_token() {
    both(|server| {
        let (key, outsider) = (Signer::new("ES256").named("one"), Signer::new("ES256").named("one"));
        let second = Signer::new("ES256").named("two");
        add_asserting(server, "app", ClientKeySource::Inline(set(&[&key, &second])));
        let claims = || {
            let mut claims = claims(server, "app");
            claims["exp"] = json!(server.now().seconds() + 900);
            claims
        };
        let good = key.sign(json!({"kid": "one"}), &claims());
        let (text, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = text.split_once('.').unwrap();
        let mut wrong = vec![
            key.sign(json!({"kid": "two"}), &claims()),
            key.sign(json!({"kid": "three"}), &claims()),
            key.sign(json!({"kid": "ONE"}), &claims()),
            key.sign(json!({"kid": "one", "crit": ["exp"]}), &claims()),
            key.sign(json!({"kid": "one", "b64": false, "crit": ["b64"]}), &claims()),
            outsider.sign(json!({"kid": "one"}), &claims()),
            outsider.sign(json!({}), &claims()),
            outsider.sign(json!({"kid": "one", "jwk": outsider.public}), &claims()),
            outsider.sign(json!({"jwk": outsider.public}), &claims()),
            outsider.sign(json!({"kid": "one", "jku": "https://evil.example/keys"}), &claims()),
            outsider.sign(json!({"kid": "one", "x5u": "https://evil.example/cert"}), &claims()),
            outsider.sign(json!({"kid": "one", "x5c": ["AAAA"]}), &claims()),
            text.to_owned(),
            format!("{text}."),
            format!("{text}.{}", &signature[1..]),
            format!("{text}.{signature}="),
            format!("{good}."),
            format!(".{payload}.{signature}"),
            format!("{header}..{signature}"),
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims().to_string())),
        ];
        for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "JOSE", "dpop+jwt", "id_token", "JWE", ""] {
            wrong.push(key.sign(json!({"kid": "one", "typ": typ}), &claims()));
        }
        all_refused(server, &wrong);
        for typ in ["JWT", "jwt", "application/jwt", "client-authentication+jwt", "application/client-authentication+jwt"] {
            let answer = assert_to(server, "/token", &key.sign(json!({"kid": "one", "typ": typ}), &claims()));
            assert!(passed(&answer), "{typ}: {answer:?}");
        }
        for header in
            [json!({}), json!({"kid": "one"}), json!({"kid": "one", "jwk": outsider.public, "jku": "https://x.example"})]
        {
            let answer = assert_to(server, "/token", &key.sign(header.clone(), &claims()));
            assert!(passed(&answer), "{header}: {answer:?}");
        }
        assert!(passed(&assert_to(server, "/token", &good)), "nothing that was refused used it up");
    });
}
