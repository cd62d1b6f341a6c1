//! The redirect after a sign-in: home, or back to `/authorize`, whatever a link says (RFC 9700 §4.11, ASVS 3.7.2). Also whether
//! browsers are required to use HTTPS.

use symbolon::testing::{config::Issuer, protocol::oauth::client::ClientKind};

use crate::harness::{Browser, CHALLENGE, PASSWORD, both, both_with};

/// Somewhere else, in the spellings that slip by.
const ELSEWHERE: [&str; 7] = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "%09//evil.example",
    "\r\nLocation: https://evil.example",
];

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn no_parameter_leads_elsewhere() {
    both(|server| {
        server.add_user("alice");
        server.add_client("spa", ClientKind::Spa, |_| ());
        let names = [
            "next",
            "return_to",
            "returnTo",
            "redirect",
            "redirect_uri",
            "redirect_url",
            "continue",
            "url",
            "target_link_uri",
            "RelayState",
            "goto",
        ];
        let mut browser = Browser::new(server);
        for (n, elsewhere) in ELSEWHERE.iter().enumerate() {
            let all: Vec<_> = names.iter().map(|name| format!("{name}={}", encoded(elsewhere))).collect();
            let page = browser.sign_in_at(&format!("/login?{}", all.join("&")), "alice", PASSWORD);
            assert_eq!((page.status, page.location()), (303, "/"), "{elsewhere}");
            for client in ["nobody", "spa", elsewhere] {
                let query =
                    format!("client_id={}&redirect_uri={}&response_type=code&scope=openid", encoded(client), encoded(elsewhere));
                let page = browser.sign_in_at(&format!("/login?{query}"), "alice", PASSWORD);
                assert_eq!(page.status, 303, "{n} {client}");
                assert!(page.location().starts_with("/authorize?client_id="), "{page:?}");
                let to = page.location().to_owned();
                let page = browser.get(&to);
                assert_eq!((page.status, page.header("location")), (400, None), "{to}");
            }
        }
    });
}

#[test]
fn no_path_leads_elsewhere() {
    both(|server| {
        for path in [
            "//evil.example",
            "//evil.example/login",
            "/%2f%2fevil.example",
            "/%5cevil.example",
            "/login//evil.example",
            "/login/",
            "/login/..//evil.example",
            "/login;jsessionid=1",
            "/./login/../..//evil.example",
            "/logout/x",
            "/static/..%2f..%2fetc/passwd",
            "/static/nothing.css",
        ] {
            let page = server.send("GET", path, &[], None);
            assert_eq!((page.status, page.header("location")), (404, None), "{path}");
            assert!(!page.body.contains("href=\"//") && !page.body.contains("href=\"http"), "{path}");
        }
    });
}

#[test]
fn neither_does_a_header() {
    both(|server| {
        server.add_user("alice");
        server.add_client("spa", ClientKind::Spa, |_| ());
        let forged = [
            ("Host", "evil.example"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "https"),
            ("Forwarded", "host=evil.example"),
        ];
        for path in ["/", "/login", "/logout", "/authorize?client_id=spa", "/nowhere", "/.well-known/openid-configuration"] {
            let page = server.send("GET", path, &forged, None);
            assert!(!page.body.contains("evil.example"), "{path}: {page:?}");
            assert!(!page.headers.iter().any(|(_, value)| value.contains("evil.example")), "{path}: {page:?}");
        }
        let query = format!(
            "client_id=spa&redirect_uri={}&response_type=code&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256",
            encoded(crate::harness::CALLBACK)
        );
        let page = server.send("GET", &format!("/authorize?{query}"), &forged, None);
        assert!(page.location().starts_with("/login?"), "{page:?}");
        let mut browser = Browser::new(server);
        browser.headers = vec![
            ("Host", "evil.example".into()),
            ("Origin", "https://evil.example".into()),
            ("Referer", "https://evil.example/".into()),
        ];
        browser.sign_in("alice");
    });
}

#[test]
fn the_sign_in_page_posts_to_this_server_only() {
    both(|server| {
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let asks = |path: &str| {
            let page = server.send("GET", path, &[], None);
            assert!(page.attribute("form ", "action").starts_with("/login"), "{page:?}");
            let policy = page.header("content-security-policy").unwrap().to_owned();
            policy.split("; ").find_map(|part| part.strip_prefix("form-action ")).unwrap().to_owned()
        };
        assert_eq!(asks("/login"), "'self'");
        assert_eq!(asks("/login?client_id=nobody&redirect_uri=https://evil.example/"), "'self'");
        assert_eq!(asks("/login?client_id=spa&redirect_uri=https://evil.example/&response_type=code&scope=openid"), "'self'");
        let good = Browser::request(&spa, "openid", &[]).replace("/authorize?", "/login?");
        assert_eq!(asks(&good), "'self' https: https://app.example.com");
    });
}

#[test]
fn https_is_insisted_on_where_the_issuer_has_it() {
    let strict = |expected: Option<&'static str>| {
        move |server: &crate::harness::Server| {
            for path in [
                "/",
                "/login",
                "/nowhere",
                "/token",
                "/userinfo",
                "/.well-known/jwks.json",
                "/.well-known/openid-configuration",
                "/.well-known/change-password",
                "/healthz",
            ] {
                let page = server.send("GET", path, &[], None);
                assert_eq!(page.header("strict-transport-security"), expected, "{path}");
            }
        }
    };
    both(strict(None));
    let (whole, host) = (Some("max-age=31536000; includeSubDomains"), Some("max-age=31536000"));
    for (issuer, include_subdomains, expected) in [
        ("https://id.example.com", None, whole),
        ("https://id.example.com", Some(false), host),
        ("https://example.com/id", None, host),
        ("https://example.com/id", Some(true), whole),
    ] {
        let change = |config: &mut symbolon::testing::config::Config| {
            config.issuer = Issuer::parse(issuer).unwrap();
            config.hsts_include_subdomains = include_subdomains;
        };
        both_with(change, strict(expected));
    }
}
