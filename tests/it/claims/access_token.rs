//! What APIs decide about their access tokens (`symbolon api set`): claims of the user within the granted scopes, and the `typ` of the
//! header (RFC 9068 §2.1, §2.2.2). With the `typ` of ID tokens no kind passes for another here all the same (RFC 8725 §3.11).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use symbolon::testing::{
    protocol::oauth::{
        api_tokens::{ApiTokens, TokenTyp},
        client::{Client, ClientKind},
        scope::Scopes,
    },
    store::apis,
};

use super::{alice, change, change_client, configured};
use crate::harness::{API, Answer, Browser, FILES, INACTIVE, Page, Server, both_with, claims_of, query_of};

const SCOPE: &str = "openid profile email offline_access roles groups employee phone notes:read files:read";

fn set(server: &Server, uri: &str, typ: TokenTyp, claims: &[&str]) {
    let tokens = ApiTokens { typ, claims: claims.iter().map(ToString::to_string).collect() };
    let mut api = server.store(|connection| apis::of(connection, &[uri.to_owned()])).remove(0);
    api.tokens = tokens;
    assert!(server.store(|connection| apis::update(connection, &api)));
    assert_eq!(server.store(|connection| apis::of(connection, &[uri.to_owned()])), [api], "it is kept");
}

/// Alice, the APIs, and an app for both that may ask for everything.
fn stage(server: &Server) -> Client {
    alice(server);
    server.add_apis();
    let web = server.add_web("web");
    change_client(server, "web", |client| client.settings.scope = Scopes::parse(SCOPE).unwrap());
    web
}

/// The claims about the user.
fn about(token: &str) -> Value {
    const OF_TOKENS: [&str; 12] =
        ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope", "auth_time", "acr", "amr", "sid"];
    let claims = claims_of(token).as_object().unwrap().clone();
    claims.into_iter().filter(|(name, _)| !OF_TOKENS.contains(&name.as_str())).collect::<Map<_, _>>().into()
}

fn typ(token: &str) -> String {
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    header["typ"].as_str().unwrap().to_owned()
}

/// The access token of a refresh for these resources.
fn access(server: &Server, web: &Client, tokens: &Answer, resources: &[&str]) -> String {
    let resources: Vec<_> = resources.iter().map(|uri| ("resource", *uri)).collect();
    let answer = server.refresh_as(web, tokens.text("refresh_token"), &resources);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text("access_token").to_owned()
}

#[test]
fn an_api_sees_what_it_asks_for_and_what_was_granted() {
    both_with(configured, |server| {
        let web = stage(server);
        let first = server.tokens_as(&web, "alice", "openid profile email notes:read files:read");
        assert_eq!(about(first.text("access_token")), json!({}), "nothing that no API asked for");
        set(server, API, TokenTyp::AccessToken, &["preferred_username", "email", "email_verified", "department"]);
        for (scope, expected) in [
            ("notes:read", json!({})),
            ("openid notes:read", json!({})),
            ("profile notes:read", json!({"preferred_username": "alice"})),
            ("email notes:read", json!({"email": "alice@example.com", "email_verified": true})),
            (
                "email employee notes:read",
                json!({"email": "alice@example.com", "email_verified": true, "department": ["books", {"since": 2020}]}),
            ),
            ("profile roles notes:read", json!({"preferred_username": "alice", "roles": ["editor", "admin"]})),
            ("phone notes:read", json!({})),
        ] {
            let code = Browser::new(server).code(&web, "alice", scope);
            let answer = server.redeem_as(&web, &code, &[("resource", API)]);
            assert_eq!(about(answer.text("access_token")), expected, "{scope}");
            assert_eq!(about(&access(server, &web, &answer, &[API])), expected, "{scope}, refreshed");
            assert_eq!(typ(answer.text("access_token")), "at+jwt");
        }
        // Individually requested claims are for the places that they name.
        let requested = json!({"userinfo": {"email": null}, "id_token": {"email": null}}).to_string();
        let code = Browser::new(server).code_of(&web, "alice", "openid notes:read", &[("claims", &requested)]);
        let answer = server.redeem_as(&web, &code, &[("resource", API)]);
        assert_eq!(
            (about(answer.text("access_token")), &claims_of(answer.text("id_token"))["email"]),
            (json!({}), &json!("alice@example.com"))
        );
    });
}

#[test]
fn a_token_for_several_apis_says_only_what_all_of_them_ask_for() {
    both_with(configured, |server| {
        let web = stage(server);
        set(server, API, TokenTyp::AccessToken, &["preferred_username", "email"]);
        let tokens = server.tokens_as(&web, "alice", "openid profile email notes:read files:read");
        assert_eq!(about(tokens.text("access_token")), json!({}), "the other API asked for nothing");
        assert_eq!(about(&access(server, &web, &tokens, &[FILES])), json!({}));
        assert_eq!(
            about(&access(server, &web, &tokens, &[API])),
            json!({"preferred_username": "alice", "email": "alice@example.com"})
        );
        set(server, FILES, TokenTyp::AccessToken, &["email", "name"]);
        assert_eq!(about(&access(server, &web, &tokens, &[])), json!({"email": "alice@example.com"}), "with the next request");
        assert_eq!(
            about(&access(server, &web, &tokens, &[FILES])),
            json!({"email": "alice@example.com", "name": "alice Example"})
        );
        // As of now, and within the scope of this token alone.
        let mut alice = server
            .store(|connection| {
                let login = symbolon::testing::protocol::account::login_name::LoginName::parse("alice");
                symbolon::testing::store::users::find_by_login(connection, &login)
            })
            .unwrap();
        alice.claims.email = "a@example.org".into();
        change(server, &alice);
        assert_eq!(about(&access(server, &web, &tokens, &[])), json!({"email": "a@example.org"}));
        let narrow = server.refresh_as(&web, tokens.text("refresh_token"), &[("scope", "openid notes:read files:read")]);
        assert_eq!(about(narrow.text("access_token")), json!({}), "without the scope email");
        // An API that is no longer registered asks for nothing; a service has no user.
        server.store(|connection| apis::remove(connection, FILES));
        assert_eq!(
            about(&access(server, &web, &narrow, &[])),
            json!({"preferred_username": "alice", "email": "a@example.org"}),
            "the only one left"
        );
    });
}

