//! Races: many at once, through one server and through two on one database. Whatever the interleaving, a code
//! yields tokens once, a refresh token has one successor, what is revoked stays dead, and nobody sees a 5xx.

use std::{collections::BTreeSet, sync::Barrier, thread};

use symbolon::{
    protocol::{
        client::{Client, ClientKind},
        id::Id,
    },
    store::grants,
};

use crate::harness::{Answer, Browser, Server, both, claims_of, databases};

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
        server.add_person("alice");
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
        server.add_person("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        all_get_one_successor(&[server], &spa);
    });
}

#[test]
fn two_servers_on_one_database_tell_the_same_successor() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        one.add_person("alice");
        let spa = one.add_client("spa", ClientKind::Spa, |_| ());
        all_get_one_successor(&[&one, &two], &spa);
    }
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
        server.add_person("alice");
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
        server.add_person("alice");
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
                server.store(|connection| grants::revoke(connection, Id::parse(&grant).unwrap(), "a test", now));
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
