//! The log: one line per request, with its id; and over a whole flow, at our most detailed level, no line that contains a
//! credential.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use super::{Site, get, refresh, token, tokens};
use crate::harness::{Browser, Database, PASSWORD, Page, databases, encode, is_localhost, try_send};

/// Everything that a handler used and that must stay between server and caller.
#[derive(Default)]
struct Secrets(BTreeMap<&'static str, Vec<String>>);

impl Secrets {
    fn note(&mut self, kind: &'static str, secret: &str) {
        assert!(secret.len() >= 5, "{kind}: '{secret}' is too short to be looked for");
        self.0.entry(kind).or_default().push(secret.to_owned());
    }

    fn note_cookies(&mut self, page: &Page) {
        for (_, value) in page.headers.iter().filter(|(name, value)| name == "set-cookie" && !value.contains("=;")) {
            self.note("cookie", value.split(';').next().unwrap().split_once('=').unwrap().1);
        }
    }

    fn note_tokens(&mut self, tokens: &crate::harness::Answer) {
        for (name, text) in tokens.json.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_token")) {
            let kind = if name == "refresh_token" { "refresh token" } else { "token" };
            self.note(kind, text.as_str().unwrap());
        }
    }
}

/// Signs in with a wrong password first, refuses nothing, refreshes, presents old and forged things, signs out.
fn handle(site: &Site) -> (Secrets, Vec<String>) {
    let mut secrets = Secrets::default();
    site.add_alice();
    let spa = site.add_spa();
    secrets.note("password", PASSWORD);
    secrets.note("wrong password", "not the password");
    let secret_file = site.directory.path().join("data/secret");
    secrets.note("server secret", fs::read_to_string(secret_file).unwrap().trim());

    let url = &site.url;
    let mut browser = Browser::at(url);
    let request = Browser::request(&spa, "openid offline_access", &[("nonce", "n0nce-0S6"), ("login_hint", "h1nted")]);
    for text in ["st4te", "n0nce-0S6", "h1nted", crate::harness::CHALLENGE] {
        secrets.note("query", text);
    }
    let page = browser.get(&request);
    let login = page.location().to_owned();
    let shown = browser.get(&login);
    secrets.note_cookies(&shown);
    let csrf = shown.csrf();
    secrets.note("form", &csrf);
    let wrong = browser.send("POST", &login, Some(&[("username", "alice"), ("password", "not the password"), ("csrf", &csrf)]));
    assert_eq!(wrong.status, 401, "{wrong:?}");
    secrets.note_cookies(&wrong);
    let signed_in = browser.send("POST", &login, Some(&[("username", "alice"), ("password", PASSWORD), ("csrf", &csrf)]));
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    secrets.note_cookies(&signed_in);
    let left = browser.follow(signed_in.location(), "alice", "allow");
    secrets.note("code", &crate::harness::query_of(left.location())["code"]);
    for value in browser.cookies.values() {
        secrets.note("cookie", value);
    }

    let first = tokens(url, &spa);
    secrets.note("verifier", crate::harness::VERIFIER);
    secrets.note_tokens(&first);
    let second = refresh(url, &spa, first.text("refresh_token")).unwrap();
    secrets.note_tokens(&second);
    let bearer = format!("Bearer {}", second.text("access_token"));
    assert_eq!(try_send("GET", &format!("{url}/userinfo"), &[("Authorization", &bearer)], None).unwrap().status, 200);
    secrets.note_tokens(&refresh(url, &spa, second.text("refresh_token")).unwrap());
    assert_eq!(refresh(url, &spa, first.text("refresh_token")).unwrap().status, 400, "reuse");
    for (kind, forged) in [("refresh token", "sym_rt_forged-forged-forged"), ("code", "sym_ac_forged-forged-forged")] {
        secrets.note(kind, forged);
        let form = if kind == "code" {
            vec![("grant_type", "authorization_code"), ("client_id", "spa"), ("code", forged)]
        } else {
            vec![("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", forged)]
        };
        assert_eq!(token(url, &form).unwrap().status, 400);
    }
    secrets.note("client secret", "sym_cs_a-wrong-client-secret");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "spa"),
        ("client_secret", "sym_cs_a-wrong-client-secret"),
        ("refresh_token", "x"),
    ];
    assert!(matches!(token(url, &form).unwrap().status, 400 | 401));
    secrets.note("token", "f0rged-bearer-token");
    let refused = try_send("GET", &format!("{url}/userinfo"), &[("Authorization", "Bearer f0rged-bearer-token")], None).unwrap();
    assert_eq!(refused.status, 401);
    // Where a query does not belong.
    let form = encode(&[("grant_type", "refresh_token")]);
    let refused = try_send("POST", &format!("{url}/token?client_secret=in-the-query"), &[], Some(&form)).unwrap();
    assert_eq!(refused.status, 400);
    secrets.note("query", "in-the-query");
    let lost = browser.get("/nowhere?token=in-an-unknown-query");
    assert_eq!(lost.status, 404);
    secrets.note("query", "in-an-unknown-query");

    let shown = browser.get("/logout");
    let csrf = shown.csrf();
    secrets.note("form", &csrf);
    assert_eq!(browser.send("POST", "/logout", Some(&[("csrf", &csrf)])).status, 303);
    let ids = [&wrong, &left, &lost, &shown].map(|page| page.header("x-request-id").unwrap().to_owned());
    (secrets, ids.into())
}

