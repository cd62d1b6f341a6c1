//! The two stamps in the URL (docs/decisions/0003): each is valid for its purpose, its request, its session and its time. One
//! that was forged, moved elsewhere or saved for later is ignored: the page that it would have skipped is shown.

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use super::{at_home, code_of, error_of, leads_to};
use crate::harness::{Browser, CALLBACK, PASSWORD, Server, both, encode, query_of};

const APP: &str = "com.example.app:/cb";

fn with(path: &str, name: &str, value: &str) -> String {
    format!("{path}&{}", encode(&[(name, value)]))
}

/// The same text with one character changed.
fn tampered(stamp: &str, at: usize) -> String {
    let mut bytes = stamp.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// A client that asks for consent each time.
fn native(server: &Server) -> Client {
    server.add_client("native", ClientKind::Native, |client| client.settings.redirect_uris = vec![APP.into()])
}

/// Allows what this request asks for; the stamp that says so.
fn allow(browser: &mut Browser, request: &str) -> String {
    let page = browser.get(request);
    leads_to(&page, "/consent");
    let shown = browser.get(page.location());
    let page = browser.send("POST", &shown.attribute("form ", "action"), Some(&[("decision", "allow"), ("csrf", &shown.csrf())]));
    leads_to(&page, "/authorize");
    query_of(page.location())["consent_given"].clone()
}

#[test]
fn sign_in_asked_counts_for_its_request_and_not_for_long() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        let request = Browser::request(&spa, "openid", &[("prompt", "login")]);
        let old = query_of(home.get(&request).location())["sign_in_asked"].clone();
        server.advance(10);
        let login = home.get(&request).location().to_owned();
        let stamp = query_of(&login)["sign_in_asked"].clone();
        assert_ne!(old, stamp);
        let asks = |home: &mut Browser, path: &str| leads_to(&home.get(path), "/login");
        asks(&mut home, &with(&request, "sign_in_asked", &stamp));
        let page = home.sign_in_at(&login, "alice", PASSWORD);
        code_of(server, &home.get(page.location()), CALLBACK);

        for more in [("state", "other"), ("scope", "openid email"), ("nonce", "n"), ("prompt", "login consent"), ("max_age", "0")]
        {
            let other = Browser::request(&spa, "openid", &[("prompt", "login"), more]);
            let other = if more.0 == "prompt" { Browser::request(&spa, "openid", &[more]) } else { other };
            asks(&mut home, &with(&other, "sign_in_asked", &stamp));
        }
        for forged in
            ["x".into(), "A".repeat(56), tampered(&stamp, 5), tampered(&stamp, 30), format!("{stamp}A"), stamp[..54].into()]
        {
            asks(&mut home, &with(&request, "sign_in_asked", &forged));
        }
        asks(&mut home, &with(&request, "consent_given", &stamp));
        asks(&mut home, &request);
        let twice = with(&with(&request, "sign_in_asked", &stamp), "sign_in_asked", &stamp);
        assert_eq!(error_of(server, &home.get(&twice), CALLBACK), "invalid_request");
        server.advance(290);
        code_of(server, &home.get(&with(&request, "sign_in_asked", &stamp)), CALLBACK);
        server.advance(20); // five minutes after the sign-in, for consent, it is not fresh any more
        asks(&mut home, &with(&request, "sign_in_asked", &stamp));

        // An hour is given for signing in; who takes longer is asked again.
        let login = home.get(&request).location().to_owned();
        server.advance(3500);
        let page = home.sign_in_at(&login, "alice", PASSWORD);
        code_of(server, &home.get(page.location()), CALLBACK);
        let login = home.get(&request).location().to_owned();
        server.advance(3601);
        let page = home.sign_in_at(&login, "alice", PASSWORD);
        asks(&mut home, page.location());
    });
}

#[test]
fn a_client_that_sends_a_stamp_of_its_own_only_wastes_its_breath() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let request =
            Browser::request(&spa, "openid", &[("prompt", "login"), ("sign_in_asked", "mine"), ("consent_given", "mine")]);
        let mut browser = Browser::new(server);
        let page = browser.get(&request);
        leads_to(&page, "/login");
        assert_eq!(page.location().matches("sign_in_asked").count(), 1, "{page:?}");
        code_of(server, &browser.follow(&request, "alice", "allow"), CALLBACK);
        code_of(server, &browser.follow(&request, "alice", "allow"), CALLBACK);
    });
}

#[test]
fn consent_given_counts_for_its_request_its_session_and_two_minutes() {
    both(|server| {
        server.add_user("alice");
        let native = native(server);
        let other = server.add_client("other", ClientKind::Native, |client| client.settings.redirect_uris = vec![APP.into()]);
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let request = Browser::request(&native, "openid", &[]);
        let stamp = allow(&mut home, &request);
        let asks = |browser: &mut Browser, path: &str| leads_to(&browser.get(path), "/consent");
        for path in [
            Browser::request(&native, "openid email", &[]),
            Browser::request(&native, "openid", &[("state", "other")]),
            Browser::request(&native, "openid", &[("nonce", "n")]),
            Browser::request(&native, "openid", &[("resource", "https://api.example.com")]),
            Browser::request(&native, "openid", &[("response_mode", "fragment")]),
            Browser::request(&other, "openid", &[]),
        ] {
            asks(&mut home, &with(&path, "consent_given", &stamp));
        }
        let silent = with(&Browser::request(&native, "openid", &[("prompt", "none")]), "consent_given", &stamp);
        assert_eq!(error_of(server, &home.get(&silent), APP), "consent_required");
        for forged in ["x".into(), "A".repeat(56), tampered(&stamp, 5), tampered(&stamp, 30), format!("{stamp}A")] {
            asks(&mut home, &with(&request, "consent_given", &forged));
        }
        asks(&mut home, &with(&request, "sign_in_asked", &stamp));

        let mut elsewhere = Browser::new(server);
        leads_to(&elsewhere.get(&with(&request, "consent_given", &stamp)), "/login");
        elsewhere.sign_in("alice");
        asks(&mut elsewhere, &with(&request, "consent_given", &stamp));

        server.advance(119);
        code_of(server, &home.get(&with(&request, "consent_given", &stamp)), APP);
        server.advance(2);
        asks(&mut home, &with(&request, "consent_given", &stamp));
    });
}

#[test]
fn a_stamp_is_no_form_and_a_form_no_stamp() {
    both(|server| {
        server.add_user("alice");
        let native = native(server);
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let request = Browser::request(&native, "openid", &[]);
        let stamp = allow(&mut home, &request);
        let shown = home.get(&request.replace("/authorize", "/consent"));
        for name in ["consent_given", "sign_in_asked"] {
            leads_to(&home.get(&with(&request, name, &shown.csrf())), "/consent");
        }
        let page = home.send("POST", &shown.attribute("form ", "action"), Some(&[("decision", "allow"), ("csrf", &stamp)]));
        assert_eq!((page.status, page.header("location")), (400, None));
    });
}
