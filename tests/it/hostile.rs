//! Hostile input at every parameter of every endpoint, in every header that is read, and in the framing of HTTP itself. Each gets
//! the specified error, never a 5xx, never injected markup, never a hang; and afterwards everything still works. Here: the input,
//! and what every response must be.

mod framing;
mod headers;
mod limits;
mod machines;
mod users;

use std::collections::BTreeMap;

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use crate::harness::{Browser, CALLBACK, Page, Server, query_of};

/// Values that break the form of a parameter (percent-encoded already): a NUL, bytes that are not UTF-8, broken percent signs.
const MALFORMED: [&str; 10] = ["%00", "a%00b", "%ff", "%c3%28", "%c0%80", "%ed%a0%80", "%", "%4", "a%zz", "%u0041"];

/// Values that are well-formed, and nothing that anyone should send.
const ODD: [&str; 28] = [
    "",
    "+",
    "%01%02%1b%5B31m%7f",
    "x%0d%0aSet-Cookie:%20evil=1",
    "x%0d%0a%0d%0a%3Cscript%3Ealert(1)%3C/script%3E",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
    "%27%20onfocus=alert(1)%20autofocus=%27",
    "javascript:alert(1)",
    "%3C!--%20%3C/main%3E",
    "%27%20OR%20%271%27=%271",
    "x%27;%20DROP%20TABLE%20grants;%20--",
    "%25%25%5C_%25",
    "%7B%7B7*7%7D%7D$%7B7*7%7D",
    "..%2f..%2f..%2fetc%2fpasswd",
    "https:%2f%2fevil.example%2f",
    "%2f%2fevil.example",
    "%c3%a9%e2%9c%93%f0%9d%84%9e",
    "%ef%bb%bf%e2%80%ae%e2%80%8b",
    "%ef%bf%bf%f4%8f%bf%bf",
    "-1",
    "0",
    "99999999999999999999999999999999",
    "-9223372036854775809",
    "1e309",
    "null",
    "%5B%5D",
    "%7B%22a%22:1%7D",
];

/// Every way to send one parameter wrongly: the name of the way, and the query with it. `base` is a good query that has the
/// parameter once, or not at all.
fn ways(base: &str, name: &str) -> Vec<(String, Sent)> {
    let good: Vec<&str> = base.split('&').filter(|pair| !pair.is_empty()).collect();
    let others: Vec<&str> = good.iter().copied().filter(|pair| pair.split('=').next() != Some(name)).collect();
    let others = others.join("&");
    let with = |raw: &str| if others.is_empty() { raw.to_owned() } else { format!("{others}&{raw}") };
    let mut ways = vec![(with(name), Sent::Odd), (others.clone(), Sent::Odd)];
    ways.extend(MALFORMED.map(|value| (with(&format!("{name}={value}")), Sent::Malformed)));
    ways.extend(ODD.map(|value| (with(&format!("{name}={value}")), Sent::Odd)));
    for size in [1024, 10_000] {
        ways.push((with(&format!("{name}={}", "x".repeat(size))), Sent::Odd));
    }
    ways.push((with(&format!("{name}={}", "a+".repeat(3000))), Sent::Odd));
    for twice in [format!("{name}=a&{name}=a"), format!("{name}=&{name}=a"), format!("{name}&{name}")] {
        ways.push((with(&twice), Sent::Repeated));
    }
    ways
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// Its form.
    Malformed,
    /// It comes more than once.
    Repeated,
    /// Only its value, perhaps.
    Odd,
}

impl Sent {
    /// Whether this is `invalid_request` wherever parameters are read (RFC 6749 §3.1, §5.2); only `resource` may repeat (RFC 8707
    /// §2).
    fn is_invalid(self, name: &str) -> bool {
        self == Self::Malformed || self == Self::Repeated && name != "resource"
    }
}

/// For messages: long ones are cut.
fn short(text: &str) -> String {
    text.chars().take(300).collect()
}

/// What holds for every answer, whatever was sent.
#[track_caller]
fn assert_sane(page: &Page, what: &str) {
    assert!((200..500).contains(&page.status), "{}: {page:?}", short(what));
    page.assert_common_headers();
    for (name, value) in &page.headers {
        assert!(!value.contains(['\r', '\n', '\0']), "{}: {name}: {value}", short(what));
        assert!(name != "set-cookie" || !value.contains("evil="), "{}: {value}", short(what));
    }
    match page.header("content-type") {
        Some("text/html; charset=utf-8") => {
            page.assert_page();
            for markup in ["<script>alert", "<img src=x", "' onfocus=", "<!-- <", "href=\"javascript:", "action=\"javascript:"] {
                assert!(!page.body.contains(markup), "{}: {markup} in {}", short(what), page.body);
            }
        }
        Some("application/json") if page.status >= 400 => {
            let received: BTreeMap<String, String> = serde_json::from_str(&page.body).unwrap();
            assert_eq!(
                received.keys().map(String::as_str).collect::<Vec<_>>(),
                ["error", "error_description"],
                "{}",
                short(what)
            );
            let allowed = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(received.values().all(|text| text.bytes().all(allowed)), "{}: {received:?}", short(what));
        }
        Some("application/json" | "text/plain; charset=utf-8" | "text/css; charset=utf-8" | "image/svg+xml") => {}
        other => assert!(other.is_none() && page.body.is_empty(), "{}: {page:?}", short(what)),
    }
    if let Some(location) = page.header("location") {
        let is_ours = location.starts_with('/') && !location.starts_with("//");
        assert!(page.status == 303 && (is_ours || location.starts_with(CALLBACK)), "{}: {page:?}", short(what));
        assert!(location.bytes().all(|b| b.is_ascii_graphic()), "{}: {location}", short(what));
    }
}

/// The parameters of an answer that leaves for the client.
fn answer_of(page: &Page) -> BTreeMap<String, String> {
    if page.header("location").is_some_and(|to| to.starts_with(CALLBACK)) { query_of(page.location()) } else { BTreeMap::new() }
}

/// The user and the client of these tests.
fn inhabited(server: &Server) -> Client {
    server.add_user("alice");
    server.add_client("spa", ClientKind::Spa, |_| ())
}

/// Everything still works, from sign-in to refresh, and nothing is lost.
#[track_caller]
fn assert_works(server: &Server, client: &Client) {
    server.advance(86_401); // whoever guessed has waited
    let tokens = server.tokens(client, "alice", "openid email");
    assert_eq!(server.userinfo(tokens.text("access_token")).text("email"), "alice@example.com");
    assert_eq!(server.refresh(client, tokens.text("refresh_token")).status, 200);
    for path in ["/healthz", "/readyz", "/.well-known/jwks.json", "/.well-known/openid-configuration", "/"] {
        assert_eq!(server.send("GET", path, &[], None).status, 200, "{path}");
    }
}

/// The cookies of a browser, as it sends them.
fn cookies_of(browser: &Browser) -> String {
    browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// The query of a good authorization request.
fn good_query(client: &Client) -> String {
    let path = Browser::request(client, "openid", &[]);
    path.split_once('?').unwrap().1.to_owned()
}