#[test]
fn one_json_line_a_request_and_no_secret_in_any() {
    for database in databases() {
        let (name, url) = (database.name, database.url.clone());
        let site = Site::new(database).with("SYMBOLON_LOG", "info,symbolon=trace");
        let process = site.serve();
        let (mut secrets, ids) = handle(&site);
        if let Some((_, rest)) = url.split_once("://symbolon:") {
            secrets.note("database password", rest.split('@').next().unwrap());
        }
        process.signal("TERM");
        let (_, said) = process.end();
        for (kind, secret) in secrets.0.iter().flat_map(|(kind, all)| all.iter().map(move |one| (kind, one))) {
            let line = said.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{name}: {kind} '{secret}' is in the log");
        }
        let lines: Vec<Value> =
            said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
        let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
        for id in &ids {
            assert_eq!(requests.iter().filter(|line| line["id"] == id.as_str()).count(), 1, "{name}: {id}:\n{said}");
        }
        for line in &requests {
            assert!(line["status"].is_u64() && line["micros"].is_u64() && line["method"].is_string(), "{line}");
            assert!(line["path"].as_str().unwrap().starts_with('/') && !line["path"].as_str().unwrap().contains('?'), "{line}");
            assert!(line["address"].as_str().is_some_and(is_localhost), "{line}");
        }
        let refusals =
            requests.iter().filter(|line| line["level"] == "WARN" && line["note"].as_str().is_some_and(|note| !note.is_empty()));
        assert!(refusals.count() >= 7, "each refusal says why:\n{said}");
        assert!(
            lines.iter().any(|line| line["message"].as_str().is_some_and(|text| text.starts_with("security:"))),
            "reuse is reported"
        );
    }
}

#[test]
fn a_refused_authorization_request_is_a_warning_with_its_client() {
    for database in databases() {
        let site = Site::new(database);
        let process = site.serve();
        let spa = site.add_spa();
        let ask = |more: &[(&str, &str)]| {
            let page = Browser::at(&site.url).get(&Browser::request(&spa, "openid", more));
            page.header("x-request-id").unwrap().to_owned()
        };
        let expected = [
            (ask(&[("code_challenge_method", "plain")]), "WARN", "client spa: invalid_request: code_challenge_method: expected"),
            (ask(&[("scope", "admin"), ("response_mode", "form_post")]), "WARN", "client spa: invalid_scope: "),
            (
                ask(&[("redirect_uri", "https://evil.example/\n\u{1b}[31m")]),
                "WARN",
                "client spa: redirect_uri: expected a registered",
            ),
            (ask(&[("redirect_uri", "")]), "WARN", "client spa: redirect_uri: expected a registered"),
            (ask(&[("prompt", "none")]), "INFO", "client spa: login_required: "),
            (ask(&[]), "INFO", ""),
        ];
        process.signal("TERM");
        let (_, said) = process.end();
        let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (id, level, note) in expected {
            let line = lines.iter().find(|line| line["id"] == id.as_str()).unwrap_or_else(|| panic!("{id}:\n{said}"));
            assert_eq!(line["level"], level, "{line}");
            let text = line["note"].as_str().unwrap();
            assert!(text.starts_with(note) && text.is_empty() == note.is_empty(), "{line}");
        }
    }
}

#[test]
fn text_is_one_line_a_request_too_and_holds_nothing_but_itself() {
    let site = Site::new(Database::sqlite()).with("SYMBOLON_LOG_FORMAT", "text");
    let process = site.serve();
    assert_eq!(get(&site.url, "/healthz").status, 200);
    // A line break and an escape sequence in what a caller sends stay within their line.
    let hostile = try_send("GET", &format!("{}/a%0Ab%1B%5B31m", site.url), &[], None).unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", "x\ny\u{1b}[31m"), ("refresh_token", "x")];
    let refused = token(&site.url, &form).unwrap();
    assert_eq!(hostile.status, 404);
    process.signal("TERM");
    let (_, said) = process.end();
    assert_eq!(said.lines().filter(|line| line.contains(" request ")).count(), 3, "{said}");
    for id in [hostile.header("x-request-id").unwrap(), refused.header("x-request-id").unwrap()] {
        assert_eq!(said.matches(id).count(), 1, "{said}");
    }
    assert!(!said.contains('\u{1b}'), "no escape sequence where there is no terminal: {said:?}");
    let is_ours = |line: &str| line.as_bytes().first().is_some_and(u8::is_ascii_digit);
    assert!(said.lines().all(is_ours), "every line begins with its time:\n{said}");
}
