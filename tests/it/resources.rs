//! Resource indicators (RFC 8707): which APIs a token is for, which of its scopes go there, and what remains when an API or one
//! of its scopes is removed (`resources::taken_away`).

mod taken_away;

use diesel::{RunQueryDsl, sql_query};
use serde_json::{Value, json};
use symbolon::testing::{
    protocol::{
        oauth::{
            client::{Client, ClientKind},
            scope::Scopes,
        },
        values::params,
    },
    store::{Error, clients, consents},
};

use crate::harness::{API, Answer, Browser, CALLBACK, FILES, Server, both, claims_of, query_of};

const ALL: &str = "openid offline_access notes:read files:read";

/// The APIs, and an app for both in which alice is signed in and has allowed everything.
fn stage(server: &Server) -> (Client, Browser) {
    server.add_user("alice");
    server.add_apis();
    let web = server.add_web("web");
    let mut browser = Browser::new(server);
    browser.code(&web, "alice", ALL);
    (web, browser)
}

/// A request for these resources.
fn request(client: &Client, scope: &str, resources: &[&str]) -> String {
    let resources = resources.iter().map(|uri| format!("&{}", params::encode([("resource", *uri)])));
    format!("{}{}", Browser::request(client, scope, &[]), resources.collect::<String>())
}

/// The tokens of a request for these resources.
fn tokens(server: &Server, browser: &mut Browser, client: &Client, scope: &str, resources: &[&str]) -> Answer {
    let page = browser.follow(&request(client, scope, resources), "alice", "allow");
    let code = query_of(page.location()).remove("code").unwrap_or_else(|| panic!("{page:?}"));
    server.redeem_as(client, &code, &[])
}

#[track_caller]
fn is_for(answer: &Answer, scope: &str, audience: &Value) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let claims = claims_of(answer.text("access_token"));
    assert_eq!((claims["scope"].as_str(), &claims["aud"]), (Some(scope), audience), "{answer:?}");
    assert_eq!(answer.text("scope"), scope);
}

#[track_caller]
fn refused(answer: &Answer, error: &str) {
    assert_eq!((answer.status, answer.error()), (400, error), "{answer:?}");
}

fn change(server: &Server, change: impl FnOnce(&mut Client)) {
    server.store(|connection| {
        clients::update(connection, "web", |_, client| {
            change(client);
            Ok::<_, Error>(())
        })
    });
}

#[test]
fn a_request_chooses_among_the_apis_of_the_client() {
    both(|server| {
        let (web, mut browser) = stage(server);
        is_for(&tokens(server, &mut browser, &web, ALL, &[]), ALL, &json!([API, FILES, server.url]));
        is_for(&tokens(server, &mut browser, &web, ALL, &[FILES, API]), ALL, &json!([FILES, API, server.url]));
        is_for(&tokens(server, &mut browser, &web, "notes:read", &[API, API]), "notes:read", &API.into());
        is_for(&tokens(server, &mut browser, &web, "notes:read", &["", API]), "notes:read", &API.into());
        for wrong in [
            "https://other.example.com",
            "https://files.example.com//",
            "https://files.example.com:80",
            "https://files.example.com#x",
            "https://files.example.com#",
            "https://files.example.com?x",
            "files.example.com",
            "/",
            "*",
            server.url.as_str(),
        ] {
            for resources in [&[wrong][..], &[API, wrong], &[wrong, API]] {
                let page = browser.get(&request(&web, ALL, resources));
                assert!(page.status == 303 && page.location().starts_with(&format!("{CALLBACK}?")), "{wrong}: {page:?}");
                let query = query_of(page.location());
                assert_eq!((query["error"].as_str(), query["state"].as_str()), ("invalid_target", "st4te"), "{wrong}");
            }
        }
    });
}

