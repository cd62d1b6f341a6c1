//! CORS (RFC 9700 §2.6, RFC 10017 §6.3.3.4): responses of the token and `UserInfo` endpoints are readable from a registered
//! origin only, public documents from any, and pages meant for users from none. Never with cookies.

use symbolon::testing::{protocol::oauth::client::ClientKind, store::clients};

use crate::harness::{Browser, Page, Server, both, both_with};

const APP: &str = "https://app.example.com";

fn allowed(page: &Page) -> Option<&str> {
    assert_eq!(page.header("access-control-allow-credentials"), None, "never with cookies: {page:?}");
    assert!(page.headers.iter().filter(|(name, _)| name == "access-control-allow-origin").count() <= 1);
    page.header("access-control-allow-origin")
}

/// Every answer of the two endpoints to a page of this origin: preflight, error, success.
fn answers(server: &Server, origin: &str, access_token: &str) -> Vec<(String, Page)> {
    let bearer = format!("Bearer {access_token}");
    let asks = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization,content-type")];
    let with = |more: &[(&'static str, &str)]| {
        [&[("Origin", origin)], more].concat().into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>()
    };
    let cases = [
        ("OPTIONS", "/token", with(&asks), None),
        ("OPTIONS", "/userinfo", with(&asks), None),
        ("POST", "/token", with(&[]), Some("grant_type=refresh_token&refresh_token=x&client_id=spa")),
        ("POST", "/token", with(&[]), Some("grant_type=x&client_id=nobody")),
        ("POST", "/token", with(&[("Content-Type", "text/plain")]), Some("x")),
        ("POST", "/token?x=y", with(&[]), Some("x")),
        ("GET", "/userinfo", with(&[]), None),
        ("GET", "/userinfo", with(&[("Authorization", "Bearer x")]), None),
        ("GET", "/userinfo", with(&[("Authorization", &bearer)]), None),
        ("POST", "/userinfo", with(&[("Authorization", &bearer)]), Some("")),
    ];
    let sent = cases.into_iter().map(|(method, path, headers, body)| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = server.send(method, path, &headers, body);
        (format!("{method} {path} {body:?} from {origin}"), page)
    });
    sent.collect()
}

#[test]
fn registered_origins_and_no_others_read_the_answers() {
    let listed = |config: &mut symbolon::testing::config::Config| config.cors_origins = vec!["https://listed.example.com".into()];
    both_with(listed, |server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| {
            client.settings.redirect_uris.push("http://127.0.0.1:8081/cb".into());
            client.settings.cors_origins = vec!["https://besides.example.com:8443".into()];
        });
        server
            .add_client("phone", ClientKind::Native, |client| client.settings.redirect_uris = vec!["com.example.app:/cb".into()]);
        let tokens = server.tokens(&spa, "alice", "openid");
        let token = tokens.text("access_token");
        for origin in [APP, "http://127.0.0.1:8081", "https://besides.example.com:8443", "https://listed.example.com"] {
            for (case, page) in answers(server, origin, token) {
                assert_eq!(allowed(&page), Some(origin), "{case}: {page:?}");
                assert!(page.header("vary").unwrap().contains("Origin"), "{case}");
                if case.starts_with("OPTIONS") {
                    assert_eq!((page.status, &*page.body), (204, ""), "{case}");
                    assert_eq!(page.header("access-control-allow-methods"), Some("GET, POST"));
                    let headers = page.header("access-control-allow-headers").unwrap();
                    assert!(headers.contains("Authorization") && headers.contains("Content-Type"), "{headers}");
                    assert!(page.header("access-control-max-age").is_some());
                } else {
                    assert!(page.header("access-control-expose-headers").unwrap().contains("WWW-Authenticate"), "{case}");
                }
            }
        }
        let code = Browser::new(server).code(&spa, "alice", "openid");
        let redeemed = server.token(
            &[
                ("grant_type", "authorization_code"),
                ("client_id", "spa"),
                ("code", &code),
                ("redirect_uri", &spa.settings.redirect_uris[0]),
                ("code_verifier", crate::harness::VERIFIER),
            ],
            &[("Origin", APP)],
        );
        assert_eq!((redeemed.status, redeemed.header("access-control-allow-origin")), (200, Some(APP)));

        for origin in [
            "https://other.example.com",
            "null",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com:443",
            "https://app.example.com/",
            "https://app.example.com.evil.example",
            "https://evil.example/app.example.com",
            "HTTPS://APP.EXAMPLE.COM",
            "https://app.example.com https://app.example.com",
            "https://besides.example.com",
            "http://127.0.0.1:8082",
            "http://localhost:8081",
            "com.example.app",
            "com.example.app://",
            "*",
            "",
            "'",
            &"x".repeat(400),
        ] {
            for (case, page) in answers(server, origin, token) {
                assert_eq!(allowed(&page), None, "{case}");
                assert!(page.status < 500 && page.header("vary").unwrap().contains("Origin"), "{case}: {page:?}");
            }
        }
        for ((case, one), (_, other)) in answers(server, APP, token).iter().zip(answers(server, "null", token)) {
            assert_eq!((one.status, &one.body), (other.status, &other.body), "{case}: the answer itself is the same");
        }
    });
}

