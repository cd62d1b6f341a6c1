//! Which pages are shown (OpenID Connect Core 3.1.2.1): `prompt` and `max_age`, and what happens to a session that is no longer
//! valid.

use symbolon::testing::{
    protocol::oauth::client::{Client, ClientKind},
    store::consents,
};

use super::{ask, at_home, code_of, error_of, leads_to};
use crate::harness::{Browser, CALLBACK, PASSWORD, Server, both, claims_of};

/// `auth_time` of the ID token that this code yields.
fn auth_time(server: &Server, client: &Client, code: &str) -> i64 {
    claims_of(server.redeem(client, code).text("id_token"))["auth_time"].as_i64().unwrap()
}

#[test]
fn prompt_none_shows_no_page_at_all() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
        });
        let silent = |client, scope| Browser::request(client, scope, &[("prompt", "none")]);
        let mut home = Browser::new(server);
        for method in ["GET", "POST"] {
            assert_eq!(error_of(server, &ask(server, &home, method, &silent(&spa, "openid")), CALLBACK), "login_required");
        }
        home.sign_in("alice");
        for method in ["GET", "POST"] {
            assert_eq!(error_of(server, &ask(server, &home, method, &silent(&spa, "openid")), CALLBACK), "consent_required");
        }
        home.code(&spa, "alice", "openid");
        for method in ["GET", "POST"] {
            code_of(server, &ask(server, &home, method, &silent(&spa, "openid")), CALLBACK);
            assert_eq!(
                error_of(server, &ask(server, &home, method, &silent(&spa, "openid email")), CALLBACK),
                "consent_required",
                "wider"
            );
        }
        // An app whose identity is not assured is not answered without the user (RFC 8252 §8.6).
        home.code(&native, "alice", "openid");
        assert_eq!(
            error_of(server, &ask(server, &home, "GET", &silent(&native, "openid")), "com.example.app:/cb"),
            "consent_required"
        );
        server.advance(2 * 86_400);
        assert_eq!(
            error_of(server, &ask(server, &home, "GET", &silent(&spa, "openid")), CALLBACK),
            "login_required",
            "the session is over"
        );
    });
}

#[test]
fn an_unknown_value_is_ignored_beside_known_ones() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let home = at_home(server, &spa, "openid");
        for method in ["GET", "POST"] {
            for (prompt, page) in
                [("dance login", "/login"), ("consent dance", "/consent"), ("dance select_account jump", "/select-account")]
            {
                leads_to(&ask(server, &home, method, &Browser::request(&spa, "openid", &[("prompt", prompt)])), page);
            }
            let alone = ask(server, &home, method, &Browser::request(&spa, "openid", &[("prompt", "dance")]));
            assert_eq!(error_of(server, &alone, CALLBACK), "invalid_request");
        }
    });
}

#[test]
fn prompt_login_asks_for_a_sign_in_once() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        for prompt in ["login", "login select_account"] {
            let before = auth_time(server, &spa, &home.code(&spa, "alice", "openid"));
            let cookie = home.cookies["symbolon_session"].clone();
            server.advance(10);
            let page = home.get(&Browser::request(&spa, "openid", &[("prompt", prompt)]));
            leads_to(&page, "/login");
            let page = home.sign_in_at(page.location(), "alice", PASSWORD);
            leads_to(&page, "/authorize");
            let code = code_of(server, &home.get(page.location()), CALLBACK);
            assert!(auth_time(server, &spa, &code) >= before + 10, "{prompt}");
            assert_ne!(home.cookies["symbolon_session"], cookie, "the session's name is new at each sign-in");
        }
    });
}

#[test]
fn a_sign_in_asked_for_cannot_be_skipped_by_going_back() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        for more in [("prompt", "login"), ("max_age", "0")] {
            server.advance(1);
            let login = home.get(&Browser::request(&spa, "openid", &[more])).location().to_owned();
            // Straight to where the sign-in page would lead, without signing in.
            leads_to(&home.get(&login.replacen("/login", "/authorize", 1)), "/login");
            // Or by way of the consent page.
            let shown = home.get(&login.replacen("/login", "/consent", 1));
            let page =
                home.send("POST", &shown.attribute("form ", "action"), Some(&[("decision", "allow"), ("csrf", &shown.csrf())]));
            leads_to(&page, "/authorize");
            leads_to(&home.get(page.location()), "/login");
        }
    });
}