#[test]
fn a_user_sees_the_names_of_the_apis_and_what_the_scopes_allow() {
    both(|server| {
        server.add_user("alice");
        server.add_apis();
        let web = server.add_web("web");
        server
            .add_client("unnamed", ClientKind::Web, |client| client.settings.audiences = vec!["https://old.example.com".into()]);
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = |browser: &mut Browser, path: &str| {
            let to = browser.get(path).location().to_owned();
            assert!(to.starts_with("/consent?"), "{to}");
            browser.get(&to).body
        };
        let shown = page(&mut browser, &request(&web, ALL, &[]));
        for words in ["Notes API", "Files API", "Read your notes", "Read your files", API, FILES] {
            assert!(shown.contains(&format!("<bdi>{words}</bdi>")), "{words}: {shown}");
        }
        assert!(!shown.contains("Write notes"), "it was not asked for");
        let shown = page(&mut browser, &request(&web, "openid notes:read", &[API]));
        assert!(shown.contains("Notes API") && !shown.contains("Files API"), "{shown}");
        let unnamed = server.store(|connection| clients::find(connection, "unnamed")).unwrap();
        let shown = page(&mut browser, &request(&unnamed, "openid notes:read", &[]));
        assert!(shown.contains("<bdi>https://old.example.com</bdi>") && shown.contains("<bdi>notes:read</bdi>"), "{shown}");

        browser.code(&web, "alice", "openid notes:read files:read");
        let page = browser.get(&request(&web, "openid notes:read", &[FILES]));
        assert!(query_of(page.location()).contains_key("code"), "both APIs were allowed: {page:?}");
    });
}

#[test]
fn another_api_is_asked_about_though_the_scopes_are_the_same() {
    both(|server| {
        server.add_user("alice");
        server.add_apis();
        let web = server.add_web("web");
        let mut browser = Browser::new(server);
        is_for(&tokens(server, &mut browser, &web, "openid notes:read", &[API]), "openid notes:read", &json!([API, server.url]));
        let again = tokens(server, &mut browser, &web, "openid", &[]);
        is_for(&again, "openid", &json!(server.url));
        for resources in [&[FILES][..], &[API, FILES]] {
            let page = browser.get(&request(&web, "openid", resources));
            assert!(page.location().starts_with("/consent?"), "{resources:?}: {page:?}");
            let silent = browser.get(&format!("{}&prompt=none", request(&web, "openid", resources)));
            assert_eq!(query_of(silent.location())["error"], "consent_required", "{resources:?}");
        }
    });
}

#[test]
fn a_code_gives_a_token_for_all_or_fewer_of_its_apis() {
    both(|server| {
        let (web, mut browser) = stage(server);
        for (resources, requested, expected) in [
            (&[][..], &[API][..], json!([API, server.url])),
            (&[], &[FILES, API], json!([FILES, API, server.url])),
            (&[API, FILES], &[FILES, FILES], json!([FILES, server.url])),
            (&[FILES], &[], json!([FILES, server.url])),
            (&[FILES], &[FILES], json!([FILES, server.url])),
        ] {
            let code = query_of(browser.get(&request(&web, ALL, resources)).location())["code"].clone();
            for wider in ["https://other.example.com", "files", server.url.as_str()] {
                refused(&server.redeem_as(&web, &code, &[("resource", wider)]), "invalid_target");
            }
            if resources == [FILES] {
                refused(&server.redeem_as(&web, &code, &[("resource", FILES), ("resource", API)]), "invalid_target");
            }
            let more: Vec<_> = requested.iter().map(|uri| ("resource", *uri)).collect();
            let answer = server.redeem_as(&web, &code, &more);
            assert_eq!(answer.status, 200, "a refusal uses up nothing: {answer:?}");
            assert_eq!(claims_of(answer.text("access_token"))["aud"], expected, "{resources:?} {requested:?}");
        }
    });
}

