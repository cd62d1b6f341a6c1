//! What proves a choice of account, and what does not: the stamp in the URL is valid for its request, its session and its time,
//! and the form for its request and its session.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{CHOOSE, choose, shown};
use crate::{
    authorize::{at_home, code_of, error_of, leads_to},
    harness::{Browser, CALLBACK, PASSWORD, both, encode, query_of},
};

fn with(path: &str, name: &str, value: &str) -> String {
    format!("{path}&{}", encode(&[(name, value)]))
}

/// Goes on with the account that is signed in; the stamp that says so.
fn stamp(browser: &mut Browser, request: &str) -> String {
    let page = shown(browser, request);
    let page = choose(browser, &page, "continue");
    leads_to(&page, "/authorize");
    query_of(page.location())["account_chosen"].clone()
}

#[test]
fn a_choice_counts_for_its_request_its_session_and_an_hour() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let other = server.add_client("other", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid email");
        server.advance(10);
        let request = Browser::request(&spa, "openid", &[CHOOSE]);
        let stamp = stamp(&mut home, &request);
        let asks = |browser: &mut Browser, path: &str| leads_to(&browser.get(path), "/select-account");
        for path in [
            Browser::request(&spa, "openid email", &[CHOOSE]),
            Browser::request(&spa, "openid", &[CHOOSE, ("state", "other")]),
            Browser::request(&spa, "openid", &[CHOOSE, ("nonce", "n")]),
            Browser::request(&spa, "openid", &[("prompt", "select_account consent")]),
            Browser::request(&other, "openid", &[CHOOSE]),
        ] {
            asks(&mut home, &with(&path, "account_chosen", &stamp));
        }
        let altered = |at: usize| {
            let mut bytes = stamp.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        for forged in ["x".into(), "A".repeat(stamp.len()), altered(5), altered(30), format!("{stamp}A"), stamp[1..].into()] {
            asks(&mut home, &with(&request, "account_chosen", &forged));
        }
        let twice = with(&with(&request, "account_chosen", &stamp), "account_chosen", &stamp);
        assert_eq!(error_of(server, &home.get(&twice), CALLBACK), "invalid_request");
        for purpose in ["consent_given", "sign_in_asked"] {
            asks(&mut home, &with(&request, purpose, &stamp));
        }
        let csrf = shown(&mut home, &request).csrf();
        asks(&mut home, &with(&request, "account_chosen", &csrf));
        let page = home.send(
            "POST",
            &request.replacen("/authorize", "/select-account", 1),
            Some(&[("choice", "continue"), ("csrf", &stamp)]),
        );
        assert_eq!((page.status, page.header("location")), (400, None), "a stamp is no form");
        // Nor does a choice stand for consent.
        let consent = Browser::request(&spa, "openid profile", &[CHOOSE]);
        let chosen = self::stamp(&mut home, &consent);
        leads_to(&home.get(&with(&with(&consent, "account_chosen", &chosen), "consent_given", &chosen)), "/consent");

        let mut elsewhere = Browser::new(server);
        leads_to(&elsewhere.get(&with(&request, "account_chosen", &stamp)), "/login");
        elsewhere.sign_in("alice");
        asks(&mut elsewhere, &with(&request, "account_chosen", &stamp));
        elsewhere.sign_in_at("/login", "bob", PASSWORD);
        asks(&mut elsewhere, &with(&request, "account_chosen", &stamp));

        code_of(server, &home.get(&with(&request, "account_chosen", &stamp)), CALLBACK);
        server.advance(3500);
        code_of(server, &home.get(&with(&request, "account_chosen", &stamp)), CALLBACK);
        server.advance(101);
        asks(&mut home, &with(&request, "account_chosen", &stamp));
    });
}

#[test]
fn nothing_is_chosen_by_a_form_that_is_not_its_own() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        let mut elsewhere = at_home(server, &spa, "openid");
        let request = Browser::request(&spa, "openid", &[CHOOSE]);
        let page = shown(&mut home, &request);
        let (action, good) = (page.attribute("form ", "action"), page.csrf());
        let wrong = [
            ("nothing", String::new()),
            ("garbage", "x".into()),
            ("zeros", "A".repeat(good.len())),
            ("a part of it", good[..good.len() - 1].into()),
            ("that of another request", shown(&mut home, &Browser::request(&spa, "openid", &[CHOOSE, ("state", "x")])).csrf()),
            ("that of another browser", shown(&mut elsewhere, &request).csrf()),
            ("that of the sign-out page", home.get("/logout").csrf()),
            ("that of the consent page", home.get(&request.replacen("/authorize", "/consent", 1)).csrf()),
        ];
        for (what, csrf) in &wrong {
            for choice in ["continue", "other"] {
                let page = home.send("POST", &action, Some(&[("choice", choice), ("csrf", csrf)]));
                assert_eq!((page.status, page.header("location")), (400, None), "{what}: {page:?}");
                page.assert_page();
                assert!(page.problem() == Some("form-expired"), "{what}: {}", page.body);
            }
        }
        let csrf = ("csrf", good.as_str());
        for form in [
            vec![csrf],
            vec![csrf, ("choice", "")],
            vec![csrf, ("choice", "Continue")],
            vec![csrf, ("choice", "bob")],
            vec![csrf, ("choice", "continue"), ("choice", "other")],
            vec![csrf, csrf, ("choice", "continue")],
        ] {
            let page = home.send("POST", &action, Some(&form));
            assert_eq!((page.status, page.header("location")), (400, None), "{form:?}: {page:?}");
            page.assert_page();
        }
        let in_query = format!("{action}&{}", encode(&[("choice", "continue"), csrf]));
        assert_eq!(home.get(&in_query).status, 200, "a GET shows the page, once more");
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            let page = home.send(method, &action, None);
            assert_eq!((page.status, page.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
        }
        server.advance(3601);
        let again = choose(&mut home, &page, "continue");
        assert_eq!(again.status, 400, "{again:?}");
        assert!(again.problem() == Some("form-expired"), "{}", again.body);
        leads_to(&choose(&mut home, &again, "continue"), "/authorize"); // its new form works
    });
}
