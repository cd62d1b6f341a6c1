//! The endpoints for clients, resource servers and monitoring: every parameter of `/token` and `/userinfo`, and queries, paths
//! and methods that the others do not use.

use super::{assert_sane, assert_works, good_query, inhabited, short, ways};
use crate::harness::{Answer, Browser, CALLBACK, VERIFIER, both, encode};

/// The errors of RFC 6749 §5.2 and RFC 8707 §2 that this endpoint answers with, and their status.
const ERRORS: [(&str, u16); 8] = [
    ("invalid_request", 400),
    ("invalid_client", 400),
    ("invalid_client", 401),
    ("invalid_grant", 400),
    ("unauthorized_client", 400),
    ("unsupported_grant_type", 400),
    ("invalid_scope", 400),
    ("invalid_target", 400),
];

#[test]
fn every_parameter_of_the_token_endpoint() {
    both(|server| {
        let spa = inhabited(server);
        let code = encode(&[
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", "sym_ac_AAAAAAAA"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]);
        let refresh = encode(&[
            ("grant_type", "refresh_token"),
            ("client_id", "spa"),
            ("refresh_token", "sym_rt_AAAAAAAA"),
            ("scope", "openid"),
        ]);
        let names =
            ["grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "resource", "unknown"];
        let of_code = names.iter().copied().chain(["code", "redirect_uri", "code_verifier"]).map(|name| (&code, name));
        let of_refresh = names.iter().copied().chain(["refresh_token", "scope"]).map(|name| (&refresh, name));
        for (base, name) in of_code.chain(of_refresh) {
            for (body, sent) in ways(base, name) {
                server.advance(61); // each wrong secret is the first one
                let page = server.send("POST", "/token", &[], Some(&body));
                assert_sane(&page, &body);
                assert_eq!(page.header("cache-control"), Some("no-store"));
                let answer = Answer::of(page);
                assert!(ERRORS.contains(&(answer.error(), answer.status)), "{}: {answer:?}", short(&body));
                assert!(!sent.is_invalid(name) || answer.error() == "invalid_request", "{}: {answer:?}", short(&body));
            }
        }
        assert_works(server, &spa);
    });
}

#[test]
fn the_token_endpoint_takes_forms_by_post_and_nothing_in_its_address() {
    both(|server| {
        let spa = inhabited(server);
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let form = encode(&[
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]);
        let refused = |path: &str, content_type: &str, body: &str| {
            let page = server.send("POST", path, &[("Content-Type", content_type)], Some(body));
            assert_sane(&page, body);
            assert_eq!((page.status, Answer::of(page).error()), (400, "invalid_request"), "{path} {content_type}");
        };
        let urlencoded = "application/x-www-form-urlencoded";
        refused(&format!("/token?{form}"), urlencoded, "");
        refused("/token?a=b", urlencoded, &form);
        refused(&format!("/token?{form}"), urlencoded, &form);
        for content_type in
            ["application/json", "text/plain", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded2", ";"]
        {
            refused("/token", content_type, &form);
        }
        refused("/token", "application/json", "{\"grant_type\":\"authorization_code\"}");
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let page = server.send(method, &format!("/token?{form}"), &[], None);
            assert_sane(&page, method);
            assert_eq!((page.status, page.header("allow")), (405, Some("POST, OPTIONS")), "{method}");
        }
        assert_eq!(server.redeem(&spa, &code).status, 200, "none of it used up the code");
    });
}

#[test]
fn userinfo_takes_no_token_but_in_its_header() {
    both(|server| {
        let spa = inhabited(server);
        let tokens = server.tokens(&spa, "alice", "openid");
        let token = tokens.text("access_token");
        for (query, _) in ways(&format!("access_token={token}"), "access_token") {
            let page = server.send("GET", &format!("/userinfo?{query}"), &[], None);
            assert_sane(&page, &query);
            assert!(matches!(page.status, 400 | 401), "{}: {page:?}", short(&query));
            let page = server.send("POST", "/userinfo", &[], Some(&query));
            assert_sane(&page, &query);
            assert!(matches!(page.status, 400 | 401), "{}: {page:?}", short(&query));
        }
        for query in [format!("access_token={token}"), format!("x=1&access_token={token}"), "access_token".into()] {
            let page = server.send("GET", &format!("/userinfo?{query}"), &[("Authorization", &format!("Bearer {token}"))], None);
            assert_sane(&page, &query);
            assert_eq!((page.status, Answer::of(page).error()), (400, "invalid_request"), "{}", short(&query));
        }
        let page = server.send("GET", "/userinfo?x=%ff&x=%00&%", &[("Authorization", &format!("Bearer {token}"))], None);
        assert_eq!(page.status, 200, "{page:?}");
    });
}

#[test]
fn documents_and_watchers_care_for_no_query() {
    both(|server| {
        let spa = inhabited(server);
        let page = server.send("GET", "/login", &[], None);
        let asset = page.attribute("link rel=\"stylesheet\"", "href");
        let query = good_query(&spa);
        for path in [
            "/.well-known/jwks.json",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
            "/healthz",
            "/readyz",
            "/",
            &asset,
        ] {
            let plain = server.send("GET", path, &[], None);
            assert_eq!(plain.status, 200, "{path}");
            for (query, _) in ways(&query, "x") {
                let page = server.send("GET", &format!("{path}?{query}"), &[], None);
                assert_sane(&page, &query);
                assert_eq!(page.status, 200, "{path}?{}", short(&query));
                assert!(page.body == plain.body, "{path}?{}", short(&query));
            }
        }
    });
}

#[test]
fn methods_that_a_path_does_not_take() {
    both(|server| {
        inhabited(server);
        let page = server.send("GET", "/login", &[], None);
        let asset = page.attribute("link rel=\"stylesheet\"", "href");
        for (path, allow) in [
            ("/", "GET, HEAD"),
            ("/authorize", "GET, HEAD, POST"),
            ("/login", "GET, HEAD, POST"),
            ("/consent", "GET, HEAD, POST"),
            ("/logout", "GET, HEAD, POST"),
            ("/select-account", "GET, HEAD, POST"),
            ("/token", "POST, OPTIONS"),
            ("/introspect", "POST"),
            ("/revoke", "POST, OPTIONS"),
            ("/userinfo", "GET, HEAD, POST, OPTIONS"),
            ("/.well-known/jwks.json", "GET, HEAD, OPTIONS"),
            ("/.well-known/openid-configuration", "GET, HEAD, OPTIONS"),
            ("/.well-known/oauth-authorization-server", "GET, HEAD, OPTIONS"),
            ("/healthz", "GET, HEAD"),
            ("/readyz", "GET, HEAD"),
            (&asset, "GET, HEAD"),
        ] {
            let allowed: Vec<_> = allow.split(", ").collect();
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "X"] {
                let page = server.send(method, path, &[], None);
                if method == "HEAD" {
                    // RFC 9110 §9.3.2: as GET, without the body.
                    assert_eq!(page.body, "", "{method} {path}: {page:?}");
                    let alike = if allowed.contains(&method) { server.send("GET", path, &[], None).status } else { 405 };
                    assert_eq!((page.status, allowed.contains(&method)), (alike, allowed.contains(&"GET")), "{path}: {page:?}");
                } else if allowed.contains(&method) {
                    assert_ne!(page.status, 405, "{method} {path}: {page:?}");
                    assert_sane(&page, path);
                } else {
                    assert_eq!((page.status, page.header("allow")), (405, Some(allow)), "{method} {path}: {page:?}");
                    assert_sane(&page, path);
                }
            }
        }
    });
}

#[test]
fn paths_that_lead_nowhere() {
    both(|server| {
        let spa = inhabited(server);
        let query = good_query(&spa);
        for path in [
            "/nothing",
            "/authorize/",
            "/AUTHORIZE",
            "//authorize",
            "/./authorize",
            "/x/../authorize",
            "/authorize%00",
            "/authorize%2f",
            "/authorize;x=y",
            "/authorize%20",
            "/%00",
            "/%ff",
            "/%c0%ae%c0%ae/",
            "/%",
            "/%0d%0aSet-Cookie:%20evil=1",
            "/%3Cscript%3Ealert(1)%3C/script%3E",
            "/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
            "/static/",
            "/static",
            "/static/%2e%2e/%2e%2e/etc/passwd",
            "/static/..%2f..%2fCargo.toml",
            "/static/%ff",
            "/static/%00",
            "/static/symbolon.css",
            "/static/a/b",
            "/.well-known/",
            "/.well-known/openid-configuration/",
            "/.well-known/oauth-authorization-server/x",
            "/token/x",
            "/admin",
        ] {
            for method in ["GET", "POST", "HEAD", "DELETE"] {
                let page = server.send(method, &format!("{path}?{query}"), &[], None);
                assert!(matches!(page.status, 404 | 405), "{method} {path}: {page:?}");
                if method != "HEAD" {
                    assert_sane(&page, path);
                }
            }
        }
        let long = format!("/{}", "x".repeat(20_000));
        let page = server.send("GET", &long, &[], None);
        assert_sane(&page, "a long path");
        assert_eq!(page.status, 404);
    });
}
