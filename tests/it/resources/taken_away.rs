//! An API, or a scope of one, that is removed: what was granted for it is gone at the next refresh, and wherever a token is
//! presented.

use serde_json::json;
use symbolon::testing::{
    protocol::oauth::{api::ApiScope, scope::Scopes},
    store::{apis, clients},
};

use super::{ALL, change, is_for, refused, stage, tokens};
use crate::harness::{API, Answer, FILES, INACTIVE, Server, both, query_of};

fn received(server: &Server, client: &str, answer: &Answer) -> Option<String> {
    let page = server.introspect(client, answer.text("access_token"));
    let json: serde_json::Value = serde_json::from_str(&page.body).unwrap();
    (page.body != INACTIVE).then(|| json["scope"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn an_api_that_is_removed_takes_its_tokens_and_scopes_along() {
    both(|server| {
        let (web, mut browser) = stage(server);
        change(server, |client| client.settings.default_audiences = Some(vec![FILES.into(), API.into()]));
        let wide = tokens(server, &mut browser, &web, ALL, &[]);
        let only_files = tokens(server, &mut browser, &web, "files:read", &[FILES]);
        let openid_at_files = tokens(server, &mut browser, &web, "openid files:read", &[FILES]);
        let code = query_of(browser.get(&super::request(&web, ALL, &[])).location())["code"].clone();
        assert_eq!(received(server, "files", &wide).as_deref(), Some("files:read"));

        assert!(server.store(|connection| apis::remove(connection, FILES)));
        assert!(!server.store(|connection| apis::remove(connection, FILES)), "it is gone");
        let left = server.store(|connection| clients::find(connection, "web")).unwrap();
        assert_eq!(
            (left.settings.audiences, left.settings.default_audiences),
            (vec![API.to_owned()], Some(vec![API.to_owned()]))
        );
        assert_eq!(left.settings.scope.to_string(), "openid email offline_access notes:read");
        assert!(server.store(|connection| clients::find(connection, "files")).unwrap().settings.introspects.is_empty());

        for token in [&wide, &only_files, &openid_at_files] {
            assert_eq!(received(server, "files", token), None, "nobody serves it any more");
        }
        server.store(|connection| {
            clients::update(connection, "files", |_, client| {
                client.settings.introspects = vec![FILES.into()];
                Ok::<_, symbolon::testing::store::Error>(())
            })
        });
        assert_eq!(received(server, "files", &wide), None, "and the token is not for it, whoever says to serve it");
        assert_eq!(received(server, "web", &wide).as_deref(), Some("openid offline_access notes:read"));
        assert_eq!(received(server, "notes", &wide).as_deref(), Some("notes:read"));
        assert_eq!(
            (received(server, "web", &only_files), received(server, "web", &openid_at_files).as_deref()),
            (None, Some("openid"))
        );

        let refresh = wide.text("refresh_token");
        refused(&server.refresh_as(&web, refresh, &[("resource", FILES)]), "invalid_target");
        refused(&server.refresh_as(&web, refresh, &[("scope", "files:read")]), "invalid_scope");
        is_for(&server.refresh_as(&web, refresh, &[]), "openid offline_access notes:read", &json!([API, server.url]));
        refused(&server.redeem_as(&web, &code, &[("resource", FILES)]), "invalid_target");
        is_for(&server.redeem_as(&web, &code, &[]), "openid offline_access notes:read", &json!([API, server.url]));
        refused(&server.refresh_as(&web, only_files.text("refresh_token"), &[]), "invalid_scope");
        assert!(!server.is_active("web", only_files.text("refresh_token")));
        is_for(&server.refresh_as(&web, openid_at_files.text("refresh_token"), &[]), "openid", &json!(server.url));
        let page = browser.get(&super::request(&web, "openid", &[FILES]));
        assert_eq!(query_of(page.location())["error"], "invalid_target");
    });
}

/// The operator took the API from the client, and left its scope there.
#[test]
fn an_api_that_a_client_may_not_use_any_more_takes_its_scopes_along() {
    both(|server| {
        let (web, mut browser) = stage(server);
        let wide = tokens(server, &mut browser, &web, ALL, &[]);
        let only_files = tokens(server, &mut browser, &web, "offline_access files:read", &[FILES, API]);
        change(server, |client| client.settings.audiences = vec![API.into()]);

        let left = "openid offline_access notes:read";
        assert_eq!(received(server, "files", &wide), None);
        assert_eq!(received(server, "web", &wide).as_deref(), Some(left));
        assert_eq!(server.userinfo(wide.text("access_token")).status, 200);
        is_for(&server.refresh_as(&web, wide.text("refresh_token"), &[]), left, &json!([API, server.url]));
        refused(&server.refresh_as(&web, wide.text("refresh_token"), &[("resource", FILES)]), "invalid_target");
        is_for(&server.refresh_as(&web, only_files.text("refresh_token"), &[]), "offline_access", &API.into());
    });
}

#[test]
fn a_scope_that_an_api_does_not_have_any_more_is_gone_from_its_tokens() {
    both(|server| {
        let (web, mut browser) = stage(server);
        let wide = tokens(server, &mut browser, &web, ALL, &[]);
        let only_notes = tokens(server, &mut browser, &web, "notes:read", &[API]);
        let mut notes = server.store(|connection| apis::of(connection, &[API.to_owned()])).remove(0);
        notes.scopes = vec![ApiScope { name: "notes:list".into(), description: None }];
        assert!(server.store(|connection| apis::update(connection, &notes)));
        let left = server.store(|connection| clients::find(connection, "web")).unwrap();
        assert_eq!(left.settings.scope.to_string(), "openid email offline_access files:read", "a new scope is nobody's yet");

        assert_eq!((received(server, "notes", &wide).as_deref(), received(server, "notes", &only_notes)), (None, None));
        assert_eq!(received(server, "files", &wide).as_deref(), Some("files:read"));
        is_for(
            &server.refresh_as(&web, wide.text("refresh_token"), &[]),
            "openid offline_access files:read",
            &json!([FILES, server.url]),
        );
        refused(&server.refresh_as(&web, only_notes.text("refresh_token"), &[]), "invalid_scope");

        change(server, |client| client.settings.scope = client.settings.scope.with(["notes:read"].into_iter()));
        let again = server.refresh_as(&web, only_notes.text("refresh_token"), &[]);
        is_for(&again, "notes:read", &API.into());
    });
}

/// Two APIs have a scope of the same name; a client has it at one of them.
#[test]
fn a_scope_goes_with_the_api_at_which_the_client_had_it() {
    both(|server| {
        let (web, mut browser) = stage(server);
        server.add_api("https://more.example.com", "More", &[("files:read", "Read more files")]);
        let wide = tokens(server, &mut browser, &web, ALL, &[]);
        server.add_client("both", symbolon::testing::protocol::oauth::client::ClientKind::Service, |client| {
            client.settings.audiences = vec![FILES.into(), "https://more.example.com".into()];
            client.settings.scope = Scopes::parse("files:read").unwrap();
        });
        assert!(server.store(|connection| apis::remove(connection, FILES)));
        is_for(
            &server.refresh_as(&web, wide.text("refresh_token"), &[]),
            "openid offline_access notes:read",
            &json!([API, server.url]),
        );
        is_for(&server.serve("both", &[]), "files:read", &"https://more.example.com".into());
    });
}
