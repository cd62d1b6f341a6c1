//! What a client requires by `claims`: which user (`sub`, OpenID Connect Core 3.1.2.2, §5.5.1) and how they authenticated (`acr`,
//! §5.5.1.1); and that tokens tell the truth about the sign-in.

use serde_json::{Value, json};
use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use crate::harness::{Browser, CALLBACK, PASSWORD, Server, both, claims_of, query_of};

fn request(client: &Client, claims: &Value, more: &[(&str, &str)]) -> String {
    let claims = claims.to_string();
    Browser::request(client, "openid", &[&[("claims", claims.as_str())], more].concat())
}

/// The error of an answer to the client, or nothing where it is a code.
#[track_caller]
fn received(page: &crate::harness::Page) -> String {
    assert!(page.status == 303 && page.location().starts_with(CALLBACK), "{page:?}");
    let mut answer = query_of(page.location());
    assert_eq!(answer.contains_key("code"), !answer.contains_key("error"), "{page:?}");
    answer.remove("error").unwrap_or_default()
}

/// The subject that a client knows a user by.
fn sub(server: &Server, client: &Client, username: &str) -> String {
    claims_of(server.tokens(client, username, "openid").text("id_token"))["sub"].as_str().unwrap().to_owned()
}

const SILENT: (&str, &str) = ("prompt", "none");

#[test]
fn only_the_user_it_means_is_answered_for() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let public = server.add_client("public", ClientKind::Spa, |_| ());
        let pairwise = server
            .add_client("pairwise", ClientKind::Spa, |client| client.settings.pairwise_sector = Some("app.example.com".into()));
        for client in [&public, &pairwise] {
            let [hers, his] = ["alice", "bob"].map(|name| sub(server, client, name));
            let mut home = Browser::new(server);
            home.code(client, "alice", "openid");
            for place in ["id_token", "userinfo"] {
                let wants = |sub: &str| json!({ place: {"sub": {"value": sub}} });
                assert_eq!(received(&home.get(&request(client, &wants(&hers), &[]))), "");
                assert_eq!(received(&home.get(&request(client, &wants(&hers), &[SILENT]))), "");
                assert_eq!(received(&home.get(&request(client, &wants(&his), &[SILENT]))), "login_required");
                let page = home.get(&request(client, &wants(&his), &[]));
                assert!(page.location().starts_with("/login?"), "{page:?}");
                // Alice again: no further try.
                let page = home.sign_in_at(page.location(), "alice", PASSWORD);
                assert_eq!(received(&home.get(page.location())), "login_required");
            }
            let wants = json!({"id_token": {"sub": {"value": his, "essential": true}}});
            let page = home.follow(&request(client, &wants, &[]), "bob", "allow");
            assert_eq!(received(&page), "");
            let code = query_of(page.location())["code"].clone();
            assert_eq!(claims_of(server.redeem(client, &code).text("id_token"))["sub"], his);
            // Without a value it is no condition.
            for none in [json!({"id_token": {"sub": null}}), json!({"id_token": {"sub": {"essential": true}}})] {
                assert_eq!(received(&home.get(&request(client, &none, &[SILENT]))), "", "{none}");
            }
        }
    });
}

#[test]
fn a_subject_that_is_nobodys_is_nobody() {
    both(|server| {
        let alice = server.add_user("alice");
        let public = server.add_client("public", ClientKind::Spa, |_| ());
        let add = |id: &str, sector: &str| {
            server.add_client(id, ClientKind::Spa, |client| client.settings.pairwise_sector = Some(sector.into()))
        };
        let (one, two) = (add("one", "a.example"), add("two", "b.example"));
        let id = alice.claims.id.to_string();
        let [at_one, at_two] = [&one, &two].map(|client| sub(server, client, "alice"));
        let long = "p.".to_owned() + &"x".repeat(2000);
        let nonsense = [
            "",
            " ",
            "alice",
            "alice@example.com",
            "0",
            &"0".repeat(32),
            &"f".repeat(32),
            "p.",
            "p.x",
            &long,
            "' OR 1=1 --",
            "\0",
            "é",
        ];
        for (client, own, theirs) in
            [(&public, &id, [&at_one, &at_two]), (&one, &at_one, [&id, &at_two]), (&two, &at_two, [&id, &at_one])]
        {
            let mut home = Browser::new(server);
            home.code(client, "alice", "openid");
            let upper = own.to_uppercase();
            // Whether a subject of elsewhere is this user's is told to nobody (Core §8): it is as unknown as any other.
            for wrong in nonsense.iter().copied().chain(theirs.map(String::as_str)).chain([upper.as_str()]) {
                let wants = json!({"id_token": {"sub": {"value": wrong}}});
                assert_eq!(received(&home.get(&request(client, &wants, &[SILENT]))), "login_required", "{} {wrong:?}", client.id);
                let page = home.get(&request(client, &wants, &[]));
                assert!(page.location().starts_with("/login?"), "{wrong:?}: {page:?}");
            }
            let wants = json!({"id_token": {"sub": {"value": "nobody"}}});
            let page = home.follow(&request(client, &wants, &[]), "alice", "allow");
            assert_eq!(received(&page), "login_required", "whoever signs in");
            assert_eq!(received(&home.get(&request(client, &json!({"id_token": {"sub": {"value": own}}}), &[SILENT]))), "");
        }
    });
}

