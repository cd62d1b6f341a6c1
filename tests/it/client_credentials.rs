//! Tokens that a client gets for itself (RFC 6749 §4.4): their content, their audience, and that they belong to no user.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use symbolon::testing::{
    config::Config,
    protocol::oauth::{
        client::{AuthMethod, Client, ClientKind, GrantType},
        scope::{ScopeClaims, Scopes},
    },
    store::{Error, apis, clients},
};

use crate::harness::{API, Answer, FILES, SECRET, Server, both, both_with, claims_of};

/// A program for both APIs.
fn job(server: &Server) -> Client {
    server.add_apis();
    server.add_client("job", ClientKind::Service, |client| {
        client.settings.audiences = vec![API.into(), FILES.into()];
        client.settings.scope = Scopes::parse("notes:read notes:write files:read").unwrap();
    })
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.error()), (status, error), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.json.get("access_token").is_none());
}

/// What a token is for: its scopes, and its audience.
#[track_caller]
fn is_for(answer: &Answer, scope: &str, audience: &serde_json::Value) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let claims = claims_of(answer.text("access_token"));
    assert_eq!((claims["scope"].as_str(), &claims["aud"]), (Some(scope), audience), "{answer:?}");
    assert_eq!(answer.text("scope"), scope);
}

#[test]
fn it_is_the_clients_own_and_comes_alone() {
    both(|server| {
        job(server);
        server.add_client("post", ClientKind::Service, |client| {
            client.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        });
        let answer = server.serve("job", &[]);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
        let names: Vec<_> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["access_token", "token_type", "expires_in", "scope"], "no refresh token, no ID token");
        assert_eq!((answer.text("token_type"), &answer.json["expires_in"]), ("Bearer", &json!(600)));

        let claims = claims_of(answer.text("access_token"));
        let now = server.now().seconds();
        let (iat, jti) = (claims["iat"].as_i64().unwrap(), claims["jti"].as_str().unwrap());
        assert!((0..5).contains(&(now - iat)) && jti.starts_with("client.") && jti.len() == 29, "{claims}");
        let expected = json!({
            "iss": server.url, "sub": "job", "aud": [API, FILES], "client_id": "job", "exp": iat + 600, "iat": iat, "jti": jti,
            "scope": "notes:read notes:write files:read",
        });
        assert_eq!(claims, expected);
        let header = jsonwebtoken::decode_header(answer.text("access_token")).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));

        let form = [("grant_type", "client_credentials"), ("client_id", "post"), ("client_secret", SECRET)];
        let posted = server.token(&form, &[]);
        is_for(&posted, "notes:read notes:write", &API.into());
        assert_eq!(claims_of(posted.text("access_token"))["sub"], "post");
        let jtis: BTreeSet<_> =
            (0..10).map(|_| claims_of(server.serve("job", &[]).text("access_token"))["jti"].to_string()).collect();
        assert_eq!(jtis.len(), 10);
    });
}

#[test]
fn scopes_are_the_clients_unless_it_asks_for_fewer() {
    both(|server| {
        job(server);
        let apis = json!([API, FILES]);
        is_for(&server.serve("job", &[("scope", "notes:read")]), "notes:read", &API.into());
        is_for(&server.serve("job", &[("scope", "openid notes:read offline_access")]), "notes:read", &API.into());
        is_for(&server.serve("job", &[("scope", "files:read notes:read files:read")]), "files:read notes:read", &apis);
        is_for(&server.serve("job", &[("scope", "")]), "notes:read notes:write files:read", &apis);
        for wrong in
            ["admin", "notes:read admin", "NOTES:READ", "openid", "offline_access", "notes:\"read", " ", "notes:read  files:read"]
        {
            refused(&server.serve("job", &[("scope", wrong)]), 400, "invalid_scope");
        }
        refused(&server.serve("job", &[("scope", "notes:read"), ("scope", "files:read")]), 400, "invalid_request");
    });
}

