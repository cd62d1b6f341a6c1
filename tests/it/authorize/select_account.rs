//! The page on which an account is chosen (OpenID Connect Core 3.1.2.1, `prompt=select_account`): when it is shown, where each
//! choice leads, and what an old page does. That only the user's own form makes a choice is `proofs`.

mod proofs;

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use super::{ask, at_home, code_of, error_of, leads_to};
use crate::harness::{Browser, CALLBACK, PASSWORD, Page, Server, both, claims_of};

const CHOOSE: (&str, &str) = ("prompt", "select_account");

/// The page of a request.
#[track_caller]
fn shown(browser: &mut Browser, request: &str) -> Page {
    let page = browser.get(request);
    leads_to(&page, "/select-account");
    let page = browser.get(page.location());
    assert_eq!(page.status, 200, "{page:?}");
    page.assert_page();
    page.assert_no_cors();
    page
}

/// Sends the form of the page.
fn choose(browser: &mut Browser, page: &Page, choice: &str) -> Page {
    let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
    browser.send("POST", &action, Some(&[("choice", choice), ("csrf", &csrf)]))
}

/// `sub` and `auth_time` of the ID token that this code yields.
fn named(server: &Server, client: &Client, code: &str) -> (String, i64) {
    let claims = claims_of(server.redeem(client, code).text("id_token"));
    (claims["sub"].as_str().unwrap().to_owned(), claims["auth_time"].as_i64().unwrap())
}

#[test]
fn with_nobody_signed_in_signing_in_is_the_choice() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let page = browser.get(&Browser::request(&spa, "openid", &[CHOOSE]));
        leads_to(&page, "/login");
        let page = browser.sign_in_at(page.location(), "alice", PASSWORD);
        let page = browser.get(page.location());
        leads_to(&page, "/consent");
        let page = browser.get(page.location());
        let page =
            browser.send("POST", &page.attribute("form ", "action"), Some(&[("decision", "allow"), ("csrf", &page.csrf())]));
        code_of(server, &browser.get(page.location()), CALLBACK);
        for method in ["GET", "POST"] {
            leads_to(&ask(server, &browser, method, &Browser::request(&spa, "openid", &[CHOOSE])), "/select-account");
        }
        // The next request asks again, in words of who is signed in.
        let page = shown(&mut browser, &Browser::request(&spa, "openid", &[CHOOSE]));
        for words in ["App spa", "Continue as <bdi>alice Example</bdi>", "<bdi>alice</bdi>", "Use another account"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert_eq!(page.form_targets(), "'self' https: https://app.example.com");
    });
}

#[test]
fn the_account_that_is_signed_in_goes_on_without_a_password() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        let (_, before) = named(server, &spa, &home.code(&spa, "alice", "openid"));
        server.advance(100);
        let page = shown(&mut home, &Browser::request(&spa, "openid", &[CHOOSE]));
        let page = choose(&mut home, &page, "continue");
        leads_to(&page, "/authorize");
        let code = code_of(server, &home.get(page.location()), CALLBACK);
        assert_eq!(named(server, &spa, &code), (alice.claims.id.to_string(), before), "the same session");

        // What was not allowed yet is asked for afterwards, and the choice is not asked for again.
        for more in [[CHOOSE, ("scope", "openid email")], [("prompt", "select_account consent"), ("scope", "openid")]] {
            let page = shown(&mut home, &Browser::request(&spa, "openid", &more));
            let page = choose(&mut home, &page, "continue");
            let page = home.get(page.location());
            leads_to(&page, "/consent");
            server.advance(400); // time to read
            let page = home.get(page.location());
            let page =
                home.send("POST", &page.attribute("form ", "action"), Some(&[("decision", "allow"), ("csrf", &page.csrf())]));
            code_of(server, &home.get(page.location()), CALLBACK);
        }
    });
}

#[test]
fn another_account_signs_in_and_is_answered_for() {
    both(|server| {
        server.add_user("alice");
        let bob = server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        server.advance(10);
        let request = Browser::request(&spa, "openid", &[CHOOSE]);
        let page = shown(&mut home, &request);
        let to_login = choose(&mut home, &page, "other");
        leads_to(&to_login, "/login");
        // Going on without signing in: the choice is still open.
        leads_to(&home.get(&to_login.location().replacen("/login", "/authorize", 1)), "/select-account");
        let page = home.sign_in_at(to_login.location(), "bob", PASSWORD);
        leads_to(&page, "/authorize");
        let page = home.get(page.location());
        leads_to(&page, "/consent");
        let page = home.get(page.location());
        assert!(page.body.contains("bob Example"), "{}", page.body);
        let page = home.send("POST", &page.attribute("form ", "action"), Some(&[("decision", "allow"), ("csrf", &page.csrf())]));
        let page = home.get(page.location());
        let code = code_of(server, &page, CALLBACK);
        assert_eq!(named(server, &spa, &code).0, bob.claims.id.to_string());
        assert!(shown(&mut home, &request).body.contains("Continue as <bdi>bob Example</bdi>"));
        // The same account, by its password: that is a choice as well.
        let page = shown(&mut home, &request);
        let page = choose(&mut home, &page, "other");
        let page = home.sign_in_at(page.location(), "bob", PASSWORD);
        code_of(server, &home.get(page.location()), CALLBACK);
    });
}