#[test]
fn a_hint_and_a_subject_mean_the_same_user_or_nobody() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let his = sub(server, &spa, "bob");
        let mut home = Browser::new(server);
        let hint = server.redeem(&spa, &home.code(&spa, "alice", "openid")).text("id_token").to_owned();
        let hers = claims_of(&hint)["sub"].as_str().unwrap().to_owned();
        let hint = ("id_token_hint", hint.as_str());
        let wants = |sub: &str| json!({"id_token": {"sub": {"value": sub}}});
        assert_eq!(received(&home.get(&request(&spa, &wants(&hers), &[hint, SILENT]))), "");
        assert_eq!(received(&home.get(&request(&spa, &wants(&his), &[hint, SILENT]))), "login_required");
        for username in ["alice", "bob"] {
            let page = home.follow(&request(&spa, &wants(&his), &[hint]), username, "allow");
            assert_eq!(received(&page), "login_required", "{username}");
        }
    });
}

#[test]
fn an_essential_class_is_met_or_refused() {
    const PASSWORD_CLASS: &str = "urn:symbolon:acr:password";
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        for (acr, error) in [
            (json!({"essential": true}), ""),
            (json!({"essential": true, "value": PASSWORD_CLASS}), ""),
            (json!({"essential": true, "values": ["2", PASSWORD_CLASS]}), ""),
            (json!({"essential": true, "values": ["2", "3"]}), "unmet_authentication_requirements"),
            (json!({"essential": true, "value": "2"}), "unmet_authentication_requirements"),
            (json!({"essential": false, "value": "2"}), ""),
            (json!({"value": "2"}), ""),
            (json!({"essential": "true", "value": "2"}), ""),
            (Value::Null, ""),
        ] {
            let wants = json!({"id_token": {"acr": acr}});
            let page = home.get(&request(&spa, &wants, &[SILENT]));
            assert_eq!(received(&page), error, "{wants}");
            if !error.is_empty() {
                for browser in [&mut home, &mut Browser::new(server)] {
                    assert_eq!(received(&browser.get(&request(&spa, &wants, &[]))), error, "no sign-in can help: {wants}");
                }
                continue;
            }
            let id_token = claims_of(server.redeem(&spa, &query_of(page.location())["code"]).text("id_token"));
            assert_eq!(
                (&id_token["acr"], &id_token["amr"]),
                (&PASSWORD_CLASS.into(), &json!(["pwd"])),
                "whatever was wished for"
            );
        }
        // `acr_values` is a wish, and never more (Core 3.1.2.1).
        for values in ["2", PASSWORD_CLASS, "urn:mace:incommon:iap:silver urn:mace:incommon:iap:bronze", "é \" <x>"] {
            let page = home.get(&Browser::request(&spa, "openid", &[("acr_values", values), SILENT]));
            assert_eq!(received(&page), "", "{values}");
            let id_token = claims_of(server.redeem(&spa, &query_of(page.location())["code"]).text("id_token"));
            assert_eq!(id_token["acr"], PASSWORD_CLASS);
        }
    });
}

#[test]
fn tokens_tell_the_truth_about_the_sign_in() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        let signed_in = server.now().seconds();
        home.code(&spa, "alice", "openid");
        server.advance(1000);
        let wants = json!({"id_token": {"acr": {"essential": true}, "auth_time": {"essential": true}}});
        let issue = |home: &mut Browser| {
            let page = home.get(&request(&spa, &wants, &[]));
            assert_eq!(received(&page), "");
            server.redeem(&spa, &query_of(page.location())["code"])
        };
        let tokens = issue(&mut home);
        server.advance(1000);
        let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
        for token in [tokens.text("id_token"), tokens.text("access_token"), refreshed.text("access_token")] {
            let claims = claims_of(token);
            assert!((claims["auth_time"].as_i64().unwrap() - signed_in).abs() <= 30, "{claims}");
            assert_eq!(claims["acr"], "urn:symbolon:acr:password");
        }
        home.sign_in_at("/login", "alice", PASSWORD);
        let again = claims_of(issue(&mut home).text("id_token"))["auth_time"].as_i64().unwrap();
        assert!((again - signed_in - 2000).abs() <= 30, "the last proof counts");

        // A way to sign in that is worth nothing here claims nothing, and does not meet what is essential.
        server.store(|connection| {
            use diesel::RunQueryDsl;
            diesel::sql_query("UPDATE sessions SET amr = 'otp'").execute(connection).map_err(Into::into)
        });
        let page = home.get(&request(&spa, &json!({}), &[SILENT]));
        let tokens = server.redeem(&spa, &query_of(page.location())["code"]);
        let claims = claims_of(tokens.text("id_token"));
        assert_eq!((claims.get("acr"), &claims["amr"]), (None, &json!(["otp"])));
        assert_eq!(claims_of(tokens.text("access_token")).get("acr"), None);
        assert_eq!(received(&home.get(&request(&spa, &wants, &[SILENT]))), "unmet_authentication_requirements");
        let page = home.get(&request(&spa, &wants, &[]));
        assert!(page.location().starts_with("/login?"), "{page:?}");
        let page = home.sign_in_at(page.location(), "alice", PASSWORD);
        let page = home.get(page.location());
        assert_eq!(received(&page), "");
        assert_eq!(claims_of(server.redeem(&spa, &query_of(page.location())["code"]).text("id_token"))["amr"], json!(["pwd"]));

        // A row that does not say how its user signed in is none that this server writes.
        server.store(|connection| {
            use diesel::RunQueryDsl;
            diesel::sql_query("UPDATE sessions SET amr = ''").execute(connection).map_err(Into::into)
        });
        assert_eq!(home.get(&request(&spa, &json!({}), &[SILENT])).status, 500);
    });
}