#[test]
fn what_opens_claims_of_a_user_is_not_for_a_client_of_its_own() {
    let change = |config: &mut Config| {
        config.scope_claims = ScopeClaims::new(BTreeMap::from([("employee".into(), vec!["employee_number".into()])])).unwrap();
    };
    both_with(change, |server| {
        server.add_apis();
        let of_users = "openid profile email address phone roles groups offline_access employee";
        server.add_client("web", ClientKind::Web, |client| {
            client.settings.grant_types.push(GrantType::ClientCredentials);
            client.settings.scope = Scopes::parse(&format!("{of_users} notes:read")).unwrap();
        });
        is_for(&server.serve("web", &[]), "notes:read", &API.into());
        for scope in of_users.split(' ') {
            refused(&server.serve("web", &[("scope", scope)]), 400, "invalid_scope");
            is_for(&server.serve("web", &[("scope", &format!("notes:read {scope}"))]), "notes:read", &API.into());
        }
    });
}

#[test]
fn resources_narrow_its_audience_and_its_scopes() {
    both(|server| {
        job(server);
        is_for(&server.serve("job", &[("resource", API)]), "notes:read notes:write", &API.into());
        is_for(&server.serve("job", &[("resource", FILES), ("resource", FILES)]), "files:read", &FILES.into());
        let both_apis = [("resource", FILES), ("resource", API)];
        is_for(&server.serve("job", &both_apis), "notes:read notes:write files:read", &json!([FILES, API]));
        is_for(&server.serve("job", &[("resource", API), ("scope", "notes:read files:read")]), "notes:read", &API.into());
        refused(&server.serve("job", &[("resource", API), ("scope", "files:read")]), 400, "invalid_scope");
        for wrong in
            ["https://other.example.com", "files", "https://api.example.com//", "https://api.example.com#x", server.url.as_str()]
        {
            refused(&server.serve("job", &[("resource", API), ("resource", wrong)]), 400, "invalid_target");
        }
        server.add_client("choosy", ClientKind::Service, |client| {
            client.settings.audiences = vec![API.into(), FILES.into()];
            client.settings.default_audiences = Some(vec![FILES.into()]);
            client.settings.scope = Scopes::parse("notes:read files:read").unwrap();
        });
        is_for(&server.serve("choosy", &[]), "files:read", &FILES.into());
        is_for(&server.serve("choosy", &[("resource", API)]), "notes:read", &API.into());
        server.add_client("bare", ClientKind::Service, |client| {
            (client.settings.audiences, client.settings.scope) = (vec![], Scopes::default());
        });
        let bare = server.serve("bare", &[]);
        assert_eq!((bare.status, bare.json.get("scope")), (200, None), "{bare:?}");
        let claims = claims_of(bare.text("access_token"));
        assert_eq!((&claims["aud"], claims.get("scope")), (&json!(server.url), None), "RFC 9068 asks for an audience");
        let received: serde_json::Value =
            serde_json::from_str(&server.introspect("bare", bare.text("access_token")).body).unwrap();
        assert_eq!((&received["active"], received.get("scope")), (&json!(true), None));
    });
}

#[test]
fn it_is_nobodys_and_opens_no_claims() {
    both(|server| {
        job(server);
        let service = server.serve("job", &[]);
        server.add_client("web", ClientKind::Web, |client| client.settings.grant_types.push(GrantType::ClientCredentials));
        let web = server.serve("web", &[]);
        server.add_client("bare", ClientKind::Service, |client| {
            (client.settings.audiences, client.settings.scope) = (vec![], Scopes::default());
        });
        let for_the_issuer = server.serve("bare", &[]);
        for answer in [&service, &web, &for_the_issuer] {
            let received = server.userinfo(answer.text("access_token"));
            assert_eq!((received.status, received.error()), (403, "insufficient_scope"), "{received:?}");
            assert!(received.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""), "{received:?}");
        }
    });
}

