//! All other errors of a request, which are returned to the client by their code (RFC 6749 §4.1.2.1, OpenID Connect Core 3.1.2.6,
//! RFC 8707 §2) before anyone is asked to sign in; and requests that look wrong but are valid.

use symbolon::testing::{
    protocol::oauth::client::{ClientKind, GrantType, PkceRule},
    store::{clients, grants},
};

use super::{answer_at, ask, at_home, code_of, error_of, received_error};
use crate::harness::{Browser, CALLBACK, CHALLENGE, both};

/// What is put in place of a good parameter, and the error it brings.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("response_type", "", "invalid_request"),
    ("response_type", "token", "unsupported_response_type"),
    ("response_type", "id_token", "unsupported_response_type"),
    ("response_type", "code id_token", "unsupported_response_type"),
    ("response_type", "code token", "unsupported_response_type"),
    ("response_type", "none", "unsupported_response_type"),
    ("response_type", "CODE", "unsupported_response_type"),
    ("response_type", "<b>'\"\\é", "unsupported_response_type"),
    ("response_mode", "web_message", "invalid_request"),
    ("response_mode", "form_post.jwt", "invalid_request"),
    ("response_mode", "Query", "invalid_request"),
    ("scope", "   ", "invalid_scope"),
    ("scope", "openid admin", "invalid_scope"),
    ("scope", "openid OPENID", "invalid_scope"),
    ("scope", "openid a\"b", "invalid_scope"),
    ("scope", "openid a\\b", "invalid_scope"),
    ("scope", "openid\temail", "invalid_scope"),
    ("scope", "openid é", "invalid_scope"),
    ("code_challenge", "", "invalid_request"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "invalid_request"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMM", "invalid_request"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", "invalid_request"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "invalid_request"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw cM", "invalid_request"),
    ("code_challenge_method", "", "invalid_request"),
    ("code_challenge_method", "plain", "invalid_request"),
    ("code_challenge_method", "s256", "invalid_request"),
    ("code_challenge_method", "S512", "invalid_request"),
    ("prompt", "none login", "invalid_request"),
    ("prompt", "consent none", "invalid_request"),
    ("prompt", "none select_account", "invalid_request"),
    ("prompt", "LOGIN", "invalid_request"),
    ("prompt", "dance", "invalid_request"),
    ("prompt", "none dance", "invalid_request"),
    ("prompt", "create", "invalid_request"),
    ("prompt", "login create", "invalid_request"),
    ("max_age", "-1", "invalid_request"),
    ("max_age", "+5", "invalid_request"),
    ("max_age", "1.5", "invalid_request"),
    ("max_age", " 5", "invalid_request"),
    ("max_age", "4294967296", "invalid_request"),
    ("max_age", "99999999999999999999999999", "invalid_request"),
    ("max_age", "soon", "invalid_request"),
    ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
    ("request_uri", "https://app.example.com/request", "request_uri_not_supported"),
    ("request_uri", "urn:ietf:params:oauth:request_uri:x", "request_uri_not_supported"),
    ("registration", "{}", "registration_not_supported"),
    ("resource", "https://evil.example", "invalid_target"),
    ("resource", "https://api.example.com//", "invalid_target"),
    ("resource", "https://api.example.com#f", "invalid_target"),
    ("id_token_hint", "garbage", "invalid_request"),
    ("claims", "{broken", "invalid_request"),
    ("claims", "[]", "invalid_request"),
    ("claims", r#"{"userinfo":[]}"#, "invalid_request"),
    ("claims", r#"{"id_token":{"acr":{"essential":true,"values":["9"]}}}"#, "unmet_authentication_requirements"),
];

/// What is put behind a good request: nothing comes twice, and everything is UTF-8 (RFC 6749 §3.1, appendix B).
const FLAWS: &[&str] = &[
    "&scope=openid",
    "&response_type=code",
    "&code_challenge=x",
    "&nonce=a&nonce=a",
    "&nonce=&nonce=a",
    "&prompt=login&prompt=none",
    "&unknown=1&unknown=2",
    "&unknown&unknown",
    "&nonce=%ff",
    "&nonce=%c3%28",
    "&nonce=%ed%a0%80",
    "&nonce=%",
    "&nonce=%2",
    "&nonce=%zz",
    "&nonce=%00",
    "&unknown=%00",
    "&%00=1",
    "&%ff=1",
];

#[test]
fn each_mistake_has_its_error() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let (home, outsider) = (at_home(server, &spa, "openid"), Browser::new(server));
        let issued = |server: &crate::harness::Server| {
            let filter = grants::Filter { user: Some(alice.claims.id), client: None };
            server.store(|connection| grants::list(connection, &filter, 100)).len()
        };
        let before = issued(server);
        let long = "n".repeat(513);
        let mistakes = MISTAKES.iter().copied().chain([("nonce", long.as_str(), "invalid_request")]);
        for (browser, method) in [(&home, "GET"), (&home, "POST"), (&outsider, "GET"), (&outsider, "POST")] {
            for (name, value, error) in mistakes.clone() {
                let page = ask(server, browser, method, &Browser::request(&spa, "openid", &[(name, value)]));
                assert_eq!(error_of(server, &page, CALLBACK), error, "{method} {name}={value}");
            }
            for flaw in FLAWS {
                let page = ask(server, browser, method, &format!("{}{flaw}", Browser::request(&spa, "openid", &[])));
                assert_eq!(error_of(server, &page, CALLBACK), "invalid_request", "{method} {flaw}");
            }
        }
        assert_eq!(issued(server), before, "no mistake is answered with a code");
    });
}