#[test]
fn an_api_can_have_the_typ_of_id_tokens_and_nothing_passes_for_another() {
    both_with(configured, |server| {
        let web = stage(server);
        set(server, API, TokenTyp::Jwt, &[]);
        let mut browser = Browser::new(server);
        let code = browser.code(&web, "alice", "openid email offline_access notes:read files:read");
        let tokens = server.redeem_as(&web, &code, &[]);
        assert_eq!(typ(tokens.text("access_token")), "at+jwt", "for two APIs, of which one did not ask for it");
        let as_jwt = access(server, &web, &tokens, &[API]);
        let as_jwt = as_jwt.as_str();
        assert_eq!((typ(as_jwt).as_str(), typ(tokens.text("id_token")).as_str()), ("JWT", "JWT"));
        assert_eq!(claims_of(as_jwt)["aud"], json!([API, server.url]));
        assert_eq!(typ(&access(server, &web, &tokens, &[FILES])), "at+jwt");

        // It is an access token here, and the ID token is none.
        assert_eq!(server.userinfo(as_jwt).json["email"], "alice@example.com");
        let seen = server.introspect("notes", as_jwt);
        assert!(seen.body.starts_with(r#"{"active":true"#), "{seen:?}");
        assert_eq!(server.introspect("files", as_jwt).body, INACTIVE);
        for wrong in [tokens.text("id_token"), server.refresh_as(&web, tokens.text("refresh_token"), &[]).text("id_token")] {
            assert_eq!(server.userinfo(wrong).status, 401);
            assert_eq!(
                (server.introspect("notes", wrong).body, server.introspect("web", wrong).body),
                (INACTIVE.into(), INACTIVE.into())
            );
            assert_eq!(server.revoke("web", wrong).status, 200, "nothing to revoke");
        }
        // Nor is the access token a hint.
        let error = |page: &Page| query_of(page.location()).remove("error").unwrap_or_default();
        let hint = |token: &str| Browser::request(&web, "openid", &[("id_token_hint", token), ("prompt", "none")]);
        assert_eq!(error(&browser.get(&hint(as_jwt))), "invalid_request");
        assert_eq!(error(&browser.get(&hint(tokens.text("id_token")))), "");
        let page = browser.get(&format!("/logout?id_token_hint={as_jwt}"));
        assert!(page.status == 200 && page.body.contains("an ID token that this server issued"), "{page:?}");

        assert_eq!(server.revoke("web", as_jwt).status, 200);
        assert_eq!((server.userinfo(as_jwt).status, server.introspect("notes", as_jwt).body), (401, INACTIVE.into()));
        set(server, FILES, TokenTyp::Jwt, &[]);
        assert_eq!(typ(&access(server, &web, &tokens, &[])), "JWT", "all of its APIs ask for it");
        set(server, API, TokenTyp::AccessToken, &[]);
        assert_eq!(typ(&access(server, &web, &tokens, &[API])), "at+jwt");
    });
}

#[test]
fn a_service_gets_the_typ_of_its_api() {
    both_with(configured, |server| {
        stage(server);
        server.add_client("job", ClientKind::Service, |client| {
            client.settings.audiences = vec![API.into(), FILES.into()];
            client.settings.scope = Scopes::parse("notes:read files:read").unwrap();
        });
        set(server, API, TokenTyp::Jwt, &["email"]);
        let own = |more: &[(&str, &str)]| server.serve("job", more).text("access_token").to_owned();
        assert_eq!(typ(&own(&[])), "at+jwt");
        let token = own(&[("resource", API)]);
        assert_eq!((typ(&token).as_str(), claims_of(&token).get("email")), ("JWT", None));
        assert!(server.is_active("notes", &token));
    });
}

#[test]
fn the_consent_page_says_what_an_api_sees() {
    both_with(configured, |server| {
        let web = stage(server);
        set(server, API, TokenTyp::AccessToken, &["preferred_username", "email"]);
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        for (scope, seen) in [("openid email notes:read", Some("email")), ("openid notes:read files:read", None)] {
            let page = browser.get(&Browser::request(&web, scope, &[]));
            let page = browser.get(page.location());
            assert!(page.is("consent"), "{page:?}");
            assert_eq!(page.body.matches("It sees:").count(), usize::from(seen.is_some()), "{scope}: {}", page.body);
            assert!(seen.is_none_or(|claim| page.body.contains(&format!("It sees: <code><bdi>{claim}</bdi></code></span>"))));
        }
    });
}
