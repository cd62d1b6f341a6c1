//! Many concurrent refreshes, through two servers: on SQLite the waiting ones are grouped in one transaction, which nobody
//! notices. If that transaction fails, every caller in it gets the error, and nobody has lost anything.

use std::{
    collections::BTreeSet,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, connection::SimpleConnection};
use symbolon::testing::{
    protocol::oauth::client::{Client, ClientKind},
    store::grants,
};

use crate::harness::{Answer, Database, Server, databases, grant_of};

const CHAINS: usize = 16;
const STEPS: u32 = 12;
const SCOPE: &str = "openid offline_access";

fn generation(server: &Server, tokens: &Answer) -> u32 {
    let grant = grant_of(tokens);
    server.store(|connection| grants::find(connection, grant)).unwrap().grant.generation
}

/// From one successor to the next, each time through another server.
fn chain(servers: [&Server; 2], client: &Client, first: &Answer) -> Vec<String> {
    let mut seen = vec![first.text("refresh_token").to_owned()];
    for step in 0..STEPS as usize {
        let answer = servers[step % 2].refresh(client, seen.last().unwrap());
        assert_eq!(answer.status, 200, "step {step}: {answer:?}");
        seen.push(answer.text("refresh_token").to_owned());
    }
    seen
}

#[test]
fn every_chain_goes_its_own_way_and_those_with_one_token_go_together() {
    for database in databases() {
        let name = database.name;
        let one = Server::start(&database, |config| config.database_pool_size = 16);
        let two = one.sibling_with(&database, |config| config.database_pool_size = 16);
        let servers = [&one, &two];
        one.add_user("alice");
        let spa = one.add_client("spa", ClientKind::Spa, |_| ());
        let own: Vec<_> = (0..CHAINS).map(|_| one.tokens(&spa, "alice", SCOPE)).collect();
        let shared = one.tokens(&spa, "alice", SCOPE);
        let barrier = Barrier::new(CHAINS + 4);
        let (chains, together) = thread::scope(|scope| {
            let run = |first| {
                let (barrier, spa) = (&barrier, &spa);
                scope.spawn(move || {
                    barrier.wait();
                    chain(servers, spa, first)
                })
            };
            let chains: Vec<_> = own.iter().map(run).collect();
            let repeat = |n: usize| {
                let (barrier, spa, shared) = (&barrier, &spa, &shared);
                scope.spawn(move || {
                    barrier.wait();
                    servers[n % 2].refresh(spa, shared.text("refresh_token"))
                })
            };
            let together: Vec<_> = (0..4).map(repeat).collect();
            let chains: Vec<_> = chains.into_iter().map(|one| one.join().unwrap()).collect();
            (chains, together.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>())
        });
        let all: BTreeSet<_> = chains.iter().flatten().collect();
        assert_eq!(all.len(), CHAINS * (STEPS as usize + 1), "{name}: nobody got what is another's");
        for (first, chain) in own.iter().zip(&chains) {
            assert_eq!(generation(&one, first), STEPS + 1, "{name}");
            assert_eq!(two.refresh(&spa, chain.last().unwrap()).status, 200, "{name}");
        }
        let successors: BTreeSet<_> = together.iter().map(|answer| answer.text("refresh_token")).collect();
        assert_eq!((successors.len(), generation(&one, &shared)), (1, 2), "{name}: {together:?}");
    }
}

#[test]
fn where_another_process_holds_the_lock_for_too_long_all_are_told_and_nobody_loses_a_token() {
    let database = Database::sqlite();
    let server = Server::start(&database, |_| ());
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let own: Vec<_> = (0..6).map(|_| server.tokens(&spa, "alice", SCOPE)).collect();
    let mut other = diesel::SqliteConnection::establish(database.url.strip_prefix("sqlite:").unwrap()).unwrap();
    other.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap(); // history may be being written
    let began = Instant::now();
    let refused: Vec<_> = thread::scope(|scope| {
        let refresh = |tokens: &Answer| server.refresh(&spa, tokens.text("refresh_token"));
        let all: Vec<_> = own.iter().map(|tokens| scope.spawn(move || refresh(tokens))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    // The first waits five seconds for the lock, the others for the first and then all at once, but for those who came late: one after
    // the other they would wait for half a minute.
    assert!(began.elapsed() < Duration::from_secs(22), "{:?}", began.elapsed());
    for answer in &refused {
        assert_eq!((answer.status, answer.error()), (503, "temporarily_unavailable"), "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
    other.batch_execute("ROLLBACK").unwrap();
    for tokens in &own {
        assert_eq!(generation(&server, tokens), 1, "nothing was used up");
        let answer = server.refresh(&spa, tokens.text("refresh_token"));
        assert_eq!((answer.status, generation(&server, tokens)), (200, 2), "{answer:?}");
    }
}

#[test]
fn steady_rotation_leaves_others_their_turn() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let own: Vec<_> = (0..6).map(|_| server.tokens(&spa, "alice", SCOPE)).collect();
        let given: Vec<_> = (0..20).map(|_| server.tokens(&spa, "alice", SCOPE)).collect();
        let over = AtomicBool::new(false);
        let longest = thread::scope(|scope| {
            for first in &own {
                scope.spawn(|| {
                    let mut token = first.text("refresh_token").to_owned();
                    while !over.load(Ordering::Relaxed) {
                        let answer = server.refresh(&spa, &token);
                        assert_eq!(answer.status, 200, "{answer:?}");
                        token = answer.text("refresh_token").to_owned();
                    }
                });
            }
            let mut longest = Duration::ZERO;
            for tokens in &given {
                let requested = Instant::now();
                let form = format!("client_id=spa&token={}", tokens.text("refresh_token"));
                let revoked = server.send("POST", "/revoke", &[], Some(&form));
                longest = longest.max(requested.elapsed());
                if revoked.status != 200 {
                    over.store(true, Ordering::Relaxed);
                }
                assert_eq!(revoked.status, 200, "{revoked:?}");
            }
            over.store(true, Ordering::Relaxed);
            longest
        });
        eprintln!("{}: the longest took {longest:?}", database.name);
        assert!(longest < Duration::from_secs(2), "{}: {longest:?}", database.name);
        for tokens in &given {
            assert_eq!(server.refresh(&spa, tokens.text("refresh_token")).status, 400);
        }
    }
}
