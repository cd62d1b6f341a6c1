//! Signing out (ASVS 7.4.1), and the home page: confirmed first, only by a form of ours, and effective on the server, not only in
//! the browser. What was granted for offline access stays active.

use symbolon::testing::{
    protocol::{
        account::login_name::LoginName,
        oauth::client::{Client, ClientKind},
    },
    store::users,
};

use super::{SESSION, signed_in, silently};
use crate::harness::{Answer, Browser, Page, Server, both};

fn tokens(server: &Server, browser: &mut Browser, client: &Client, scope: &str) -> Answer {
    let code = browser.code(client, "alice", scope);
    let answer = server.redeem(client, &code);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn sign_out(browser: &mut Browser, csrf: &str) -> Page {
    browser.send("POST", "/logout", Some(&[("csrf", csrf)]))
}

#[track_caller]
fn ended(server: &Server, client: &Client, tokens: &Answer) {
    let answer = server.refresh(client, tokens.text("refresh_token"));
    assert_eq!((answer.status, answer.error()), (400, "invalid_grant"));
    assert_eq!(server.userinfo(tokens.text("access_token")).status, 401);
}

#[test]
fn it_ends_the_session_and_what_was_granted_for_it() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let ours = tokens(server, &mut browser, &spa, "openid");
        let offline = tokens(server, &mut browser, &spa, "openid offline_access");
        let unredeemed = browser.code(&spa, "alice", "openid");
        let mut elsewhere = Browser::new(server);
        let theirs = tokens(server, &mut elsewhere, &spa, "openid");

        let requested = browser.get("/logout");
        assert_eq!(requested.status, 200);
        assert!(requested.is("sign-out") && requested.body.contains("alice Example"));
        assert_eq!(signed_in(&mut browser), "alice Example", "a GET ends nothing");

        let cookie = browser.cookies[SESSION].clone();
        let page = sign_out(&mut browser, &requested.csrf());
        assert_eq!((page.status, page.location()), (303, "/logout"));
        assert_eq!(page.header("set-cookie"), Some("symbolon_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
        assert!(browser.get("/logout").is("signed-out"));
        assert_eq!(signed_in(&mut browser), "");
        browser.cookies.insert(SESSION, cookie);
        assert_eq!(signed_in(&mut browser), "", "the cookie is dead on the server");
        assert_eq!(silently(&mut browser, &spa), Err("login_required".into()));

        ended(server, &spa, &ours);
        assert_eq!(server.redeem(&spa, &unredeemed).error(), "invalid_grant");
        assert_eq!(server.refresh(&spa, offline.text("refresh_token")).status, 200, "offline access lives on");
        assert_eq!(server.userinfo(offline.text("access_token")).status, 200);
        assert_eq!(signed_in(&mut elsewhere), "alice Example", "another browser's session, too");
        assert_eq!(server.refresh(&spa, theirs.text("refresh_token")).status, 200);
    });
}

#[test]
fn a_form_that_is_not_ours_signs_nobody_out() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let granted = tokens(server, &mut browser, &spa, "openid");
        let mut bob = Browser::new(server);
        bob.sign_in("bob");
        let (of_bob, of_login) = (bob.get("/logout").csrf(), browser.get("/login").csrf());
        let good = browser.get("/logout").csrf();
        for csrf in ["", "x", &of_bob, &of_login, &good[1..]] {
            let page = sign_out(&mut browser, csrf);
            assert_eq!((page.status, page.header("set-cookie")), (400, None), "{csrf}");
        }
        assert_eq!(browser.send("POST", "/logout", Some(&[])).status, 400);
        assert_eq!(browser.get(&format!("/logout?csrf={good}")).status, 200, "a GET never does it");
        server.advance(3700);
        assert_eq!(sign_out(&mut browser, &good).status, 400, "an hour later");
        assert_eq!(signed_in(&mut browser), "alice Example");
        assert_eq!(server.refresh(&spa, granted.text("refresh_token")).status, 200);
        let fresh = browser.get("/logout").csrf();
        assert_eq!(sign_out(&mut browser, &fresh).status, 303);
        assert_eq!(sign_out(&mut browser, &fresh).status, 303, "twice is as good as once");
    });
}

#[test]
fn without_a_session_there_is_nothing_to_end() {
    both(|server| {
        let mut browser = Browser::new(server);
        let page = browser.get("/logout");
        assert_eq!(page.status, 200);
        assert!(page.is("signed-out") && !page.body.contains("<form"));
        for cookie in [None, Some("forged")] {
            cookie.map(|cookie| browser.cookies.insert(SESSION, cookie.into()));
            let page = browser.send("POST", "/logout", Some(&[]));
            assert_eq!((page.status, page.location(), page.header("set-cookie")), (303, "/logout", None));
        }
        // A form that was shown here while someone was signed in takes the cookie of what has ended since.
        server.add_user("alice");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let csrf = browser.get("/logout").csrf();
        let alice = server.store(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap();
        server.disable(alice.claims.id);
        assert_eq!(sign_out(&mut browser, "x").header("set-cookie"), None);
        assert_eq!(sign_out(&mut browser, &csrf).location(), "/logout");
        assert!(!browser.cookies.contains_key(SESSION));
    });
}

#[test]
fn a_session_unused_for_long_is_ended_with_what_lives_on_in_it() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        for next in ["sign out", "alice", "bob"] {
            let mut browser = Browser::new(server);
            let mut granted = tokens(server, &mut browser, &spa, "openid");
            for _ in 0..3 {
                server.advance(86_400);
                granted = server.refresh(&spa, granted.text("refresh_token"));
                assert_eq!(granted.status, 200, "the app is in use");
            }
            assert_eq!(signed_in(&mut browser), "", "the sign-in page was not");
            if next != "sign out" {
                browser.sign_in(next);
            }
            if next != "bob" {
                let requested = browser.get("/logout");
                let page = sign_out(&mut browser, &requested.csrf());
                assert_eq!((page.status, page.location()), (303, "/logout"));
            }
            ended(server, &spa, &granted);
        }
    });
}

#[test]
fn the_home_page_says_who_is_signed_in_and_shows_the_way_out() {
    both(|server| {
        let alice = server.add_user("alice");
        let mut browser = Browser::new(server);
        let page = browser.get("/");
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        assert_eq!(page.attribute("class=\"button\"", "href"), "/login");
        browser.sign_in("alice");
        let page = browser.get("/");
        assert!(page.body.contains("alice Example") && page.body.contains("(<bdi>alice</bdi>)"));
        assert_eq!((page.header("cache-control"), page.attribute("form ", "action")), (Some("no-store"), "/logout".into()));
        let page = sign_out(&mut browser, &page.csrf());
        assert_eq!((page.status, page.location()), (303, "/logout"));
        assert_eq!(signed_in(&mut browser), "");

        browser.sign_in("alice");
        server.disable(alice.claims.id);
        assert_eq!(signed_in(&mut browser), "", "switched off");
        assert_eq!(server.send("HEAD", "/", &[], None).status, 200);
        assert_eq!(server.send("DELETE", "/", &[], None).status, 405);
    });
}
