//! The user that a client expects (OpenID Connect Core 3.1.2.1): `login_hint` fills in a form; `id_token_hint` must be ours and
//! binds the response.

use symbolon::testing::protocol::{oauth::client::ClientKind, values::params};

use super::{ask, at_home, code_of, error_of, leads_to};
use crate::harness::{Browser, CALLBACK, PASSWORD, both, claims_of};

#[test]
fn login_hint_fills_in_the_name() {
    both(|server| {
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        for hint in ["alice@example.com", "", "\" autofocus onfocus=\"alert(1)", "<script>alert(1)</script>", "é✓", "' OR 1=1 --"]
        {
            let mut browser = Browser::new(server);
            let page = browser.get(&Browser::request(&spa, "openid", &[("login_hint", hint)]));
            let page = browser.get(page.location());
            page.assert_page();
            assert_eq!(page.attribute("id=\"username\"", "value"), hint);
            assert!(!page.body.contains("<script>alert"), "{}", page.body);
        }
    });
}

#[test]
fn a_hint_of_ours_that_names_who_is_signed_in_is_good_even_expired() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        let tokens = server.redeem(&spa, &home.code(&spa, "alice", "openid"));
        let hint = tokens.text("id_token");
        for seconds in [0, 3600, 86_400] {
            server.advance(seconds);
            for prompt in ["none", ""] {
                let page = home.get(&Browser::request(&spa, "openid", &[("id_token_hint", hint), ("prompt", prompt)]));
                code_of(server, &page, CALLBACK);
            }
        }
        let silent = Browser::request(&spa, "openid", &[("id_token_hint", hint), ("prompt", "none")]);
        assert_eq!(error_of(server, &ask(server, &Browser::new(server), "GET", &silent), CALLBACK), "login_required");
    });
}

#[test]
fn what_is_not_an_id_token_of_ours_is_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        let tokens = server.redeem(&spa, &home.code(&spa, "alice", "openid"));
        let good = tokens.text("id_token");
        let parts: Vec<_> = good.split('.').collect();
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let mut claims = claims_of(good);
        claims["sub"] = "0".repeat(32).into();
        let other = URL_SAFE_NO_PAD.encode(claims.to_string());
        for hint in [
            tokens.text("access_token").to_owned(),
            tokens.text("refresh_token").to_owned(),
            format!("{}.{other}.{}", parts[0], parts[2]),
            format!("{unsigned}.{}.", parts[1]),
            format!("{unsigned}.{}.{}", parts[1], parts[2]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}.x"),
            format!("{good}="),
            "..".into(),
            "x".repeat(4000),
        ] {
            for browser in [&home, &Browser::new(server)] {
                for prompt in ["none", ""] {
                    let page = ask(
                        server,
                        browser,
                        "GET",
                        &Browser::request(&spa, "openid", &[("id_token_hint", &hint), ("prompt", prompt)]),
                    );
                    assert_eq!(error_of(server, &page, CALLBACK), "invalid_request", "{hint}");
                }
            }
        }
    });
}

#[test]
fn a_hint_that_names_someone_else_is_answered_for_them_or_not_at_all() {
    both(|server| {
        server.add_user("alice");
        let bob = server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let bobs = server.tokens(&spa, "bob", "openid");
        let hint = ("id_token_hint", bobs.text("id_token"));
        let mut home = at_home(server, &spa, "openid");
        let silent = Browser::request(&spa, "openid", &[hint, ("prompt", "none")]);
        assert_eq!(error_of(server, &home.get(&silent), CALLBACK), "login_required");

        let request = Browser::request(&spa, "openid", &[hint]);
        let login = home.get(&request).location().to_owned();
        assert!(login.starts_with("/login?"), "{login}");
        // Alice again: Core 3.1.2.1 asks for an error then, and not for another try without end.
        let page = home.sign_in_at(&login, "alice", PASSWORD);
        leads_to(&page, "/authorize");
        assert_eq!(error_of(server, &home.get(page.location()), CALLBACK), "login_required");
        leads_to(&home.get(&request), "/login");

        let page = home.follow(&request, "bob", "allow");
        let code = code_of(server, &page, CALLBACK);
        assert_eq!(claims_of(server.redeem(&spa, &code).text("id_token"))["sub"], bob.claims.id.to_string());
        code_of(server, &home.get(&silent), CALLBACK);
    });
}

#[test]
fn a_hint_goes_with_every_other_wish() {
    both(|server| {
        let alice = server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        let hint = server.redeem(&spa, &home.code(&spa, "alice", "openid")).text("id_token").to_owned();
        let hint = ("id_token_hint", hint.as_str());
        server.advance(100);
        let with = |more: (&'static str, &'static str)| Browser::request(&spa, "openid", &[hint, more]);
        // The right user, and a fresh sign-in all the same.
        for more in [("prompt", "login"), ("max_age", "50"), ("max_age", "0")] {
            for (who, right) in [("bob", false), ("alice", true)] {
                server.advance(100);
                let page = home.get(&with(more));
                leads_to(&page, "/login");
                let page = home.sign_in_at(page.location(), who, PASSWORD);
                let page = home.get(page.location());
                if right {
                    let claims = claims_of(server.redeem(&spa, &code_of(server, &page, CALLBACK)).text("id_token"));
                    assert_eq!(claims["sub"], alice.claims.id.to_string());
                    assert!((claims["auth_time"].as_i64().unwrap() - server.now().seconds()).abs() <= 30, "{more:?}");
                } else {
                    assert_eq!(error_of(server, &page, CALLBACK), "login_required", "{more:?}");
                }
            }
        }
        server.advance(60);
        let silent = |more: (&str, &str)| Browser::request(&spa, "openid", &[hint, ("prompt", "none"), more]);
        code_of(server, &home.get(&silent(("max_age", "100"))), CALLBACK);
        assert_eq!(error_of(server, &home.get(&silent(("max_age", "30"))), CALLBACK), "login_required");
        assert_eq!(error_of(server, &home.get(&silent(("scope", "openid email"))), CALLBACK), "consent_required");
        let page = home.get(&with(("prompt", "consent")));
        leads_to(&page, "/consent");
        // Whoever typed the hint into the form is not asked for by it.
        let page = home.get(&Browser::request(&spa, "openid", &[hint, ("login_hint", "bob")]));
        code_of(server, &page, CALLBACK);
    });
}

#[test]
fn a_hint_stays_in_the_address_only_as_long_as_the_request() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid");
        let request = Browser::request(&spa, "openid", &[("id_token_hint", tokens.text("id_token")), ("login_hint", "alice")]);
        let page = Browser::new(server).follow(&request, "alice", "allow");
        code_of(server, &page, CALLBACK);
        assert!(!page.location().contains(&params::encode([("x", tokens.text("id_token"))])[2..]), "{page:?}");
    });
}
