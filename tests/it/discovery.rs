//! Discovery (OpenID Connect Discovery §3, RFC 8414 §2): the documents themselves. Whether what they promise works is `promises`;
//! an issuer with a path is `base`.

mod base;
mod promises;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use symbolon::testing::{
    jose::keys,
    protocol::values::{algorithm::Algorithm, time::Span},
    store::signing_keys,
};

use crate::harness::{Page, Server, both};

const DOCUMENTS: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
const JWKS: &str = "/.well-known/jwks.json";
/// What a new installation signs with.
const ALGORITHMS: [&str; 2] = ["RS256", "ES256"];
/// What clients may sign with: Ed25519 by both of its names (RFC 9864).
const OF_CLIENTS: [&str; 5] = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];

/// The whole document: whoever adds or removes a value changes it here, and shows in `promises` that it works.
fn expected(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "scopes_supported": ["openid", "profile", "email", "address", "phone", "roles", "groups", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": OF_CLIENTS,
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": OF_CLIENTS,
        "introspection_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": OF_CLIENTS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": [
            "urn:symbolon:acr:password",
            "urn:symbolon:acr:two-factors",
            "urn:symbolon:acr:phishing-resistant",
            "urn:symbolon:acr:hardware",
        ],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ALGORITHMS,
        "userinfo_signing_alg_values_supported": ALGORITHMS,
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
            "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
            "gender", "birthdate", "zoneinfo", "locale", "updated_at", "email", "email_verified", "address", "phone_number",
            "phone_number_verified", "roles", "groups",
        ],
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    })
}

fn document(server: &Server) -> Value {
    server.get(DOCUMENTS[0], &[]).json
}

#[test]
fn both_documents_say_the_same_and_everything_required() {
    both(|server| {
        let [one, two] = DOCUMENTS.map(|path| server.send("GET", path, &[], None));
        assert_eq!(one.body, two.body);
        for page in [&one, &two] {
            assert_eq!((page.status, page.header("content-type")), (200, Some("application/json")));
        }
        let document: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!(document, expected(&server.url));
        // Discovery §3, RFC 8414 §2, RFC 9207 §3.
        for required in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
            "authorization_response_iss_parameter_supported",
        ] {
            assert!(document.get(required).is_some(), "{required}");
        }
        assert!(one.body.contains(&format!("\"issuer\":\"{}\"", server.url)), "byte for byte");
    });
}

#[test]
fn who_has_a_document_is_told_that_it_has_not_changed() {
    both(|server| {
        for (path, max_age) in [(DOCUMENTS[0], 3600), (DOCUMENTS[1], 3600), (JWKS, 300)] {
            let page = server.send("GET", path, &[], None);
            let tag = page.header("etag").unwrap().to_owned();
            let caching = format!("public, max-age={max_age}");
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
            assert_eq!(page.header("cache-control"), Some(&*caching));
            for known in [&tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
                let page = server.send("GET", path, &[("If-None-Match", known)], None);
                assert_eq!((page.status, &*page.body), (304, ""), "{known}");
                assert_eq!((page.header("etag"), page.header("cache-control")), (Some(&*tag), Some(&*caching)));
            }
            for other in ["\"other\"", "", &tag[1..], &tag.to_lowercase()] {
                assert_eq!(server.send("GET", path, &[("If-None-Match", other)], None).status, 200, "{other}");
            }
            let head = server.send("HEAD", path, &[], None);
            assert_eq!((head.status, &*head.body, head.header("etag")), (200, "", Some(&*tag)));
            for method in ["POST", "PUT", "DELETE"] {
                let page = server.send(method, path, &[], Some(""));
                assert_eq!((page.status, page.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method} {path}");
            }
        }
    });
}

#[test]
fn an_algorithm_is_listed_once_its_first_key_signs() {
    both(|server| {
        let listed = || {
            let document = document(server);
            let lists = ["id_token", "userinfo", "introspection"]
                .map(|what| document[format!("{what}_signing_alg_values_supported")].clone());
            assert!(lists.iter().all(|list| *list == lists[0]), "{document}");
            serde_json::from_value::<Vec<String>>(lists[0].clone()).unwrap()
        };
        assert_eq!(listed(), ALGORITHMS);
        let tag = server.send("GET", DOCUMENTS[0], &[], None).header("etag").unwrap().to_owned();
        let (now, secrets) = (server.now(), &server.app.config.secrets);
        let signs_from = now.plus(server.app.config.lifetimes.signing_key_activation_delay);
        let key = keys::generate(secrets, Algorithm::EdDsa, now, signs_from).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
        server.advance(21);
        let set = server.get(JWKS, &[]).json;
        assert_eq!(set["keys"].as_array().unwrap().len(), 3, "published first");
        assert_eq!(listed(), ALGORITHMS, "no client can have it yet");
        server.advance(86_400);
        assert_eq!(listed(), ["RS256", "ES256", "EdDSA"]);
        let page = server.send("GET", DOCUMENTS[0], &[("If-None-Match", &tag)], None);
        assert_eq!(page.status, 200, "and the document has another tag");
    });
}

#[test]
fn the_key_set_changes_its_tag_with_its_keys() {
    both(|server| {
        let tag = |page: Page| page.header("etag").unwrap().to_owned();
        let before = tag(server.send("GET", JWKS, &[], None));
        let now = server.now();
        let key = keys::generate(&server.app.config.secrets, Algorithm::Rs256, now, now.plus(Span::from_seconds(900))).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
        server.advance(21);
        let page = server.send("GET", JWKS, &[("If-None-Match", &before)], None);
        assert_eq!(page.status, 200);
        assert_ne!(tag(page), before);
    });
}

#[test]
fn the_key_set_holds_public_members_alone() {
    both(|server| {
        let set = server.get(JWKS, &[]).json;
        assert_eq!(set.as_object().unwrap().keys().collect::<Vec<_>>(), ["keys"]);
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2, "RS256 first, then ES256");
        let by_es256: Vec<_> = keys[1].as_object().unwrap().keys().collect();
        assert_eq!(by_es256, ["kty", "use", "alg", "kid", "y", "x", "crv"]);
        let key = keys[0].as_object().unwrap();
        assert_eq!(key.keys().collect::<Vec<_>>(), ["kty", "use", "alg", "kid", "n", "e"]);
        assert_eq!(
            (&key["kty"], &key["use"], &key["alg"], &key["e"]),
            (&json!("RSA"), &json!("sig"), &json!("RS256"), &json!("AQAB"))
        );
        let (n, e) = (key["n"].as_str().unwrap(), key["e"].as_str().unwrap());
        let modulus = URL_SAFE_NO_PAD.decode(n).unwrap();
        assert!(modulus.len() == 256 && modulus[0] >= 0x80, "2048 bits");
        let thumbprint = Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)); // RFC 7638 §3
        assert_eq!(key["kid"], URL_SAFE_NO_PAD.encode(thumbprint));
    });
}
