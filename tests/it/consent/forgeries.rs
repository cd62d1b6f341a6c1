//! Forged consent: forms without the CSRF token, with a wrong one, of another session or time, and requests by GET (RFC 6749
//! §10.12). Each is answered with a page and 400, and nothing is granted.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{allowed, decide, given, is_silent, shown};
use crate::harness::{Browser, PASSWORD, Page, Server, both, encode};

#[track_caller]
fn assert_nothing(server: &Server, user: &symbolon::testing::store::users::User, what: &str) {
    assert_eq!((allowed(server, user.claims.id, "spa"), given(server, user.claims.id)), (String::new(), 0), "{what}");
}

#[track_caller]
fn assert_refused(page: &Page, words: &str, what: &str) {
    assert_eq!((page.status, page.header("location")), (400, None), "{what}: {page:?}");
    page.assert_page();
    assert!(page.body.contains(words), "{what}: {}", page.body);
}

#[test]
fn a_form_without_its_proof() {
    both(|server| {
        let alice = server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let other = server.add_client("other", ClientKind::Spa, |_| ());
        let request = Browser::request(&spa, "openid", &[]);
        let mut browser = Browser::new(server);
        let login = browser.get("/login").csrf();
        browser.sign_in("alice");
        let (mut hers, mut his) = (Browser::new(server), Browser::new(server));
        hers.sign_in("alice");
        his.sign_in("bob");
        let page = shown(&mut browser, &request);
        let action = page.attribute("form ", "action");
        let good = page.csrf();
        let wrong = [
            ("nothing", String::new()),
            ("garbage", "x".into()),
            ("zeros", "A".repeat(good.len())),
            ("a part of it", good[..good.len() - 1].into()),
            ("more than it", format!("{good}A")),
            ("the proof of the sign-in page", login),
            ("that of the sign-out page", browser.get("/logout").csrf()),
            ("that of another browser of hers", shown(&mut hers, &request).csrf()),
            ("that of another person", shown(&mut his, &request).csrf()),
            ("that of another client", shown(&mut browser, &Browser::request(&other, "openid", &[])).csrf()),
            ("that of another scope", shown(&mut browser, &Browser::request(&spa, "openid email", &[])).csrf()),
            ("that of another state", shown(&mut browser, &Browser::request(&spa, "openid", &[("state", "x")])).csrf()),
            ("the session cookie", browser.cookies["symbolon_session"].clone()),
        ];
        for (what, csrf) in &wrong {
            for decision in ["allow", "deny"] {
                let page = browser.send("POST", &action, Some(&[("decision", decision), ("csrf", csrf)]));
                assert_refused(&page, " data-problem=\"form-expired\"", what);
            }
        }
        assert_refused(
            &browser.send("POST", &action, Some(&[("decision", "allow")])),
            " data-problem=\"form-expired\"",
            "no field",
        );
        let twice = [("decision", "allow"), ("csrf", good.as_str()), ("csrf", good.as_str())];
        assert_refused(&browser.send("POST", &action, Some(&twice)), " data-problem=\"malformed-request\"", "twice");
        assert_nothing(server, &alice, "forged forms");
        // The page that says so has a new form, which works.
        let again = browser.send("POST", &action, Some(&[("decision", "allow"), ("csrf", "x")]));
        let page = decide(&mut browser, &again, "allow");
        assert_eq!(page.status, 303, "{page:?}");
        assert_eq!(allowed(server, alice.claims.id, "spa"), "openid");
    });
}

#[test]
fn a_form_that_was_open_too_long() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = shown(&mut browser, &Browser::request(&spa, "openid", &[]));
        server.advance(3601);
        let again = decide(&mut browser, &page, "allow");
        assert_refused(&again, " data-problem=\"form-expired\"", "expired");
        assert_nothing(server, &alice, "expired");
        server.advance(3590);
        let page = decide(&mut browser, &again, "allow");
        assert!(page.status == 303 && page.location().starts_with("/authorize?"), "{page:?}");
        assert!(is_silent(&mut browser, &spa, "openid"));
    });
}

#[test]
fn a_form_shown_before_signing_in_again() {
    both(|server| {
        let alice = server.add_user("alice");
        let bob = server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = shown(&mut browser, &Browser::request(&spa, "openid", &[]));
        browser.sign_in_at("/login", "alice", PASSWORD);
        assert_refused(&decide(&mut browser, &page, "allow"), " data-problem=\"form-expired\"", "an older session");
        // Someone else at the same browser, in another tab: the form was not theirs.
        browser.sign_in_at("/login", "bob", PASSWORD);
        assert_refused(&decide(&mut browser, &page, "allow"), "bob Example", "another person");
        assert_nothing(server, &alice, "alice");
        assert_nothing(server, &bob, "bob");
    });
}

#[test]
fn a_get_and_other_methods_grant_nothing() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = shown(&mut browser, &Browser::request(&spa, "openid", &[]));
        let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
        let in_query = encode(&[("decision", "allow"), ("csrf", &csrf)]);
        let with = format!("{action}&{in_query}");
        assert_eq!(browser.get(&with).status, 200, "the page, once more");
        assert_refused(&browser.send("POST", &with, Some(&[])), " data-problem=\"form-expired\"", "all in the query");
        assert_refused(
            &browser.send("POST", &with, Some(&[("csrf", &csrf)])),
            " data-problem=\"form-expired\"",
            "a proof of another request",
        );
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            let page = browser.send(method, &with, None);
            assert_eq!((page.status, page.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
        }
        let authorize = with.replacen("/consent", "/authorize", 1);
        let page = browser.get(&authorize);
        assert!(page.status == 303 && page.location().starts_with("/consent?"), "{page:?}");
        assert_nothing(server, &alice, "no form was sent");
    });
}

#[test]
fn an_answer_that_is_none() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = shown(&mut browser, &Browser::request(&spa, "openid", &[]));
        let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
        let csrf = ("csrf", csrf.as_str());
        for form in [
            vec![csrf],
            vec![csrf, ("decision", "")],
            vec![csrf, ("decision", "ALLOW")],
            vec![csrf, ("decision", "allow ")],
            vec![csrf, ("decision", "yes")],
            vec![csrf, ("decision", "1")],
            vec![csrf, ("decision", "allow\0")],
            vec![csrf, ("decision", "deny"), ("decision", "allow")],
            vec![csrf, ("decision", "allow"), ("decision", "allow")],
            vec![csrf, ("decision", "allow"), ("x", "1"), ("x", "2")],
        ] {
            assert_refused(
                &browser.send("POST", &action, Some(&form)),
                " data-problem=\"malformed-request\"",
                &format!("{form:?}"),
            );
        }
        let cookie = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let body = encode(&[("decision", "allow"), csrf]);
        for (content_type, body, status) in [
            ("application/json", body.as_str(), 400),
            ("text/plain", &body, 400),
            ("multipart/form-data; boundary=x", &body, 400),
            ("application/x-www-form-urlencoded", &format!("{body}&pad={}", "x".repeat(17_000)), 413),
            ("application/x-www-form-urlencoded", &format!("{body}&x=%ff"), 400),
        ] {
            let page = server.send("POST", &action, &[("Cookie", &cookie), ("Content-Type", content_type)], Some(body));
            assert_eq!((page.status, page.header("location")), (status, None), "{content_type}: {page:?}");
            page.assert_page();
        }
        assert_nothing(server, &alice, "no answer");
        assert_eq!(decide(&mut browser, &page, "allow").status, 303, "and the form is as good as before");
    });
}
