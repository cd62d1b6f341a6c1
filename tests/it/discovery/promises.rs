//! Every value of the discovery document, tried out; and that nothing exists that it does not list. The values are taken from the
//! document, so an added one without a test here fails, and a missing one as well. Here: endpoints and the authorization request;
//! what tokens contain, who authenticates how, and signatures have files of their own.

mod authentication;
mod claims;
mod logout;
mod signatures;

use std::collections::BTreeSet;

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use super::document;
use crate::harness::{Browser, CALLBACK, Page, Server, both, query_of};

fn values(server: &Server, name: &str) -> Vec<String> {
    let values = document(server)[name].clone();
    serde_json::from_value(values).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// Tries each candidate: it works if the document lists it, and only then. What is listed is among them.
#[track_caller]
fn exactly(server: &Server, name: &str, candidates: &[&str], mut works: impl FnMut(&str) -> bool) {
    let listed = values(server, name);
    for value in &listed {
        assert!(candidates.contains(&value.as_str()), "{name}: what does {value} do?");
    }
    for candidate in candidates {
        assert_eq!(works(candidate), listed.iter().any(|value| value == candidate), "{name}: {candidate}");
    }
}

fn spa(server: &Server) -> Client {
    server.add_user("alice");
    server.add_client("spa", ClientKind::Spa, |_| ())
}

/// The answer that a request gets without any page, from a browser in which someone is signed in.
fn ask(browser: &mut Browser, client: &Client, more: &[(&str, &str)]) -> Page {
    browser.get(&Browser::request(client, "openid", more))
}

fn error(page: &Page) -> String {
    query_of(page.location()).remove("error").unwrap_or_default()
}

#[test]
fn every_endpoint_answers() {
    both(|server| {
        let document = document(server);
        let mut seen = BTreeSet::new();
        for (name, url) in document.as_object().unwrap() {
            if !name.ends_with("_endpoint") && !name.ends_with("_uri") {
                continue;
            }
            let path = url.as_str().unwrap().strip_prefix(&server.url).unwrap();
            let (method, expected) = match name.as_str() {
                "authorization_endpoint" => ("GET", 400),
                "token_endpoint" | "introspection_endpoint" | "revocation_endpoint" => ("POST", 401),
                "userinfo_endpoint" => ("GET", 401),
                "jwks_uri" | "end_session_endpoint" => ("GET", 200),
                other => panic!("{other}: what does it answer?"),
            };
            assert_eq!(server.send(method, path, &[], (method == "POST").then_some("")).status, expected, "{name}");
            seen.insert(name.clone());
        }
        assert_eq!(seen.len(), 7);
        for unlisted in [
            "/register",
            "/par",
            "/device_authorization",
            "/end_session",
            "/checksession",
            "/backchannel-authentication",
            "/.well-known/webfinger",
        ] {
            assert_eq!(server.send("GET", unlisted, &[], None).status, 404, "{unlisted}");
            assert_eq!(server.send("POST", unlisted, &[], Some("")).status, 404, "{unlisted}");
        }
    });
}

/// Each member that is a list or a switch has a test in one of these files; whoever adds one writes it, and its name here.
#[test]
fn every_member_is_tried_somewhere() {
    both(|server| {
        let document = document(server);
        let mut untried: BTreeSet<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        untried.retain(|name| *name != "issuer" && !name.ends_with("_endpoint") && !name.ends_with("_uri"));
        let files = [
            include_str!("promises.rs"),
            include_str!("promises/authentication.rs"),
            include_str!("promises/claims.rs"),
            include_str!("promises/logout.rs"),
            include_str!("promises/signatures.rs"),
        ];
        untried.retain(|name| !files.iter().any(|file| file.contains(&format!("\"{name}\""))));
        assert!(untried.is_empty(), "{untried:?}");
    });
}

#[test]
fn response_types_and_modes() {
    both(|server| {
        let spa = spa(server);
        let mut browser = Browser::new(server);
        browser.code(&spa, "alice", "openid");
        for mode in values(server, "response_modes_supported") {
            let page = ask(&mut browser, &spa, &[("response_mode", &mode)]);
            let code = match mode.as_str() {
                "query" => query_of(
                    page.location().strip_prefix(&format!("{CALLBACK}?")).map(|query| format!("?{query}")).as_deref().unwrap(),
                )["code"]
                    .clone(),
                "fragment" => {
                    query_of(page.location().strip_prefix(CALLBACK).filter(|rest| rest.starts_with('#')).unwrap())["code"].clone()
                }
                "form_post" => {
                    assert_eq!(
                        (page.status, page.attribute("form ", "action"), page.attribute("form ", "method")),
                        (200, CALLBACK.into(), "post".into())
                    );
                    assert_eq!(page.attribute("name=\"iss\"", "value"), server.url);
                    page.attribute("name=\"code\"", "value")
                }
                other => panic!("{other}: how does it answer?"),
            };
            assert_eq!(server.redeem(&spa, &code).status, 200, "{mode}");
        }
        for mode in ["web_message", "query.jwt", "jwt", "QUERY"] {
            assert_eq!(error(&ask(&mut browser, &spa, &[("response_mode", mode)])), "invalid_request", "{mode}");
        }

        let types = values(server, "response_types_supported");
        for kind in ["code", "token", "id_token", "code id_token", "code token", "id_token token", "none", "CODE"] {
            let page = ask(&mut browser, &spa, &[("response_type", kind), ("nonce", "n")]);
            let expected = if types.iter().any(|listed| listed == kind) { "" } else { "unsupported_response_type" };
            assert_eq!(error(&page), expected, "{kind}");
            assert_eq!(query_of(page.location())["iss"], server.url, "RFC 9207: in every answer");
        }
        assert_eq!(types, ["code"]);
        assert_eq!(document(server)["authorization_response_iss_parameter_supported"], true);
    });
}

#[test]
fn prompts() {
    both(|server| {
        let spa = spa(server);
        for prompt in values(server, "prompt_values_supported") {
            let mut outsider = Browser::new(server);
            let mut known = Browser::new(server);
            known.code(&spa, "alice", "openid");
            let [first, second] = [&mut outsider, &mut known].map(|browser| ask(browser, &spa, &[("prompt", &prompt)]));
            let begins = |page: &Page, path: &str| assert!(page.location().starts_with(path), "{prompt}: {page:?}");
            let where_to = match prompt.as_str() {
                "none" => {
                    assert_eq!(error(&first), "login_required");
                    assert!(query_of(second.location()).contains_key("code"));
                    continue;
                }
                "login" => "/login?",
                "consent" => "/consent?",
                "select_account" => "/select-account?",
                other => panic!("{other}: what does it do?"),
            };
            begins(&first, "/login?");
            begins(&second, where_to);
        }
        let mut outsider = Browser::new(server);
        let all = ["none", "login", "consent", "select_account", "create", "register", "NONE"];
        exactly(server, "prompt_values_supported", &all, |prompt| {
            error(&ask(&mut outsider, &spa, &[("prompt", prompt)])) != "invalid_request"
        });
    });
}

#[test]
fn challenges_and_parameters() {
    both(|server| {
        let spa = spa(server);
        let mut browser = Browser::new(server);
        browser.code(&spa, "alice", "openid");
        let methods = values(server, "code_challenge_methods_supported");
        for method in ["S256", "plain", "s256", "S512"] {
            let listed = methods.iter().any(|listed| listed == method);
            let page = ask(&mut browser, &spa, &[("code_challenge_method", method)]);
            assert_eq!(error(&page), if listed { "" } else { "invalid_request" }, "{method}");
        }
        assert_eq!(methods, ["S256"]);
        let document = document(server);
        for (listed, parameter, value, unsupported) in [
            ("request_parameter_supported", "request", "e30.e30.", "request_not_supported"),
            ("request_uri_parameter_supported", "request_uri", "https://app.example.com/r", "request_uri_not_supported"),
        ] {
            assert_eq!(document[listed], false);
            assert_eq!(error(&ask(&mut browser, &spa, &[(parameter, value)])), unsupported, "{parameter}");
        }
    });
}
