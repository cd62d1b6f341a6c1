//! Tests of which redirect URIs may be registered and which requests match one: a row for each known attack.

use super::*;

fn found(kind: ClientKind, registered: &[&str], sent: &str) -> bool {
    registered.iter().any(|registered| matches(kind, registered, sent))
}

#[test]
fn web_uris_match_byte_for_byte() {
    let registered = ["https://app.example.com/cb?x=1"];
    assert!(found(ClientKind::Spa, &registered, "https://app.example.com/cb?x=1"));
    for sent in [
        "https://app.example.com/cb",
        "https://app.example.com/cb?x=1&y=2",
        "https://app.example.com/cb/?x=1",
        "https://APP.example.com/cb?x=1",
        "https://app.example.com:443/cb?x=1",
        "https://good@app.example.com/cb?x=1",
        "https://app.example.com/..;/cb?x=1",
        "https://app.example.com.evil.example/cb?x=1",
        "http://app.example.com/cb?x=1",
        "https://app.example.com/cb?x=1#",
        "https://app.example.com/cb?x=1 ",
    ] {
        assert!(!found(ClientKind::Spa, &registered, sent), "{sent}");
    }
}

#[test]
fn native_loopback_ips_match_on_any_port() {
    let registered = ["http://127.0.0.1/cb", "http://[::1]:80/cb?a=b"];
    for sent in ["http://127.0.0.1:49152/cb", "http://127.0.0.1/cb", "http://[::1]:1/cb?a=b", "http://[::1]/cb?a=b"] {
        assert!(found(ClientKind::Native, &registered, sent), "{sent}");
        assert_eq!(found(ClientKind::Web, &registered, sent), registered.contains(&sent), "only native apps: {sent}");
    }
    for sent in [
        "http://localhost:49152/cb",
        "http://127.0.0.2/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:80/cb?x",
        "http://127.0.0.1:80/cb/",
        "https://127.0.0.1:80/cb",
        "http://[::1]:80/cb",
    ] {
        assert!(!found(ClientKind::Native, &registered, sent), "{sent}");
    }
}

#[test]
fn localhost_has_any_port_and_is_no_ip_address() {
    let native = |registered: &str, sent: &str| found(ClientKind::Native, &[registered], sent);
    for sent in ["http://localhost:8001/cb", "http://localhost/cb", "http://localhost:8000/cb"] {
        assert!(native("http://localhost:8000/cb", sent) && native("http://localhost/cb", sent), "{sent}");
        assert_eq!(found(ClientKind::Spa, &["http://localhost:8000/cb"], sent), sent == "http://localhost:8000/cb", "{sent}");
    }
    for sent in [
        "http://127.0.0.1:8000/cb",
        "http://[::1]:8000/cb",
        "http://localhost.evil.example/cb",
        "http://localhost:80.evil.example/cb",
        "http://localhost:80@evil.example/cb",
        "http://localhost@evil.example/cb",
        "http://localhosts:80/cb",
        "http://LOCALHOST:8000/cb",
        "http://localhost:0/cb",
        "http://localhost:/cb",
        "https://localhost:8000/cb",
        "http://localhost:8000/cb/",
        "http://localhost:8000/cb#",
    ] {
        assert!(!native("http://localhost:8000/cb", sent) && !native("http://localhost/cb", sent), "{sent}");
    }
    assert!(!native("http://127.0.0.1/cb", "http://localhost:8000/cb") && !native("http://[::1]/cb", "http://localhost/cb"));
}

#[test]
fn an_empty_path_is_a_slash_on_loopback() {
    for host in LOOPBACK {
        let (bare, slash) = (format!("http://{host}"), format!("http://{host}/"));
        for kind in [ClientKind::Native, ClientKind::Spa, ClientKind::Web] {
            assert!(matches(kind, &bare, &slash) && matches(kind, &slash, &bare), "{kind:?} {host}");
            assert!(matches(kind, &format!("{bare}:80?a=b"), &format!("{bare}:80/?a=b")), "{kind:?} {host}");
            assert!(!matches(kind, &bare, &format!("{slash}/")) && !matches(kind, &bare, &format!("{bare}?")), "{kind:?} {host}");
        }
        assert!(
            matches(ClientKind::Native, &bare, &format!("{bare}:49152/"))
                && !matches(ClientKind::Web, &bare, &format!("{bare}:49152/"))
        );
    }
    assert!(!matches(ClientKind::Native, "https://app.example.com", "https://app.example.com/"), "elsewhere each is itself");
    assert!(!matches(ClientKind::Native, "http://127.0.0.1:0", "http://127.0.0.1:0/"));
}

#[test]
fn registration_refuses_what_cannot_be_matched_safely() {
    for good in [
        "https://app.example.com/cb",
        "https://app.example.com/cb?tenant=1",
        "http://localhost:8081/callback",
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
    ] {
        assert_eq!(check_registration(ClientKind::Spa, good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "/cb",
        "app.example.com/cb",
        "https://app.example.com/cb#",
        "https://app.example.com/#/cb",
        "https://u:p@app.example.com/",
        "https://u@app.example.com/",
        "https://*.example.com/",
        "http://app.example.com/cb",
        "http://localhost.example.com/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://app.example.com/a/../b",
        "https://app.example.com/%2e%2e/b",
        "https://app.example.com/cb?code=1",
        "https://app.example.com/cb?a=b&state=x",
        "https://app.example.com/c b",
        "https://app.example.com/\\cb",
        "com.example.app:/cb",
        "https:///cb",
        "https://",
        "http://127.0.0.1:0/cb",
        "http://localhost:0",
        "http://[::1]:00/cb",
        "https://app.example.com:0/cb",
        "http://127.0.0.1:65536/cb",
    ] {
        assert!(check_registration(ClientKind::Spa, bad).is_err(), "{bad}");
    }
    let long = |length: usize| format!("https://app.example.com/{}", "x".repeat(length - 24));
    assert_eq!(check_registration(ClientKind::Spa, &long(1000)), Ok(()));
    assert!(
        check_registration(ClientKind::Spa, &long(1001)).is_err() && check_registration(ClientKind::Spa, &long(2000)).is_err()
    );
    for (kind, uri, words) in [
        (ClientKind::Native, "http://app.example.com/cb", "plain http is for loopback"),
        (ClientKind::Spa, "http://app.example.com/cb", "plain http is for loopback"),
        (ClientKind::Native, "javascript:x", "https, loopback http or a private-use scheme"),
        (ClientKind::Native, "myapp:/cb", "reversed domain name"),
        (ClientKind::Spa, "com.example.app:/cb", "for native apps"),
        (ClientKind::Native, "http://127.0.0.1:0/cb", "from 1 to 65535"),
    ] {
        let refused = check_registration(kind, uri).unwrap_err();
        assert!(refused.as_ref().contains(words), "{uri}: {refused}");
    }
    assert_eq!(check_registration(ClientKind::Native, "com.example.app:/cb"), Ok(()));
    for bad in ["myapp:/cb", "myapp://cb", "javascript:x.y", "http://com.example/cb"] {
        assert!(check_registration(ClientKind::Native, bad).is_err(), "{bad}");
    }
}

#[test]
fn a_page_reads_answers_from_the_origin_of_its_redirect_uri() {
    assert_eq!(origin("https://app.example.com:8443/cb?x=1").as_deref(), Some("https://app.example.com:8443"));
    assert_eq!(origin("http://127.0.0.1:5000/cb").as_deref(), Some("http://127.0.0.1:5000"));
    assert_eq!((origin("com.example.app:/cb"), origin("no address")), (None, None));
}
