//! Hints that prove nothing: the user is asked, stays here afterwards, and nothing has happened before they agree.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use symbolon::testing::{protocol::oauth::client::ClientKind, store::clients};

use super::{BYE, GONE, add_app, ask, confirm, is_signed_in, requested, signed_in_at, tokens};
use crate::harness::{Browser, Server, both, claims_of};

/// A token with another header, payload or signature.
fn altered(token: &str, header: &Value, claims: &[(&str, Value)], signature: Option<&str>) -> String {
    let parts: Vec<_> = token.split('.').collect();
    let open = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (mut one, mut two) = (open(parts[0]), open(parts[1]));
    for (name, value) in header.as_object().unwrap() {
        one[name] = value.clone();
    }
    for (name, value) in claims {
        two[*name] = value.clone();
    }
    let [one, two] = [one, two].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{one}.{two}.{}", signature.unwrap_or(parts[2]))
}

fn signed_user_info(server: &Server, access_token: &str) -> String {
    let page = server.send("GET", "/userinfo", &[("Authorization", &format!("Bearer {access_token}"))], None);
    assert_eq!(page.header("content-type"), Some("application/jwt"), "{page:?}");
    page.body
}

#[test]
fn who_sends_them_is_not_believed_and_nobody_is_sent_back() {
    both(|server| {
        let foreign = {
            let database = crate::harness::Database::sqlite();
            let outsider = Server::start(&database, |config| config.issuer = server.app.config.issuer.clone());
            outsider.add_user("alice");
            let app = add_app(&outsider, "app");
            signed_in_at(&outsider, &app, "alice").1.text("id_token").to_owned()
        };
        let alice = server.add_user("alice");
        server.add_user("bob");
        let (app, other) = (add_app(server, "app"), add_app(server, "other"));
        let signing = server.add_client("signing", ClientKind::Spa, |client| {
            (client.settings.userinfo_signed, client.settings.post_logout_redirect_uris) = (true, vec![BYE.into()]);
        });
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let theirs = tokens(server, &mut browser, &other, "alice", "openid");
        let of_signing = tokens(server, &mut browser, &signing, "alice", "openid");
        let (_, of_bob) = signed_in_at(server, &app, "bob");
        let good = ours.text("id_token");
        let user_info = signed_user_info(server, of_signing.text("access_token"));
        let sub = alice.claims.id.to_string();
        assert_eq!(claims_of(good)["sub"], sub);
        let none = altered(good, &json!({"alg": "none"}), &[], Some(""));
        let hints = [
            of_bob.text("id_token"),
            theirs.text("id_token"),
            "garbage",
            "a.b.c",
            "..",
            &none,
            none.trim_end_matches('.'),
            &altered(good, &json!({"alg": "none"}), &[], None),
            &altered(good, &json!({"alg": "HS256"}), &[], None),
            &altered(of_bob.text("id_token"), &json!({}), &[("sub", json!(sub))], None),
            &altered(theirs.text("id_token"), &json!({}), &[("aud", json!("app"))], None),
            &good[..good.len() - 8],
            &format!("{good}A"),
            ours.text("access_token"),
            ours.text("refresh_token"),
            &user_info,
            &foreign,
        ];
        for hint in hints {
            for method in ["GET", "POST"] {
                let form = [("id_token_hint", hint), ("client_id", "app"), ("post_logout_redirect_uri", BYE), ("state", "s")];
                let page = ask(&mut browser, method, &form);
                requested(&mut browser, &page);
                assert_eq!(page.form_targets(), "'self'", "{hint}");
                assert!(page.is("sign-out") && page.problem().is_some(), "{hint}: {page:?}");
            }
        }
        assert_eq!(server.refresh(&app, ours.text("refresh_token")).status, 200);
        let form = [("id_token_hint", of_bob.text("id_token")), ("client_id", "app"), ("post_logout_redirect_uri", BYE)];
        let page = ask(&mut browser, "GET", &form);
        let page = confirm(&mut browser, &page);
        assert_eq!((page.status, page.location(), page.header("set-cookie")), (303, "/logout", Some(GONE)), "{page:?}");
        assert!(!is_signed_in(&mut browser));
    });
}

