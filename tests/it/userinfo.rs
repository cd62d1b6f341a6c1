//! The `UserInfo` endpoint (OpenID Connect Core §5.3, RFC 6750): which claims each scope grants, and every way in which a token
//! can be invalid.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use symbolon::testing::{
    protocol::{grant::end_reason::EndReason, oauth::client::ClientKind, values::id::Id},
    store::{clients, grants, users},
};

use crate::harness::{Answer, Browser, Page, Server, both, claims_of, databases};

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.error()), (status, error), "{answer:?}");
    let challenge = answer.header("www-authenticate").unwrap();
    let expected =
        format!("Bearer realm=\"symbolon\", error=\"{error}\", error_description=\"{}\"", answer.text("error_description"));
    assert_eq!(challenge, expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A token with another header or payload, and its old signature.
fn altered(token: &str, header: impl FnOnce(&mut Value), payload: impl FnOnce(&mut Value)) -> String {
    let parts: Vec<_> = token.split('.').collect();
    let open = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (mut one, mut two) = (open(parts[0]), open(parts[1]));
    header(&mut one);
    payload(&mut two);
    format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(one.to_string()), URL_SAFE_NO_PAD.encode(two.to_string()), parts[2])
}

#[test]
fn each_scope_opens_its_claims_by_get_and_post() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let sub = json!({"sub": alice.claims.id.to_string()});
        let profile =
            json!({"name": "alice Example", "preferred_username": "alice", "updated_at": alice.claims.updated_at.seconds()});
        let email = json!({"email": "alice@example.com", "email_verified": true});
        for (scope, parts) in [
            ("openid", vec![&sub]),
            ("openid notes:read", vec![&sub]),
            ("openid profile", vec![&sub, &profile]),
            ("openid email", vec![&sub, &email]),
            ("openid profile email offline_access", vec![&sub, &profile, &email]),
        ] {
            let expected: Value =
                parts.iter().flat_map(|part| part.as_object().unwrap().clone()).collect::<serde_json::Map<_, _>>().into();
            let tokens = server.tokens(&spa, "alice", scope);
            assert_eq!(claims_of(tokens.text("id_token"))["sub"], sub["sub"]);
            let token = bearer(tokens.text("access_token"));
            for (method, body) in [("GET", None), ("POST", None), ("POST", Some("")), ("POST", Some("unknown=1"))] {
                for header in [&token, &token.replace("Bearer", "bearer")] {
                    let page = server.send(method, "/userinfo", &[("Authorization", header)], body);
                    assert_eq!(page.status, 200, "{scope} {method}: {page:?}");
                    assert_eq!(serde_json::from_str::<Value>(&page.body).unwrap(), expected, "{scope}");
                    assert_eq!(page.header("content-type"), Some("application/json"));
                    assert_eq!(page.header("cache-control"), Some("no-store"));
                }
            }
        }
        let nameless = users::User {
            claims: symbolon::testing::protocol::account::user::User {
                id: symbolon::testing::random::id(server.now()),
                username: "bob".into(),
                display_name: None,
                email: "b@example.com".into(),
                email_verified: false,
                ..alice.claims
            },
            ..alice
        };
        server.store(|connection| users::insert(connection, &nameless));
        let received = server.userinfo(server.tokens(&spa, "bob", "openid profile email").text("access_token")).json;
        assert_eq!((received.get("name"), &received["email_verified"]), (None, &json!(false)), "what is not known is not told");
    });
}

