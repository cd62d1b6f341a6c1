//! The authorization endpoint (RFC 6749 §3.1, §4.1; OpenID Connect Core 3.1.2), from outside: the response to each request. Here:
//! calling it, and what every response to a client contains; the rules are below, one file per concern.

mod addresses;
mod answers;
mod hints;
mod local_pages;
mod mistakes;
mod pkce;
mod prompts;
mod select_account;
mod stamps;
mod transport;

use std::collections::BTreeMap;

use symbolon::testing::protocol::oauth::client::Client;

use crate::harness::{Browser, Page, Server, query_of};

/// A browser in which alice is signed in and has allowed the client these scopes.
fn at_home(server: &Server, client: &Client, scope: &str) -> Browser {
    let mut browser = Browser::new(server);
    browser.code(client, "alice", scope);
    browser
}

/// Sends the path of [`Browser::request`] by GET, or its query by POST. A POST without cookies is turned into a GET first.
fn ask(server: &Server, browser: &Browser, method: &str, path: &str) -> Page {
    let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let headers: &[(&str, &str)] = if cookies.is_empty() { &[] } else { &[("Cookie", &cookies)] };
    if method == "GET" {
        return server.send("GET", path, headers, None);
    }
    let (path, query) = path.split_once('?').unwrap();
    let page = server.send(method, path, headers, Some(query));
    match page.header("location") {
        Some(to) if to.starts_with("/authorize?") => server.send("GET", to, headers, None),
        _ => page,
    }
}

/// The parameters of an answer that leaves for this address by its query; every answer has `iss` (RFC 9207 §2), and `state` as
/// sent.
#[track_caller]
fn answer_at(server: &Server, page: &Page, address: &str) -> BTreeMap<String, String> {
    assert_eq!(page.status, 303, "{page:?}");
    assert_eq!(page.body, "", "{page:?}");
    page.assert_common_headers();
    page.assert_no_cors();
    let location = page.location();
    assert!(location.starts_with(&format!("{address}?")) && !location.contains('#'), "{location}");
    let answer = query_of(location);
    assert_eq!(answer.get("iss"), Some(&server.url), "{location}");
    answer
}

/// As [`answer_at`], for an error; with the `state` of [`Browser::request`].
#[track_caller]
fn error_of(server: &Server, page: &Page, address: &str) -> String {
    let answer = answer_at(server, page, address);
    assert_eq!(answer.get("state").map(String::as_str), Some("st4te"), "{page:?}");
    received_error(&answer)
}

/// The error code of an answer, which has nothing else of use (RFC 6749 §4.1.2.1).
#[track_caller]
fn received_error(answer: &BTreeMap<String, String>) -> String {
    let names: Vec<_> = answer.keys().map(String::as_str).filter(|name| *name != "state").collect();
    assert_eq!(names, ["error", "error_description", "iss"], "{answer:?}");
    let description = &answer["error_description"];
    assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{description}");
    answer["error"].clone()
}

/// The code of an answer, which has the `state` of [`Browser::request`].
#[track_caller]
fn code_of(server: &Server, page: &Page, address: &str) -> String {
    let answer = answer_at(server, page, address);
    let names: Vec<_> = answer.keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "iss", "state"], "{page:?}");
    assert_eq!(answer["state"], "st4te");
    answer["code"].clone()
}

/// Fails unless the answer is a redirect to this page of ours.
#[track_caller]
fn leads_to(page: &Page, path: &str) {
    assert_eq!(page.status, 303, "{page:?}");
    assert!(page.location().starts_with(&format!("{path}?")), "expected {path}: {page:?}");
}
