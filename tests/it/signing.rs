//! The server's signatures by each algorithm (RFC 7518 §3, RFC 8037): ID and access tokens are verified by third-party libraries,
//! with only the published keys. New, retired and missing keys are `keys`.

mod keys;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};
use symbolon::testing::{
    jose,
    protocol::{
        oauth::client::{Client, ClientKind},
        values::algorithm::Algorithm,
    },
    store::signing_keys,
};

use crate::harness::{API, Answer, Browser, Server, both, claims_of, databases, node_with_input, python};

/// Makes a key that signs at once, unless there is one of this algorithm; as another process would, by the database alone.
pub fn add_key(server: &Server, algorithm: Algorithm) {
    if server.store(signing_keys::all).iter().all(|row| row.algorithm != algorithm) {
        rotate(server, algorithm);
    }
}

/// Makes a key that signs at once; its id.
fn rotate(server: &Server, algorithm: Algorithm) -> String {
    let now = server.now();
    let key = jose::keys::generate(&server.app.config.secrets, algorithm, now, now).unwrap();
    server.store(|connection| signing_keys::insert(connection, &key));
    key.kid
}

/// A client that is registered for an algorithm.
fn client(server: &Server, algorithm: Algorithm) -> Client {
    server.add_client(&format!("by-{}", algorithm.as_str()), ClientKind::Spa, |client| client.settings.signing_alg = algorithm)
}

