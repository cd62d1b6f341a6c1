//! Signed responses (RFC 9701), verified by the crate `jsonwebtoken` with only the published keys.

use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;
use symbolon::testing::{
    jose::keys,
    protocol::{oauth::client::ClientKind, values::algorithm::Algorithm},
    store::signing_keys,
};

use super::{refused, stage};
use crate::harness::{API, Page, SECRET, Server, basic, both, encode};

const JWT: &str = "application/token-introspection+jwt";

fn ask(server: &Server, client: &str, token: &str, accept: &str) -> Page {
    let headers = [("Authorization", &*basic(client, SECRET)), ("Accept", accept)];
    server.send("POST", "/introspect", &headers, Some(&encode(&[("token", token)])))
}

/// The claims of a signed answer, as a resource server takes them.
fn verified(server: &Server, page: &Page, audience: &str, algorithm: jsonwebtoken::Algorithm) -> Value {
    assert_eq!((page.status, page.header("content-type")), (200, Some(JWT)), "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{page:?}");
    page.assert_no_cors();
    let header = jsonwebtoken::decode_header(&page.body).unwrap();
    assert_eq!((header.typ.as_deref(), header.alg), (Some("token-introspection+jwt"), algorithm));
    let published: JwkSet = serde_json::from_value(server.get("/.well-known/jwks.json", &[]).json).unwrap();
    let key = DecodingKey::from_jwk(published.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&server.url]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["iss", "aud"]);
    validation.validate_exp = false; // RFC 9701 §5: it has none, so that it passes for no other token
    jsonwebtoken::decode(&page.body, &key, &validation).unwrap().claims
}

#[test]
fn a_signed_answer_says_what_the_plain_one_says() {
    both(|server| {
        let (_, tokens) = stage(server);
        let now = server.now();
        let key = keys::generate(&server.app.config.secrets, Algorithm::Es256, now, now).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
        server.advance(21); // the keys are read again
        server.add_client("curve", ClientKind::Web, |client| {
            (client.settings.introspects, client.settings.signing_alg) = (vec![API.into()], Algorithm::Es256);
        });
        let mut inactive: Vec<_> = ["x", "sym_rt_x", tokens.text("id_token")].map(str::to_owned).into();
        inactive.push(ask(server, "notes", "x", JWT).body);
        for (client, algorithm) in [
            ("web", jsonwebtoken::Algorithm::RS256),
            ("notes", jsonwebtoken::Algorithm::RS256),
            ("curve", jsonwebtoken::Algorithm::ES256),
        ] {
            let living = ["access_token", "refresh_token"].map(|name| tokens.text(name).to_owned());
            for token in living.iter().chain(&inactive) {
                let claims = verified(server, &ask(server, client, token, JWT), client, algorithm);
                let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(names, ["iss", "aud", "iat", "token_introspection"]);
                assert!((claims["iat"].as_i64().unwrap() - server.now().seconds()).abs() <= 5);
                let plain: Value = serde_json::from_str(&server.introspect(client, token).body).unwrap();
                assert_eq!(claims["token_introspection"], plain, "{client} about {token}");
            }
        }
        let plain: Value = serde_json::from_str(&server.introspect("notes", tokens.text("access_token")).body).unwrap();
        assert_eq!((&plain["active"], &plain["scope"]), (&true.into(), &"notes:read".into()));
    });
}

#[test]
fn it_is_signed_where_that_is_asked_for() {
    both(|server| {
        let (_, tokens) = stage(server);
        let token = tokens.text("access_token");
        for (accept, is_signed) in [
            ("application/json", false),
            ("*/*", false),
            ("application/jwt", false),
            (JWT, true),
            ("Application/Token-Introspection+JWT", true),
            ("application/json, application/token-introspection+jwt;q=0.5", true),
        ] {
            let page = ask(server, "notes", token, accept);
            let expected = if is_signed { JWT } else { "application/json" };
            assert_eq!((page.status, page.header("content-type")), (200, Some(expected)), "{accept}: {page:?}");
        }
        let wrong = [("Authorization", &*basic("notes", "wrong")), ("Accept", JWT)];
        let page = server.send("POST", "/introspect", &wrong, Some(&encode(&[("token", token)])));
        refused(&page, 401, "invalid_client");
        assert_eq!(page.header("content-type"), Some("application/json"), "a refusal is not about a token");
    });
}

#[test]
fn a_signed_answer_passes_for_no_token() {
    both(|server| {
        let (web, tokens) = stage(server);
        let answer = ask(server, "web", tokens.text("access_token"), JWT).body;
        assert_eq!(server.userinfo(&answer).error(), "invalid_token");
        assert!(!server.is_active("web", &answer));
        assert_eq!(server.revoke("web", &answer).status, 200);
        assert!(server.is_active("web", tokens.text("access_token")), "nothing was revoked by it");
        let hint = [("prompt", "none"), ("id_token_hint", answer.as_str())];
        let page = server.send("GET", &crate::harness::Browser::request(&web, "openid", &hint), &[], None);
        assert_eq!(crate::harness::query_of(page.location())["error"], "invalid_request");
    });
}
