//! Other headers that are read: cookies, `Authorization`, `Origin`, and those that proxies add. Some of the input no HTTP library
//! sends, so it is written by hand.

use super::{assert_sane, assert_works, framing::exchange, good_query, inhabited, short};
use crate::harness::{Answer, Browser, CALLBACK, Server, both};

const SESSION: &str = "symbolon_session";
const BROWSER: &str = "symbolon_browser";
const DEVICE: &str = "symbolon_device";

/// What may stand in a header, and should not.
fn odd_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "x",
        "=",
        "\"\"",
        "\"quoted\"",
        "a b",
        "%00",
        "%ff",
        "<script>alert(1)</script>",
        "' OR '1'='1",
        "sym_se_",
        "sym_se_AAAA",
        "sym_rt_AAAA",
        ".",
        "a.b",
        "a.b.c",
        "-1",
        "\t",
        "{}",
    ]
    .map(String::from)
    .into();
    values.extend([1024, 8192, 20_000].map(|size| "A".repeat(size)));
    values.push(format!("sym_se_{}", "A".repeat(64)));
    values
}

#[test]
fn every_cookie() {
    both(|server| {
        let spa = inhabited(server);
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let query = good_query(&spa);
        let paths =
            ["/", "/logout", "/login", &format!("/authorize?{query}"), &format!("/consent?{query}"), &format!("/login?{query}")];
        for name in [SESSION, BROWSER, DEVICE, "unknown"].map(|name| home.cookies.name(name)) {
            for value in odd_values() {
                for path in paths {
                    let page = server.send("GET", path, &[("Cookie", &format!("{name}={value}"))], None);
                    assert_sane(&page, &format!("{path} {name}={value}"));
                    assert!(page.state() != Some("signed-in") && !page.is("sign-out"), "{name}={}", short(&value));
                    assert!(page.header("location").is_none_or(|to| !to.starts_with(CALLBACK)), "{name}={}", short(&value));
                }
                let cookie = format!("{name}={value}");
                for path in ["/login", "/logout", paths[4]] {
                    let body = "username=alice&password=x&csrf=x&decision=allow";
                    let page = server.send("POST", path, &[("Cookie", &cookie)], Some(body));
                    assert_sane(&page, &format!("{path} {cookie}"));
                    assert!(matches!(page.status, 303 | 400), "{path} {}: {page:?}", short(&cookie));
                }
            }
        }
        assert_works(server, &spa);
    });
}

/// Whether a browser that sends these `Cookie` lines is signed in.
fn is_signed_in(server: &Server, lines: &[Vec<u8>]) -> bool {
    let mut request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".to_vec();
    for line in lines {
        request.extend([b"Cookie: ".as_slice(), line, b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    let answer = exchange(server, &request, false);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text.contains("alice Example")
}

#[test]
fn a_session_is_found_among_other_cookies_but_never_twice() {
    both(|server| {
        inhabited(server);
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let name = home.cookies.name(SESSION);
        let good = format!("{name}={}", home.cookies[SESSION]);
        let line = |text: &str| text.as_bytes().to_vec();
        for lines in [
            vec![line(&good)],
            vec![line(&format!("a=b;{good} ;;x;=y; c"))],
            vec![line("a=b"), line(&good)],
            vec![line(&format!("other={name}; x{name}=1; {good}"))],
            // Another app of this host keeps a name in its cookie, as UTF-8 or worse.
            vec![line(&format!("name=Jos\u{e9}; {good}"))],
            vec![[b"name=\xff\xfe; ".as_slice(), good.as_bytes()].concat()],
        ] {
            assert!(is_signed_in(server, &lines), "{lines:?}");
        }
        for lines in [
            vec![line(&format!("{good}; {good}"))],
            vec![line(&good), line(&good)],
            vec![line(&format!("{name}=x; {good}"))],
            vec![line(&good), line(&format!("{name}="))],
            vec![line(&good.to_uppercase())],
            vec![line(&format!("{name} =x")), line(&good.replace('=', "=x"))],
        ] {
            assert!(!is_signed_in(server, &lines), "{lines:?}");
        }
    });
}

#[test]
fn every_authorization_header() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    both(|server| {
        let spa = inhabited(server);
        server.add_client("web", symbolon::testing::protocol::oauth::client::ClientKind::Web, |_| ());
        let basic = |bytes: &[u8]| format!("Basic {}", STANDARD.encode(bytes));
        let mut values = odd_values();
        values.extend(
            ["Basic", "Basic ", "Basic  ", "basic x", "Basic ====", "Basic d2Vi", "Basic d2ViOg==", "Basic Og==", "Negotiate x"]
                .map(String::from),
        );
        values.extend(
            ["Bearer", "Bearer ", "Bearer x", "bearer a.b.c", "Bearer ..", "Bearer a b", "Bearer e30.e30.e30", "DPoP x"]
                .map(String::from),
        );
        values.extend([
            basic(b"web:a:b"),
            basic(b"web:%"),
            basic(b"web:%ff"),
            basic(b"we%00b:x"),
            basic(b"we\0b:x"),
            basic(b"\xff\xfe:x"),
            basic(b"' OR 1=1 --:x"),
            basic(format!("{}:x", "w".repeat(10_000)).as_bytes()),
            basic(format!("web:{}", "s".repeat(10_000)).as_bytes()),
            format!("Bearer {}", "x.".repeat(5000)),
        ]);
        for value in values {
            server.advance(61);
            let page =
                server.send("POST", "/token", &[("Authorization", &value)], Some("grant_type=refresh_token&refresh_token=x"));
            assert_sane(&page, &value);
            let answer = Answer::of(page);
            assert_eq!((answer.status, answer.error()), (401, "invalid_client"), "{}: {answer:?}", short(&value));
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"symbolon\""));
            for method in ["GET", "POST"] {
                let page = server.send(method, "/userinfo", &[("Authorization", &value)], None);
                assert_sane(&page, &value);
                assert!(matches!(page.status, 400 | 401), "{}: {page:?}", short(&value));
                assert!(page.header("www-authenticate").is_some_and(|received| received.starts_with("Bearer ")), "{page:?}");
            }
        }
        assert_works(server, &spa);
    });
}

