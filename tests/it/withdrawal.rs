//! Withdrawn consent, which stays withdrawn: no grant based on it becomes active, even one that was being issued at that moment.

use std::{sync::Barrier, thread};

use symbolon::testing::{
    protocol::values::id::Id,
    store::{clients, deletions::Deleted},
};

use crate::harness::{Browser, Server, both, query_of};

const SCOPE: &str = "openid offline_access";

#[test]
fn a_grant_that_races_a_withdrawal_does_not_outlive_it() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let web = server.add_web("web");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        for round in 0..100 {
            let before = browser.code(&web, "alice", SCOPE);
            let barrier = Barrier::new(2);
            let page = thread::scope(|scope| {
                let granting = scope.spawn(|| {
                    barrier.wait();
                    browser.get(&Browser::request(&web, SCOPE, &[]))
                });
                barrier.wait();
                withdraw(server, alice);
                granting.join().unwrap()
            });
            if let Some(code) = query_of(page.location()).get("code") {
                assert_eq!(server.redeem_as(&web, code, &[]).error(), "invalid_grant", "{round}: it outlived the withdrawal");
            } else {
                assert_eq!(page.status, 303, "{round}: {page:?}");
            }
            assert_eq!(server.redeem_as(&web, &before, &[]).error(), "invalid_grant", "{round}");
        }
    });
}

fn withdraw(server: &Server, user: Id) {
    server.withdraw(user, "web");
}

#[test]
fn an_answer_given_before_does_not_count_afterwards() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let web = server.add_web("web");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let to_consent = browser.get(&Browser::request(&web, SCOPE, &[]));
        let shown = browser.get(to_consent.location());
        let (action, csrf) = (shown.attribute("form ", "action"), shown.csrf());
        let allowed = browser.send("POST", &action, Some(&[("decision", "allow"), ("csrf", &csrf)]));
        withdraw(server, alice);
        let back = browser.get(allowed.location());
        assert!(back.status == 303 && back.location().starts_with("/authorize?"), "decided afresh: {back:?}");
        assert!(browser.get(back.location()).location().starts_with("/consent?"));

        let code = browser.code(&web, "alice", SCOPE);
        let now = server.now();
        server.store(|connection| clients::delete(connection, "web", now));
        server.purge(&Deleted::Client("web".into()));
        server.store(|connection| clients::insert(connection, &web));
        assert_eq!(server.redeem_as(&web, &code, &[]).error(), "invalid_grant", "the name alone is not the client");
        assert!(browser.get(&Browser::request(&web, SCOPE, &[])).location().starts_with("/consent?"));
    });
}