#[test]
fn a_refresh_may_narrow_and_the_refresh_token_keeps_its_width() {
    both(|server| {
        let (web, mut browser) = stage(server);
        let mut current = tokens(server, &mut browser, &web, ALL, &[]);
        let mut refresh = |more: &[(&str, &str)]| {
            let answer = server.refresh_as(&web, current.text("refresh_token"), more);
            if answer.status == 200 {
                current = Answer { status: 200, json: answer.json.clone(), headers: vec![] };
            }
            answer
        };
        let all = json!([API, FILES, server.url]);
        is_for(&refresh(&[("resource", API)]), "openid offline_access notes:read", &json!([API, server.url]));
        is_for(&refresh(&[("resource", FILES), ("scope", "files:read")]), "files:read", &FILES.into());
        is_for(&refresh(&[("scope", "openid")]), "openid", &json!(server.url));
        is_for(&refresh(&[("scope", "openid notes:read")]), "openid notes:read", &json!([API, server.url]));
        is_for(&refresh(&[("scope", "openid"), ("resource", FILES)]), "openid", &json!([FILES, server.url]));
        is_for(&refresh(&[]), ALL, &all);
        for (more, error) in [
            (&[("resource", "https://other.example.com")][..], "invalid_target"),
            (&[("resource", API), ("resource", "https://other.example.com")], "invalid_target"),
            (&[("resource", API), ("scope", "files:read")], "invalid_scope"),
            (&[("resource", API), ("scope", "email")], "invalid_scope"),
        ] {
            refused(&refresh(more), error);
        }
        is_for(&refresh(&[]), ALL, &all);

        let narrow = tokens(server, &mut browser, &web, "openid notes:read files:read", &[API]);
        is_for(&narrow, "openid notes:read", &json!([API, server.url]));
        let token = narrow.text("refresh_token");
        refused(&server.refresh_as(&web, token, &[("resource", FILES)]), "invalid_target");
        is_for(&server.refresh_as(&web, token, &[]), "openid notes:read", &json!([API, server.url]));
    });
}

#[test]
fn default_apis_are_meant_where_none_is_named() {
    both(|server| {
        let (web, mut browser) = stage(server);
        change(server, |client| client.settings.default_audiences = Some(vec![FILES.into()]));
        let usual = tokens(server, &mut browser, &web, ALL, &[]);
        is_for(&usual, "openid offline_access files:read", &json!([FILES, server.url]));
        refused(&server.refresh_as(&web, usual.text("refresh_token"), &[("resource", API)]), "invalid_target");
        let named = tokens(server, &mut browser, &web, ALL, &[API]);
        is_for(&named, "openid offline_access notes:read", &json!([API, server.url]));
        is_for(
            &server.refresh_as(&web, named.text("refresh_token"), &[]),
            "openid offline_access notes:read",
            &json!([API, server.url]),
        );
        change(server, |client| client.settings.default_audiences = Some(vec![]));
        is_for(&tokens(server, &mut browser, &web, ALL, &[]), "openid offline_access", &json!(server.url));
        is_for(&tokens(server, &mut browser, &web, ALL, &[FILES, API]), ALL, &json!([FILES, API, server.url]));
    });
}

/// What libraries make of `https://files.example.com` when they parse it.
const SPELLINGS: [&str; 3] = ["https://files.example.com/", "HTTPS://FILES.example.com", "https://files.example.com:443/"];

#[test]
fn an_api_is_the_same_in_every_spelling_and_told_as_it_is_registered() {
    both(|server| {
        let (web, mut browser) = stage(server);
        server.add_client("job", ClientKind::Service, |client| {
            client.settings.audiences = vec![API.into(), FILES.into()];
            client.settings.scope = Scopes::parse("notes:read files:read").unwrap();
        });
        for spelling in SPELLINGS {
            let first = tokens(server, &mut browser, &web, ALL, &[spelling, FILES]);
            is_for(&first, "openid offline_access files:read", &json!([FILES, server.url]));
            let refreshed = server.refresh_as(&web, first.text("refresh_token"), &[("resource", spelling)]);
            is_for(&refreshed, "openid offline_access files:read", &json!([FILES, server.url]));
            assert!(
                server.is_active("files", refreshed.text("access_token"))
                    && !server.is_active("notes", refreshed.text("access_token"))
            );
            let code = query_of(browser.get(&request(&web, ALL, &[])).location())["code"].clone();
            is_for(
                &server.redeem_as(&web, &code, &[("resource", spelling)]),
                "openid offline_access files:read",
                &json!([FILES, server.url]),
            );
            is_for(&server.serve("job", &[("resource", spelling)]), "files:read", &FILES.into());
        }
    });
}

