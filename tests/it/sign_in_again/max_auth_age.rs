//! A client's maximum age of a sign-in, counted from the sign-in and from nothing else.

use symbolon::testing::{
    protocol::{
        oauth::client::{Client, ClientKind},
        values::time::Span,
    },
    store::{Error, clients},
};

use super::error_of;
use crate::harness::{Browser, Server, both, claims_of, query_of};

const HOUR: i64 = 3_600;
/// What a slow test may take, in seconds.
const MARGIN: i64 = 60;

/// A web app for which a sign-in is good for an hour.
fn stage(server: &Server) -> Client {
    server.add_user("alice");
    server.add_apis();
    let mut web = server.add_web("web");
    web.settings.max_auth_age = Some(Span::from_seconds(3_600));
    set_max_auth_age(server, web.settings.max_auth_age);
    web
}

fn set_max_auth_age(server: &Server, max_auth_age: Option<Span>) {
    server.store(|connection| {
        clients::update(connection, "web", |_, client| -> Result<(), Error> {
            client.settings.max_auth_age = max_auth_age;
            Ok(())
        })
    });
}

#[test]
fn beyond_it_what_was_granted_is_refused_and_a_new_sign_in_gives_a_new_grant() {
    both(|server| {
        let web = stage(server);
        let (scope, mut browser) = ("openid offline_access notes:read", Browser::new(server));
        browser.sign_in("alice");
        server.advance(HOUR / 2); // the grant is younger than the sign-in
        let code = browser.code(&web, "alice", scope);
        let tokens = server.redeem_as(&web, &code, &[]);
        server.advance(HOUR / 2 - MARGIN);
        let tokens = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert!(server.is_active("notes", tokens.text("access_token")));
        let silently = Browser::request(&web, scope, &[("prompt", "none")]);
        assert!(query_of(browser.get(&silently).location()).contains_key("code"));

        server.advance(2 * MARGIN);
        let refused = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        assert_eq!((refused.status, refused.error()), (400, "invalid_grant"), "{refused:?}");
        assert!(refused.text("error_description").contains("too long ago"), "{refused:?}");
        assert!(
            !server.is_active("notes", tokens.text("access_token")) && !server.is_active("web", tokens.text("refresh_token"))
        );
        assert_eq!(server.userinfo(tokens.text("access_token")).error(), "invalid_token");
        assert_eq!(error_of(&browser.get(&silently)), "login_required");
        let requested = browser.get(&Browser::request(&web, scope, &[]));
        assert!(requested.location().starts_with("/login"), "{requested:?}");
        assert!(browser.get("/").state() == Some("signed-in"), "other apps need not ask");

        // The way that an app goes: the user signs in, and it gets a grant of its own; the old one stays refused.
        let code = browser.code(&web, "alice", scope);
        let fresh = server.redeem_as(&web, &code, &[]);
        assert_eq!(server.refresh_as(&web, fresh.text("refresh_token"), &[]).status, 200);
        let grant =
            |tokens: &crate::harness::Answer| claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32].to_owned();
        assert_ne!(grant(&fresh), grant(&tokens));
        assert_eq!(
            server.refresh_as(&web, tokens.text("refresh_token"), &[]).error(),
            "invalid_grant",
            "its own sign-in is too old"
        );
    });
}

#[test]
fn it_follows_the_client_and_touches_no_other() {
    both(|server| {
        let web = stage(server);
        let other = server.add_client("other", ClientKind::Spa, |_| ());
        let (tokens, others) =
            (server.tokens_as(&web, "alice", "openid offline_access"), server.tokens(&other, "alice", "openid offline_access"));
        server.advance(HOUR + MARGIN);
        let refresh = || server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        assert_eq!(refresh().error(), "invalid_grant");
        assert_eq!(server.refresh(&other, others.text("refresh_token")).status, 200);
        // Nothing has ended: with a higher ceiling, or none, it goes on.
        set_max_auth_age(server, Some(Span::from_seconds(3 * 3_600)));
        assert!(server.is_active("web", tokens.text("refresh_token")));
        set_max_auth_age(server, Some(Span::from_seconds(3_600)));
        assert!(!server.is_active("web", tokens.text("refresh_token")));
        set_max_auth_age(server, None);
        assert_eq!(refresh().status, 200);
    });
}