#[test]
fn together_with_other_wishes() {
    both(|server| {
        let alice = server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        let hint = server.redeem(&spa, &home.code(&spa, "alice", "openid")).text("id_token").to_owned();
        server.advance(10);
        // Who signs in has chosen: the page is not shown as well.
        let login = [("prompt", "select_account login"), ("max_age", "")];
        for more in [login, [CHOOSE, ("max_age", "5")], [CHOOSE, ("max_age", "0")]] {
            let page = home.get(&Browser::request(&spa, "openid", &more));
            leads_to(&page, "/login");
            let page = home.sign_in_at(page.location(), "alice", PASSWORD);
            code_of(server, &home.get(page.location()), CALLBACK);
            server.advance(10);
        }
        // A choice does not make an old sign-in young.
        let old = Browser::request(&spa, "openid", &[CHOOSE, ("max_age", "100")]);
        let page = shown(&mut home, &old);
        let page = choose(&mut home, &page, "continue");
        server.advance(100);
        leads_to(&home.get(page.location()), "/login");

        // A hint and a choice against it: an answer about someone else than the client expects is none.
        let hinted = Browser::request(&spa, "openid", &[CHOOSE, ("id_token_hint", &hint)]);
        let page = shown(&mut home, &hinted);
        let page = choose(&mut home, &page, "continue");
        let code = code_of(server, &home.get(page.location()), CALLBACK);
        assert_eq!(named(server, &spa, &code).0, alice.claims.id.to_string());
        let page = shown(&mut home, &hinted);
        let page = choose(&mut home, &page, "other");
        let page = home.sign_in_at(page.location(), "bob", PASSWORD);
        assert_eq!(error_of(server, &home.get(page.location()), CALLBACK), "login_required");
        leads_to(&home.get(&hinted), "/login");

        for more in ["none select_account", "select_account none"] {
            let page = home.get(&Browser::request(&spa, "openid", &[("prompt", more)]));
            assert_eq!(error_of(server, &page, CALLBACK), "invalid_request", "{more}");
        }
    });
}

#[test]
fn an_old_page_does_no_harm() {
    both(|server| {
        let alice = server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        let request = Browser::request(&spa, "openid", &[CHOOSE]);
        let page = shown(&mut home, &request);
        for _ in 0..2 {
            // Back, and once more: another code of the same request.
            let on = choose(&mut home, &page, "continue");
            let code = code_of(server, &home.get(on.location()), CALLBACK);
            assert_eq!(named(server, &spa, &code).0, alice.claims.id.to_string());
        }
        // Someone else has signed in since, in another tab: the page says who it is about now.
        home.sign_in_at("/login", "bob", PASSWORD);
        let refused = choose(&mut home, &page, "continue");
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body.contains("bob Example") && !refused.body.contains("alice"), "{}", refused.body);

        let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
        let gone = |browser: &mut Browser| {
            for page in [browser.get(&action), browser.send("POST", &action, Some(&[("choice", "continue"), ("csrf", &csrf)]))] {
                leads_to(&page, "/authorize");
                assert!(!page.location().contains("account_chosen"), "{page:?}");
                leads_to(&browser.get(page.location()), "/login");
            }
        };
        gone(&mut Browser::new(server));
        let mut hers = at_home(server, &spa, "openid");
        server.disable(alice.claims.id);
        gone(&mut hers);

        // A request that is not good any more is told so where all are told.
        server.enable(alice.claims.id);
        let wrong =
            Browser::request(&spa, "openid", &[CHOOSE, ("scope", "openid admin")]).replacen("/authorize", "/select-account", 1);
        let page = home.get(&wrong);
        leads_to(&page, "/authorize");
        assert_eq!(error_of(server, &home.get(page.location()), CALLBACK), "invalid_scope");
        let page = home.get("/select-account");
        assert_eq!(page.status, 400, "{page:?}");
        page.assert_page();
    });
}