/// A grant, a consent and a token of a version before: an API in another spelling than it is registered in now, and one in `aud`
/// of which nothing was granted.
#[test]
fn what_was_granted_before_works_on() {
    both(|server| {
        let (web, mut browser) = stage(server);
        let old = tokens(server, &mut browser, &web, "openid offline_access", &[]);
        let set = |text: String| server.store(|connection| Ok(sql_query(format!("UPDATE {text}")).execute(connection)?));
        set(format!("grants SET audiences = '[\"{API}/\",\"{FILES}\"]' WHERE scopes = 'openid offline_access'"));
        let refreshed = server.refresh_as(&web, old.text("refresh_token"), &[]);
        is_for(&refreshed, "openid offline_access", &json!([API, FILES, server.url]));
        assert!(server.is_active("notes", refreshed.text("access_token")), "as it was issued");
        let one = server.refresh_as(&web, refreshed.text("refresh_token"), &[("resource", API)]);
        is_for(&one, "openid offline_access", &json!([API, server.url]));

        set(format!("consents SET audiences = '[\"{API}/\"]'"));
        let page = browser.get(&request(&web, "openid notes:read", &[API]));
        assert!(query_of(page.location()).contains_key("code"), "it was allowed before: {page:?}");
        let page = browser.get(&request(&web, "openid files:read", &[]));
        assert!(page.location().starts_with("/consent?"), "{page:?}");
    });
}

#[test]
fn without_a_scope_the_default_ones_are_given_and_told() {
    both(|server| {
        let (web, mut browser) = stage(server);
        let without = |resources: &[&str]| request(&web, "", resources);
        let given = |browser: &mut Browser, resources: &[&str]| {
            let page = browser.follow(&without(resources), "alice", "allow");
            server.redeem_as(&web, &query_of(page.location())["code"].clone(), &[])
        };
        is_for(&given(&mut browser, &[]), "openid notes:read files:read", &json!([API, FILES, server.url]));
        is_for(&given(&mut browser, &[FILES]), "openid files:read", &json!([FILES, server.url]));
        change(server, |client| client.settings.default_scope = Scopes::parse("email notes:read").ok());
        let page = browser.get(&without(&[]));
        assert!(page.location().starts_with("/consent?"), "email was not allowed before");
        is_for(&given(&mut browser, &[]), "email notes:read", &API.into());
        change(server, |client| client.settings.default_scope = Scopes::parse("").ok());
        let query = query_of(browser.get(&without(&[])).location());
        assert_eq!(query["error"], "invalid_scope");
        assert!(query["error_description"].contains("no default scope"), "{query:?}");
    });
}

#[test]
fn what_a_client_may_not_have_is_left_out_of_the_page_and_of_the_answer() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        server.add_apis();
        let web = server.add_web("web");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let scope = "openid profile email address phone roles groups offline_access notes:read notes:write";
        let page = browser.get(&request(&web, scope, &[]));
        let shown = browser.get(page.location());
        assert!(shown.body.contains("Read your notes") && !shown.body.contains("Write notes"), "{}", shown.body);
        is_for(
            &tokens(server, &mut browser, &web, scope, &[]),
            "openid email offline_access notes:read",
            &json!([API, server.url]),
        );
        let consents = server.store(|connection| consents::of_user(connection, alice));
        assert_eq!(consents[0].allowed.scopes.to_string(), "openid email offline_access notes:read", "and of the consent");
        for (scope, words) in [
            ("address notes:write", "received only others: 'address notes:write'"),
            ("openid nothing", "'nothing' is not a scope"),
        ] {
            let query = query_of(browser.get(&request(&web, scope, &[])).location());
            assert_eq!(query["error"], "invalid_scope");
            assert!(
                query["error_description"].contains(words) && !query["error_description"].contains("files:read"),
                "{query:?}"
            );
        }
    });
}
