//! An operator's requirement that a user sign in again: until they have, in whichever browser, everything that was issued to them
//! is refused at every endpoint, but nothing has ended. A client's own maximum age of a sign-in has the same effect, by the
//! clock.

mod max_auth_age;

use symbolon::testing::{
    protocol::{account::activity::Activity, oauth::client::ClientKind, values::id::Id},
    store::account,
};

use crate::harness::{Browser, Page, Server, both, claims_of, query_of};

/// Asks a user to sign in again.
fn ask(server: &Server, user: Id) {
    let event = server.event(user, Activity::SignInAgain);
    server.store(|connection| account::ask_to_sign_in_again(connection, &event));
    server.advance(1); // a sign-in of the same millisecond would be as good
}

/// The error with which `/authorize` answers without a page, or nothing.
fn error_of(page: &Page) -> String {
    query_of(page.location()).get("error").cloned().unwrap_or_default()
}

#[test]
fn everything_waits_for_a_sign_in_and_goes_on_after_it() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        server.add_user("bob");
        server.add_apis();
        let web = server.add_web("web");
        let scope = "openid email offline_access notes:read";
        let [mut first, mut second] = [Browser::new(server), Browser::new(server)];
        let tokens = |browser: &mut Browser, scope: &str| {
            let code = browser.code(&web, "alice", scope);
            server.redeem_as(&web, &code, &[])
        };
        let (offline, bound) = (tokens(&mut first, scope), tokens(&mut second, "openid email notes:read"));
        let code = first.code(&web, "alice", scope);
        let bobs = server.tokens_as(&web, "bob", scope);
        let silently = Browser::request(&web, scope, &[("prompt", "none")]);
        server.advance(1);

        ask(server, alice);
        for tokens in [&offline, &bound] {
            let refused = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
            assert_eq!((refused.status, refused.error()), (400, "invalid_grant"), "{refused:?}");
            assert!(refused.text("error_description").contains("sign in again"), "{refused:?}");
            assert!(
                !server.is_active("notes", tokens.text("access_token")) && !server.is_active("web", tokens.text("refresh_token"))
            );
            let received = server.userinfo(tokens.text("access_token"));
            assert_eq!((received.status, received.error()), (401, "invalid_token"), "{received:?}");
        }
        assert_eq!(server.redeem_as(&web, &code, &[]).error(), "invalid_grant", "a code on its way waits, too");
        for browser in [&mut first, &mut second] {
            assert_eq!(error_of(&browser.get(&silently)), "login_required");
            let requested = browser.get(&Browser::request(&web, scope, &[]));
            assert!(requested.location().starts_with("/login"), "{requested:?}");
            assert!(browser.get("/").state() == Some("signed-out"));
        }
        assert_eq!(server.refresh_as(&web, bobs.text("refresh_token"), &[]).status, 200, "nobody else is asked");
        assert!(server.is_active("notes", bobs.text("access_token")));

        // A sign-in in a third browser: what was granted goes on everywhere, but each browser asks for itself.
        Browser::new(server).sign_in("alice");
        assert_eq!(server.redeem_as(&web, &code, &[]).status, 200, "nothing was used up");
        let mut successors = vec![];
        for tokens in [&offline, &bound] {
            assert!(
                server.is_active("notes", tokens.text("access_token"))
                    && server.userinfo(tokens.text("access_token")).status == 200
            );
            let refreshed = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
            assert_eq!(refreshed.status, 200, "{refreshed:?}");
            successors.push(refreshed);
        }
        for browser in [&mut first, &mut second] {
            assert_eq!(error_of(&browser.get(&silently)), "login_required", "who sits there has not signed in");
        }
        let sid_before = claims_of(offline.text("access_token"))["sid"].clone();
        first.sign_in("alice");
        let answer = query_of(first.get(&silently).location());
        let again = server.redeem_as(&web, &answer["code"], &[]);
        assert_eq!(claims_of(again.text("access_token"))["sid"], sid_before, "the session goes on under a new cookie");
        assert_eq!(error_of(&second.get(&silently)), "login_required");
        for tokens in successors {
            assert_eq!(server.refresh_as(&web, tokens.text("refresh_token"), &[]).status, 200);
        }
    });
}

#[test]
fn a_wrong_password_is_no_sign_in_and_asking_twice_counts_twice() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let token = server.tokens(&spa, "alice", "openid offline_access").text("refresh_token").to_owned();
        ask(server, alice);
        assert_eq!(Browser::new(server).sign_in_at("/login", "alice", "correct horse battery stapler").status, 401);
        assert_eq!(server.refresh(&spa, &token).error(), "invalid_grant");
        Browser::new(server).sign_in("alice");
        server.advance(1);
        ask(server, alice);
        assert_eq!(server.refresh(&spa, &token).error(), "invalid_grant", "asked once more");
        Browser::new(server).sign_in("alice");
        assert_eq!(server.refresh(&spa, &token).status, 200);
    });
}
