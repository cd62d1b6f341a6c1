//! The introspection endpoint (RFC 7662): who may call it, and what each caller learns. Inactive tokens are
//! `introspection::inactive`, signed responses `introspection::signed`, the user's name `introspection::username`.

mod bound;
mod inactive;
mod leaked;
mod signed;
mod username;

use serde_json::{Value, json};
use symbolon::testing::{
    protocol::oauth::{
        client::{AuthMethod, Client, ClientKind},
        scope::Scopes,
    },
    store::clients,
};

use crate::harness::{API, Answer, Browser, FILES, INACTIVE, Page, SECRET, Server, basic, both, claims_of, encode};

/// Everything the tests here need: alice, the APIs with their resource servers, and an app with tokens of hers.
fn stage(server: &Server) -> (Client, Answer) {
    server.add_user("alice");
    server.add_apis();
    let web = server.add_web("web");
    let tokens = server.tokens_as(&web, "alice", "openid email offline_access notes:read files:read");
    (web, tokens)
}

fn received(server: &Server, client: &str, token: &str) -> Value {
    serde_json::from_str(&server.introspect(client, token).body).unwrap()
}

#[track_caller]
fn refused(page: &Page, status: u16, error: &str) {
    let json: Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!((page.status, json["error"].as_str()), (status, Some(error)), "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{page:?}");
    assert!(!page.body.contains("active"), "{page:?}");
}

#[test]
fn only_a_client_that_authenticates_may_ask() {
    both(|server| {
        let (_, tokens) = stage(server);
        server.add_client("spa", ClientKind::Spa, |_| ());
        server.add_client("post", ClientKind::Web, |client| {
            client.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        });
        let token = ("token", tokens.text("access_token"));
        let ask = |more: &[(&str, &str)], headers: &[(&str, &str)]| {
            server.send("POST", "/introspect", headers, Some(&encode(&[&[token], more].concat())))
        };
        let (right, wrong) = (basic("notes", SECRET), basic("notes", "wrong"));

        let nobody = ask(&[], &[]);
        refused(&nobody, 401, "invalid_client");
        assert_eq!(nobody.header("www-authenticate"), Some("Basic realm=\"symbolon\""));
        refused(&ask(&[("client_id", "notes")], &[]), 401, "invalid_client");
        refused(&ask(&[("client_id", "spa")], &[]), 401, "invalid_client");
        let guessed = ask(&[], &[("Authorization", &wrong)]);
        refused(&guessed, 401, "invalid_client");
        assert_eq!(guessed.header("www-authenticate"), Some("Basic realm=\"symbolon\""));
        refused(&ask(&[], &[("Authorization", &basic("nobody", SECRET))]), 401, "invalid_client");
        refused(&ask(&[("client_id", "post"), ("client_secret", "wrong")], &[]), 400, "invalid_client");
        refused(&ask(&[], &[("Authorization", &format!("Bearer {}", token.1))]), 401, "invalid_client");
        let secret_too = [("client_id", "notes"), ("client_secret", SECRET)];
        refused(&ask(&secret_too, &[("Authorization", &right)]), 400, "invalid_request");
        refused(&ask(&[("client_id", "files")], &[("Authorization", &right)]), 400, "invalid_request");

        assert_eq!(ask(&[], &[("Authorization", &right)]).status, 200);
        assert_eq!(ask(&[("client_id", "post"), ("client_secret", SECRET)], &[]).body, INACTIVE, "it is of another client");
        assert_eq!(ask(&[], &[("Authorization", &basic("post", SECRET))]).body, INACTIVE, "its secret may be in either place");
        let now = server.now();
        server.store(|connection| clients::set_disabled(connection, "notes", Some(now)));
        refused(&ask(&[], &[("Authorization", &right)]), 401, "invalid_client");
    });
}

