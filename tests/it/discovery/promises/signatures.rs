//! Signatures as promised: what the server signs, and with which algorithms. Each is tried by a client registered for it, and
//! verified by a third-party library.

use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;
use symbolon::testing::{
    jose::keys,
    protocol::{
        oauth::client::{Client, ClientKind},
        values::algorithm::Algorithm,
    },
    store::signing_keys,
};

use super::exactly;
use crate::harness::{Browser, CALLBACK, SECRET, Server, VERIFIER, both};

const TRIED: [&str; 8] = ["RS256", "PS256", "ES256", "EdDSA", "RS384", "ES384", "HS256", "none"];

/// A client for each algorithm there is, and a key for each; for others, one that is registered for none of them.
fn clients(server: &Server) -> impl Fn(&str) -> Client {
    let now = server.now();
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| **algorithm != Algorithm::Rs256) {
        let key = keys::generate(&server.app.config.secrets, *algorithm, now, now).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
    }
    server.advance(21); // until the keys are read again
    let add = |(number, name): (usize, &str)| {
        server.add_client(&format!("signed-{number}"), ClientKind::Web, |client| {
            client.settings.signing_alg = Algorithm::from_name(name).unwrap_or_default();
            client.settings.userinfo_signed = true;
        })
    };
    let clients: Vec<_> = TRIED.into_iter().enumerate().map(add).collect();
    move |name| clients[TRIED.iter().position(|tried| *tried == name).unwrap()].clone()
}

/// Whether this is a good JWT by this algorithm, with a published key that is for it.
fn is_good(server: &Server, token: &str, name: &str) -> bool {
    let header = jsonwebtoken::decode_header(token).unwrap();
    let set: JwkSet = serde_json::from_value(server.get(super::super::JWKS, &[]).json).unwrap();
    let jwk = set.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap();
    let published = serde_json::to_value(jwk.common.key_algorithm).unwrap();
    assert_eq!(published, format!("{:?}", header.alg).as_str());
    published == name
}

#[test]
fn signatures_of_the_server() {
    both(|server| {
        server.add_user("alice");
        let client = clients(server);
        let basic = |client: &Client| {
            use base64::{Engine, engine::general_purpose::STANDARD};
            format!("Basic {}", STANDARD.encode(format!("{}:{SECRET}", client.id)))
        };
        let tokens = |name: &str| {
            let client = client(name);
            let code = Browser::new(server).code(&client, "alice", "openid email");
            let form =
                [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
            (server.token(&form, &[("Authorization", &basic(&client))]), client)
        };
        exactly(server, "id_token_signing_alg_values_supported", &TRIED, |name| {
            let (tokens, _) = tokens(name);
            let good = is_good(server, tokens.text("id_token"), name);
            assert_eq!(is_good(server, tokens.text("access_token"), name), good, "access tokens are signed alike");
            good
        });
        exactly(server, "userinfo_signing_alg_values_supported", &TRIED, |name| {
            let (tokens, _) = tokens(name);
            let bearer = format!("Bearer {}", tokens.text("access_token"));
            let page = server.send("GET", "/userinfo", &[("Authorization", &bearer)], None);
            assert_eq!(page.header("content-type"), Some("application/jwt"));
            is_good(server, &page.body, name)
        });
        exactly(server, "introspection_signing_alg_values_supported", &TRIED, |name| {
            let (tokens, client) = tokens(name);
            let headers = [("Authorization", &*basic(&client)), ("Accept", "application/token-introspection+jwt")];
            let form = crate::harness::encode(&[("token", tokens.text("access_token"))]);
            let page = server.send("POST", "/introspect", &headers, Some(&form));
            assert_eq!(page.header("content-type"), Some("application/token-introspection+jwt"), "{page:?}");
            is_good(server, &page.body, name)
        });
    });
}