#[test]
fn a_state_that_cannot_be_told_is_not_told() {
    both(|server| {
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let without = Browser::request(&spa, "openid", &[("state", "")]).replace("&state=", "");
        for raw in [
            "&state=a&state=b",
            "&state=a&state=a",
            "&state=&state=b",
            "&state=%ff",
            "&state=%00",
            "&state=a%",
            "&st%61te=a&state=b",
        ] {
            let answer = answer_at(server, &ask(server, &Browser::new(server), "GET", &format!("{without}{raw}")), CALLBACK);
            assert_eq!((received_error(&answer).as_str(), answer.get("state")), ("invalid_request", None), "{raw}");
        }
        let answer =
            answer_at(server, &ask(server, &Browser::new(server), "GET", &format!("{without}&state=&prompt=none")), CALLBACK);
        assert_eq!((received_error(&answer).as_str(), answer.get("state")), ("login_required", None), "an empty one is none");
    });
}

#[test]
fn what_a_client_may_not_do() {
    both(|server| {
        // Registration refuses such a client; an older database may have one.
        let mut refreshing = server.add_client("web", ClientKind::Web, |_| ());
        let web = refreshing.clone();
        (refreshing.id, refreshing.settings.grant_types) = ("refreshing".into(), vec![GrantType::RefreshToken]);
        server.store(|connection| clients::insert(connection, &refreshing));
        let page = ask(server, &Browser::new(server), "GET", &Browser::request(&refreshing, "openid", &[]));
        assert_eq!(error_of(server, &page, CALLBACK), "unauthorized_client");
        // PKCE may be left out by a client that was excused, and then altogether.
        let old = server.add_client("old", ClientKind::Web, |client| client.settings.pkce = PkceRule::Optional);
        for (challenge, method, error) in [
            ("", "", "login_required"),
            (CHALLENGE, "S256", "login_required"),
            (CHALLENGE, "", "invalid_request"),
            (CHALLENGE, "plain", "invalid_request"),
            ("", "S256", "invalid_request"),
            ("", "plain", "invalid_request"),
        ] {
            let more = [("code_challenge", challenge), ("code_challenge_method", method), ("prompt", "none")];
            let page = ask(server, &Browser::new(server), "GET", &Browser::request(&old, "openid", &more));
            assert_eq!(error_of(server, &page, CALLBACK), error, "{challenge} {method}");
        }
        let more = [("code_challenge", ""), ("code_challenge_method", "")];
        let page = ask(server, &Browser::new(server), "GET", &Browser::request(&web, "openid", &more));
        assert_eq!(error_of(server, &page, CALLBACK), "invalid_request", "a confidential client needs PKCE as well");
    });
}

#[test]
fn what_is_not_known_or_not_supported_does_no_harm() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let home = at_home(server, &spa, "openid");
        let long = "x".repeat(2000);
        for (name, value) in [
            ("display", "popup"),
            ("display", "hologram"),
            ("ui_locales", "fr-CA fr en"),
            ("ui_locales", "'; --"),
            ("claims_locales", "de"),
            ("acr_values", "urn:mace:incommon:iap:silver 2"),
            ("claims", r#"{"userinfo":{"unknown":{"x":1}},"id_token":{"acr":{"values":["9"]}},"else":7}"#),
            ("claims", ""),
            ("login_hint", "bob@example.com"),
            ("login_hint", &long),
            ("unknown", "<script>alert(1)</script>"),
            ("audience", "https://evil.example"),
            ("access_token", "x"),
            ("nonce", "é✓ \u{1}"),
            ("max_age", "4294967295"),
            ("max_age", "0000300"),
            ("response_mode", ""),
            ("prompt", ""),
            ("max_age", ""),
            ("request", ""),
            ("resource", ""),
            ("id_token_hint", ""),
            ("code", "x"),
            ("error", "access_denied"),
            ("", "x"),
        ] {
            for method in ["GET", "POST"] {
                let page = ask(server, &home, method, &Browser::request(&spa, "openid", &[(name, value)]));
                let code = code_of(server, &page, CALLBACK);
                assert_eq!(server.redeem(&spa, &code).text("scope"), "openid", "{name}={value}");
            }
        }
    });
}
