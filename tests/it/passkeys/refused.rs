//! Sign-ins that are refused: each differs from a right one in one thing.

use std::{collections::BTreeMap, sync::Barrier, thread};

use serde_json::{Value, json};
use symbolon::testing::{
    protocol::account::activity::Activity,
    store::account::{self, PasskeyUse, Used},
};

use super::{Form, add, is_signed_in, show, stored};
use crate::harness::{Authenticator, Browser, Page, Server, both};

/// Signs in, with the authenticator and its answer changed.
fn attempt(
    server: &Server,
    authenticator: &Authenticator,
    change: impl Fn(&mut Authenticator),
    alter: impl Fn(&mut Value),
) -> Page {
    let mut browser = Browser::new(server);
    let form = Form::of(&browser.get("/login"));
    let mut authenticator = authenticator.clone();
    change(&mut authenticator);
    let mut answer: Value = serde_json::from_str(&authenticator.show(&form.options)).unwrap();
    alter(&mut answer);
    let page = form.send(&mut browser, &answer.to_string());
    assert_eq!(page.status == 303, is_signed_in(&mut browser), "{page:?}");
    page
}

#[test]
fn without_verification_from_elsewhere_or_with_another_handle() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let (alice, bob) = (add(server, "alice"), add(server, "bob"));
        let refused = |page: &Page, why: &str| {
            assert_eq!((page.status, page.problem()), (401, Some("passkey-refused")), "{why}: {page:?}");
            assert!(page.is("login"));
        };
        refused(&attempt(server, &alice, |one| one.is_verifying = false, |_| ()), "no user verification");
        refused(&attempt(server, &alice, |one| one.origin = "http://localhost:1".into(), |_| ()), "another origin");
        refused(
            &attempt(server, &alice, |_| (), |answer| drop(answer["response"].as_object_mut().unwrap().remove("userHandle"))),
            "none",
        );
        let of_bob: Value = {
            let mut browser = Browser::new(server);
            let form = Form::of(&browser.get("/login"));
            serde_json::from_str(&bob.clone().show(&form.options)).unwrap()
        };
        let handle = of_bob["response"]["userHandle"].clone();
        refused(&attempt(server, &alice, |_| (), |answer| answer["response"]["userHandle"] = handle.clone()), "another's");
        let signature = of_bob["response"]["signature"].clone();
        refused(&attempt(server, &alice, |_| (), |answer| answer["response"]["signature"] = signature.clone()), "signature");
        let id = of_bob["rawId"].clone();
        refused(&attempt(server, &alice, |_| (), |answer| answer["rawId"] = id.clone()), "another's passkey");
        refused(&attempt(server, &alice, |_| (), |answer| *answer = json!({})), "nothing");
        assert_eq!(attempt(server, &alice, |_| (), |_| ()).status, 303, "the right one");
    });
}

#[test]
fn an_unknown_passkey_is_told_to_the_browser() {
    both(|server| {
        server.add_user("alice");
        let alice = add(server, "alice");
        let unknown = "AAAAAAAAAAAAAAAAAAAAAA";
        let page = attempt(server, &alice, |_| (), |answer| answer["rawId"] = json!(unknown));
        assert_eq!((page.status, page.problem()), (401, Some("passkey-unknown")));
        let signal: BTreeMap<String, String> =
            serde_json::from_str(&page.attribute("data-signal-unknown", "data-signal-unknown")).unwrap();
        assert_eq!((signal["credentialId"].as_str(), signal["rpId"].as_str()), (unknown, "localhost"));
    });
}

#[test]
fn a_challenge_of_another_browser_purpose_or_time() {
    both(|server| {
        server.add_user("alice");
        let mut alice = add(server, "alice");
        let expired = |page: &Page, why: &str| {
            assert_eq!((page.status, page.problem()), (400, Some("passkey-expired")), "{why}: {page:?}");
        };
        let (mut one, mut other) = (Browser::new(server), Browser::new(server));
        let (form, of_other) = (Form::of(&one.get("/login")), Form::of(&other.get("/login")));
        let answer = alice.show(&form.options);
        let carried = Form { state: form.state.clone(), ..of_other };
        expired(&carried.send(&mut other, &answer), "another browser");
        let state = form.state.chars().rev().collect();
        expired(
            &Form { state, csrf: form.csrf.clone(), action: form.action.clone(), options: String::new() }.send(&mut one, &answer),
            "forged",
        );

        let mut browser = Browser::new(server);
        show(&mut browser, &mut alice, "/login");
        let registering = Form::of(&browser.get(super::ADD));
        let answer = alice.show(&form.options);
        let carried =
            Form { state: registering.state, csrf: form.csrf.clone(), action: form.action.clone(), options: String::new() };
        expired(&carried.send(&mut one, &answer), "another purpose");

        server.advance(299);
        let late = Form::of(&one.get("/login"));
        let answer = alice.show(&late.options);
        server.advance(301);
        expired(&late.send(&mut one, &answer), "older than five minutes");
    });
}

