//! The limits of docs/configuration.md, at their edge and beyond: query, body, headers, and the number of each.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{assert_sane, assert_works, cookies_of, framing::exchange, good_query, inhabited};
use crate::harness::{Answer, Browser, CALLBACK, Server, both, query_of};

const LIMIT: usize = 16 * 1024;
/// An authorization request leaves room for what is added to it on its way through the pages.
const REQUEST_LIMIT: usize = LIMIT - 640;

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
        let get = |path: &str, length: usize, query: &str| {
            server.send("GET", &format!("{path}?{}", padded(query, length)), &[("Cookie", &cookies)], None)
        };
        let page = get("/authorize", REQUEST_LIMIT, &good_query(&spa));
        assert!(query_of(page.location()).contains_key("code"), "{page:?}");
        for path in ["/authorize", "/consent"] {
            for length in [REQUEST_LIMIT + 1, LIMIT] {
                let page = get(path, length, &good_query(&spa));
                assert_sane(&page, path);
                assert_eq!((page.status, page.header("location")), (414, None), "{path} {length}: {page:?}");
                assert!(page.body.contains("15744"), "{}", page.body);
            }
        }
        for path in
            ["/", "/login", "/logout", "/healthz", "/readyz", "/.well-known/jwks.json", "/.well-known/openid-configuration"]
        {
            let page = get(path, LIMIT, "");
            assert_sane(&page, path);
            assert_ne!(page.status, 414, "{path}");
        }
        for path in [
            "/",
            "/authorize",
            "/login",
            "/consent",
            "/logout",
            "/token",
            "/userinfo",
            "/healthz",
            "/.well-known/jwks.json",
            "/nothing",
        ] {
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
        let page = post("/authorize", &padded(&good_query(&spa), REQUEST_LIMIT));
        assert!(query_of(page.location()).contains_key("code"), "{page:?}");
        for length in [REQUEST_LIMIT + 1, LIMIT] {
            let page = post("/authorize", &padded(&good_query(&spa), length));
            assert_eq!((page.status, page.header("location")), (414, None), "{length}: {page:?}");
        }
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
        let distinct = |count: usize| (0..count).map(|n| format!("p{n:x}=1")).collect::<Vec<_>>().join("&");
        let ask = |more: &str| server.send("GET", &format!("/authorize?{good}&{more}"), &[("Cookie", &cookies)], None);
        let own = good.split('&').count();
        let page = ask(&distinct(200 - own));
        assert!(query_of(page.location()).contains_key("code"), "unknown ones are ignored: {page:?}");
        for count in [201 - own, 1500] {
            assert_eq!(query_of(ask(&distinct(count)).location())["error"], "invalid_request", "{count}");
        }
        // What tells where the answer goes comes too late to be read: nobody but the user is told.
        let page = server.send("GET", &format!("/authorize?{}&{good}", distinct(200)), &[("Cookie", &cookies)], None);
        assert_sane(&page, "late");
        assert_eq!((page.status, page.header("location")), (400, None));
        let answer = Answer::of(server.send("POST", "/token", &[], Some(&distinct(1500))));
        assert_eq!((answer.status, answer.error()), (400, "invalid_request"));
        for many in [
            vec!["a"; 5000].join("&"),
            vec!["resource=x"; 1400].join("&"),
            "&".repeat(5000),
            vec!["=x"; 5000].join("&"),
            vec!["%"; 5000].join("&"),
        ] {
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
        let page =
            server.send("GET", &format!("/authorize?{}", good.replace("scope=openid", &format!("scope={scopes}"))), &[], None);
        assert_eq!(query_of(page.location())["error"], "invalid_scope");
        assert_works(server, &spa);
    });
}

/// A GET of the head alone.
fn head_of(server: &Server, headers: &str) -> u16 {
    exchange(server, format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").as_bytes(), false)
        .status
}

#[test]
fn headers_have_limits() {
    both(|server| {
        let spa = inhabited(server);
        let many =
            |count: usize| (0..count).flat_map(|n| ["X-".to_owned(), n.to_string(), ": y\r\n".to_owned()]).collect::<String>();
        assert_eq!((head_of(server, &many(94)), head_of(server, &many(95)), head_of(server, &many(5000))), (200, 431, 431));
        let long = |size: usize| format!("X: {}\r\n", "y".repeat(size));
        assert_eq!(head_of(server, &long(120_000)), 200);
        let status = head_of(server, &long(1_000_000));
        assert!(matches!(status, 431 | 0), "refused, or cut off while it was still being sent: {status}");
        assert_works(server, &spa);
    });
}

/// What is not refused for its length at once comes through all the steps; nobody signs in first and is told then.
#[test]
fn a_request_at_the_limit_comes_through() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
        });
        let request = |prompt, state: &str| Browser::request(&native, "openid", &[("prompt", prompt), ("state", state)]);
        let room = REQUEST_LIMIT + "/authorize?".len() - request("login consent", "").len();
        let state = "s".repeat(room);
        let page = Browser::new(server).follow(&request("login consent", &state), "alice", "allow");
        assert_eq!(query_of(page.location())["state"], state, "{page:?}");
        // Some characters are three times as long on the way as they came: what counts is how long they become.
        let raw = format!("{}&x=", request("login consent", "s"));
        let room = REQUEST_LIMIT + "/authorize?".len() - raw.len();
        let longest = format!("{raw}{}{}", "s".repeat(room % 3), "!".repeat(room / 3));
        let page = Browser::new(server).follow(&longest, "alice", "allow");
        assert!(query_of(page.location()).contains_key("code"), "{page:?}");
        assert_eq!(Browser::new(server).get(&format!("{longest}!")).status, 414);
    });
}