#[test]
fn two_authorization_headers_are_one_too_many() {
    both(|server| {
        let spa = inhabited(server);
        let tokens = server.tokens(&spa, "alice", "openid");
        let bearer = format!("Authorization: Bearer {}\r\n", tokens.text("access_token"));
        let basic = "Authorization: Basic d2ViOng=\r\n";
        let common = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        let body = "grant_type=refresh_token&refresh_token=x&client_id=spa";
        let form = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len());
        for request in [
            format!("GET /userinfo {common}{bearer}{bearer}\r\n"),
            format!("GET /userinfo {common}{bearer}{basic}\r\n"),
            format!("GET /userinfo {common}{bearer}Authorization:\r\n\r\n"),
            format!("POST /token {common}{form}{basic}{basic}\r\n{body}"),
            format!("POST /token {common}{form}{basic}{bearer}\r\n{body}"),
            format!("POST /token {common}{form}Authorization: Basic \u{e9}\r\n\r\n{body}"),
        ] {
            let answer = exchange(server, request.as_bytes(), false);
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(answer.text.contains("\"invalid_request\""), "{answer:?}");
        }
        let answer = exchange(server, format!("GET /userinfo {common}{bearer}\r\n").as_bytes(), false);
        assert_eq!(answer.status, 200, "{answer:?}");
    });
}

#[test]
fn a_header_that_is_there_once_is_not_taken_twice() {
    both(|server| {
        let spa = inhabited(server);
        let tokens = server.tokens(&spa, "alice", "openid");
        let bearer = format!("Authorization: Bearer {}\r\n", tokens.text("access_token"));
        let common = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        let body = "grant_type=refresh_token&refresh_token=x&client_id=spa";
        let length = format!("Content-Length: {}\r\n", body.len());
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let origin = "Origin: https://app.example.com\r\n";
        for path in ["/token", "/revoke", "/introspect", "/userinfo", "/login", "/authorize"] {
            for (name, twice) in [("two forms", [form, form]), ("a form and text", [form, "Content-Type: text/plain\r\n"])] {
                for order in [twice, [twice[1], twice[0]]] {
                    let of_token = if path == "/userinfo" { bearer.as_str() } else { "" };
                    let request = format!("POST {path} {common}{of_token}{length}{}\r\n{body}", order.concat());
                    let answer = exchange(server, request.as_bytes(), false);
                    assert_eq!(answer.status, 400, "{path}, {name}: {answer:?}");
                    let is_api = !["/login", "/authorize"].contains(&path);
                    assert!(!is_api || answer.text.contains("Content-Type: expected one header"), "{path}: {answer:?}");
                }
            }
        }
        for (request, has_body) in [
            (format!("POST /token {common}{form}{length}{origin}{origin}\r\n{body}"), true),
            (format!("POST /token {common}{form}{length}{origin}Origin: https://evil.example\r\n\r\n{body}"), true),
            (format!("POST /revoke {common}{form}{length}Origin: https://evil.example\r\n{origin}\r\n{body}"), true),
            (format!("GET /userinfo {common}{bearer}{origin}{origin}\r\n"), true),
            (format!("OPTIONS /token {common}{origin}{origin}Access-Control-Request-Method: POST\r\n\r\n"), false),
        ] {
            let answer = exchange(server, request.as_bytes(), false);
            assert_eq!(answer.status, 400, "{request}: {answer:?}");
            assert!(!has_body || answer.text.contains("Origin: expected one header"), "{answer:?}");
            assert!(!answer.text.to_lowercase().contains("access-control-allow-origin"), "{answer:?}");
        }
        let answer = exchange(server, format!("GET /userinfo {common}{bearer}{origin}\r\n").as_bytes(), false);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_works(server, &spa);
    });
}

#[test]
fn every_other_header_that_is_read() {
    both(|server| {
        let spa = inhabited(server);
        let login = format!("/login?{}", good_query(&spa));
        for name in [
            "Origin",
            "User-Agent",
            "If-None-Match",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "Forwarded",
            "X-Request-Id",
            "Accept",
            "Accept-Encoding",
            "Accept-Language",
            "Referer",
            "Range",
            "Host",
            "DPoP",
            "X-HTTP-Method-Override",
            "X-Original-URL",
            "Access-Control-Request-Method",
            "Access-Control-Request-Headers",
        ] {
            for value in odd_values() {
                if name == "Host" && !value.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    continue; // what is no host is refused before it comes to us
                }
                for (method, path) in [
                    ("GET", login.as_str()),
                    ("GET", "/.well-known/jwks.json"),
                    ("OPTIONS", "/token"),
                    ("GET", "/userinfo"),
                    ("GET", "/readyz"),
                ] {
                    let page = server.send(method, path, &[(name, &value)], None);
                    assert_sane(&page, &format!("{name}: {value}"));
                    let status = if path == "/userinfo" {
                        401
                    } else if method == "OPTIONS" {
                        204
                    } else {
                        200
                    };
                    assert_eq!(page.status, status, "{path} {name}: {}: {page:?}", short(&value));
                    assert_ne!(page.header("x-request-id"), Some(value.as_str()));
                }
            }
        }
        assert_works(server, &spa);
    });
}
