//! Other options of the sign-in page: staying signed in, a new password, an account; and its notices, which are shown only if
//! this server issued them, to this browser, about this name and this request.

use symbolon::testing::{
    protocol::{oauth::client::ClientKind, values::params::Params},
    web::returning::{self, Notice},
};

use super::{BROWSER, SESSION, WRONG};
use crate::harness::{Browser, PASSWORD, Server, both, encode, with_mail};

#[test]
fn staying_signed_in_is_a_choice() {
    both(|server| {
        server.add_user("alice");
        let max_age = |fields: &[(&str, &str)]| {
            let mut browser = Browser::new(server);
            let page = browser.fill("/login", &[&[("username", "alice"), ("password", PASSWORD)], fields].concat());
            let cookie = page.headers.iter().find(|(name, value)| name == "set-cookie" && value.starts_with(SESSION));
            let (_, age) = cookie.unwrap().1.split_once("Max-Age=").unwrap_or_default();
            age.to_owned()
        };
        assert_eq!(max_age(&[]), "", "until the browser is closed");
        assert_eq!(max_age(&[("remember", "no")]), "");
        assert_eq!(max_age(&[("remember", "yes")]), "2592000");
        let mut browser = Browser::new(server);
        let page = browser.get("/login");
        assert!(page.body.contains("For 30 days") && !page.body.contains(" checked"), "{page:?}");
        for (remember, is_ticked) in [("yes", true), ("", false)] {
            let wrong = browser.submit(&page, &[("username", "alice"), ("password", WRONG), ("remember", remember)]);
            assert_eq!((wrong.status, wrong.body.contains(" checked")), (401, is_ticked), "what was chosen is kept");
        }
    });
}

#[test]
fn without_mail_nothing_that_needs_it_is_offered() {
    both(|server| {
        let page = Browser::new(server).get("/login");
        assert!(!page.body.contains("/recover") && !page.body.contains("/register"), "{page:?}");
    });
    with_mail(
        |_| (),
        |server, _| {
            let page = Browser::new(server).get("/login?client_id=none&state=s&notice=registered&sign_in_as=x");
            assert_eq!(page.attribute("href=\"/recover", "href"), "/recover?client_id=none&state=s");
            assert_eq!(page.attribute("href=\"/register", "href"), "/register?client_id=none&state=s");
            assert_eq!(page.attribute("form ", "action"), "/login?client_id=none&state=s");
        },
    );
}

/// The words of every notice, by the word for it.
const NOTICES: [(&str, &str); 1] = [("password_set", "Your new password is set.")];

/// Where this server leads a browser with this cookie, with a notice about alice and this request.
fn given(server: &Server, browser: &str, word: &str, request: &str) -> String {
    let request = Params::parse(request);
    let stamp = returning::give_notice(&server.app, browser, Notice { word, name: "alice" }, &request, server.now());
    let own = [("notice", word), ("sign_in_as", "alice"), ("notice_stamp", stamp.as_str())];
    format!("/login?{}", request.to_query(&[], &own))
}

/// Whether the sign-in page says nothing, and begins with no name.
#[track_caller]
fn assert_silent(browser: &mut Browser, path: &str) {
    let page = browser.get(path);
    assert!(page.status == 200 && !page.body.contains("role=\"status\""), "{path}: {page:?}");
    assert_eq!(page.attribute("id=\"username\"", "value"), "", "{path}");
}

#[test]
fn what_led_there_is_said_once_this_server_has_said_so_to_this_browser() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        browser.get("/login");
        let cookie = browser.cookies[BROWSER].clone();
        for (word, words) in NOTICES {
            let path = given(server, &cookie, word, "");
            let page = browser.get(&path);
            assert!(page.body.contains(words) && page.body.contains("role=\"status\""), "{word}: {page:?}");
            assert_eq!(page.attribute("id=\"username\"", "value"), "alice");
            assert_silent(&mut Browser::new(server), &path); // a link that was passed on
            let mut other = Browser::new(server);
            other.get("/login");
            assert_silent(&mut other, &path);
        }
        let path = given(server, &cookie, "password_set", "");
        server.advance(601);
        assert_silent(&mut browser, &path);
        for word in ["registered", "password_changed", "signed_out_everywhere", "operator_asks", "unknown"] {
            assert!(!browser.get(&given(server, &cookie, word, "")).body.contains("role=\"status\""), "{word}");
        }
    });
}

#[test]
fn a_notice_without_its_stamp_says_nothing() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let request = Browser::request(&spa, "openid", &[]);
        let (_, request) = request.split_once('?').unwrap();
        let mut browser = Browser::new(server);
        browser.get("/login");
        let cookie = browser.cookies[BROWSER].clone();
        let stamp_of = |path: &str| path.split("notice_stamp=").nth(1).unwrap().to_owned();
        let good = stamp_of(&given(server, &cookie, "password_set", ""));
        let empty = stamp_of(&given(server, "", "password_set", ""));
        let of_request = given(server, &cookie, "password_set", request);
        assert!(browser.get(&of_request).done() == Some("password-set"), "before the others");
        let form = browser.get("/login").csrf();
        for (word, _) in NOTICES {
            for stamp in [None, Some(""), Some("x"), Some(&*empty), Some(&*form), Some(&*stamp_of(&of_request))] {
                let pairs = [("notice", Some(word)), ("sign_in_as", Some("alice")), ("notice_stamp", stamp)];
                let pairs: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                assert_silent(&mut browser, &format!("/login?{}", encode(&pairs)));
                assert_silent(&mut Browser::new(server), &format!("/login?{}", encode(&pairs)));
            }
        }
        for (word, name) in [("registered", "alice"), ("password_set", "bob"), ("password_set", "")] {
            let pairs = [("notice", word), ("sign_in_as", name), ("notice_stamp", good.as_str())];
            assert_silent(&mut browser, &format!("/login?{}", encode(&pairs)));
        }
        assert_silent(&mut browser, &format!("/login?notice=password_set&notice_stamp={good}"));
        let other = request.replace("st4te", "other");
        assert_silent(&mut browser, &of_request.replace(request, &other));
        // What a client says of whom it expects is a hint as before.
        let hinted = browser.get(&format!("{}&notice=registered", Browser::request(&spa, "openid", &[("login_hint", "bob")])));
        let page = browser.get(hinted.location());
        assert_eq!(page.attribute("id=\"username\"", "value"), "bob");
        assert!(!page.body.contains("role=\"status\""), "{page:?}");
    });
}
