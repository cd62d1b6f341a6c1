//! Requests that name something that is not theirs, or does not exist: what is read ahead is never trusted. Nobody gets a 5xx,
//! nobody learns anything, and the judged grant is the one of the credential.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use symbolon::testing::{protocol::oauth::client::Client, store::grants};

use crate::harness::{Answer, Browser, CALLBACK, INACTIVE, Server, VERIFIER, basic, both, claims_of, encode, grant_of};

const SCOPE: &str = "openid offline_access";

fn generation(server: &Server, tokens: &Answer) -> u32 {
    let grant = grant_of(tokens);
    server.store(|connection| grants::find(connection, grant)).unwrap().grant.generation
}

/// A token with another payload, and the signature it had.
fn forged(token: &str, jti: &Value) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let mut claims = claims_of(token);
    claims["jti"] = jti.clone();
    parts[1] = URL_SAFE_NO_PAD.encode(claims.to_string());
    parts.join(".")
}

#[test]
fn names_of_clients_that_no_database_takes() {
    both(|server| {
        server.add_user("alice");
        let web = server.add_web("web");
        let mut browser = Browser::new(server);
        browser.code(&web, "alice", SCOPE);
        let long = "x".repeat(16 * 1024);
        for id in ["\0", "web\0", "\0web", "web\u{7f}", "wéb", "", "web ", &long[..200], &long[..8000], &long] {
            let case = id.chars().take(10).collect::<String>();
            let url =
                format!("/authorize?{}", encode(&[("client_id", id), ("redirect_uri", CALLBACK), ("response_type", "code")]));
            for page in [browser.get(&url), Browser::new(server).get(&url)] {
                assert!((400..500).contains(&page.status), "{case:?}: {page:?}");
                assert!(!page.headers.iter().any(|(name, _)| name == "location"), "{case:?}: {page:?}");
            }
            for path in ["/token", "/introspect", "/revoke"] {
                let form =
                    encode(&[("grant_type", "client_credentials"), ("token", "x"), ("client_id", id), ("client_secret", "x")]);
                let header = basic(id, "x");
                let by_header = encode(&[("grant_type", "client_credentials"), ("token", "x")]);
                let headers = [("Authorization", header.as_str())];
                // A header may be too large for the library that reads it.
                for page in [
                    server.send("POST", path, &[], Some(&form)),
                    server.send("POST", path, if id.len() < 10_000 { &headers } else { &[] }, Some(&by_header)),
                ] {
                    assert!((400..500).contains(&page.status), "{path} {case:?}: {page:?}");
                }
                server.advance(61); // wrong secrets are slowed
            }
        }
        assert!(browser.get(&Browser::request(&web, SCOPE, &[])).location().contains("code="));
    });
}

#[test]
fn tokens_that_say_they_are_of_another_grant() {
    both(|server| {
        for name in ["alice", "bob"] {
            server.add_user(name);
        }
        server.add_apis();
        let (web, other) = (server.add_web("web"), server.add_web("other"));
        let (own, foreign) = (server.tokens_as(&web, "alice", SCOPE), server.tokens_as(&other, "bob", SCOPE));
        let token = own.text("access_token");
        let grant = grant_of(&foreign).to_string();
        let long = format!("{grant}.{}", "a".repeat(5000));
        for jti in [
            json!(claims_of(foreign.text("access_token"))["jti"]),
            json!(format!("{grant}.")),
            json!(grant),
            json!("\0"),
            json!(format!("{grant}.\0")),
            json!(format!("{grant}\0.x")),
            json!(long),
            json!("x".repeat(5000)),
            json!(7),
            json!(null),
            json!([claims_of(token)["jti"]]),
            json!({"jti": "x"}),
            json!(format!("{}.x", "0".repeat(32))),
            json!(format!("{}.x", "f".repeat(32))),
            json!("\u{1f600}.x"),
        ] {
            let forged = forged(token, &jti);
            for asker in ["web", "other", "notes"] {
                assert_eq!(server.introspect(asker, &forged).body, INACTIVE, "{asker} {jti}");
            }
            let info = server.userinfo(&forged);
            assert!(info.status == 401 && info.json["sub"].is_null(), "{jti}: {info:?}");
            assert_eq!(server.revoke("web", &forged).status, 200, "{jti}: not a token of ours");
        }
        // Nothing was done to either.
        for (tokens, client) in [(&own, &web), (&foreign, &other)] {
            assert!(server.is_active(&client.id, tokens.text("access_token")));
            assert_eq!(server.refresh_as(client, tokens.text("refresh_token"), &[]).status, 200);
        }
    });
}

#[test]
fn the_credential_decides_which_grant_is_judged() {
    both(|server| {
        for name in ["alice", "bob"] {
            server.add_user(name);
        }
        let (web, other) = (server.add_web("web"), server.add_web("other"));
        let code = |client: &Client, user: &str| Browser::new(server).code(client, user, SCOPE);
        let foreign = server.tokens_as(&other, "bob", SCOPE);
        let foreign_token = foreign.text("refresh_token");

        // A refresh token comes along with a code: what is read ahead is not what is judged.
        let redeemed = server.redeem_as(&web, &code(&web, "alice"), &[("refresh_token", foreign_token)]);
        assert_eq!(redeemed.status, 200, "{redeemed:?}");
        let alice = claims_of(redeemed.text("access_token"))["sub"].clone();
        assert_ne!(alice, claims_of(foreign.text("access_token"))["sub"]);
        assert_eq!(claims_of(redeemed.text("access_token"))["client_id"], "web");
        let more = [("code", code(&other, "bob")), ("redirect_uri", CALLBACK.into()), ("code_verifier", VERIFIER.into())];
        let more: Vec<_> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refreshed = server.refresh_as(&web, redeemed.text("refresh_token"), &more);
        assert_eq!((refreshed.status, &claims_of(refreshed.text("access_token"))["sub"]), (200, &alice), "{refreshed:?}");
        assert_eq!(generation(server, &refreshed), 2);
        assert_eq!(server.redeem_as(&other, more[0].1, &[]).status, 200, "that code was not touched");

        // Another's credentials.
        for answer in [
            server.refresh_as(&web, foreign_token, &[]),
            server.redeem_as(&web, &code(&other, "bob"), &[]),
            server.redeem_as(&web, foreign_token, &[]),
        ] {
            assert_eq!((answer.status, answer.error()), (400, "invalid_grant"), "{answer:?}");
            assert!(answer.json["access_token"].is_null() && !answer.json.to_string().contains("bob"), "{answer:?}");
        }
        assert_eq!(server.introspect("web", foreign_token).body, INACTIVE);
        assert_eq!(Answer::of(server.revoke("web", foreign_token)).error(), "invalid_request");
        assert_eq!(generation(server, &foreign), 1);
        assert_eq!(server.refresh_as(&other, foreign_token, &[]).status, 200, "it was never touched");
    });
}
