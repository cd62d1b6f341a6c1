//! Responses of `/userinfo` as signed JWTs (OpenID Connect Core §5.3.2), for clients registered for them; verified by a
//! third-party library. None is accepted as a token of another kind.

use std::collections::BTreeSet;

use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use symbolon::testing::protocol::{
    oauth::{
        client::{Client, ClientKind},
        scope::Scopes,
    },
    values::algorithm::Algorithm,
};

use super::{alice, change_client, configured};
use crate::{
    harness::{Answer, Browser, CALLBACK, Page, Server, both, both_with, claims_of, query_of},
    signing::add_key,
};

fn client(server: &Server, algorithm: Algorithm) -> Client {
    server.add_client(&format!("by-{}", algorithm.as_str()), ClientKind::Spa, |client| {
        (client.settings.signing_alg, client.settings.userinfo_signed) = (algorithm, true);
        client.settings.scope = Scopes::parse(super::ALL).unwrap();
    })
}

fn ask(server: &Server, token: &str) -> Page {
    server.send("GET", "/userinfo", &[("Authorization", &format!("Bearer {token}"))], None)
}

/// What the answer says, to a client that trusts this issuer and its published keys.
#[track_caller]
fn verified(server: &Server, page: &Page, client: &Client) -> Value {
    assert_eq!((page.status, page.header("content-type")), (200, Some("application/jwt")), "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let header = jsonwebtoken::decode_header(&page.body).unwrap();
    assert_eq!(format!("{:?}", header.alg), client.settings.signing_alg.as_str());
    assert_eq!(header.typ.as_deref(), Some("JWT"));
    let set: JwkSet = serde_json::from_value(server.get("/.well-known/jwks.json", &[]).json).unwrap();
    let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[&server.url]);
    validation.set_audience(&[&client.id]);
    validation.set_required_spec_claims(&["iss", "aud", "sub"]);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(&page.body, &key, &validation).unwrap().claims
}

#[test]
fn each_algorithm_signs_what_the_plain_answer_says() {
    both_with(configured, |server| {
        let alice = alice(server);
        for algorithm in Algorithm::ALL {
            add_key(server, *algorithm);
            let client = client(server, *algorithm);
            let tokens = server.tokens(&client, "alice", "openid profile email address roles employee");
            let received = verified(server, &ask(server, tokens.text("access_token")), &client);
            assert_eq!((&received["sub"], &received["aud"]), (&alice.claims.id.to_string().into(), &client.id.as_str().into()));
            assert!((received["iat"].as_i64().unwrap() - server.now().seconds()).abs() <= 30);
            change_client(server, &client.id, |client| client.settings.userinfo_signed = false);
            let plain = server.userinfo(tokens.text("access_token"));
            assert_eq!(plain.header("content-type"), Some("application/json"));
            let of_jwt: BTreeSet<_> = ["iss", "aud", "iat"].into();
            let received: serde_json::Map<_, _> =
                received.as_object().unwrap().clone().into_iter().filter(|(name, _)| !of_jwt.contains(name.as_str())).collect();
            assert_eq!(Value::Object(received), plain.json);
        }
    });
}

#[test]
fn it_passes_for_nothing_else() {
    both(|server| {
        alice(server);
        for algorithm in [Algorithm::Rs256, Algorithm::EdDsa] {
            add_key(server, algorithm);
            let client = client(server, algorithm);
            let mut home = Browser::new(server);
            let tokens = server.redeem(&client, &home.code(&client, "alice", "openid email"));
            let signed = ask(server, tokens.text("access_token")).body;
            assert_eq!(Answer::of(ask(server, &signed)).error(), "invalid_token");
            for prompt in ["none", ""] {
                let page = home.get(&Browser::request(&client, "openid", &[("id_token_hint", &signed), ("prompt", prompt)]));
                assert!(page.location().starts_with(CALLBACK), "{page:?}");
                assert_eq!(query_of(page.location())["error"], "invalid_request");
            }
            // Nor at sign-out, where an ID token saves the question.
            let page = home.get(&format!("/logout?{}", crate::harness::encode(&[("id_token_hint", &signed)])));
            assert_eq!(page.status, 200, "{page:?}");
            page.csrf();
            let [exp, nonce] = ["exp", "nonce"].map(|name| claims_of(&signed).get(name).cloned());
            assert_eq!((exp, nonce), (None, None), "an ID token has an end");
        }
    });
}

#[test]
fn refusals_are_plain() {
    both(|server| {
        alice(server);
        let client = client(server, Algorithm::Rs256);
        let narrow = server.tokens(&client, "alice", "email");
        for (token, status, error) in [("x", 401, "invalid_token"), (narrow.text("access_token"), 403, "insufficient_scope")] {
            let page = ask(server, token);
            assert_eq!((page.status, page.header("content-type")), (status, Some("application/json")));
            assert_eq!(Answer::of(page).error(), error);
        }
        let claims = json!({"userinfo": {"phone_number": null, "email": null}}).to_string();
        let code = Browser::new(server).code_of(&client, "alice", "openid", &[("claims", &claims)]);
        let received = verified(server, &ask(server, server.redeem(&client, &code).text("access_token")), &client);
        assert_eq!(
            received.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["iss", "aud", "iat", "sub", "email", "phone_number"]
        );
    });
}