#[test]
fn the_token_comes_once_in_the_header_or_in_the_form_of_a_post() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid email");
        let token = tokens.text("access_token");
        let header = bearer(token);
        let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>| {
            answer(server.send(method, path, headers, body))
        };

        let body = format!("access_token={token}");
        let expected = server.userinfo(token).json;
        let kind = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
        for (headers, body) in [
            (&[][..], body.clone()),
            (&[kind], body.clone()),
            (&[], format!("unknown=1&{body}&empty=")),
            (&[], body.replace("access_token", "access%5Ftoken").replace('.', "%2E")),
        ] {
            let answer = ask("POST", "/userinfo", headers, Some(&body));
            assert_eq!((answer.status, &answer.json), (200, &expected), "{body}: {answer:?}");
            assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
        }
        // A page may send it so, without a preflight, and reads the answer if its origin is registered.
        for (origin, reader) in [("https://app.example.com", Some("https://app.example.com")), ("https://evil.example", None)] {
            for body in [body.as_str(), "access_token=x"] {
                let answer = ask("POST", "/userinfo", &[("Origin", origin)], Some(body));
                assert_eq!(answer.header("access-control-allow-origin"), reader, "{answer:?}");
            }
        }
        refused(&ask("POST", "/userinfo", &[], Some("access_token=x")), 401, "invalid_token");

        // Never in the URL, never twice, and not with a method whose body means nothing.
        let authorized = [("Authorization", &*header)];
        for (method, path, headers, sent) in [
            ("GET", &*format!("/userinfo?{body}"), &[][..], None),
            ("POST", &format!("/userinfo?{body}"), &[], Some("")),
            ("POST", &format!("/userinfo?{body}"), &[], Some(&*body)),
            ("GET", &format!("/userinfo?{}", body.replace('_', "%5F")), &[], None),
            ("GET", "/userinfo?access_token=", &authorized, None),
            ("POST", "/userinfo", &authorized, Some(&body)),
            ("POST", "/userinfo", &authorized, Some("access_token=x&access_token=y")),
            ("POST", "/userinfo", &[("Authorization", "Basic YWxpY2U6eA==")], Some(&body)),
            ("POST", "/userinfo", &[("Authorization", "DPoP x")], Some(&body)),
            ("POST", "/userinfo", &[], Some(&format!("{body}&{body}"))),
            ("POST", "/userinfo", &[], Some(&format!("{body}&access_token="))),
            ("POST", "/userinfo", &[], Some(&format!("{body}&x=1&x=2"))),
            ("POST", "/userinfo", &[], Some("access_token=%zz")),
            ("POST", "/userinfo", &[], Some("access_token=a%00b")),
            ("GET", "/userinfo", &[("Authorization", &*header), ("Authorization", &header)], None),
            ("GET", "/userinfo", &[("Authorization", "Bearer")], None),
            ("GET", "/userinfo", &[("Authorization", "Bearer ")], None),
        ] {
            refused(&ask(method, path, headers, sent), 400, "invalid_request");
        }

        // RFC 6750 §3.1: no token, or another scheme, is no error. §2.2: what is no form has none.
        let bare = |method: &str, headers: &[(&str, &str)], body: Option<&str>| {
            let page = server.send(method, "/userinfo", headers, body);
            assert_eq!(
                (page.status, page.header("www-authenticate"), &*page.body),
                (401, Some("Bearer realm=\"symbolon\""), ""),
                "{headers:?} {body:?}"
            );
            assert_eq!(page.header("cache-control"), Some("no-store"));
        };
        bare("GET", &[], None);
        for other in ["Basic YWxpY2U6eA==", "DPoP x", "Bearer-x y", token] {
            bare("GET", &[("Authorization", other)], None);
        }
        bare("POST", &[], Some("access_token="));
        bare("POST", &[("Content-Type", "text/plain")], Some(&body));
        bare("POST", &[("Content-Type", "application/json")], Some(&json!({"access_token": token}).to_string()));
        bare("POST", &[("Content-Type", "multipart/form-data; boundary=x")], Some(&body));
        let cookie = format!("access_token={token}");
        assert_eq!(ask("GET", "/userinfo", &[("Cookie", &cookie)], None).status, 401);
        let page = server.send("PUT", "/userinfo", &[("Authorization", &header)], Some(""));
        assert_eq!((page.status, page.header("allow")), (405, Some("GET, HEAD, POST, OPTIONS")));
    });
}

fn answer(page: Page) -> Answer {
    Answer { status: page.status, json: serde_json::from_str(&page.body).unwrap_or_default(), headers: page.headers }
}

#[test]
fn nothing_passes_for_an_access_token_that_is_not_one() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let tokens = server.tokens(&spa, "alice", "openid");
        let token = tokens.text("access_token");
        let n = URL_SAFE_NO_PAD.decode(server.get("/.well-known/jwks.json", &[]).json["keys"][0]["n"].as_str().unwrap()).unwrap();
        let none = |alg: &str| altered(token, |header| header["alg"] = alg.into(), |_| ());
        let bare = |token: &str| format!("{}.", token.rsplit_once('.').unwrap().0);
        let scope = altered(token, |_| (), |payload| payload["scope"] = "openid profile email".into());
        let longer = altered(token, |_| (), |payload| payload["exp"] = json!(4_000_000_000_i64));
        let kid = |kid: Value| altered(token, |header| header["kid"] = kid, |_| ());
        let mut flipped = token.to_owned().into_bytes();
        let at = flipped.len() - 40;
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        for bad in [
            "x",
            "a.b.c",
            "..",
            &"x".repeat(5000),
            &code,
            tokens.text("refresh_token"),
            tokens.text("id_token"),
            &none("none"),
            &bare(&none("none")),
            &bare(&none("None")),
            &bare(token),
            &none("HS256"),
            &hs256(token, &n),
            &none("RS512"),
            &scope,
            &longer,
            &kid(json!("other")),
            &kid(json!("../../../dev/null")),
            &kid(json!(["x"])),
            &altered(token, |header| header["typ"] = "JWT".into(), |_| ()),
            &altered(token, |header| header["crit"] = json!(["x"]), |_| ()),
            &altered(tokens.text("id_token"), |header| header["typ"] = "at+jwt".into(), |_| ()),
            &String::from_utf8(flipped).unwrap(),
            &token[1..],
            &token[..token.len() - 1],
            &format!("{token}A"),
            &format!("{token}."),
            &format!("{token} {token}"),
            &format!("{token},"),
        ] {
            refused(&server.userinfo(bad), 401, "invalid_token");
        }
        assert_eq!(server.userinfo(token).status, 200, "the one that is");
    });
}

