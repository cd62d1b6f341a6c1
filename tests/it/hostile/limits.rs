//! The limits of docs/configuration.md, at their edge and beyond: query, body, headers, and how many of each.

use symbolon::protocol::client::ClientKind;

use super::{assert_sane, assert_works, cookies_of, framing::exchange, good_query, inhabited};
use crate::harness::{Answer, Browser, CALLBACK, Page, Server, both, query_of};

const LIMIT: usize = 16 * 1024;

/// This text, made as long as asked by a parameter that means nothing.
fn padded(query: &str, length: usize) -> String {
    let start = if query.is_empty() { "pad=".to_owned() } else { format!("{query}&pad=") };
    format!("{start}{}", "x".repeat(length - start.len()))
}

#[test]
fn a_query_of_16_kib_and_one_byte_more() {
    both(|server| {
        let spa = inhabited(server);
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        let cookies = cookies_of(&home);
        let get = |path: &str, length: usize, query: &str| server.send("GET", &format!("{path}?{}", padded(query, length)), &[("Cookie", &cookies)], None);
        let page = get("/authorize", LIMIT, &good_query(&spa));
        assert!(query_of(page.location()).contains_key("code"), "{page:?}");
        for path in ["/", "/login", "/consent", "/logout", "/healthz", "/readyz", "/.well-known/jwks.json", "/.well-known/openid-configuration"] {
            let page = get(path, LIMIT, "");
            assert_sane(&page, path);
            assert_ne!(page.status, 414, "{path}");
        }
        for path in ["/", "/authorize", "/login", "/consent", "/logout", "/token", "/userinfo", "/healthz", "/.well-known/jwks.json", "/nothing"] {
            for length in [LIMIT + 1, 20_000, 60_000] {
                let page = get(path, length, &good_query(&spa));
                assert_sane(&page, path);
                assert_eq!((page.status, page.header("location")), (414, None), "{path} {length}: {page:?}");
                assert!(page.body.contains("16384"), "{}", page.body);
            }
        }
        assert_works(server, &spa);
    });
}

#[test]
fn a_body_of_16_kib_and_one_byte_more() {
    both(|server| {
        let spa = inhabited(server);
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        let cookies = cookies_of(&home);
        let post = |path: &str, body: &str| server.send("POST", path, &[("Cookie", &cookies)], Some(body));
        let page = post("/authorize", &padded(&good_query(&spa), LIMIT));
        assert!(query_of(page.location()).contains_key("code"), "{page:?}");
        let code = query_of(page.location())["code"].clone();
        let redeem = format!(
            "grant_type=authorization_code&client_id=spa&code={code}&redirect_uri={CALLBACK}&code_verifier={}",
            crate::harness::VERIFIER
        );
        let consent = format!("/consent?{}", good_query(&spa));
        for length in [LIMIT + 1, 20_000, 1_000_000] {
            for path in ["/authorize", "/login", consent.as_str(), "/logout"] {
                let page = post(path, &padded(&good_query(&spa), length));
                assert_sane(&page, path);
                assert_eq!((page.status, page.header("location")), (413, None), "{path} {length}: {page:?}");
                assert!(page.body.contains("16384"), "{}", page.body);
            }
            let page = post("/token", &padded(&redeem, length));
            assert_sane(&page, "/token");
            let answer = Answer::of(page);
            assert_eq!((answer.status, answer.error()), (413, "invalid_request"), "{answer:?}");
        }
        // The same in chunks, with no length said.
        let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
        let head = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n";
        for path in ["/token", "/authorize", "/login", "/logout"] {
            let answer = exchange(server, format!("POST {path} {head}{}0\r\n\r\n", chunk.repeat(3)).as_bytes(), false);
            assert_eq!((answer.status, answer.answers), (413, 1), "{path}: {answer:?}");
        }
        let page = post("/token", &padded(&redeem, LIMIT));
        assert_eq!(page.status, 200, "at the limit, and with a code that no refused request used up: {page:?}");
        assert_works(server, &spa);
    });
}

#[test]
fn five_thousand_parameters() {
    both(|server| {
        let spa = inhabited(server);
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        let cookies = cookies_of(&home);
        let good = good_query(&spa);
        let room = LIMIT - good.len() - 1;
        // Names of one, two and three characters, as many as there is room for.
        let distinct = (0..5000).map(|n| format!("{n:x}")).collect::<Vec<_>>().join("&");
        let distinct = &distinct[..distinct[..room].rfind('&').unwrap()];
        let page = server.send("GET", &format!("/authorize?{good}&{distinct}"), &[("Cookie", &cookies)], None);
        assert!(query_of(page.location()).contains_key("code"), "unknown ones are ignored, however many: {page:?}");
        let answer = Answer::of(server.send("POST", "/token", &[], Some(distinct)));
        assert_eq!((answer.status, answer.error()), (401, "invalid_client"));
        for many in [vec!["a"; 5000].join("&"), vec!["resource=x"; 1400].join("&"), "&".repeat(5000), vec!["=x"; 5000].join("&"), vec!["%"; 5000].join("&")] {
            let many = &many[..many.len().min(room)];
            for page in [
                server.send("GET", &format!("/authorize?{good}&{many}"), &[("Cookie", &cookies)], None),
                server.send("POST", "/authorize", &[("Cookie", &cookies)], Some(&format!("{good}&{many}"))),
                server.send("GET", &format!("/login?{good}&{many}"), &[], None),
                server.send("POST", "/token", &[], Some(many)),
                server.send("POST", "/login", &[], Some(many)),
            ] {
                assert_sane(&page, many);
            }
        }
        let scopes = (0..3000).map(|n| format!("{n:x}")).collect::<Vec<_>>().join("+");
        let page = server.send("GET", &format!("/authorize?{}", good.replace("scope=openid", &format!("scope={scopes}"))), &[], None);
        assert_eq!(query_of(page.location())["error"], "invalid_scope");
        assert_works(server, &spa);
    });
}

/// A GET of the head alone.
fn head_of(server: &Server, headers: &str) -> u16 {
    exchange(server, format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").as_bytes(), false).status
}

#[test]
fn headers_have_limits() {
    both(|server| {
        let spa = inhabited(server);
        let many = |count: usize| (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
        assert_eq!((head_of(server, &many(94)), head_of(server, &many(95)), head_of(server, &many(5000))), (200, 431, 431));
        let long = |size: usize| format!("X: {}\r\n", "y".repeat(size));
        assert_eq!(head_of(server, &long(120_000)), 200);
        let status = head_of(server, &long(1_000_000));
        assert!(matches!(status, 431 | 0), "refused, or cut off while it was still being sent: {status}");
        assert_works(server, &spa);
    });
}

/// What was asked for within the limit comes through all the steps, though encoding makes it longer on the way.
#[test]
fn a_request_below_the_limit_comes_through() {
    both(|server| {
        server.add_person("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let state = "!".repeat(4000); // three times as long when it is encoded
        let page: Page = Browser::new(server).follow(&Browser::request(&spa, "openid", &[("state", &state)]), "alice", "allow");
        assert_eq!(query_of(page.location())["state"], state);
    });
}
