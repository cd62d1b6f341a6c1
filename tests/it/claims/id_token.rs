//! ID tokens on refresh (OpenID Connect Core §12.2): the same sign-in, claims as of now and of the scopes of this token, and none for a
//! client that does without.

use serde_json::{Value, json};
use symbolon::testing::protocol::{
    oauth::{
        client::{Client, IdTokenClaims},
        scope::Scopes,
    },
    oidc::claims::at_hash,
    values::algorithm::Algorithm,
};

use super::{ALL, alice, change, change_client, client, configured, some};
use crate::harness::{Answer, Browser, Server, both, both_with, claims_of};

/// A refresh with this scope.
fn narrowed(server: &Server, client: &Client, token: &str, scope: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("client_id", &client.id), ("refresh_token", token), ("scope", scope)];
    let answer = server.token(&form, &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The claims of the ID token of an answer.
#[track_caller]
fn id_token(answer: &Answer) -> Value {
    claims_of(answer.text("id_token"))
}

fn about(claims: &Value) -> Value {
    some(claims, &["name", "preferred_username", "email", "email_verified", "roles", "groups", "phone_number", "department"])
}

#[test]
fn a_refresh_has_the_id_token_of_the_same_sign_in() {
    both_with(configured, |server| {
        let mut alice = alice(server);
        let spa = client(server, "spa", ALL);
        for sector in [None, Some("app.example.com".to_owned())] {
            change_client(server, "spa", |client| client.settings.pairwise_sector.clone_from(&sector));
            let code = Browser::new(server).code_of(&spa, "alice", "openid offline_access profile email", &[("nonce", "n-0S6")]);
            let first = server.redeem(&spa, &code);
            let before = id_token(&first);
            assert_eq!(before["nonce"], "n-0S6");
            server.advance(100);
            alice.claims.email = format!("{}@example.org", if sector.is_some() { "two" } else { "one" });
            alice.claims.email_verified = false;
            change(server, &alice);
            let second = server.refresh(&spa, first.text("refresh_token"));
            let after = id_token(&second);
            for name in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
                assert!(before[name] == after[name] && !after[name].is_null(), "{name}: {after}");
            }
            assert!(after.get("nonce").is_none(), "Core §12.2 advises against it: {after}");
            assert!((100..130).contains(&(after["iat"].as_i64().unwrap() - before["iat"].as_i64().unwrap())), "{after}");
            assert_eq!(after["at_hash"], at_hash(Algorithm::Rs256, second.text("access_token")));
            assert_eq!((&after["email"], &after["email_verified"]), (&json!(alice.claims.email), &json!(false)), "as of now");
            assert_eq!(before.get("name"), after.get("name"));

            // The answer was lost: the retry has one as well.
            let again = server.refresh(&spa, first.text("refresh_token"));
            assert_eq!(again.text("refresh_token"), second.text("refresh_token"));
            let repeated = id_token(&again);
            assert_eq!(about(&repeated), about(&after));
            assert_eq!(repeated["at_hash"], at_hash(Algorithm::Rs256, again.text("access_token")));
            assert!(repeated.get("nonce").is_none(), "{repeated}");
        }
    });
}

#[test]
fn it_has_the_claims_of_the_scopes_of_this_token() {
    both_with(configured, |server| {
        alice(server);
        let spa = client(server, "spa", ALL);
        let requested = json!({"id_token": {"phone_number": null}, "userinfo": {"department": null}}).to_string();
        let scope = "openid profile email roles groups";
        let tokens = server.redeem(&spa, &Browser::new(server).code_of(&spa, "alice", scope, &[("claims", &requested)]));
        let everything = json!({
            "name": "alice Example", "preferred_username": "alice", "email": "alice@example.com", "email_verified": true,
            "roles": ["editor", "admin"], "groups": ["staff"], "phone_number": "+33 1 23 45 67 89",
        });
        assert_eq!(about(&id_token(&tokens)), everything);
        let next = server.refresh(&spa, tokens.text("refresh_token"));
        assert_eq!(about(&id_token(&next)), everything);
        let next = narrowed(server, &spa, next.text("refresh_token"), "openid email");
        assert_eq!(about(&id_token(&next)), json!({"email": "alice@example.com", "email_verified": true}), "nothing else");
        let next = narrowed(server, &spa, next.text("refresh_token"), "email");
        assert!(next.json.get("id_token").is_none(), "without openid");
        let next = server.refresh(&spa, next.text("refresh_token"));
        assert_eq!(about(&id_token(&next)), everything, "narrowing is for one answer");
        change_client(server, "spa", |client| client.settings.scope = Scopes::parse("openid email").unwrap());
        let next = server.refresh(&spa, next.text("refresh_token"));
        assert_eq!(about(&id_token(&next)), json!({"email": "alice@example.com", "email_verified": true}), "what is left");

        change_client(server, "spa", |client| {
            client.settings.scope = Scopes::parse(ALL).unwrap();
            client.settings.id_token_claims = IdTokenClaims::Requested;
        });
        let next = server.refresh(&spa, next.text("refresh_token"));
        assert_eq!(about(&id_token(&next)), json!({"phone_number": "+33 1 23 45 67 89"}), "what was requested by name");
    });
}

#[test]
fn a_client_can_do_without() {
    both(|server| {
        server.add_user("alice");
        let spa = client(server, "spa", ALL);
        let without = server.tokens(&spa, "alice", "offline_access notes:read");
        assert!(server.refresh(&spa, without.text("refresh_token")).json.get("id_token").is_none(), "openid was not granted");
        let tokens = server.tokens(&spa, "alice", "openid email offline_access");
        change_client(server, "spa", |client| client.settings.id_token_on_refresh = false);
        let next = server.refresh(&spa, tokens.text("refresh_token"));
        assert!(next.status == 200 && next.json.get("id_token").is_none(), "{next:?}");
        let again = server.refresh(&spa, tokens.text("refresh_token"));
        assert!(again.status == 200 && again.json.get("id_token").is_none(), "a retry is treated alike: {again:?}");
        let first = server.tokens(&spa, "alice", "openid email offline_access");
        assert_eq!(id_token(&first)["email"], "alice@example.com", "the first one stays");
        change_client(server, "spa", |client| client.settings.id_token_on_refresh = true);
        assert!(server.refresh(&spa, next.text("refresh_token")).json["id_token"].is_string());
    });
}