#[test]
fn it_takes_forms_by_post_and_nothing_in_its_address() {
    both(|server| {
        let (_, tokens) = stage(server);
        let authorization = ("Authorization", basic("notes", SECRET));
        let headers = [(authorization.0, authorization.1.as_str())];
        let form = encode(&[("token", tokens.text("access_token"))]);
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
            let page = server.send(method, "/introspect", &headers, (method == "PUT").then_some(&*form));
            assert_eq!((page.status, page.header("allow")), (405, Some("POST")), "{method}: {page:?}");
        }
        let send = |path: &str, body: &str| server.send("POST", path, &headers, Some(body));
        refused(&send(&format!("/introspect?{form}"), ""), 400, "invalid_request");
        refused(&send("/introspect?x=y", &form), 400, "invalid_request");
        for body in ["", "token=", "token_type_hint=access_token", "token=a&token=b", "token=%zz", "token=a%00b"] {
            refused(&send("/introspect", body), 400, "invalid_request");
        }
        refused(&send("/introspect", &format!("token={}", "x".repeat(20_000))), 413, "invalid_request");
        let json = [headers[0], ("Content-Type", "application/json")];
        refused(&server.send("POST", "/introspect", &json, Some(r#"{"token":"x"}"#)), 400, "invalid_request");
        let page = send("/introspect", &form);
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")), "{page:?}");
        page.assert_common_headers();
    });
}

#[test]
fn a_client_is_told_everything_about_its_own_access_token() {
    both(|server| {
        let (web, tokens) = stage(server);
        let claims = claims_of(tokens.text("access_token"));
        let expected = json!({
            "active": true,
            "token_type": "Bearer",
            "scope": "openid email offline_access notes:read files:read",
            "iss": server.url,
            "sub": claims["sub"],
            "aud": [API, FILES, server.url],
            "client_id": "web",
            "exp": claims["exp"],
            "iat": claims["iat"],
            "jti": claims["jti"],
            "auth_time": claims["auth_time"],
            "acr": "urn:symbolon:acr:password",
            "amr": ["pwd"],
        });
        assert_eq!(received(server, "web", tokens.text("access_token")), expected);
        for hint in ["refresh_token", "access_token", "id_token", "x", ""] {
            let form = [("token", tokens.text("access_token")), ("token_type_hint", hint)];
            let page = server.post_as("web", "/introspect", &form);
            assert_eq!(serde_json::from_str::<Value>(&page.body).unwrap(), expected, "{hint}");
        }
        let bare = server.refresh_as(&web, tokens.text("refresh_token"), &[("scope", "openid")]);
        assert_eq!(received(server, "web", bare.text("access_token"))["scope"], "openid");
    });
}

#[test]
fn a_resource_server_is_told_what_concerns_its_api() {
    both(|server| {
        let (web, tokens) = stage(server);
        let both_apis = tokens.text("access_token");
        let mut expected = received(server, "web", both_apis);
        for (caller, scope) in [("notes", "notes:read"), ("files", "files:read")] {
            expected["scope"] = scope.into();
            assert_eq!(received(server, caller, both_apis), expected, "{caller}");
        }
        server.add_client("gateway", ClientKind::Web, |client| client.settings.introspects = vec![FILES.into(), API.into()]);
        expected["scope"] = "notes:read files:read".into();
        assert_eq!(received(server, "gateway", both_apis), expected);
        server.add_client("stranger", ClientKind::Web, |client| client.settings.audiences = vec![API.into(), FILES.into()]);
        assert_eq!(server.introspect("stranger", both_apis).body, INACTIVE, "who may call an API does not serve it");

        let one = server.refresh_as(&web, tokens.text("refresh_token"), &[("resource", API)]);
        let for_notes = one.text("access_token");
        assert_eq!(received(server, "notes", for_notes)["scope"], "notes:read");
        assert_eq!(received(server, "gateway", for_notes)["scope"], "notes:read");
        assert_eq!(server.introspect("files", for_notes).body, INACTIVE);

        let none_of_its = server.refresh_as(&web, one.text("refresh_token"), &[("scope", "openid files:read")]);
        let token = none_of_its.text("access_token");
        assert_eq!(server.introspect("notes", token).body, INACTIVE, "nothing of it is for the notes");
        let named = server.refresh_as(&web, none_of_its.text("refresh_token"), &[("scope", "openid"), ("resource", API)]);
        let answer = received(server, "notes", named.text("access_token"));
        assert_eq!((&answer["active"], answer.get("scope")), (&json!(true), None), "a list of none is not written");
        assert_eq!(received(server, "files", token)["scope"], "files:read");

        server.add_client("odd", ClientKind::Service, |client| {
            client.settings.scope = Scopes::parse("notes:read files:read").unwrap();
        });
        let odd = server.serve("odd", &[]);
        assert_eq!(received(server, "gateway", odd.text("access_token"))["scope"], "notes:read", "the token is for notes alone");

        server.store(|connection| {
            clients::update(connection, "notes", |_, client| {
                client.settings.introspects.clear();
                Ok::<_, symbolon::testing::store::Error>(())
            })
        });
        assert_eq!(server.introspect("notes", for_notes).body, INACTIVE, "it serves the API no more");
    });
}

#[test]
fn a_refresh_token_is_for_its_own_client_alone_and_asking_changes_nothing() {
    both(|server| {
        let (web, first) = stage(server);
        server.add_web("other");
        let day = 24 * 60 * 60;
        let mut expected = json!({
            "active": true,
            "scope": "openid email offline_access notes:read files:read",
            "client_id": "web",
            "iss": server.url,
            "sub": claims_of(first.text("access_token"))["sub"],
        });
        let mut own = received(server, "web", first.text("refresh_token"));
        let times = ["exp", "iat"].map(|name| own.as_object_mut().unwrap().remove(name).unwrap().as_i64().unwrap());
        assert_eq!((own, times[0] - times[1]), (expected.clone(), 30 * day), "until it is idle for too long");
        for caller in ["other", "notes", "files"] {
            assert_eq!(server.introspect(caller, first.text("refresh_token")).body, INACTIVE, "{caller}");
        }

        let second = server.refresh_as(&web, first.text("refresh_token"), &[]);
        let mut previous = received(server, "web", first.text("refresh_token"));
        let times = ["exp", "iat"].map(|name| previous.as_object_mut().unwrap().remove(name).unwrap().as_i64().unwrap());
        assert_eq!((&previous, times[0] - times[1]), (&expected, 30), "until the retry window is over");
        let third = server.refresh_as(&web, second.text("refresh_token"), &[("scope", "openid notes:read"), ("resource", API)]);
        let active = |answer: &Answer| server.is_active("web", answer.text("refresh_token"));
        assert_eq!([&first, &second, &third].map(active), [false, true, true], "two generations back is a replay");
        server.advance(31);
        assert_eq!([&first, &second, &third].map(active), [false, false, true], "the window is over");
        expected["exp"] = received(server, "web", third.text("refresh_token"))["exp"].clone();
        assert_eq!(received(server, "web", third.text("refresh_token"))["scope"], expected["scope"], "it keeps its width");
        let fourth = server.refresh_as(&web, third.text("refresh_token"), &[]);
        assert_eq!(fourth.status, 200, "looking at a used token is not using it: {fourth:?}");
        assert!(server.is_active("web", first.text("access_token")));
    });
}

#[test]
fn guesses_at_the_secret_are_counted_with_those_at_other_endpoints() {
    both(|server| {
        let (web, tokens) = stage(server);
        let guess = |path: &str| {
            let form = encode(&[("token", tokens.text("access_token"))]);
            server.send("POST", path, &[("Authorization", &basic("notes", "wrong"))], Some(&form))
        };
        for n in 0..20 {
            refused(&guess(["/introspect", "/revoke", "/token"][n % 3]), 401, "invalid_client");
        }
        for path in ["/introspect", "/revoke", "/token"] {
            let page = guess(path);
            refused(&page, 429, "temporarily_unavailable");
            assert!(page.header("retry-after").unwrap().parse::<u32>().unwrap() <= 61, "{page:?}");
        }
        assert!(server.is_active("notes", tokens.text("access_token")), "who has the secret is not shut out");
        assert!(server.is_active(&web.id, tokens.text("access_token")));
        server.advance(61);
        refused(&guess("/introspect"), 401, "invalid_client");
    });
}

#[test]
fn no_page_reads_its_answers() {
    both(|server| {
        let (_, tokens) = stage(server);
        server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.headers.push(("Origin", "https://app.example.com".into()));
        let form = [("token", tokens.text("access_token"))];
        let preflight = ("Access-Control-Request-Method", "POST".to_owned());
        for authorization in [None, Some(basic("notes", "wrong")), Some(basic("notes", SECRET))] {
            browser.headers.truncate(1);
            browser.headers.extend(authorization.map(|value| ("Authorization", value)));
            browser.headers.push(preflight.clone());
            let sent = [
                ("POST", "/introspect", Some(&form[..])),
                ("POST", "/introspect?x=y", Some(&form)),
                ("POST", "/introspect", None),
            ];
            for (method, path, form) in sent.into_iter().chain([("GET", "/introspect", None), ("OPTIONS", "/introspect", None)]) {
                let page = browser.send(method, path, form);
                page.assert_no_cors();
                assert_eq!(page.header("vary"), None, "{method} {path}: {page:?}");
            }
        }
    });
}