#[test]
fn a_challenge_twice_also_by_twenty_at_once() {
    both(|server| {
        server.add_user("alice");
        let mut alice = add(server, "alice");
        let mut browser = Browser::new(server);
        let form = Form::of(&browser.get("/login"));
        let answer = alice.show(&form.options);
        assert_eq!(form.send(&mut browser.clone(), &answer).status, 303);
        let again = form.send(&mut browser, &answer);
        assert_eq!((again.status, again.problem()), (400, Some("passkey-expired")));

        let form = Form::of(&browser.get("/login"));
        let answer = alice.show(&form.options);
        let barrier = Barrier::new(20);
        let pages: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..20)
                .map(|_| {
                    let (mut browser, barrier, form, answer) = (browser.clone(), &barrier, &form, &answer);
                    scope.spawn(move || {
                        barrier.wait();
                        form.send(&mut browser, answer)
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let won = pages.iter().filter(|page| page.status == 303).count();
        let lost = pages.iter().filter(|page| page.problem() == Some("passkey-expired")).count();
        assert_eq!((won, lost), (1, 19), "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
    });
}

#[test]
fn a_disabled_account_and_one_without_it() {
    both(|server| {
        let user = server.add_user("alice");
        let alice = add(server, "alice");
        server.disable(user.claims.id);
        let page = attempt(server, &alice, |_| (), |_| ());
        assert_eq!((page.status, page.problem()), (401, Some("passkey-refused")), "as any other");
        server.enable(user.claims.id);
        assert_eq!(attempt(server, &alice, |_| (), |_| ()).status, 303, "enabled again");
    });
}

#[test]
fn a_counter_that_falls_is_recorded() {
    both(|server| {
        server.add_user("alice");
        let mut alice = add(server, "alice");
        let before = alice.clone();
        for _ in 0..3 {
            assert_eq!(show(&mut Browser::new(server), &mut alice, "/login").status, 303);
        }
        assert!(stored(server, &alice).counter > 1);
        let mut browser = Browser::new(server);
        assert_eq!(show(&mut browser, &mut before.clone(), "/login").status, 303, "not refused: it may be synced");
        let activity = browser.get("/account/activity");
        assert!(activity.body.contains("may have been copied"), "{activity:?}");
    });
}

#[test]
fn failures_count_for_the_owner_and_unknown_passkeys_for_nobody() {
    both(|server| {
        server.add_user("alice");
        let alice = add(server, "alice");
        for _ in 0..6 {
            attempt(server, &alice, |_| (), |answer| answer["rawId"] = json!("AAAAAAAAAAAAAAAAAAAAAA"));
        }
        let page = Browser::new(server).sign_in_at("/login", "alice", "wrong");
        assert_eq!(page.status, 401, "nothing was counted");
        for _ in 0..6 {
            attempt(server, &alice, |one| one.is_verifying = false, |_| ());
        }
        let page = Browser::new(server).sign_in_at("/login", "alice", "wrong");
        assert_eq!((page.status, page.problem()), (429, Some("slowed-down")));
        assert_eq!(attempt(server, &alice, |_| (), |_| ()).status, 303, "a right passkey is not kept waiting");
    });
}

#[test]
fn one_that_cannot_leave_its_device_is_refused_if_its_counter_falls() {
    both(|server| {
        let user = server.add_user("alice");
        let mut alice = add(server, "alice");
        assert_eq!(show(&mut Browser::new(server), &mut alice, "/login").status, 303);
        let row = stored(server, &alice);
        let event = || server.event(user.claims.id, Activity::PasskeyCounterFell);
        let outcome = |counter, is_device_bound| {
            let shown = PasskeyUse { counter, is_synced: false, is_device_bound };
            server.store(|connection| account::use_passkey(connection, &row, shown, &event()))
        };
        assert_eq!(outcome(row.counter, true), Used::Copied, "the same counter again");
        assert_eq!(stored(server, &alice), row, "nothing was recorded as a use");
        assert_eq!(outcome(row.counter + 1, true), Used::Yes);
        assert_eq!(outcome(row.counter, false), Used::CounterFell);
        assert_eq!(stored(server, &alice).counter, row.counter);
    });
}