#[test]
fn one_of_another_app_of_the_user_leads_to_that_apps_addresses_alone() {
    both(|server| {
        server.add_user("alice");
        let (app, other) = (add_app(server, "app"), server.add_client("other", ClientKind::Spa, |_| ()));
        let (mut browser, _) = signed_in_at(server, &app, "alice");
        let theirs = tokens(server, &mut browser, &other, "alice", "openid");
        let page = ask(&mut browser, "GET", &[("id_token_hint", theirs.text("id_token")), ("post_logout_redirect_uri", BYE)]);
        requested(&mut browser, &page);
        assert!(page.is("sign-out") && page.problem() == Some("return-not-registered"), "{page:?}");
        let page = confirm(&mut browser, &page);
        assert_eq!((page.status, page.location(), page.header("set-cookie")), (303, "/logout", Some(GONE)), "{page:?}");
    });
}

#[test]
fn one_of_another_session_of_the_user_has_them_asked_first() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut before, earlier) = signed_in_at(server, &app, "alice");
        let page = before.get("/logout");
        assert_eq!(confirm(&mut before, &page).status, 303);
        let (mut elsewhere, far) = signed_in_at(server, &app, "alice");
        let (mut browser, _) = signed_in_at(server, &app, "alice");
        for hint in [&earlier, &far] {
            let form = [("id_token_hint", hint.text("id_token")), ("post_logout_redirect_uri", BYE), ("state", "s")];
            let page = ask(&mut browser, "GET", &form);
            requested(&mut browser, &page);
            assert!(is_signed_in(&mut elsewhere), "nor does it end that one");
            assert_eq!(page.form_targets(), "'self' https: https://app.example.com");
        }
        let page = ask(&mut browser, "GET", &[("id_token_hint", far.text("id_token")), ("post_logout_redirect_uri", BYE)]);
        assert_eq!(confirm(&mut browser, &page).location(), BYE, "once they agree, all is in order");
        assert!(!is_signed_in(&mut browser) && is_signed_in(&mut elsewhere));
        // The same user signs in again in this browser: the session is the same, and so are its hints.
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        browser.sign_in("alice");
        let page = ask(&mut browser, "GET", &[("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE)]);
        assert_eq!((page.status, page.location()), (303, BYE));
    });
}

#[test]
fn an_app_that_is_switched_off_or_gone_decides_nothing() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let hint = ours.text("id_token");
        let now = server.now();
        let steps: [&dyn Fn(); 2] =
            [&|| assert!(server.store(|connection| clients::set_disabled(connection, "app", Some(now)))), &|| {
                assert!(server.store(|connection| clients::delete(connection, "app", now)));
            }];
        for step in steps {
            step();
            for form in [
                vec![("id_token_hint", hint), ("post_logout_redirect_uri", BYE)],
                vec![("id_token_hint", hint), ("client_id", "app"), ("post_logout_redirect_uri", BYE)],
                vec![("client_id", "app"), ("post_logout_redirect_uri", BYE)],
                vec![("id_token_hint", hint)],
                vec![("client_id", "app")],
            ] {
                for method in ["GET", "POST"] {
                    let page = ask(&mut browser, method, &form);
                    requested(&mut browser, &page);
                    assert_eq!(page.form_targets(), "'self'");
                    assert!(!page.body.contains("App app"), "its name is not lent to anyone: {page:?}");
                }
                let page = ask(&mut Browser::new(server), "GET", &form);
                assert_eq!((page.status, page.header("location")), (200, None), "nobody signed in: {page:?}");
            }
        }
        let page = ask(&mut browser, "GET", &[("client_id", "app"), ("post_logout_redirect_uri", BYE)]);
        assert_eq!(confirm(&mut browser, &page).location(), "/logout");
        assert!(!is_signed_in(&mut browser));
    });
}
