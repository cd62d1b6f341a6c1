//! Forged and expired sign-in forms (RFC 6749 §10.12): only a form that was shown to this browser, recently, for this purpose,
//! signs anyone in.

use symbolon::testing::{protocol::secrets::stamp::StampError, web::forms};

use super::{BROWSER, SESSION, WRONG, attempt, signed_in};
use crate::harness::{Browser, PASSWORD, Page, both};

fn post(browser: &mut Browser, username: &str, csrf: Option<&str>) -> Page {
    let mut form = vec![("username", username), ("password", PASSWORD)];
    form.extend(csrf.map(|csrf| ("csrf", csrf)));
    browser.send("POST", "/login", Some(&form))
}

#[track_caller]
fn refused(browser: &mut Browser, page: &Page) {
    assert_eq!(page.status, 400, "{page:?}");
    assert!(page.body.contains("role=\"alert\"") && page.problem() == Some("form-expired"));
    assert!(!browser.cookies.contains_key(SESSION));
    assert_eq!(signed_in(browser), "");
}

#[test]
fn a_form_without_our_stamp_signs_nobody_in() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let mut other = Browser::new(server);
        let others = other.get("/login").csrf();
        let mut bob = Browser::new(server);
        bob.sign_in("bob");
        let for_logout = bob.get("/logout").csrf();
        let mut browser = Browser::new(server);
        let good = browser.get("/login").csrf();
        let altered = format!("{}{}", if good.starts_with('A') { "B" } else { "A" }, &good[1..]);
        for csrf in [
            None,
            Some(""),
            Some("x"),
            Some(&*others),
            Some(&*for_logout),
            Some(&*altered),
            Some(&good[1..]),
            Some(&*format!("{good}A")),
        ] {
            let page = post(&mut browser, "alice", csrf);
            refused(&mut browser, &page);
        }
        let cookie = browser.cookies.remove(BROWSER).unwrap();
        let page = post(&mut browser, "alice", Some(&good));
        assert!(page.status == 400 && page.problem() == Some("cookie-missing"), "{page:?}");
        assert_eq!((page.header("set-cookie"), signed_in(&mut browser)), (None, String::new()));
        browser.cookies.insert(BROWSER, other.cookies[BROWSER].clone());
        let page = post(&mut browser, "alice", Some(&good));
        refused(&mut browser, &page);
        browser.cookies.insert(BROWSER, cookie);
        assert_eq!(post(&mut browser, "alice", Some(&good)).status, 303, "the form that was shown to it");
    });
}

/// Whoever has no cookie, or an empty one, would otherwise share the forms of everyone else without one.
#[test]
fn a_form_that_is_bound_to_no_browser_is_nobodys() {
    both(|server| {
        let now = server.now();
        let stamp = forms::stamp(&server.app, "", "/logout", now);
        assert_eq!(forms::check_stamp(&server.app, "", "/logout", &stamp, now), Err(StampError::Forged));
        let mut browser = Browser::new(server);
        browser.cookies.insert(SESSION, String::new());
        let page = browser.send("POST", "/logout", Some(&[("csrf", &stamp)]));
        assert_eq!((page.status, page.header("set-cookie")), (303, None), "{page:?}");
    });
}

#[test]
fn an_expired_form_keeps_the_name_and_works_when_it_is_sent_again() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        let csrf = browser.get("/login").csrf();
        server.advance(3500);
        assert_eq!(
            browser.send("POST", "/login", Some(&[("username", "alice"), ("password", WRONG), ("csrf", &csrf)])).status,
            401,
            "an hour is not over"
        );
        server.advance(200);
        let page = post(&mut browser, "alice \"<b>", Some(&csrf));
        refused(&mut browser, &page);
        assert_eq!(page.attribute("id=\"username\"", "value"), "alice \"<b>");
        assert!(!page.body.contains(PASSWORD) && !page.body.contains("<b>"));
        let page = post(&mut browser, "alice", Some(&page.csrf()));
        assert_eq!((page.status, page.location()), (303, "/"));
    });
}

#[test]
fn a_forged_form_is_no_attempt() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        for _ in 0..12 {
            assert_eq!(post(&mut browser, "alice", Some("forged")).status, 400);
        }
        for _ in 0..4 {
            assert_eq!(attempt(&mut browser, "alice", WRONG).status, 401, "the free ones are still there");
        }
        assert_eq!(attempt(&mut browser, "alice", PASSWORD).status, 303);
    });
}
