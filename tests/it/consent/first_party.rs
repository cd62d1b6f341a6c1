//! First-party clients: the operator consents for users, which is recorded as such, shown to them, and over when they withdraw it.

use symbolon::testing::{
    protocol::{
        account::activity::Activity,
        oauth::{
            client::{Client, ClientKind},
            next_step::ConsentGiver,
        },
        values::id::Id,
    },
    store::{Error, activity, clients, consents},
};

use super::{allowed, decide, is_silent, shown};
use crate::{
    account::act,
    harness::{Browser, Server, both, query_of},
};

const SCOPE: &str = "openid offline_access notes:read";

/// An app of the operator's own.
fn own(server: &Server) -> Client {
    server.add_apis();
    server.add_web("web");
    change(server, "web", |client| client.settings.first_party = true)
}

fn change(server: &Server, id: &str, change: impl FnOnce(&mut Client)) -> Client {
    let changed = server.store(|connection| {
        clients::update(connection, id, |_, client| {
            change(client);
            Ok::<_, Error>(())
        })
    });
    changed.unwrap()
}

/// Who gave the consents of this user.
fn givers(server: &Server, user: Id) -> Vec<ConsentGiver> {
    server.store(|connection| consents::of_user(connection, user)).into_iter().map(|consent| consent.given_by).collect()
}

fn happened(server: &Server, user: Id, kind: Activity) -> usize {
    let all = server.store(|connection| activity::of(connection, user, None, 1000));
    all.iter().filter(|(_, entry)| entry.activity == kind).count()
}

fn signed_in(server: &Server) -> Browser {
    let mut browser = Browser::new(server);
    browser.sign_in("alice");
    browser
}

#[test]
fn no_page_is_shown_and_the_operator_is_recorded_once() {
    both(|server| {
        let (alice, web) = (server.add_user("alice").claims.id, own(server));
        let mut browser = signed_in(server);
        assert!(is_silent(&mut browser, &web, "openid"));
        assert_eq!((allowed(server, alice, "web"), givers(server, alice)), ("openid".into(), vec![ConsentGiver::Operator]));
        let silent = browser.get(&Browser::request(&web, SCOPE, &[("prompt", "none")]));
        let code = query_of(silent.location())["code"].clone();
        let tokens = server.redeem_as(&web, &code, &[]);
        assert_eq!((tokens.status, tokens.text("scope")), (200, SCOPE));
        assert_eq!(allowed(server, alice, "web"), SCOPE, "what is new is recorded");
        assert_eq!(happened(server, alice, Activity::AppAllowedByOperator), 2);
        for _ in 0..3 {
            assert!(is_silent(&mut browser, &web, SCOPE));
        }
        assert_eq!(happened(server, alice, Activity::AppAllowedByOperator), 2, "each once");
        let head = browser.send("HEAD", &Browser::request(&web, "openid email", &[]), None);
        assert_eq!((head.status, allowed(server, alice, "web").as_str()), (200, SCOPE), "HEAD does nothing");
        let account = browser.get("/account");
        assert!(account.body.contains("belongs to the people who run this server. They gave it access"), "{account:?}");
        let activity = browser.get("/account/activity");
        assert!(activity.body.contains("The people who run this server gave <bdi>App web</bdi> access"), "{activity:?}");
    });
}

#[test]
fn it_counts_as_long_as_the_app_is_the_operators() {
    both(|server| {
        let (alice, web) = (server.add_user("alice").claims.id, own(server));
        let mut browser = signed_in(server);
        let page = browser.get(&Browser::request(&web, SCOPE, &[]));
        let tokens = server.redeem_as(&web, &query_of(page.location())["code"].clone(), &[]);
        change(server, "web", |client| client.settings.first_party = false);
        assert!(!is_silent(&mut browser, &web, "openid"), "the user was never asked");
        let silent = browser.get(&Browser::request(&web, SCOPE, &[("prompt", "none")]));
        assert_eq!(query_of(silent.location())["error"], "consent_required");
        assert_eq!(server.refresh_as(&web, tokens.text("refresh_token"), &[]).status, 200, "grants stay");
        let account = browser.get("/account");
        assert!(account.body.contains("The people who run this server gave it access"), "{account:?}");
        assert!(!account.body.contains("belongs to the people who run this server"), "{account:?}");

        let page = shown(&mut browser, &Browser::request(&web, "openid", &[]));
        decide(&mut browser, &page, "allow");
        assert_eq!((allowed(server, alice, "web"), givers(server, alice)), ("openid".into(), vec![ConsentGiver::User]));
        assert!(is_silent(&mut browser, &web, "openid"));
        assert!(!is_silent(&mut browser, &web, SCOPE), "what the operator allowed besides is not the user's");
        change(server, "web", |client| client.settings.first_party = true);
        assert!(!is_silent(&mut browser, &web, SCOPE), "who has decided about less is asked for more");
        assert_eq!(givers(server, alice), [ConsentGiver::User]);
    });
}

