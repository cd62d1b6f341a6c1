//! Races: many requests at once, through one server and through two on one database. Whatever the interleaving, a code yields
//! tokens once, a refresh token has one successor, revocations are final, and nobody sees a 5xx. In files of their own: two
//! servers, grants issued while they are ended, grants revoked between judging and advancing, and queued writers.

mod endings;
mod revoked;
mod two_servers;
mod write_queue;

use std::{collections::BTreeSet, sync::Barrier, thread};

use symbolon::testing::{
    protocol::{
        grant::end_reason::EndReason,
        oauth::client::{Client, ClientKind},
        values::id::Id,
    },
    store::grants,
};

use crate::harness::{Answer, Browser, PASSWORD, Server, both, claims_of, query_of};

const THREADS: usize = 50;

/// The same call from many threads at once.
fn at_once(call: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let all: Vec<_> = (0..THREADS)
            .map(|n| {
                let (barrier, call) = (&barrier, &call);
                scope.spawn(move || {
                    barrier.wait();
                    call(n)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn successes(answers: &[Answer]) -> Vec<&Answer> {
    for answer in answers {
        assert!(answer.status == 200 || (answer.status, answer.error()) == (400, "invalid_grant"), "{answer:?}");
    }
    answers.iter().filter(|answer| answer.status == 200).collect()
}

#[test]
fn fifty_redeem_one_code_and_one_gets_tokens_which_then_die() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let code = Browser::new(server).code(&spa, "alice", "openid offline_access");
        let answers = at_once(|_| server.redeem(&spa, &code));
        let winners = successes(&answers);
        assert_eq!(winners.len(), 1);
        assert_eq!(server.refresh(&spa, winners[0].text("refresh_token")).error(), "invalid_grant", "the replay rule");
        assert_eq!(server.userinfo(winners[0].text("access_token")).status, 401);
    });
}

#[test]
fn fifty_present_one_refresh_token_and_all_get_the_same_successor() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        all_get_one_successor(&[server], &spa);
    });
}

fn all_get_one_successor(servers: &[&Server], client: &Client) {
    let tokens = servers[0].tokens(client, "alice", "openid offline_access");
    let answers = at_once(|n| servers[n % servers.len()].refresh(client, tokens.text("refresh_token")));
    assert_eq!(successes(&answers).len(), THREADS);
    let successors: BTreeSet<_> = answers.iter().map(|answer| answer.text("refresh_token")).collect();
    assert_eq!(successors.len(), 1);
    let next = servers[0].refresh(client, successors.first().unwrap());
    assert_eq!(next.status, 200, "the successor works");
}

#[test]
fn without_a_window_one_wins_and_the_grant_is_dead() {
    both(|server| {
        server.add_user("alice");
        let strict = server.add_strict_client("strict");
        let tokens = server.tokens(&strict, "alice", "openid offline_access");
        let answers = at_once(|_| server.refresh(&strict, tokens.text("refresh_token")));
        let winners = successes(&answers);
        assert_eq!(winners.len(), 1);
        assert_eq!(server.refresh(&strict, winners[0].text("refresh_token")).error(), "invalid_grant");
    });
}

#[test]
fn a_refresh_that_races_a_revocation_leaves_nothing_alive() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        for round in 0..200 {
            let code = browser.code(&spa, "alice", "openid offline_access");
            let tokens = server.redeem(&spa, &code);
            let grant = claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32].to_owned();
            let barrier = Barrier::new(2);
            let answer = thread::scope(|scope| {
                let refreshing = scope.spawn(|| {
                    barrier.wait();
                    server.refresh(&spa, tokens.text("refresh_token"))
                });
                barrier.wait();
                let now = server.now();
                server.store(|connection| grants::revoke(connection, Id::parse(&grant).unwrap(), EndReason::Other, now));
                refreshing.join().unwrap()
            });
            assert!(answer.status == 200 || answer.error() == "invalid_grant", "{round}: {answer:?}");
            for token in [&tokens, &answer] {
                if token.status == 200 {
                    assert_eq!(server.refresh(&spa, token.text("refresh_token")).error(), "invalid_grant", "{round}");
                    assert_eq!(server.userinfo(token.text("access_token")).status, 401, "{round}");
                }
            }
        }
    });
}

#[test]
fn a_reset_that_races_a_sign_in_and_a_new_grant_leaves_nothing_alive() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let hashes = ["one password", "another password"].map(|password| server.app.passwords.hash(password).unwrap());
        Browser::new(server).code(&spa, "alice", "openid offline_access"); // from now on consent is remembered
        for round in 0..40 {
            server.advance(86_500); // the failures of the round before are forgotten
            let old = server.app.passwords.hash(PASSWORD).unwrap();
            server.reset_password(alice.claims.id, &old);
            let (mut granting, mut signing_in) = (Browser::new(server), Browser::new(server));
            granting.sign_in("alice");
            let barrier = Barrier::new(3);
            let granted = thread::scope(|scope| {
                let granting = scope.spawn(|| {
                    barrier.wait();
                    granting.get(&Browser::request(&spa, "openid offline_access", &[]))
                });
                let signing_in = scope.spawn(|| {
                    barrier.wait();
                    signing_in.sign_in_at("/login", "alice", PASSWORD)
                });
                barrier.wait();
                server.reset_password(alice.claims.id, &hashes[round % 2]);
                assert!([303, 401].contains(&signing_in.join().unwrap().status), "{round}");
                granting.join().unwrap()
            });
            if let Some(code) = query_of(granted.location()).get("code") {
                assert_eq!(server.redeem(&spa, code).error(), "invalid_grant", "{round}: a grant outlived the reset");
            }
            let page = signing_in.get(&Browser::request(&spa, "openid", &[("prompt", "none")]));
            assert_eq!(query_of(page.location())["error"], "login_required", "{round}: a session outlived the reset");
        }
    });
}
