//! The delivery of a response: in the query, in the fragment, in a form; with `state` byte for byte (RFC 6749 §4.1.2), and with
//! the query of the registered address kept (§3.1.2). Also what the response is for: scopes and resources (RFC 8707 §2).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use symbolon::testing::protocol::{
    oauth::client::{Client, ClientKind},
    values::params,
};

use super::{answer_at, ask, at_home, code_of, error_of, leads_to};
use crate::harness::{API, Browser, CALLBACK, Page, Server, both, claims_of, query_of};

/// States that someone might mend on their way.
const STATES: [&str; 14] = [
    "a+b c&d=e#f%25?/;:@",
    "%00",
    "%2B+%20",
    "+",
    " ",
    "  two  spaces  ",
    "é✓𝄞\u{feff}\u{202e}",
    "e\u{301}",
    "\"><script>alert('x')</script>&amp;",
    "&#34;&amp;#34;&lt;",
    "\\..\\",
    "{\"a\":[1,2]}",
    "~!*'()-._",
    "\u{1}\u{7f}",
];

/// The fields of the form that a page posts, and where.
fn form_of(page: &Page) -> (String, BTreeMap<String, String>) {
    assert_eq!((page.status, page.header("location")), (200, None), "{page:?}");
    page.assert_page();
    page.assert_no_cors();
    let fields = page.body.split("<input ").skip(1).map(|tag| {
        let tag = Page { body: format!("<input {tag}"), ..page.clone() };
        (tag.attribute("input ", "name"), tag.attribute("input ", "value"))
    });
    (page.attribute("form ", "action"), fields.collect())
}

/// The answer, in whichever mode it came.
fn received(page: &Page, mode: &str, address: &str) -> BTreeMap<String, String> {
    if mode == "form_post" {
        let (action, fields) = form_of(page);
        assert_eq!(action, address);
        return fields;
    }
    assert_eq!(page.status, 303, "{page:?}");
    let sign = if mode == "fragment" { '#' } else { '?' };
    let rest = page.location().strip_prefix(address).unwrap_or_else(|| panic!("{page:?}"));
    assert!(rest.starts_with(sign), "{mode}: {page:?}");
    query_of(page.location())
}

#[test]
fn an_error_for_a_request_object_is_returned_as_the_object_says_where_the_request_does_not() {
    let object = |claims: &serde_json::Value| format!("eyJhbGciOiJub25lIn0.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let whole = object(&json!({
        "response_mode": "form_post", "state": "inside \"><b>", "redirect_uri": "https://evil.example/cb", "client_id": "other",
    }));
    both(|server| {
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        for (request, state, mode, expected) in [
            (whole.as_str(), "", "", ("form_post", Some("inside \"><b>"))),
            (&whole, "outside", "", ("form_post", Some("outside"))),
            (&whole, "", "fragment", ("fragment", Some("inside \"><b>"))),
            (&whole, "outside", "query", ("query", Some("outside"))),
            (&object(&json!({ "state": "inside" })), "", "", ("query", Some("inside"))),
            (&object(&json!({ "response_mode": "web_message", "state": 7 })), "", "", ("query", None)),
            ("x", "", "", ("query", None)),
        ] {
            for method in ["GET", "POST"] {
                let path = Browser::request(&spa, "openid", &[("request", request), ("state", state), ("response_mode", mode)]);
                let answer = received(&ask(server, &Browser::new(server), method, &path), expected.0, CALLBACK);
                assert_eq!(answer["error"], "request_not_supported", "{path}");
                assert_eq!(answer.get("state").map(String::as_str), expected.1, "{path}");
            }
        }
        let inside = Browser::request(&spa, "openid", &[("request", &whole), ("redirect_uri", "")]);
        let page = ask(server, &Browser::new(server), "GET", &inside);
        assert_eq!((page.status, page.header("location")), (400, None), "the address is judged outside it: {page:?}");
    });
}