#[test]
fn a_withdrawal_before_the_app_was_the_operators_counts() {
    both(|server| {
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        server.add_apis();
        let mut browser = signed_in(server);
        let page = shown(&mut browser, &Browser::request(&web, SCOPE, &[]));
        decide(&mut browser, &page, "allow");
        server.withdraw(alice, "web");
        assert_eq!((allowed(server, alice, "web"), givers(server, alice)), (String::new(), vec![]));
        assert!(!is_silent(&mut browser, &web, SCOPE));
        change(server, "web", |client| client.settings.first_party = true);
        assert!(!is_silent(&mut browser, &web, SCOPE), "the operator does not override it");
        let page = shown(&mut browser, &Browser::request(&web, SCOPE, &[]));
        decide(&mut browser, &page, "allow");
        assert_eq!(givers(server, alice), [ConsentGiver::User]);
    });
}

#[test]
fn who_has_withdrawn_it_is_asked_from_then_on() {
    both(|server| {
        let (alice, web) = (server.add_user("alice").claims.id, own(server));
        let mut browser = signed_in(server);
        let page = browser.get(&Browser::request(&web, SCOPE, &[]));
        let tokens = server.redeem_as(&web, &query_of(page.location())["code"].clone(), &[]);
        assert_eq!(act(&mut browser, "/account", "/account/end", &[("what", "app"), ("id", "web")]).status, 303);
        assert_eq!(server.refresh_as(&web, tokens.text("refresh_token"), &[]).error(), "invalid_grant");
        assert_eq!((allowed(server, alice, "web"), givers(server, alice)), (String::new(), vec![]));
        let account = browser.get("/account");
        assert!(!account.body.contains("value=\"app\"") && account.body.contains("It asks you when you next"), "{account:?}");
        assert_eq!(server.withdraw(alice, "web"), 0, "there is nothing left to withdraw");

        let silent = browser.get(&Browser::request(&web, SCOPE, &[("prompt", "none")]));
        assert_eq!(query_of(silent.location())["error"], "consent_required");
        let page = shown(&mut browser, &Browser::request(&web, SCOPE, &[]));
        let denied = decide(&mut browser, &page, "deny");
        assert!(denied.location().contains("error=access_denied"), "{denied:?}");
        assert!(!is_silent(&mut browser, &web, SCOPE));
        let page = shown(&mut browser, &Browser::request(&web, SCOPE, &[]));
        decide(&mut browser, &page, "allow");
        assert_eq!((allowed(server, alice, "web"), givers(server, alice)), (SCOPE.into(), vec![ConsentGiver::User]));
        assert!(is_silent(&mut browser, &web, SCOPE));
        server.withdraw(alice, "web");
        assert!(!is_silent(&mut browser, &web, SCOPE), "twice as once");
        server.delete(alice);
        assert!(server.store(|connection| consents::recorded(connection, alice, "web")).is_none());
    });
}

#[test]
fn the_page_is_shown_where_the_app_requests_it_or_anybody_could_pose_as_it() {
    both(|server| {
        let (alice, web) = (server.add_user("alice").claims.id, own(server));
        let mut browser = signed_in(server);
        let page = shown(&mut browser, &Browser::request(&web, "openid", &[("prompt", "consent")]));
        assert_eq!(givers(server, alice), [], "nothing is recorded before the answer");
        decide(&mut browser, &page, "allow");
        assert_eq!(givers(server, alice), [ConsentGiver::User]);
        shown(&mut browser, &Browser::request(&web, "openid", &[("prompt", "consent")]));

        // Registration refuses these; a database may have been altered.
        for (id, kind, uri) in [
            ("spa", ClientKind::Spa, "http://localhost:3000/cb"),
            ("loopback", ClientKind::Native, "http://127.0.0.1/cb"),
            ("private", ClientKind::Native, "com.example.app:/cb"),
        ] {
            let mut client = server.add_client(id, kind, |client| client.settings.redirect_uris = vec![uri.into()]);
            client.settings.first_party = true;
            assert!(client.check().is_err());
            let client = change(server, id, |client| client.settings.first_party = true);
            assert!(!is_silent(&mut browser, &client, "openid"), "{id}");
            let silent = browser.get(&Browser::request(&client, "openid", &[("prompt", "none")]));
            assert!(silent.location().contains("consent_required"), "{silent:?}");
        }
        let spa = server.add_client("assured", ClientKind::Spa, |client| client.settings.first_party = true);
        assert!(is_silent(&mut browser, &spa, "openid"), "an https address proves which app it is");
    });
}

/// A withdrawal and a request at the same time: in whichever order, no grant outlives it, and it is not given again.
#[test]
fn the_operators_consent_does_not_overtake_a_withdrawal() {
    both(|server| {
        let (alice, web) = (server.add_user("alice").claims.id, own(server));
        let mut browser = signed_in(server);
        for round in 0..30 {
            server.store(|connection| {
                use diesel::RunQueryDsl;
                Ok(diesel::sql_query("DELETE FROM consents").execute(connection)?)
            });
            assert!(is_silent(&mut browser, &web, "openid"), "{round}");
            let page = std::thread::scope(|scope| {
                let requesting = scope.spawn(|| browser.get(&Browser::request(&web, SCOPE, &[])));
                server.withdraw(alice, "web");
                requesting.join().unwrap()
            });
            if let Some(code) = query_of(page.location()).get("code") {
                assert_eq!(server.redeem_as(&web, code, &[]).error(), "invalid_grant", "{round}");
            }
            assert_eq!(allowed(server, alice, "web"), "", "{round}");
        }
    });
}
