//! The `claims` parameter (OpenID Connect Core §5.5): individual claims, in the requested place, as far as the client may have
//! them and the user consents; and errors for malformed values, whatever their size.

use serde_json::{Map, Value, json};
use symbolon::testing::{protocol::oauth::client::ClientKind, store::consents};

use super::{ALL, alice, client, configured};
use crate::harness::{Browser, CALLBACK, Page, Server, both, both_with, claims_of, encode, query_of};

/// The parameter.
fn parameter(value: &Value) -> String {
    value.to_string()
}

/// `error` of the answer to a request with this `claims`.
fn refusal(browser: &mut Browser, client: &symbolon::testing::protocol::oauth::client::Client, claims: &str) -> String {
    let page = browser.get(&Browser::request(client, "openid", &[("claims", claims)]));
    assert_eq!(page.status, 303, "{claims}: {page:?}");
    query_of(page.location()).remove("error").unwrap_or_default()
}

/// The claims about a user: what is told besides what tokens always say.
fn about(claims: &Value) -> Vec<&str> {
    const ALWAYS: [&str; 11] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"];
    let mut names: Vec<_> =
        claims.as_object().unwrap().keys().map(String::as_str).filter(|name| !ALWAYS.contains(name)).collect();
    names.sort_unstable();
    names
}

#[test]
fn claims_are_told_where_they_were_asked_for() {
    both_with(configured, |server| {
        alice(server);
        let spa = client(server, "spa", ALL);
        for (requested, userinfo, id_token) in [
            (json!({}), [].as_slice(), [].as_slice()),
            (json!({"userinfo": {"email": null}}), &["email"], &[]),
            (json!({"id_token": {"email": {"essential": true}}}), &[], &["email"]),
            (
                json!({"userinfo": {"nickname": {}}, "id_token": {"roles": null, "address": null}}),
                &["nickname"],
                &["address", "roles"],
            ),
            (json!({"userinfo": {"department": {"essential": false, "value": "x"}}}), &["department"], &[]),
            (json!({"id_token": {"https://example.com/badge": {"values": [1, 2]}}}), &[], &["https://example.com/badge"]),
            // What nobody here knows, members and claims alike, is ignored (Core §5.5); a user's other attributes are not told.
            (
                json!({"userinfo": {"unknown": null, "left over": null, "email#fr": null}, "elsewhere": 7, "access_token": {"email": null}}),
                &[],
                &[],
            ),
            (
                json!({"id_token": {"email": {"essential": "yes", "new": [{}]}, "auth_time": {"essential": true}, "iss": {"value": "x"}}}),
                &[],
                &["email"],
            ),
            (json!({"userinfo": {"password_hash": null, "id": null, "iss": null, "scope": null, "auth_time": null}}), &[], &[]),
        ] {
            let code = Browser::new(server).code_of(&spa, "alice", "openid", &[("claims", &parameter(&requested))]);
            let tokens = server.redeem(&spa, &code);
            assert_eq!(tokens.text("scope"), "openid", "claims are no scopes");
            let received = server.userinfo(tokens.text("access_token")).json;
            let own = claims_of(tokens.text("id_token"));
            assert_eq!((about(&received), about(&own)), (userinfo.to_vec(), id_token.to_vec()), "{requested}");
            assert_eq!((&own["iss"], received.get("iss")), (&server.url.as_str().into(), None));
            let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
            let received = server.userinfo(refreshed.text("access_token")).json;
            assert_eq!(about(&received), userinfo, "and after a refresh: {requested}");
            let access = claims_of(tokens.text("access_token"));
            assert!(access.get("email").is_none() && access.get("roles").is_none(), "{access}");
        }
        // Together with scopes, each claim is told once.
        let requested = json!({"userinfo": {"email": null, "phone_number": null}}).to_string();
        let code = Browser::new(server).code_of(&spa, "alice", "openid email", &[("claims", &requested)]);
        let received = server.userinfo(server.redeem(&spa, &code).text("access_token")).json;
        assert_eq!(about(&received), ["email", "email_verified", "phone_number"]);
    });
}