#[test]
fn state_comes_back_byte_for_byte_in_every_mode() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let home = at_home(server, &spa, "openid");
        let long = "s".repeat(4000);
        for mode in ["", "query", "fragment", "form_post"] {
            let more = [" \r\n\t ", long.as_str()];
            // A browser's form turns each line end into CR LF: that is HTML's, not ours.
            for state in STATES.into_iter().chain(more).filter(|state| mode != "form_post" || !state.contains('\n')) {
                let request = |scope| Browser::request(&spa, scope, &[("state", state), ("response_mode", mode)]);
                for method in ["GET", "POST"] {
                    let answer = received(&ask(server, &home, method, &request("openid")), mode, CALLBACK);
                    assert_eq!(answer.keys().map(String::as_str).collect::<Vec<_>>(), ["code", "iss", "state"], "{mode}");
                    assert_eq!((answer["state"].as_str(), &answer["iss"]), (state, &server.url), "{mode}");
                    let answer = received(&ask(server, &home, method, &request("admin")), mode, CALLBACK);
                    assert_eq!(
                        answer.keys().map(String::as_str).collect::<Vec<_>>(),
                        ["error", "error_description", "iss", "state"]
                    );
                    assert_eq!((answer["state"].as_str(), &answer["iss"]), (state, &server.url), "{mode}");
                }
            }
        }
    });
}

#[test]
fn state_survives_sign_in_and_consent() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
        });
        for state in STATES {
            let page = Browser::new(server).follow(&Browser::request(&native, "openid", &[("state", state)]), "alice", "allow");
            assert_eq!(query_of(page.location())["state"], state);
            let page = Browser::new(server).follow(&Browser::request(&native, "openid", &[("state", state)]), "alice", "deny");
            let answer = query_of(page.location());
            assert_eq!(
                (answer["state"].as_str(), answer["error"].as_str(), &answer["iss"]),
                (state, "access_denied", &server.url)
            );
        }
    });
}

#[test]
fn a_code_works_in_whichever_mode_it_came() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let home = at_home(server, &spa, "openid");
        for mode in ["", "query", "fragment", "form_post"] {
            let page = ask(server, &home, "GET", &Browser::request(&spa, "openid", &[("response_mode", mode)]));
            assert_eq!(server.redeem(&spa, &received(&page, mode, CALLBACK)["code"]).status, 200, "{mode}");
        }
        let page = ask(server, &home, "GET", &Browser::request(&spa, "openid", &[("response_mode", "form_post")]));
        assert_eq!(page.form_targets(), "'self' https: https://app.example.com");
        assert!(page.body.contains("type=\"submit\">Continue</button>"), "works without a script");
    });
}

#[test]
fn a_query_that_was_registered_is_kept_and_nothing_comes_twice() {
    both(|server| {
        server.add_user("alice");
        for (n, address) in
            ["https://app.example.com/cb?tenant=a%20b&x", "https://app.example.com/cb?a=1&", "https://app.example.com/cb?"]
                .into_iter()
                .enumerate()
        {
            let web = server
                .add_client(&format!("web{n}"), ClientKind::Web, |client| client.settings.redirect_uris = vec![address.into()]);
            let home = at_home(server, &web, "openid");
            for (scope, first) in [("openid", "code"), ("admin", "error")] {
                let get = |mode| ask(server, &home, "GET", &Browser::request(&web, scope, &[("response_mode", mode)]));
                let page = get("query");
                let rest = page.location().strip_prefix(address).unwrap();
                assert!(rest.trim_start_matches('&').starts_with(&format!("{first}=")) && !rest.contains('?'), "{page:?}");
                let names: Vec<_> = page.location().split(['?', '&']).skip(1).filter_map(|pair| pair.split('=').next()).collect();
                assert_eq!(names.iter().filter(|name| **name == "iss").count(), 1);
                assert_eq!(received(&get("fragment"), "fragment", address)["iss"], server.url);
                assert!(received(&get("form_post"), "form_post", address).contains_key(first));
                let page = get("form_post");
                assert_eq!(page.form_targets(), "'self' https: https://app.example.com", "a source has no query");
            }
        }
    });
}

