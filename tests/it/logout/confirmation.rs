//! The confirmation page: a request that only names a client requires the user's answer, by our own form, about the very request
//! that was shown.

use super::{BYE, GONE, STATE, add_app, ask, confirm, is_signed_in, requested, signed_in_at};
use crate::harness::{Browser, both, encode, query_of};

#[test]
fn another_site_cannot_sign_anyone_out_with_a_client_id() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        for form in [
            vec![],
            vec![("client_id", "app")],
            vec![("client_id", "app"), ("post_logout_redirect_uri", BYE), ("state", "s")],
            vec![("client_id", "unknown")],
            vec![("client_id", "app"), ("logout_hint", "alice")],
            vec![("client_id", "app"), ("csrf", "x")],
            vec![("client_id", "app"), ("id_token_hint", "")],
            vec![("state", "s")],
        ] {
            let page = ask(&mut browser, "GET", &form);
            requested(&mut browser, &page);
            // By a POST of that site, which brings no cookie, and what it is turned into.
            let page = ask(&mut Browser::new(server), "POST", &form);
            assert_eq!((page.status, page.header("set-cookie")), (303, None), "{form:?}: {page:?}");
            let page = browser.get(page.location());
            requested(&mut browser, &page);
        }
        assert_eq!(server.refresh(&app, ours.text("refresh_token")).status, 200);
    });
}

#[test]
fn once_they_agree_they_are_sent_back() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        for method in ["GET", "POST"] {
            let (mut browser, ours) = signed_in_at(server, &app, "alice");
            let form = [("client_id", "app"), ("post_logout_redirect_uri", BYE), ("state", STATE)];
            let page = ask(&mut browser, method, &form);
            requested(&mut browser, &page);
            assert!(page.body.contains("App app") && page.body.contains("alice Example"), "{page:?}");
            assert!(page.is("sign-out") && page.problem().is_none(), "{page:?}");
            assert_eq!(page.form_targets(), "'self' https: https://app.example.com");
            assert_eq!(page.attribute("class=\"button other\"", "href"), "/", "staying leads home");
            let page = confirm(&mut browser, &page);
            assert_eq!((page.status, page.header("set-cookie")), (303, Some(GONE)), "{page:?}");
            assert!(page.location().starts_with(&format!("{BYE}?state=")));
            assert_eq!(query_of(page.location())["state"], STATE);
            assert!(!is_signed_in(&mut browser));
            assert_eq!(server.refresh(&app, ours.text("refresh_token")).error(), "invalid_grant");
        }
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = browser.get("/logout");
        assert_eq!(page.form_targets(), "'self'");
    });
}

#[test]
fn the_form_counts_for_the_request_that_was_shown_and_for_who_saw_it() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let (mut bob, _) = signed_in_at(server, &app, "bob");
        let path = |state: &str| {
            format!("/logout?{}", encode(&[("client_id", "app"), ("post_logout_redirect_uri", BYE), ("state", state)]))
        };
        let (one, two) = (path("one"), path("two"));
        let good = browser.get(&one).csrf();
        let wrong = [
            String::new(),
            "x".into(),
            good[1..].into(),
            browser.get(&two).csrf(),
            browser.get("/logout").csrf(),
            browser.get("/").csrf(),
            browser.get("/login").csrf(),
            bob.get(&one).csrf(),
        ];
        let mut post = |path: &str, form: &[(&str, &str)]| {
            let page = browser.send("POST", path, Some(form));
            assert!(page.status == 303 || page.header("set-cookie").is_none(), "{page:?}");
            page
        };
        for csrf in &wrong {
            assert_eq!(post(&one, &[("csrf", csrf)]).status, 400, "{csrf}");
        }
        assert_eq!(post(&one, &[]).status, 400, "a form without a stamp");
        for other in [&two, "/logout", &format!("{one}&x=1"), &one.replace("client_id=app", "client_id=other")] {
            assert_eq!(post(other, &[("csrf", &good)]).status, 400, "{other}");
        }
        assert_eq!(post("/logout", &[("client_id", "app"), ("post_logout_redirect_uri", BYE), ("csrf", &good)]).status, 400);
        server.advance(3_700);
        assert_eq!(post(&one, &[("csrf", &good)]).status, 400, "an hour later");
        assert_eq!(server.refresh(&app, ours.text("refresh_token")).status, 200);
        let fresh = browser.get(&one);
        let done = confirm(&mut browser, &fresh);
        assert_eq!((done.status, done.location()), (303, format!("{BYE}?state=one").as_str()));
        assert!(!is_signed_in(&mut browser) && is_signed_in(&mut bob));
        let again = browser.send("POST", &one, Some(&[("csrf", &fresh.csrf())]));
        assert_eq!((again.status, again.header("set-cookie")), (303, None), "without a cookie: {again:?}");
    });
}
