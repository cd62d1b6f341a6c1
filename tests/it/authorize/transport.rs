//! GET and POST, which are equivalent (RFC 6749 §3.1), and other methods, which are refused; every redirect is a 303 (RFC 9700
//! §4.12); no other origin reads these responses (RFC 9700 §2.6), and none of them sends anyone elsewhere.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{ask, at_home, code_of, error_of, leads_to};
use crate::harness::{Browser, CALLBACK, PASSWORD, both};

#[test]
fn get_and_post_are_answered_alike() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let home = at_home(server, &spa, "openid email");
        let outsider = Browser::new(server);
        for method in ["GET", "POST"] {
            let request = |scope: &str, more: &[(&str, &str)]| Browser::request(&spa, scope, more);
            let code = code_of(server, &ask(server, &home, method, &request("openid email", &[])), CALLBACK);
            assert_eq!(server.redeem(&spa, &code).status, 200);
            leads_to(&ask(server, &home, method, &request("openid profile", &[])), "/consent");
            leads_to(&ask(server, &outsider, method, &request("openid", &[])), "/login");
            let refused = |browser, more| error_of(server, &ask(server, browser, method, &request("openid", more)), CALLBACK);
            assert_eq!(refused(&home, &[("response_type", "token")]), "unsupported_response_type");
            assert_eq!(refused(&outsider, &[("response_type", "token")]), "unsupported_response_type");
            assert_eq!(refused(&outsider, &[("prompt", "none")]), "login_required");
        }
    });
}

#[test]
fn a_post_is_read_from_its_body_alone_and_must_be_a_form() {
    both(|server| {
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let request = Browser::request(&spa, "openid", &[]);
        let (_, query) = request.split_once('?').unwrap();
        let post =
            |path: &str, content_type: &str, body: &str| server.send("POST", path, &[("Content-Type", content_type)], Some(body));
        let form = "application/x-www-form-urlencoded";
        let long = format!("{query}&pad={}", "x".repeat(17_000));
        for (page, status, problem) in [
            (post(&request, form, ""), 400, "missing-client"),
            (post("/authorize", "application/json", query), 400, "malformed-request"),
            (post("/authorize", "text/plain", query), 400, "malformed-request"),
            (post("/authorize", "multipart/form-data; boundary=x", query), 400, "malformed-request"),
            (post("/authorize", form, &long), 413, "too-large"),
        ] {
            assert_eq!((page.status, page.header("location")), (status, None), "{page:?}");
            page.assert_page();
            assert_eq!(page.problem(), Some(problem), "{}", page.body);
        }
        assert_eq!(post("/authorize", "Application/X-WWW-Form-Urlencoded ; charset=utf-8", query).status, 303);
    });
}

#[test]
fn other_methods_are_refused_with_those_that_are_allowed() {
    both(|server| {
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let request = Browser::request(&spa, "openid", &[]);
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
            for path in [request.as_str(), "/login", "/consent", "/logout"] {
                let page = server.send(method, path, &[("Origin", "https://app.example.com")], None);
                assert_eq!((page.status, page.header("allow")), (405, Some("GET, HEAD, POST")), "{method} {path}: {page:?}");
                page.assert_page();
                page.assert_no_cors();
                assert_eq!(page.header("location"), None);
            }
        }
    });
}

#[test]
fn every_step_is_a_page_with_its_headers_or_a_303_and_no_other_origin_reads_it() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.headers = vec![("Origin", "https://app.example.com".into())];
        let mut seen = Vec::new();
        let mut page = browser.get(&Browser::request(&spa, "openid email", &[]));
        for _ in 0..8 {
            page.assert_no_cors();
            page.assert_common_headers();
            seen.push(page.status);
            if page.status == 200 {
                page.assert_page();
                assert_eq!(page.form_targets(), "'self' https: https://app.example.com");
                let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
                assert!(action.starts_with('/') && !action.starts_with("//"), "{action}");
                let form = [("username", "alice"), ("password", PASSWORD), ("decision", "allow"), ("csrf", &csrf)];
                page = browser.send("POST", &action, Some(&form));
            } else if page.location().starts_with(CALLBACK) {
                break;
            } else {
                let to = page.location().to_owned();
                assert!(to.starts_with('/') && !to.starts_with("//"), "{to}");
                page = browser.get(&to);
            }
        }
        assert_eq!(seen, [303, 200, 303, 303, 200, 303, 303]);
        code_of(server, &page, CALLBACK);
        for path in ["/", "/logout", "/login", "/nothing-here", "/authorize"] {
            let page = browser.get(path);
            page.assert_page();
            page.assert_no_cors();
            assert_eq!(page.form_targets(), "'self'", "{path}");
        }
    });
}

#[test]
fn no_parameter_of_ours_sends_anyone_elsewhere() {
    both(|server| {
        server.add_user("alice");
        let evil = "https%3A%2F%2Fevil.example";
        let query: Vec<_> = ["next", "return_to", "redirect", "url", "continue", "redirect_uri", "state", "iss"]
            .map(|name| format!("{name}={evil}"))
            .into();
        let query = query.join("&");
        let page = Browser::new(server).sign_in_at(&format!("/login?{query}"), "alice", PASSWORD);
        assert_eq!((page.status, page.location()), (303, "/"));
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let headers = [
            ("Host", "evil.example"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "https"),
            ("Forwarded", "host=evil.example"),
        ];
        let page = server.send("GET", &Browser::request(&spa, "openid", &[]), &headers, None);
        leads_to(&page, "/login");
        let page = server.send("GET", page.location(), &headers, None);
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("evil.example"), "{}", page.body);
    });
}