#[test]
fn a_client_gets_no_claims_of_scopes_that_it_is_not_registered_for() {
    both_with(configured, |server| {
        alice(server);
        let narrow = client(server, "narrow", "openid email team");
        let names = ["email", "name", "roles", "groups", "phone_number", "https://example.com/badge", "department", "lead"];
        let wishes: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({"essential": true}))).collect();
        let requested = json!({"userinfo": wishes, "id_token": wishes}).to_string();
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = browser.get(&Browser::request(&narrow, "openid", &[("claims", &requested)]));
        let page = browser.get(page.location());
        assert!(page.body.contains("See your e-mail address") && page.body.contains("<bdi>team</bdi>"), "{}", page.body);
        for other in ["See your profile", "See your roles", "See your phone", "employee"] {
            assert!(!page.body.contains(other), "{other}: {}", page.body);
        }
        let tokens = server.redeem(&narrow, &browser.code_of(&narrow, "alice", "openid", &[("claims", &requested)]));
        for received in [server.userinfo(tokens.text("access_token")).json, claims_of(tokens.text("id_token"))] {
            assert_eq!(
                about(&received),
                ["department", "email", "lead"],
                "an essential claim that is not told is no error (Core §5.5.1)"
            );
        }
    });
}

#[test]
fn the_user_is_asked_about_what_claims_open() {
    both_with(configured, |server| {
        let alice = alice(server);
        let spa = client(server, "spa", ALL);
        let mut browser = Browser::new(server);
        browser.code(&spa, "alice", "openid");
        let requested =
            json!({"userinfo": {"email": null, "department": null}, "id_token": {"birthdate": null, "email": null}}).to_string();
        let request = Browser::request(&spa, "openid", &[("claims", &requested)]);
        let silent = Browser::request(&spa, "openid", &[("claims", &requested), ("prompt", "none")]);
        let received = |page: &Page| query_of(page.location()).remove("error").unwrap_or_default();
        assert_eq!(received(&browser.get(&silent)), "consent_required");
        let page = browser.get(&request);
        assert!(page.location().starts_with("/consent?"), "{page:?}");
        let page = browser.get(page.location());
        for words in
            ["Recognise you", "See your e-mail address", "See your profile", "<bdi>employee</bdi>", "<bdi>department</bdi>"]
        {
            assert_eq!(page.body.matches(words).count(), 1, "{words}: {}", page.body);
        }
        assert!(!page.body.contains("See your roles"), "{}", page.body);
        let deny = [("decision", "deny"), ("csrf", &*page.csrf())];
        assert_eq!(received(&browser.send("POST", &page.attribute("form ", "action"), Some(&deny))), "access_denied");
        assert_eq!(received(&browser.get(&silent)), "consent_required", "nothing of it was allowed");

        let tokens = server.redeem(&spa, &browser.code_of(&spa, "alice", "openid", &[("claims", &requested)]));
        assert_eq!(about(&claims_of(tokens.text("id_token"))), ["birthdate", "email"]);
        let remembered = server.store(|connection| consents::find(connection, alice.claims.id, "spa")).unwrap();
        assert_eq!(remembered.scopes.to_string(), "openid email employee profile");
        assert_eq!(received(&browser.get(&silent)), "");
        for (more, error) in [
            (json!({"id_token": {"email_verified": null}}), ""),
            (json!({"userinfo": {"phone_number": null}}), "consent_required"),
            (json!({"userinfo": {"unknown": null}}), ""),
        ] {
            let more = more.to_string();
            let page = browser.get(&Browser::request(&spa, "openid", &[("claims", &more), ("prompt", "none")]));
            assert_eq!(received(&page), error, "{more}");
        }
        // Consent is to a request as it was shown: another `claims` needs another answer.
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
        });
        let request = Browser::request(&native, "openid", &[("claims", &json!({"userinfo": {"email": null}}).to_string())]);
        let page = browser.get(&request);
        let page = browser.get(page.location());
        let page =
            browser.send("POST", &page.attribute("form ", "action"), Some(&[("decision", "allow"), ("csrf", &page.csrf())]));
        let stamp = query_of(page.location())["consent_given"].clone();
        let other = Browser::request(&native, "openid", &[("claims", &json!({"userinfo": {"name": null}}).to_string())]);
        let page = browser.get(&format!("{other}&{}", encode(&[("consent_given", &stamp)])));
        assert!(page.location().starts_with("/consent?"), "{page:?}");
    });
}