fn header(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

/// The published key that a token names.
fn published(server: &Server, token: &str) -> Value {
    let set = server.get("/.well-known/jwks.json", &[]).json;
    let kid = &header(token)["kid"];
    let found: Vec<_> = set["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == *kid).cloned().collect();
    assert_eq!(found.len(), 1, "{kid} in {set}");
    found[0].clone()
}

/// The claims of a token, to one who trusts this issuer and its published keys.
#[track_caller]
fn verified(server: &Server, token: &str, audience: &str) -> Value {
    let header = jsonwebtoken::decode_header(token).unwrap();
    let set: JwkSet = serde_json::from_value(server.get("/.well-known/jwks.json", &[]).json).unwrap();
    let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[&server.url]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

/// RFC 7518 §6, RFC 8037 §2: what a public key of this algorithm consists of, and how it is named (RFC 7638 §3).
fn check_key(key: &Value, algorithm: Algorithm) {
    let (kty, crv, lengths): (_, Option<&str>, &[(&str, usize)]) = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => ("RSA", None, &[("n", 256), ("e", 3)]),
        Algorithm::Es256 => ("EC", Some("P-256"), &[("x", 32), ("y", 32)]),
        Algorithm::EdDsa => ("OKP", Some("Ed25519"), &[("x", 32)]),
    };
    assert_eq!((&key["kty"], key.get("crv"), &key["use"]), (&json!(kty), crv.map(Value::from).as_ref(), &json!("sig")), "{key}");
    assert_eq!(key["alg"], algorithm.as_str());
    for (name, length) in lengths {
        assert_eq!(URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap().len(), *length, "{name} of {key}");
    }
    let members = 4 + usize::from(crv.is_some()) + lengths.len();
    assert_eq!(key.as_object().unwrap().len(), members, "and nothing private: {key}");
    let mut required: Vec<_> = lengths.iter().map(|(name, _)| *name).chain(["kty"]).chain(crv.map(|_| "crv")).collect();
    required.sort_unstable();
    let text: Vec<_> = required.iter().map(|name| format!("\"{name}\":{}", key[*name])).collect();
    assert_eq!(key["kid"], URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{{{}}}", text.join(",")))));
}

#[test]
fn each_algorithm_signs_tokens_that_others_verify() {
    both(|server| {
        let alice = server.add_user("alice");
        for algorithm in Algorithm::ALL {
            add_key(server, *algorithm);
            let client = client(server, *algorithm);
            let code = Browser::new(server).code_of(&client, "alice", "openid offline_access notes:read", &[("nonce", "n-0S6")]);
            let tokens = server.redeem(&client, &code);
            let refreshed = server.refresh(&client, tokens.text("refresh_token"));
            let [id, access, later] = [tokens.text("id_token"), tokens.text("access_token"), refreshed.text("access_token")];
            for (token, typ, audience) in
                [(id, "JWT", &*client.id), (access, "at+jwt", API), (access, "at+jwt", &server.url), (later, "at+jwt", API)]
            {
                assert_eq!((&header(token)["alg"], &header(token)["typ"]), (&algorithm.as_str().into(), &typ.into()));
                assert_eq!(header(token).as_object().unwrap().len(), 3, "alg, typ, kid");
                assert_eq!(verified(server, token, audience)["sub"], alice.claims.id.to_string());
                check_key(&published(server, token), *algorithm);
            }
            // Core 3.1.3.6: the left half of the hash that the algorithm signs with; Ed25519 with SHA-512 (RFC 8032 §5.1).
            let half = match algorithm {
                Algorithm::EdDsa => Sha512::digest(access)[..32].to_vec(),
                _ => Sha256::digest(access)[..16].to_vec(),
            };
            assert_eq!(claims_of(id)["at_hash"], URL_SAFE_NO_PAD.encode(half));
            assert_eq!((server.userinfo(access).status, server.userinfo(later).status), (200, 200));
            // What it issued comes back as a hint.
            let mut home = Browser::new(server);
            home.code(&client, "alice", "openid");
            let page = home.get(&Browser::request(&client, "openid", &[("id_token_hint", id), ("prompt", "none")]));
            assert!(crate::harness::query_of(page.location()).contains_key("code"), "{page:?}");
        }
        let set = server.get("/.well-known/jwks.json", &[]).json;
        assert_eq!(set["keys"].as_array().unwrap().len(), 4);
    });
}

/// A token with another header or payload, and its old signature.
fn altered(token: &str, name: &str, value: &Value) -> String {
    let (head, rest) = token.split_once('.').unwrap();
    let mut head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    head[name] = value.clone();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head.to_string()))
}

/// The token with one character of its signature changed.
fn broken(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

#[test]
fn a_token_with_another_algorithm_or_key_in_its_header_is_refused() {
    both(|server| {
        server.add_user("alice");
        let tokens: Vec<_> = Algorithm::ALL
            .iter()
            .map(|algorithm| {
                add_key(server, *algorithm);
                server.tokens(&client(server, *algorithm), "alice", "openid notes:read").text("access_token").to_owned()
            })
            .collect();
        let refused = |token: &str, what: &str| {
            let answer: Answer = server.userinfo(token);
            assert_eq!((answer.status, answer.error()), (401, "invalid_token"), "{what}: {answer:?}");
        };
        for (own, token) in Algorithm::ALL.iter().zip(&tokens) {
            assert_eq!(server.userinfo(token).status, 200);
            refused(&broken(token), "a broken signature");
            for alg in ["RS256", "PS256", "ES256", "EdDSA", "Ed25519", "ES384", "RS384", "HS256", "none", "", "es256"] {
                if alg != own.as_str() {
                    refused(&altered(token, "alg", &alg.into()), alg);
                }
            }
            for (other, theirs) in Algorithm::ALL.iter().zip(&tokens) {
                if other != own {
                    let with_kid = altered(token, "kid", &header(theirs)["kid"]);
                    refused(&with_kid, "the key of another algorithm");
                    refused(&altered(&with_kid, "alg", &other.as_str().into()), "and that algorithm");
                    let (signed, _) = token.rsplit_once('.').unwrap();
                    refused(&format!("{signed}.{}", theirs.rsplit_once('.').unwrap().1), "another signature");
                }
            }
            // A signature that is empty, or zero, which some verifiers of ECDSA took (CVE-2022-21449).
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let length = URL_SAFE_NO_PAD.decode(signature).unwrap().len();
            for bytes in [vec![], vec![0; length], vec![0; 8], vec![255; length]] {
                refused(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)), "no signature");
            }
        }
    });
}

#[test]
fn jose_and_pyjwt_verify_each_algorithm() {
    for database in databases() {
        // So far behind that no token comes from the future for those who go by the right time.
        let server = Server::start_behind(&database, 40);
        server.add_user("alice");
        let mut cases = vec![];
        for algorithm in Algorithm::ALL {
            add_key(&server, *algorithm);
            let token = server.tokens(&client(&server, *algorithm), "alice", "openid notes:read").text("access_token").to_owned();
            for (token, expect) in
                [(broken(&token), "invalid"), (altered(&token, "alg", &"RS384".into()), "invalid"), (token, "valid")]
            {
                cases.push(json!({"issuer": server.url, "audience": API, "token": token, "expect": expect}));
            }
        }
        let cases = cases.into();
        node_with_input("verify_jose.mjs", &cases);
        python("verify_pyjwt.py", &cases);
    }
}