/// The token signed with the public key as if it were a shared secret (RFC 8725 §2.1).
fn hs256(token: &str, public_key: &[u8]) -> String {
    let unsigned = altered(token, |header| header["alg"] = "HS256".into(), |_| ());
    let (signed, _) = unsigned.rsplit_once('.').unwrap();
    let key = jsonwebtoken::EncodingKey::from_secret(public_key);
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}

#[test]
fn a_token_of_another_server_is_refused() {
    for (one, two) in databases().iter().zip(databases()) {
        let [one, two] = [Server::start(one, |_| ()), Server::start(&two, |_| ())];
        let [mine, theirs] = [&one, &two].map(|server| {
            server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            server.tokens(&spa, "alice", "openid").text("access_token").to_owned()
        });
        refused(&one.userinfo(&theirs), 401, "invalid_token");
        refused(&two.userinfo(&mine), 401, "invalid_token");
        assert_eq!((one.userinfo(&mine).status, two.userinfo(&theirs).status), (200, 200));
    }
}

#[test]
fn without_openid_it_opens_nothing() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let silent = server.add_client("silent", ClientKind::Spa, |client| client.settings.audiences.clear());
        for client in [&spa, &silent] {
            refused(
                &server.userinfo(server.tokens(client, "alice", "profile email").text("access_token")),
                403,
                "insufficient_scope",
            );
        }
        // Narrowed at the refresh: the grant has it, this token has not.
        let tokens = server.tokens(&spa, "alice", "openid email offline_access");
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "spa"),
            ("refresh_token", tokens.text("refresh_token")),
            ("scope", "email"),
        ];
        let narrow = server.token(&form, &[]);
        refused(&server.userinfo(narrow.text("access_token")), 403, "insufficient_scope");
        assert_eq!(server.userinfo(tokens.text("access_token")).status, 200);
    });
}

#[test]
fn it_ends_with_its_time_and_with_its_grant() {
    both(|server| {
        server.add_user("alice");
        let bob = server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid offline_access");
        let token = tokens.text("access_token");
        server.advance(590);
        assert_eq!(server.userinfo(token).status, 200);
        server.advance(11);
        let answer = server.userinfo(token);
        refused(&answer, 401, "invalid_token");
        assert_eq!(answer.text("error_description"), "the access token is not valid: it has expired");

        let fresh = |who: &str| server.tokens(&spa, who, "openid offline_access").text("access_token").to_owned();
        let now = server.now();
        let (revoked, other) = (fresh("alice"), fresh("alice"));
        let grant = Id::parse(claims_of(&revoked)["jti"].as_str().unwrap().split_once('.').unwrap().0).unwrap();
        server.store(|connection| grants::revoke(connection, grant, EndReason::Other, now));
        refused(&server.userinfo(&revoked), 401, "invalid_token");
        assert_eq!(server.userinfo(&other).status, 200, "another grant of the same client");

        let bobs = fresh("bob");
        server.disable(bob.claims.id);
        refused(&server.userinfo(&bobs), 401, "invalid_token");
        server.enable(bob.claims.id);
        refused(&server.userinfo(&bobs), 401, "invalid_token");

        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let answer = server.redeem(&spa, &code);
        let csrf = browser.get("/logout").csrf();
        browser.send("POST", "/logout", Some(&[("csrf", &csrf)]));
        refused(&server.userinfo(answer.text("access_token")), 401, "invalid_token");

        server.store(|connection| clients::set_disabled(connection, "spa", Some(now)));
        refused(&server.userinfo(&other), 401, "invalid_token");
        server.store(|connection| clients::set_disabled(connection, "spa", None));
        assert_eq!(server.userinfo(&other).status, 200, "switched on again");
        server.store(|connection| clients::delete(connection, "spa", now));
        refused(&server.userinfo(&other), 401, "invalid_token");
    });
}
