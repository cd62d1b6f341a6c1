//! A wrong `client_id` or `redirect_uri`, which is shown only to the user, on a page of ours: there is never a `Location`,
//! whatever else the request contains and however it is sent (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2).

use symbolon::testing::{
    protocol::oauth::client::{Client, ClientKind},
    store::clients,
};

use super::{ask, at_home, leads_to};
use crate::harness::{Browser, CALLBACK, PASSWORD, Page, Server, both};

/// Redirect URIs that are not registered, though some parser may think so.
const OUTSIDERS: [&str; 24] = [
    "https://evil.example/cb",
    "https://app.example.com/cb/",
    "https://app.example.com/cb?",
    "https://app.example.com/cb?x=1",
    "https://app.example.com/cb#",
    "https://app.example.com/cb#code=x",
    "https://app.example.com/CB",
    "https://APP.example.com/cb",
    "HTTPS://app.example.com/cb",
    "http://app.example.com/cb",
    "https://app.example.com:443/cb",
    "https://app.example.com:8443/cb",
    "https://app.example.com./cb",
    "https://app.example.com.evil.example/cb",
    "https://app.example.com@evil.example/cb",
    "https://evil.example\\@app.example.com/cb",
    "https://app.example.com/cb/../../evil",
    "https://app.example.com/x/..;/cb",
    "https://app.example.com/%63b",
    "https://app.example.com/cb ",
    " https://app.example.com/cb",
    "https://app.example.com/cb\r\nLocation: https://evil.example",
    "javascript:alert(1)//https://app.example.com/cb",
    "\"><script>alert(1)</script>",
];

/// As a page shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;")
}

#[track_caller]
fn assert_local(page: &Page, words: &str, what: &str) {
    assert_eq!((page.status, page.header("location")), (400, None), "{what}: {page:?}");
    page.assert_page();
    page.assert_no_cors();
    assert_eq!(page.form_targets(), "'self'", "{what}");
    assert!(!page.body.contains("<form") && !page.body.contains("<script"), "{what}: {}", page.body);
    assert!(page.body.contains(page.header("x-request-id").unwrap()), "{what}: no request id in {}", page.body);
    assert!(page.body.contains("<dt>Expected</dt>") && page.body.contains("<dt>Received</dt>"), "{what}: {}", page.body);
    assert!(page.body.contains(words), "{what}: no '{words}' in {}", page.body);
}

/// Asks in every way there is.
fn stays(server: &Server, browsers: &[&Browser], path: &str, words: &str) {
    for browser in browsers {
        for method in ["GET", "POST"] {
            for more in
                ["", "&prompt=none", "&response_mode=form_post", "&response_mode=fragment&response_type=token", "&foo=1&foo=2"]
            {
                let path = format!("{path}{more}");
                assert_local(&ask(server, browser, method, &path), words, &format!("{method} {path}"));
            }
        }
    }
}

fn client(server: &Server) -> Client {
    server.add_user("alice");
    server.add_client("spa", ClientKind::Spa, |client| client.settings.client_name = "Example <Notes>".into())
}

#[test]
fn an_unregistered_redirect_uri() {
    both(|server| {
        let spa = client(server);
        let (home, outsider) = (at_home(server, &spa, "openid"), Browser::new(server));
        for uri in OUTSIDERS {
            let path = Browser::request(&spa, "openid", &[("redirect_uri", uri)]);
            stays(server, &[&home, &outsider], &path, &format!("dir=\"ltr\">{}<", escaped(uri)));
            let page = ask(server, &home, "GET", &path);
            assert!(
                page.body.contains("Example &#60;Notes&#62;") && !page.body.contains(&format!("<dt>Received</dt><dd>{CALLBACK}"))
            );
        }
    });
}

#[test]
fn no_redirect_uri_where_one_is_needed() {
    both(|server| {
        let spa = client(server);
        let many = server.add_client("many", ClientKind::Spa, |client| {
            client.settings.redirect_uris.push("https://other.example.com/cb".into());
        });
        let (home, outsider) = (at_home(server, &spa, "openid"), Browser::new(server));
        for (client, scope) in [(&spa, "openid"), (&spa, "notes:read openid email"), (&many, "notes:read"), (&many, "openid")] {
            let path = Browser::request(client, scope, &[("redirect_uri", "")]);
            stays(server, &[&home, &outsider], &path, " data-problem=\"redirect-uri-missing\"");
        }
        // With one registered and without openid, there is no doubt (OAuth 2.1 §2.3.2).
        let page =
            ask(server, &outsider, "GET", &Browser::request(&spa, "notes:read", &[("redirect_uri", ""), ("prompt", "none")]));
        assert_eq!(super::error_of(server, &page, CALLBACK), "login_required");
    });
}

