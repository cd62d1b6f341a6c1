//! A server behind a proxy that terminates TLS: the proxy's headers are trusted, anyone else's are not, and requests by plain
//! HTTP are refused.

use super::Site;
use crate::harness::{Browser, Database, is_localhost, try_send};

const ISSUER: &str = "https://id.example.com";

fn forwarded(proto: &str) -> Vec<(&'static str, String)> {
    vec![("X-Forwarded-Proto", proto.into()), ("X-Forwarded-For", "198.51.100.7, 203.0.113.9".into())]
}

#[test]
fn a_trusted_proxy_is_believed_and_plain_http_through_it_is_refused() {
    let site = Site::new(Database::sqlite()).with("SYMBOLON_ISSUER", ISSUER).with("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1, ::1");
    site.add_alice();
    let spa = site.add_spa();
    let mut process = site.serve();
    let mut browser = Browser::at(&site.url);
    browser.headers = forwarded("https");
    let left = browser.follow(&Browser::request(&spa, "openid", &[]), "alice", "allow");
    assert!(left.location().contains("iss=https%3A%2F%2Fid.example.com"), "{left:?}");
    assert!(left.header("strict-transport-security").is_some(), "{left:?}");
    process.wait_for("203.0.113.9");

    browser.headers = forwarded("http");
    for path in ["/login", "/authorize", "/.well-known/jwks.json"] {
        let refused = browser.get(path);
        assert_eq!(refused.status, 400, "{path}: {refused:?}");
        assert!(refused.body.contains("https"), "{path}: {refused:?}");
    }
    let refused = browser.send("POST", "/token", Some(&[("grant_type", "refresh_token"), ("client_id", "spa")]));
    assert_eq!((refused.status, refused.header("location")), (400, None), "{refused:?}");
    process.signal("TERM");
    let (_, said) = process.end();
    assert!(!said.contains("198.51.100.7"), "what the caller says of itself is not believed:\n{said}");
}

#[test]
fn of_two_proxies_the_outer_one_says_how_it_was_reached() {
    let site = Site::new(Database::sqlite()).with("SYMBOLON_ISSUER", ISSUER).with("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1, ::1");
    let process = site.serve();
    let status = |chain: &str, protos: &str| {
        let headers = [("X-Forwarded-For", chain), ("X-Forwarded-Proto", protos)];
        try_send("GET", &format!("{}/login", site.url), &headers, None).unwrap().status
    };
    assert_eq!(status("203.0.113.9, 127.0.0.1", "https, http"), 200);
    assert_eq!(status("203.0.113.9, 127.0.0.1", "http, https"), 400);
    assert_eq!(status("203.0.113.9", "https, http"), 400, "there is one proxy, which was reached by http");
    drop(process);
}

#[test]
fn health_may_be_asked_by_plain_http_and_nothing_else() {
    let site = Site::new(Database::sqlite())
        .with("SYMBOLON_ISSUER", "https://example.com/id")
        .with("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1, ::1");
    let process = site.serve();
    for headers in [&[("X-Forwarded-Proto", "http")][..], &[("X-Forwarded-For", "10.1.2.3")], &[]] {
        for (path, body) in [("/id/healthz", "alive\n"), ("/id/readyz", "ready\n")] {
            let page = try_send("GET", &format!("{}{path}", site.url), headers, None).unwrap();
            assert_eq!((page.status, page.body.as_str()), (200, body), "{path} {headers:?}");
            assert_eq!(try_send("HEAD", &format!("{}{path}", site.url), headers, None).unwrap().status, 200);
        }
    }
    for path in ["/id/healthz/", "/id/healthz/../login", "/id/login", "/healthz", "/id/readyz%2f..%2flogin"] {
        let page = try_send("GET", &format!("{}{path}", site.url), &[("X-Forwarded-Proto", "http")], None).unwrap();
        assert_eq!(page.status, 400, "{path}: {page:?}");
    }
    drop(process);
}

#[test]
fn a_proxy_that_was_forgotten_is_noticed() {
    let site = Site::new(Database::sqlite()).with("SYMBOLON_ISSUER", ISSUER);
    let (status, said) = site.run(&["check-config"]).end();
    assert!(status.success() && said.contains("note: trusted_proxies is empty"), "{said}");
    let mut process = site.serve();
    process.wait_for("trusted_proxies is empty");
    for _ in 0..3 {
        let headers = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")];
        assert_eq!(try_send("GET", &format!("{}/login", site.url), &headers, None).unwrap().status, 200);
    }
    process.wait_for("is not in trusted_proxies");
    process.signal("TERM");
    let (_, said) = process.end();
    assert_eq!(said.matches("is not in trusted_proxies").count(), 1, "{said}");
    let line = said.lines().find(|line| line.contains("is not in trusted_proxies")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(line["address"].as_str().is_some_and(is_localhost), "{line}");

    let site = site.with("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1, ::1");
    let process = site.serve();
    try_send("GET", &format!("{}/login", site.url), &[("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")], None)
        .unwrap();
    process.signal("TERM");
    let (_, said) = process.end();
    assert!(!said.contains("trusted_proxies"), "{said}");
}

#[test]
fn who_is_no_proxy_of_ours_is_not_believed() {
    let site = Site::new(Database::sqlite()).with("SYMBOLON_TRUSTED_PROXIES", "10.0.0.1");
    let mut process = site.serve();
    let forged = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "http")];
    let page = try_send("GET", &format!("{}/login", site.url), &forged, None).unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    process.wait_for("/login");
    process.signal("TERM");
    let (_, said) = process.end();
    assert!(!said.contains("203.0.113.9"), "{said}");
    let line = said.lines().find(|line| line.contains("\"/login\"")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(line["address"].as_str().is_some_and(is_localhost), "{line}");
}
