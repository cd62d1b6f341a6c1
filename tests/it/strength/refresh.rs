//! Grants of sign-ins that have become too weak: a raised minimum of their client rejects them, one of an API takes the API out of
//! their tokens, and a new authorization mends both. Nothing is revoked.

use serde_json::Value;
use symbolon::testing::{
    protocol::{
        oauth::client::Client,
        oidc::authentication::{Class, Method},
    },
    store::{apis, clients},
};

use super::show;
use crate::harness::{API, Browser, FILES, Server, both, claims_of, query_of};

fn set_client(server: &Server, client: &Client, class: Option<Class>) {
    let set = |_: &mut _, client: &mut Client| -> Result<(), symbolon::testing::store::Error> {
        client.settings.min_acr = class;
        Ok(())
    };
    server.store(|connection| clients::update(connection, &client.id, set)).unwrap();
}

fn set_api(server: &Server, uri: &str, class: Option<Class>) {
    server.store(|connection| {
        let mut api = apis::named(connection, uri)?.unwrap();
        api.min_acr = class;
        apis::update(connection, &api)
    });
}

const SCOPE: &str = "openid offline_access notes:read files:read";
const BOTH: [(&str, &str); 2] = [("resource", API), ("resource", FILES)];

#[test]
fn a_raised_minimum_of_the_client_rejects_its_grants_until_they_meet_it() {
    both(|server| {
        server.add_user("alice");
        server.add_apis();
        let web = server.add_web("web");
        let tokens = server.tokens_as(&web, "alice", SCOPE);
        set_client(server, &web, Some(Class::TwoFactors));
        let refused = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        assert_eq!((refused.status, refused.error()), (400, "invalid_grant"), "{refused:?}");
        assert!(!server.is_active("web", tokens.text("access_token")) && !server.is_active("web", tokens.text("refresh_token")));
        assert_eq!(server.userinfo(tokens.text("access_token")).status, 401);
        set_client(server, &web, None);
        assert_eq!(server.refresh_as(&web, tokens.text("refresh_token"), &[]).status, 200, "nothing was revoked");
    });
}

#[test]
fn a_raised_minimum_of_an_api_takes_it_out_of_tokens() {
    both(|server| {
        server.add_user("alice");
        server.add_apis();
        let web = server.add_web("web");
        let mut home = Browser::new(server);
        let code = home.code_of(&web, "alice", SCOPE, &BOTH);
        let tokens = server.redeem_as(&web, &code, &[]);
        let aud = |token: &str| claims_of(token)["aud"].clone();
        assert_eq!(aud(tokens.text("access_token")), serde_json::json!([API, FILES, server.url]));
        set_api(server, API, Some(Class::TwoFactors));
        assert!(!server.is_active("notes", tokens.text("access_token")), "not for the API that requires more");
        assert!(server.is_active("files", tokens.text("access_token")));
        let left = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        assert_eq!(aud(left.text("access_token")), serde_json::json!([FILES, server.url]), "{left:?}");
        assert_eq!(left.json["scope"], "openid offline_access files:read");
        let named = server.refresh_as(&web, left.text("refresh_token"), &[("resource", API)]);
        assert_eq!((named.status, named.error()), (400, "invalid_target"), "{named:?}");
        let text = named.json["error_description"].as_str().unwrap();
        assert!(text.contains("stronger sign-in"), "{text}");
        // A stronger sign-in brings it back.
        show(server, &[Method::Password, Method::Totp]);
        let page = home.get(&Browser::request(&web, SCOPE, &BOTH));
        let tokens = server.redeem_as(&web, &query_of(page.location())["code"], &[]);
        assert_eq!(aud(tokens.text("access_token")), serde_json::json!([API, FILES, server.url]));
        assert!(server.is_active("notes", tokens.text("access_token")));
        let refreshed = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        assert_eq!(refreshed.json["scope"], Value::from(SCOPE));
    });
}

#[test]
fn where_no_api_is_left_the_grant_is_of_no_use() {
    both(|server| {
        server.add_user("alice");
        server.add_apis();
        let web = server.add_web("web");
        let code = Browser::new(server).code_of(&web, "alice", "notes:read", &[("resource", API)]);
        let tokens = server.redeem_as(&web, &code, &[]);
        set_api(server, API, Some(Class::PhishingResistant));
        let refused = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        assert_eq!((refused.status, refused.error()), (400, "invalid_grant"), "{refused:?}");
        set_api(server, API, None);
        assert_eq!(server.refresh_as(&web, tokens.text("refresh_token"), &[]).status, 200, "and may be again");
    });
}

#[test]
fn a_service_that_signs_nobody_in_is_not_concerned() {
    both(|server| {
        server.add_apis();
        let job = server.add_client("job", symbolon::testing::protocol::oauth::client::ClientKind::Service, |_| ());
        set_api(server, API, Some(Class::Hardware));
        let tokens = server.serve(&job.id, &[("resource", API)]);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert!(server.is_active("notes", tokens.text("access_token")));
        let claims = claims_of(tokens.text("access_token"));
        assert_eq!((claims.get("acr"), claims.get("amr")), (None, None));
    });
}