/// Where a form may lead is said in the words that policies have (CSP 3 §2.3.1), also for addresses they have no word for.
#[test]
fn a_form_may_be_posted_to_every_address_that_can_be_registered() {
    both(|server| {
        server.add_user("alice");
        for (n, (kind, address, source)) in [
            (ClientKind::Web, "https://app.example.com:8443/cb;v=1,2?a=b", "https://app.example.com:8443"),
            (ClientKind::Spa, "http://localhost:8081/cb?a=b", "http://localhost:8081"),
            (ClientKind::Native, "http://[::1]:9000/cb", "http:"),
            (ClientKind::Native, "com.example.app:/cb", "com.example.app:"),
        ]
        .into_iter()
        .enumerate()
        {
            let client =
                server.add_client(&format!("client{n}"), kind, |client| client.settings.redirect_uris = vec![address.into()]);
            let mut browser = Browser::new(server);
            let page = browser.follow(&Browser::request(&client, "openid", &[("response_mode", "form_post")]), "alice", "allow");
            assert!(received(&page, "form_post", address).contains_key("code"));
            assert_eq!(page.form_targets(), format!("'self' https: {source}"));
            let request = Browser::request(&client, "openid", &[("response_mode", "form_post"), ("prompt", "consent")]);
            let page = browser.follow(&request, "alice", "deny");
            assert_eq!(received(&page, "form_post", address)["error"], "access_denied");
            assert_eq!(page.form_targets(), format!("'self' https: {source}"));
        }
    });
}

#[test]
fn offline_access_needs_consent_of_its_own() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        let silent = Browser::request(&spa, "openid offline_access", &[("prompt", "none")]);
        assert_eq!(error_of(server, &ask(server, &home, "GET", &silent), CALLBACK), "consent_required");
        let page = home.get(&Browser::request(&spa, "openid offline_access", &[]));
        leads_to(&page, "/consent");
        assert!(home.get(page.location()).body.contains("while you are away"));
        home.code(&spa, "alice", "openid offline_access");
        let code = code_of(server, &ask(server, &home, "GET", &silent), CALLBACK);
        assert_eq!(server.redeem(&spa, &code).text("scope"), "openid offline_access");
    });
}

fn audience(server: &Server, home: &Browser, client: &Client, resources: &[&str]) -> serde_json::Value {
    let resources: String =
        resources.iter().flat_map(|resource| ["&".to_owned(), params::encode([("resource", *resource)])]).collect();
    let page = ask(server, home, "GET", &format!("{}{resources}", Browser::request(client, "notes:read", &[])));
    let code = answer_at(server, &page, CALLBACK)["code"].clone();
    claims_of(server.redeem(client, &code).text("access_token"))["aud"].clone()
}

#[test]
fn resources_choose_among_those_of_the_client() {
    both(|server| {
        server.add_user("alice");
        let files = "https://files.example.com/v1";
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.audiences.push(files.into()));
        let home = at_home(server, &spa, "notes:read");
        assert_eq!(audience(server, &home, &spa, &[]), serde_json::json!([API, files]));
        assert_eq!(audience(server, &home, &spa, &[files]), files);
        assert_eq!(audience(server, &home, &spa, &[files, API]), serde_json::json!([files, API]));
        assert_eq!(audience(server, &home, &spa, &[API, API]), API);
        for wrong in ["https://files.example.com", "https://files.example.com/v1/", "files", "https://api.example.com%23x"] {
            let path = format!("{}&resource={API}&resource={wrong}", Browser::request(&spa, "notes:read", &[]));
            assert_eq!(error_of(server, &ask(server, &home, "GET", &path), CALLBACK), "invalid_target", "{wrong}");
        }
    });
}