#[test]
fn without_an_origin_caches_are_told_all_the_same() {
    both(|server| {
        for (method, path) in [("OPTIONS", "/token"), ("OPTIONS", "/userinfo"), ("POST", "/token"), ("GET", "/userinfo")] {
            let page = server.send(method, path, &[], (method == "POST").then_some("x=y"));
            assert_eq!(allowed(&page), None, "{method} {path}");
            assert!(page.header("vary").unwrap().starts_with("Origin"), "{method} {path}");
        }
    });
}

#[test]
fn an_origin_goes_with_its_client() {
    both(|server| {
        server.add_client("one", ClientKind::Spa, |_| ());
        server.add_client("two", ClientKind::Spa, |_| ());
        let requested = || server.send("OPTIONS", "/token", &[("Origin", APP), ("Access-Control-Request-Method", "POST")], None);
        let now = server.now();
        assert_eq!(allowed(&requested()), Some(APP));
        server.store(|connection| clients::delete(connection, "one", now));
        assert_eq!(allowed(&requested()), Some(APP), "the other client has it as well");
        server.store(|connection| clients::delete(connection, "two", now));
        assert_eq!(allowed(&requested()), None);
    });
}

#[test]
fn public_documents_are_for_everyone() {
    both(|server| {
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"] {
            for origin in [Some("https://anywhere.example"), Some("null"), None] {
                let headers: Vec<_> = origin.iter().map(|origin| ("Origin", *origin)).collect();
                let page = server.send("GET", path, &headers, None);
                assert_eq!((page.status, allowed(&page)), (200, Some("*")), "{path}");
                let tag = page.header("etag").unwrap();
                let page = server.send("GET", path, &[("Origin", "https://anywhere.example"), ("If-None-Match", tag)], None);
                assert_eq!((page.status, allowed(&page)), (304, Some("*")), "{path}");
            }
        }
    });
}

/// What a preflight request is answered at this path: the status, who may read, and the headers that may be sent.
fn preflight(server: &Server, path: &str, origin: &str, requested: &str) -> (u16, Option<String>, Vec<String>) {
    let headers = [("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", requested)];
    let page = server.send("OPTIONS", path, &headers, None);
    let names = page.header("access-control-allow-headers").unwrap_or_default().split(", ");
    assert_eq!(page.header("vary"), Some("Origin, Access-Control-Request-Headers"), "{path}");
    (page.status, allowed(&page).map(str::to_owned), names.map(str::to_owned).collect())
}

