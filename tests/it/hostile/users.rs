//! The endpoints for users: every parameter of the authorization request, at `/authorize`, `/login` and `/consent`, and every
//! field of every form.

use symbolon::testing::store::{consents, grants};

use super::{Sent, answer_of, assert_sane, assert_works, cookies_of, good_query, inhabited, short, ways};
use crate::harness::{Browser, PASSWORD, both, encode};

/// Where the client has users sent after signing out.
const BYE: &str = "https://app.example.com/cb/bye";

/// Every parameter of an authorization request that means something here, or did elsewhere.
const PARAMETERS: [&str; 24] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "response_mode",
    "resource",
    "request",
    "request_uri",
    "registration",
    "ui_locales",
    "claims",
    "display",
    "acr_values",
    "sign_in_asked",
    "consent_given",
    "unknown",
];

/// The errors that may be told by redirect.
const ERRORS: [&str; 10] = [
    "invalid_request",
    "unsupported_response_type",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "consent_required",
    "access_denied",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
];

#[test]
fn every_parameter_of_an_authorization_request() {
    both(|server| {
        let spa = inhabited(server);
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        let cookies = cookies_of(&home);
        let query = good_query(&spa);
        for name in PARAMETERS {
            for (query, sent) in ways(&query, name) {
                let pages = [
                    server.send("GET", &format!("/authorize?{query}"), &[("Cookie", &cookies)], None),
                    server.send("POST", "/authorize", &[("Cookie", &cookies)], Some(&query)),
                    server.send("GET", &format!("/authorize?{query}"), &[], None),
                ];
                for page in pages {
                    assert_sane(&page, &query);
                    if matches!(name, "client_id" | "redirect_uri") {
                        assert_eq!((page.status, page.header("location")), (400, None), "{}: {page:?}", short(&query));
                        continue;
                    }
                    let answer = answer_of(&page);
                    let error = answer.get("error").map(String::as_str);
                    if sent.is_invalid(name) {
                        assert_eq!(error, Some("invalid_request"), "{}: {page:?}", short(&query));
                    } else {
                        assert!(error.is_none_or(|error| ERRORS.contains(&error)), "{}: {page:?}", short(&query));
                        assert!(page.status == 303, "{}: {page:?}", short(&query));
                    }
                }
            }
        }
        assert_works(server, &spa);
    });
}

#[test]
fn every_parameter_of_the_pages_in_between() {
    both(|server| {
        let spa = inhabited(server);
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let cookies = cookies_of(&home);
        let query = good_query(&spa);
        for name in PARAMETERS {
            for (query, sent) in ways(&query, name) {
                let page = server.send("GET", &format!("/login?{query}"), &[], None);
                assert_sane(&page, &query);
                assert_eq!(page.status, 200, "the sign-in page takes every query, and sends it on: {}", short(&query));
                let page = server.send("GET", &format!("/consent?{query}"), &[("Cookie", &cookies)], None);
                assert_sane(&page, &query);
                let is_page = matches!(name, "client_id" | "redirect_uri");
                assert!(!is_page || page.status == 400, "{}: {page:?}", short(&query));
                assert!(is_page || !sent.is_invalid(name) || page.status == 303, "{}: {page:?}", short(&query));
                // Back to where it is weighed, never straight to the client.
                assert!(page.header("location").is_none_or(|to| to.starts_with("/authorize?")), "{}: {page:?}", short(&query));
            }
        }
        assert_works(server, &spa);
    });
}

#[test]
fn every_field_of_the_sign_in_form() {
    both(|server| {
        let spa = inhabited(server);
        for name in ["username", "password", "csrf", "unknown"] {
            for (template, sent) in ways("username=alice&password=wrong&csrf=CSRF", name) {
                server.advance(86_401); // each try is the first one
                let mut browser = Browser::new(server);
                let csrf = browser.get("/login").csrf();
                let body = template.replace("csrf=CSRF", &encode(&[("csrf", &csrf)]));
                let page = server.send("POST", "/login", &[("Cookie", &cookies_of(&browser))], Some(&body));
                assert_sane(&page, &body);
                let status = if sent != Sent::Odd || name == "csrf" { 400 } else { 401 };
                assert_eq!(page.status, status, "{}: {page:?}", short(&body));
                assert!(!page.headers.iter().any(|(n, v)| n == "set-cookie" && v.contains("session")), "{page:?}");
            }
        }
        assert_works(server, &spa);
    });
}