#[test]
fn it_lives_as_long_as_its_client_may_have_it() {
    both(|server| {
        job(server);
        server.add_web("other");
        let all = server.serve("job", &[]);
        let for_files = server.serve("job", &[("resource", FILES)]);
        let (all, for_files) = (all.text("access_token"), for_files.text("access_token"));
        let scope = |client: &str, token: &str| {
            let received: serde_json::Value = serde_json::from_str(&server.introspect(client, token).body).unwrap();
            received["scope"].as_str().map(str::to_owned)
        };
        assert_eq!(scope("job", all).as_deref(), Some("notes:read notes:write files:read"));
        assert_eq!(scope("notes", all).as_deref(), Some("notes:read notes:write"));
        assert_eq!(scope("files", for_files).as_deref(), Some("files:read"));
        for (client, token) in [("notes", for_files), ("other", all), ("other", for_files)] {
            assert!(!server.is_active(client, token), "{client}");
        }

        let now = server.now();
        server.store(|connection| clients::set_disabled(connection, "job", Some(now)));
        assert!(!server.is_active("notes", all) && !server.is_active("files", for_files));
        refused(&server.serve("job", &[]), 401, "invalid_client");
        server.store(|connection| clients::set_disabled(connection, "job", None));
        assert!(server.is_active("notes", all));

        server.store(|connection| {
            clients::update(connection, "job", |_, client| {
                client.settings.scope = Scopes::parse("notes:read files:read").unwrap();
                Ok::<_, Error>(())
            })
        });
        assert_eq!(scope("notes", all).as_deref(), Some("notes:read"));
        assert!(server.store(|connection| apis::remove(connection, FILES)));
        assert_eq!(scope("job", all).as_deref(), Some("notes:read"));
        assert!(!server.is_active("job", for_files), "never for another audience instead");
        refused(&server.serve("job", &[("resource", FILES)]), 400, "invalid_target");

        server.advance(601);
        assert!(!server.is_active("job", all) && !server.is_active("notes", all));
        let last = server.serve("job", &[]);
        is_for(&last, "notes:read", &API.into());
        server.store(|connection| clients::delete(connection, "job", now));
        assert!(!server.is_active("notes", last.text("access_token")));
        refused(&server.serve("job", &[]), 401, "invalid_client");
    });
}

#[test]
fn a_token_without_scopes_dies_with_its_api() {
    both(|server| {
        server.add_apis();
        server.add_client("plain", ClientKind::Service, |client| client.settings.scope = Scopes::default());
        let token = server.serve("plain", &[]);
        assert!(server.is_active("plain", token.text("access_token")) && server.is_active("notes", token.text("access_token")));
        server.store(|connection| apis::remove(connection, API));
        assert!(!server.is_active("plain", token.text("access_token")));
    });
}

#[test]
fn it_is_for_clients_that_may_and_that_prove_who_they_are() {
    both(|server| {
        job(server);
        server.add_client("web", ClientKind::Web, |_| ());
        server.add_client("spa", ClientKind::Spa, |_| ());
        refused(&server.serve("web", &[]), 400, "unauthorized_client");
        let asks = ("grant_type", "client_credentials");
        refused(&server.token(&[asks, ("client_id", "spa")], &[]), 400, "unauthorized_client");
        refused(&server.token(&[asks, ("client_id", "spa"), ("client_secret", SECRET)], &[]), 400, "invalid_client");
        refused(&server.token(&[asks, ("client_id", "job")], &[]), 401, "invalid_client");
        refused(&server.token(&[asks, ("client_id", "job"), ("client_secret", "wrong")], &[]), 400, "invalid_client");
        assert_eq!(server.token(&[asks, ("client_id", "job"), ("client_secret", SECRET)], &[]).status, 200, "in either place");
        refused(&server.token(&[asks], &[]), 401, "invalid_client");
        let mut spa = Client::new("public", "Public", ClientKind::Spa, server.now());
        spa.settings.redirect_uris = vec!["https://app.example.com/cb".into()];
        assert!(spa.check().unwrap_err().as_ref().starts_with("scopes: expected at least one"));
        spa.settings.scope = Scopes::parse("openid").unwrap();
        assert_eq!(spa.check(), Ok(()));
        spa.settings.grant_types.push(GrantType::ClientCredentials);
        assert!(spa.check().unwrap_err().as_ref().contains("authenticates"), "it cannot even be registered");
        for (name, value) in [("refresh_token", "refresh_token"), ("authorization_code", "code")] {
            refused(&server.token_as("job", &[("grant_type", name), (value, "x")]), 400, "unauthorized_client");
        }
        let page = server.send("GET", "/authorize?client_id=job&response_type=code&scope=notes:read", &[], None);
        assert_eq!((page.status, page.header("location")), (400, None), "a service has no place to send anyone");
    });
}