#[test]
fn headers_that_a_page_asks_to_send_are_allowed() {
    const ALWAYS: [&str; 3] = ["Authorization", "Content-Type", "DPoP"];
    both(|server| {
        server.add_client("spa", ClientKind::Spa, |_| ());
        for (requested, expected) in [
            ("authorization,content-type", &[][..]),
            ("traceparent, x-requested-with,mcp-protocol-version", &["traceparent", "x-requested-with", "mcp-protocol-version"]),
            ("content-type, X-Custom", &["X-Custom"]),
            ("", &[]),
            ("*", &["*"]),
            ("a b", &[]),
            ("good, (bad)", &[]),
            (&format!("x-{}", "long".repeat(300)), &[]),
        ] {
            let names = [&ALWAYS[..], expected].concat();
            for path in ["/token", "/userinfo", "/revoke"] {
                let (status, reader, allowed) = preflight(server, path, APP, requested);
                assert_eq!((status, reader.as_deref()), (204, Some(APP)), "{path} {requested}");
                assert_eq!(allowed, names, "{path} {requested}");
            }
            for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"]
            {
                let (status, reader, allowed) = preflight(server, path, "https://anywhere.example", requested);
                assert_eq!((status, reader.as_deref()), (204, Some("*")), "{path} {requested}");
                assert_eq!(allowed, names, "{path} {requested}");
            }
        }
        assert_eq!(preflight(server, "/token", "https://other.example.com", "traceparent").1, None);
    });
}

#[test]
fn errors_made_before_an_endpoint_are_readable_json() {
    let proxied = |config: &mut symbolon::testing::config::Config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
    };
    both_with(proxied, |server| {
        server.add_client("spa", ClientKind::Spa, |_| ());
        let long = format!("x={}", "y".repeat(17_000));
        let insecure = [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "http")];
        for (path, readers, other) in [
            ("/token", Some(APP), None),
            ("/userinfo", Some(APP), None),
            ("/revoke", Some(APP), None),
            ("/introspect", None, None),
            ("/.well-known/jwks.json", Some("*"), Some("*")),
            ("/.well-known/openid-configuration", Some("*"), Some("*")),
        ] {
            for (origin, expected) in [(APP, readers), ("https://other.example.com", other)] {
                let with = |headers: &[(&'static str, &'static str)]| [&[("Origin", origin)], headers].concat();
                for (status, page) in [
                    (405, server.send("PUT", path, &with(&[]), None)),
                    (414, server.send("GET", &format!("{path}?{long}"), &with(&[]), None)),
                    (400, server.send("GET", path, &with(&insecure), None)),
                ] {
                    assert_eq!((page.status, allowed(&page)), (status, expected), "{path} {origin} {page:?}");
                    let body: serde_json::Value = serde_json::from_str(&page.body).unwrap();
                    assert_eq!(body["error"], "invalid_request", "{path}: {body}");
                    assert!(body["error_description"].as_str().unwrap().contains(": expected "), "{path}: {body}");
                }
            }
        }
        let page = server.send("GET", "/login", &insecure, None);
        assert!(page.status == 400 && page.body.starts_with("<!doctype html>"), "{page:?}");
    });
}

#[test]
fn addresses_that_browsers_know_lead_to_ours() {
    both(|server| {
        let password = server.send("GET", "/.well-known/change-password", &[], None);
        assert_eq!((password.status, password.location()), (303, &*format!("{}/account/password", server.url)));
        let icon = server.send("GET", "/favicon.ico", &[], None);
        assert_eq!(icon.status, 303);
        let path = icon.location().strip_prefix(&server.url).unwrap().to_owned();
        let icon = server.send("GET", &path, &[], None);
        assert_eq!((icon.status, icon.header("content-type")), (200, Some("image/svg+xml")));
    });
}

#[test]
fn pages_are_for_no_page() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.headers.push(("Origin", APP.into()));
        browser.sign_in("alice");
        let request = Browser::request(&spa, "openid", &[]);
        let consent = request.replace("/authorize?", "/consent?");
        let login = request.replace("/authorize?", "/login?");
        for path in [
            "/",
            "/login",
            "/logout",
            "/authorize",
            "/consent",
            "/nowhere",
            "/healthz",
            "/static/nothing.css",
            &request,
            &consent,
            &login,
        ] {
            for (method, form) in [("GET", None), ("POST", Some(&[("x", "y")][..])), ("OPTIONS", None)] {
                let page = browser.send(method, path, form);
                assert_eq!(allowed(&page), None, "{method} {path}");
                assert!(!page.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{method} {path}: {page:?}");
                assert!(method != "OPTIONS" || [404, 405].contains(&page.status), "{path}: {}", page.status);
            }
        }
    });
}