#[test]
fn every_field_of_the_consent_and_sign_out_forms() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let cookies = cookies_of(&home);
        let consent = home.get(&format!("/consent?{}", good_query(&spa)));
        let (action, csrf) = (consent.attribute("form ", "action"), encode(&[("csrf", &consent.csrf())]));
        for name in ["decision", "csrf"] {
            for (body, _) in ways(&format!("decision=allow&{csrf}"), name) {
                let page = server.send("POST", &action, &[("Cookie", &cookies)], Some(&body));
                assert_sane(&page, &body);
                assert_eq!((page.status, page.header("location")), (400, None), "{}: {page:?}", short(&body));
            }
        }
        for (body, _) in ways("csrf=x", "csrf") {
            let page = server.send("POST", "/logout", &[("Cookie", &cookies)], Some(&body));
            assert_sane(&page, &body);
            assert_eq!((page.status, page.header("location")), (400, None), "{}: {page:?}", short(&body));
        }
        assert!(server.store(|connection| consents::find(connection, alice.claims.id, "spa")).is_none());
        let filter = grants::Filter { user: Some(alice.claims.id), client: None };
        assert!(server.store(|connection| grants::list(connection, &filter, 10)).is_empty());
        assert!(home.get("/").body.contains("alice"), "still signed in");
        assert_works(server, &spa);
    });
}

#[test]
fn every_parameter_of_a_request_to_sign_out() {
    both(|server| {
        let spa = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |client| {
            client.settings.post_logout_redirect_uris = vec![BYE.into()];
        });
        server.add_user("alice");
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let cookies = cookies_of(&home);
        let good = encode(&[("client_id", "spa"), ("post_logout_redirect_uri", BYE), ("state", "s")]);
        for name in ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "csrf", "unknown"] {
            for (query, sent) in ways(&good, name) {
                let path = format!("/logout?{query}");
                let requested = server.send("GET", &path, &[("Cookie", &cookies)], None);
                let posted = server.send("POST", "/logout", &[("Cookie", &cookies)], Some(&query));
                for (page, is_ours) in [(&requested, false), (&posted, name == "csrf")] {
                    assert_sane(page, &query);
                    assert_eq!((page.header("location"), page.header("set-cookie")), (None, None), "{}: {page:?}", short(&query));
                    // Whatever has our field is our form, and none of ours.
                    let expected = if sent.is_invalid(name) || is_ours && page.status != 200 { 400 } else { 200 };
                    assert_eq!(page.status, expected, "{}: {page:?}", short(&query));
                }
                let gone_on = server.send("GET", &path, &[], None);
                assert_sane(&gone_on, &query);
                let is_led = gone_on.header("location").is_some_and(|to| to.starts_with(BYE));
                assert!(
                    is_led == (gone_on.status == 303) && !(is_led && sent.is_invalid(name)),
                    "{}: {gone_on:?}",
                    short(&query)
                );
            }
        }
        assert!(home.get("/").body.contains("alice"), "still signed in");
        assert_works(server, &spa);
    });
}

#[test]
fn forms_in_another_shape() {
    both(|server| {
        let spa = inhabited(server);
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let cookies = cookies_of(&home);
        let consent = format!("/consent?{}", good_query(&spa));
        let form = encode(&[("username", "alice"), ("password", PASSWORD), ("decision", "allow"), ("client_id", "spa")]);
        for path in ["/authorize", "/login", consent.as_str(), "/logout"] {
            for content_type in [
                "application/json",
                "text/plain",
                "multipart/form-data; boundary=b",
                "application/x-www-form-urlencode",
                ";",
                "a/b/c",
            ] {
                let page = server.send("POST", path, &[("Cookie", &cookies), ("Content-Type", content_type)], Some(&form));
                assert_sane(&page, content_type);
                assert_eq!((page.status, page.header("location")), (400, None), "{path} {content_type}: {page:?}");
            }
            for body in
                ["", "&&&", "=", "=&=", "%", "%00", "a", "&=a&", "+", "\u{0}\u{1}", "<script>alert(1)</script>", "{\"a\":1}", "é"]
            {
                let page = server.send("POST", path, &[("Cookie", &cookies)], Some(body));
                assert_sane(&page, body);
                assert_eq!((page.status, page.header("location")), (400, None), "{path} {body:?}: {page:?}");
            }
        }
        assert_works(server, &spa);
    });
}