#[test]
fn an_unknown_missing_or_malformed_client_id() {
    both(|server| {
        let spa = client(server);
        let (home, outsider) = (at_home(server, &spa, "openid"), Browser::new(server));
        for unknown in ["nobody", "SPA", "spa ", "sp", "*", "' OR '1'='1", "<b>x</b>", "é✓"] {
            let path = Browser::request(&spa, "openid", &[("client_id", unknown)]);
            stays(server, &[&home, &outsider], &path, &format!("dir=\"ltr\">{}<", escaped(unknown)));
        }
        let without = Browser::request(&spa, "openid", &[("client_id", "")]);
        stays(server, &[&home, &outsider], &without, " data-problem=\"missing-client\"");
        let bare = without.replace("&client_id=", "");
        for (raw, words) in [
            ("&client_id=spa&client_id=spa", " data-problem=\"repeated-parameter\""),
            ("&client_id=&client_id=spa", " data-problem=\"repeated-parameter\""),
            ("&client_id=spa&client_i%64=other", " data-problem=\"repeated-parameter\""),
            ("&client_id=%ff", "not valid percent-encoded UTF-8"),
            ("&client_id=spa%", "not valid percent-encoded UTF-8"),
            ("&client_id=spa%0", "not valid percent-encoded UTF-8"),
            ("&client_id=spa%00", "contains a NUL character"),
            ("&client_id=spa&client_id=%ff", "not valid percent-encoded UTF-8"),
        ] {
            stays(server, &[&home, &outsider], &format!("{bare}{raw}"), words);
        }
    });
}

#[test]
fn a_repeated_or_malformed_redirect_uri() {
    both(|server| {
        let spa = client(server);
        let (home, outsider) = (at_home(server, &spa, "openid"), Browser::new(server));
        let good = Browser::request(&spa, "openid", &[]);
        let evil = Browser::request(&spa, "openid", &[("redirect_uri", "https://evil.example/cb")]);
        let encoded = "https%3A%2F%2Fapp.example.com%2Fcb";
        for (path, words) in [
            (format!("{good}&redirect_uri={encoded}"), " data-problem=\"repeated-parameter\""),
            (format!("{good}&redirect_uri=https://evil.example"), " data-problem=\"repeated-parameter\""),
            (format!("{good}&redirect_uri="), " data-problem=\"repeated-parameter\""),
            (format!("{evil}&redirect_uri={encoded}"), " data-problem=\"repeated-parameter\""),
            (format!("{good}&redirect_uri=%ff"), "not valid percent-encoded UTF-8"),
            (good.replace("%2Fcb", "%2Fcb%"), "not valid percent-encoded UTF-8"),
            (good.replace("%2Fcb", "%2Fcb%00"), "contains a NUL character"),
            (format!("{good}&client_id=spa"), " data-problem=\"repeated-parameter\""),
        ] {
            stays(server, &[&home, &outsider], &path, words);
        }
    });
}

#[test]
fn it_stays_so_on_the_pages_in_between() {
    both(|server| {
        let spa = client(server);
        let mut home = at_home(server, &spa, "openid");
        let evil = Browser::request(&spa, "openid", &[("redirect_uri", "https://evil.example/cb")]);
        let (login, consent) = (evil.replace("/authorize", "/login"), evil.replace("/authorize", "/consent"));
        assert_local(&home.get(&consent), "https://evil.example/cb", "consent");
        let csrf = home.get("/logout").csrf();
        for decision in ["allow", "deny"] {
            let page = home.send("POST", &consent, Some(&[("decision", decision), ("csrf", &csrf)]));
            assert_local(&page, "https://evil.example/cb", decision);
        }
        // The sign-in page knows of no app then, and leads back to where it is found out.
        let mut outsider = Browser::new(server);
        let page = outsider.get(&login);
        assert_eq!((page.status, page.form_targets()), (200, "'self'"));
        assert!(!page.body.contains("to continue to"), "{}", page.body);
        let page = outsider.sign_in_at(&login, "alice", PASSWORD);
        leads_to(&page, "/authorize");
        assert_local(&outsider.get(page.location()), "https://evil.example/cb", "after sign-in");
    });
}

#[test]
fn a_client_that_is_switched_off() {
    both(|server| {
        let spa = client(server);
        let (mut home, outsider) = (at_home(server, &spa, "openid"), Browser::new(server));
        let wider = home.get(&Browser::request(&spa, "openid email", &[])).location().to_owned();
        let shown = home.get(&wider);
        let now = server.now();
        server.store(|connection| clients::set_disabled(connection, "spa", Some(now)));
        for browser in [&home, &outsider] {
            for (method, more) in [
                ("GET", ""),
                ("POST", ""),
                ("GET", "&prompt=none"),
                ("POST", "&prompt=none"),
                ("GET", "&response_mode=form_post"),
            ] {
                let page = ask(server, browser, method, &format!("{}{more}", Browser::request(&spa, "openid", &[])));
                assert_eq!((page.status, page.header("location")), (400, None), "{page:?}");
                page.assert_page();
                assert!(page.problem() == Some("client-disabled") && page.body.contains(page.header("x-request-id").unwrap()));
            }
        }
        let form = [("decision", "allow"), ("csrf", &*shown.csrf())];
        for page in [home.get(&wider), home.send("POST", &shown.attribute("form ", "action"), Some(&form))] {
            assert_eq!((page.status, page.header("location")), (400, None), "{page:?}");
        }
        server.store(|connection| clients::set_disabled(connection, "spa", None));
        leads_to(&home.get(&Browser::request(&spa, "openid email", &[])), "/consent");
    });
}