#[test]
fn prompt_consent_asks_although_it_is_remembered() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        leads_to(&home.get(&Browser::request(&spa, "openid", &[("prompt", "consent")])), "/consent");
        let page = home.follow(&Browser::request(&spa, "openid", &[("prompt", "consent")]), "alice", "deny");
        assert_eq!(error_of(server, &page, CALLBACK), "access_denied");
        let page = home.follow(&Browser::request(&spa, "openid", &[("prompt", "consent")]), "alice", "allow");
        code_of(server, &page, CALLBACK);
        let page = home.get(&Browser::request(&spa, "openid", &[("prompt", "login consent")]));
        leads_to(&page, "/login");
        let page = home.sign_in_at(page.location(), "alice", PASSWORD);
        let page = home.get(page.location());
        leads_to(&page, "/consent");
        assert!(server.store(|connection| consents::find(connection, alice.claims.id, "spa")).is_some());
    });
}

#[test]
fn max_age_is_kept() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        server.advance(100);
        let request = |seconds| Browser::request(&spa, "openid", &[("max_age", seconds)]);
        let code = code_of(server, &home.get(&request("200")), CALLBACK);
        let before = auth_time(server, &spa, &code);
        let silent = Browser::request(&spa, "openid", &[("max_age", "50"), ("prompt", "none")]);
        assert_eq!(error_of(server, &home.get(&silent), CALLBACK), "login_required");
        let page = home.get(&request("50"));
        leads_to(&page, "/login");
        server.advance(20);
        let page = home.sign_in_at(page.location(), "alice", PASSWORD);
        server.advance(70); // the user takes their time: a fresh sign-in stays one for the request that asked for it
        let code = code_of(server, &home.get(page.location()), CALLBACK);
        assert!(auth_time(server, &spa, &code) >= before + 120);
    });
}

#[test]
fn max_age_zero_asks_each_time() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        for _ in 0..3 {
            server.advance(1);
            let request = Browser::request(&spa, "openid", &[("max_age", "0")]);
            let silent = Browser::request(&spa, "openid", &[("max_age", "0"), ("prompt", "none")]);
            assert_eq!(error_of(server, &home.get(&silent), CALLBACK), "login_required");
            leads_to(&home.get(&request), "/login");
            let page = home.follow(&request, "alice", "allow");
            let code = code_of(server, &page, CALLBACK);
            assert!((auth_time(server, &spa, &code) - server.now().seconds()).abs() <= 1);
        }
    });
}

#[test]
fn a_user_switched_off_while_signed_in_is_nobody() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = at_home(server, &spa, "openid");
        let consent = home.get(&Browser::request(&spa, "openid email", &[])).location().to_owned();
        let shown = home.get(&consent);
        server.disable(alice.claims.id);
        let silent = Browser::request(&spa, "openid", &[("prompt", "none")]);
        assert_eq!(error_of(server, &home.get(&silent), CALLBACK), "login_required");
        leads_to(&home.get(&Browser::request(&spa, "openid", &[])), "/login");
        leads_to(&home.get(&consent), "/authorize");
        leads_to(&home.send("POST", &consent, Some(&[("decision", "allow"), ("csrf", &shown.csrf())])), "/authorize");
        let allowed = server.store(|connection| consents::find(connection, alice.claims.id, "spa")).unwrap();
        assert_eq!(allowed.scopes.to_string(), "openid", "nothing more was allowed");
        assert_eq!(home.sign_in_at("/login", "alice", PASSWORD).status, 401);
        server.enable(alice.claims.id);
        leads_to(&home.get(&Browser::request(&spa, "openid", &[])), "/login");
    });
}