#[test]
fn what_is_malformed_is_told_to_the_client_whatever_its_shape() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        let many = |count: usize| {
            let claims: Map<String, Value> = (0..count).map(|n| (format!("c{n}"), Value::Null)).collect();
            json!({"userinfo": claims}).to_string()
        };
        let deep = format!("{}{}", "{\"userinfo\":".repeat(120), "}".repeat(120));
        let nested = format!("{{\"userinfo\":{{\"email\":{{\"value\":{}{}}}}}}}", "[".repeat(500), "]".repeat(500));
        for bad in [
            "x",
            "{",
            "{{",
            "null",
            "true",
            "7",
            "\"userinfo\"",
            "[]",
            "[{}]",
            "{} {}",
            "{'userinfo':{}}",
            r#"{"userinfo":}"#,
            r#"{"userinfo":null}"#,
            r#"{"userinfo":"email"}"#,
            r#"{"userinfo":["email"]}"#,
            r#"{"id_token":{"email":true}}"#,
            r#"{"id_token":{"email":"x"}}"#,
            r#"{"id_token":{"email":[]}}"#,
            r#"{"id_token":{"sub":{"value":7}}}"#,
            r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":"1"}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":[1]}}}"#,
            "{\"userinfo\":{\"\u{1}\":null}",
            "{\"\\ud800\":null}",
            &"[".repeat(2000),
            &deep,
            &nested,
            &many(200),
        ] {
            assert_eq!(refusal(&mut home, &spa, bad), "invalid_request", "{bad}");
            assert_eq!(refusal(&mut Browser::new(server), &spa, bad), "invalid_request", "before anyone signs in: {bad}");
            let form = Browser::request(&spa, "openid", &[("claims", bad)]);
            let cookie = home.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let page = server.send("POST", "/authorize", &[("Cookie", &cookie)], form.split_once('?').map(|(_, query)| query));
            assert_eq!(query_of(page.location())["error"], "invalid_request", "by POST: {bad}");
        }
        for good in ["{}", "", "  { } ", r#"{"userinfo":{}}"#, r#"{"\u0000":1,"":[]}"#, r#"{"userinfo":{"":null}}"#, &many(100)] {
            assert_eq!(refusal(&mut home, &spa, good), "", "{good}");
        }
        let twice = format!("{}&claims=%7B%7D", Browser::request(&spa, "openid", &[("claims", "{}")]));
        assert_eq!(query_of(home.get(&twice).location())["error"], "invalid_request", "repeated");
    });
}

#[test]
fn what_is_huge_has_a_clear_answer() {
    both(|server: &Server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        for length in [3_000, 7_000, 20_000, 60_000] {
            let claims = json!({"userinfo": {"email": {"value": "x".repeat(length)}}}).to_string();
            let request = Browser::request(&spa, "openid", &[("claims", &claims)]);
            let page = home.get(&request);
            let is_taken = page.status == 303;
            assert!(is_taken || [400, 413, 414, 431].contains(&page.status), "{length}: {}", page.status);
            assert_eq!(is_taken, length < 10_000, "{length}: {page:?}");
            if is_taken {
                let page = home.follow(&request, "alice", "allow");
                assert!(page.location().starts_with(CALLBACK), "and the way through the pages is long enough: {page:?}");
            }
            let (_, body) = request.split_once('?').unwrap();
            let cookie = home.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let page = server.send("POST", "/authorize", &[("Cookie", &cookie)], Some(body));
            assert!(page.status == 303 || [413, 414].contains(&page.status), "{length}: {page:?}");
        }
        assert_eq!(home.get(&Browser::request(&spa, "openid", &[])).status, 303, "the server is as it was");
    });
}
