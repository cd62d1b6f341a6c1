//! Guessing (ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4 §3.2.2): waits that grow, by account and by address, without
//! giving anyone the power to lock an owner out.

use std::{collections::BTreeSet, sync::Barrier, thread};

use symbolon::{protocol::secrets::SecretRing, store::sign_in_failures};

use super::{DEVICE, WRONG, attempt, attempt_from, behind_a_proxy, signed_in};
use crate::harness::{Browser, Database, PASSWORD, Page, Server, both, both_with, databases};

/// Attempts at an account that cost nothing, and the one after them that begins the waiting.
const LOOKED_AT: usize = 5;

fn retry_after(page: &Page) -> i64 {
    assert_eq!(page.status, 429, "{page:?}");
    assert!(page.body.contains("Too many attempts.") && page.body.contains("Your account is not locked."));
    page.header("retry-after").unwrap().parse().unwrap()
}

/// Wrong passwords, each from an address of its own, until the person is slowed: the answers do not tell when.
fn attack(server: &Server, username: &str) {
    for n in 0..30 {
        assert_eq!(attempt_from(server, &format!("198.51.100.{n}"), username, WRONG).status, 401, "{n}");
    }
}

#[test]
fn waits_grow_and_hold_for_the_right_password_as_well() {
    both(|server| {
        server.add_person("alice");
        let mut browser = Browser::new(server);
        let mut waits = vec![];
        for n in 1..=15 {
            let page = attempt(&mut browser, "alice", WRONG);
            assert_eq!(page.status, 401, "attempt {n}");
            assert_eq!(page.header("retry-after"), None);
            if n >= LOOKED_AT {
                let wait = retry_after(&attempt(&mut browser, "alice", WRONG));
                let again = retry_after(&attempt(&mut browser, "alice", PASSWORD));
                assert!(again <= wait, "too soon is not counted: {again} {wait}");
                waits.push(wait);
                server.advance(wait);
            }
        }
        for (wait, expected) in waits.iter().zip([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
            assert!((expected - 2..=expected + 1).contains(wait), "{waits:?}");
        }
        assert_eq!(signed_in(&mut browser), "");
        assert_eq!(attempt(&mut browser, "alice", PASSWORD).status, 303, "nobody is locked out");
    });
}

#[test]
fn a_try_while_slowed_does_not_count_against_the_address() {
    both(|server| {
        server.add_person("alice");
        server.add_person("bob");
        for _ in 0..40 {
            attempt(&mut Browser::new(server), "alice", WRONG);
        }
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 429);
        assert_eq!(attempt(&mut Browser::new(server), "bob", PASSWORD).status, 303, "someone else behind the same address");
    });
}

#[test]
fn success_ends_the_count() {
    both(|server| {
        server.add_person("alice");
        for _ in 0..3 {
            for _ in 1..LOOKED_AT {
                assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401);
            }
            assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303);
        }
    });
}

#[test]
fn a_day_without_failures_is_forgotten() {
    both(|server| {
        server.add_person("alice");
        for round in 0..2 {
            for n in 1..=LOOKED_AT {
                assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401, "{round} {n}");
            }
            assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 429);
            server.advance(86_460);
        }
    });
}

#[test]
fn one_count_for_name_and_address_of_a_person_which_tells_nobody() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        for n in 0..24 {
            let (known, unknown) = if n % 2 == 0 { ("alice", "nobody") } else { ("alice@example.com", "nobody@example.com") };
            let address = format!("198.51.100.{n}");
            let (known, unknown) = (attempt_from(server, &address, known, WRONG), attempt_from(server, &address, unknown, WRONG));
            assert_eq!((known.status, unknown.status), (401, 401), "{n}");
        }
        for typed in ["alice", "ALICE@EXAMPLE.COM"] {
            let page = attempt_from(server, "203.0.113.1", typed, PASSWORD);
            assert_eq!((page.status, page.header("retry-after")), (401, None), "{typed}: in the words of a wrong password");
        }
        server.advance(31);
        assert_eq!(attempt_from(server, "203.0.113.1", "alice", PASSWORD).status, 303, "never for long");
    });
}

#[test]
fn a_browser_that_has_been_here_before_is_not_slowed_by_an_attack_from_elsewhere() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_person("alice");
        let mut owner = Browser::new(server);
        owner.sign_in("alice");
        let csrf = owner.get("/logout").csrf();
        owner.send("POST", "/logout", Some(&[("csrf", &csrf)]));
        attack(server, "alice");
        assert_eq!(attempt(&mut owner, "alice", PASSWORD).status, 303, "by name");
        assert_eq!(attempt(&mut owner, "alice@example.com", PASSWORD).status, 303, "by address");
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 401, "the attack is not over");

        for _ in 0..LOOKED_AT {
            assert_eq!(attempt(&mut owner, "alice", WRONG).status, 401);
        }
        retry_after(&attempt(&mut owner, "alice", PASSWORD)); // it has a count of its own
        let hash = server.app.passwords.hash(PASSWORD).unwrap();
        server.reset_password(alice.claims.id, &hash);
        assert_eq!(attempt(&mut owner, "alice", PASSWORD).status, 401, "with a new password it is a stranger's browser");
    });
}

#[test]
fn only_the_persons_own_browser_counts_apart() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        server.add_person("mallory");
        let mut owner = Browser::new(server);
        owner.sign_in("alice");
        let mut mallory = Browser::new(server);
        mallory.sign_in("mallory");
        attack(server, "alice");
        let device = owner.cookies[DEVICE].clone();
        let (name, stamp) = device.split_once('.').unwrap();
        let mallorys = mallory.cookies[DEVICE].clone();
        let (_, others) = mallorys.split_once('.').unwrap();
        let forgeries = [
            mallorys.clone(),
            format!("other.{stamp}"),
            format!("{name}.{others}"),
            name.into(),
            format!("{name}."),
            device.to_lowercase(),
        ];
        for (n, forged) in forgeries.into_iter().enumerate() {
            mallory.cookies.insert(DEVICE.into(), forged.clone());
            mallory.headers = vec![("X-Forwarded-For", format!("203.0.113.{n}")), ("X-Forwarded-Proto", "https".to_owned())];
            assert_eq!(attempt(&mut mallory, "alice", PASSWORD).status, 401, "{forged}");
        }
        server.advance(366 * 86_400);
        attack(server, "alice");
        assert_eq!(attempt(&mut owner, "alice", PASSWORD).status, 401, "after a year it is not known any more");
    });
}

#[test]
fn an_address_is_slowed_across_names_and_others_are_not() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        let mut known = Browser::new(server);
        known.headers.extend([("X-Forwarded-For", "192.0.2.1".into()), ("X-Forwarded-Proto", "https".to_owned())]);
        known.sign_in("alice");
        for n in 0..=30 {
            assert_eq!(attempt_from(server, "192.0.2.1", &format!("name{n}"), WRONG).status, 401, "{n}");
        }
        retry_after(&attempt_from(server, "192.0.2.1", "name99", WRONG));
        retry_after(&attempt_from(server, "192.0.2.1", "alice", PASSWORD));
        assert_eq!(attempt_from(server, "192.0.2.2", "alice", PASSWORD).status, 303, "another address");
        assert_eq!(attempt(&mut known, "alice", PASSWORD).status, 303, "a known browser at the same one");
        server.advance(2);
        assert_eq!(attempt_from(server, "192.0.2.1", "alice", PASSWORD).status, 303);
        assert_eq!(attempt_from(server, "192.0.2.1", "name99", WRONG).status, 401);
        let waits = [1, 2, 3].map(|_| {
            let wait = retry_after(&attempt_from(server, "192.0.2.1", "name99", WRONG));
            server.advance(wait);
            assert_eq!(attempt_from(server, "192.0.2.1", "name100", WRONG).status, 401);
            wait
        });
        assert!(waits[0] < waits[1] && waits[1] < waits[2], "{waits:?}");
    });
}

#[test]
fn ipv6_callers_count_by_their_network() {
    both_with(behind_a_proxy, |server| {
        for n in 0..=30 {
            assert_eq!(attempt_from(server, &format!("2001:db8:0:1::{n:x}"), &format!("name{n}"), WRONG).status, 401);
        }
        assert_eq!(attempt_from(server, "2001:db8:0:1:ffff::1", "x", WRONG).status, 429);
        assert_eq!(attempt_from(server, "2001:db8:0:2::1", "x", WRONG).status, 401);
    });
}

#[test]
fn a_forwarded_address_of_a_stranger_does_not_evade_the_count() {
    both(|server| {
        let statuses: Vec<_> =
            (0..32).map(|n| attempt_from(server, &format!("192.0.2.{n}"), &format!("name{n}"), WRONG).status).collect();
        assert_eq!((statuses[30], statuses[31]), (401, 429), "{statuses:?}");
    });
}

#[test]
fn the_table_tells_neither_names_nor_addresses() {
    use diesel::{QueryableByName, RunQueryDsl, sql_types::Binary};
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        key: Vec<u8>,
    }
    let keys = |database: &Database, secret: &str| {
        let secrets = SecretRing::new([secret]).unwrap();
        let server = Server::start(database, |config| config.secrets = secrets.clone());
        for name in ["nobody", "no.one"] {
            attempt(&mut Browser::new(&server), name, WRONG);
        }
        let rows: Vec<Row> =
            server.store(|connection| diesel::sql_query("SELECT key FROM sign_in_failures").load(connection).map_err(Into::into));
        rows.into_iter().map(|row| row.key).collect::<BTreeSet<_>>()
    };
    for (one, two) in databases().iter().zip(databases()) {
        let first = keys(one, "one secret of at least thirty-two bytes");
        let second = keys(&two, "another secret of at least thirty-two bytes");
        assert_eq!((first.len(), second.len()), (5, 5), "two names, from here and from everywhere, and one address");
        assert!(first.is_disjoint(&second), "without the secret, a name or an address cannot be tried out on a copied table");
    }
}

#[test]
fn parallel_guesses_do_not_slip_by() {
    both(|server| {
        const GUESSES: usize = 40;
        server.add_person("alice");
        let barrier = Barrier::new(GUESSES);
        let statuses: Vec<_> = thread::scope(|scope| {
            let guesses: Vec<_> = (0..GUESSES)
                .map(|_| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        let mut browser = Browser::new(server);
                        let csrf = browser.get("/login").csrf();
                        barrier.wait();
                        browser
                            .send("POST", "/login", Some(&[("username", "alice"), ("password", WRONG), ("csrf", &csrf)]))
                            .status
                    })
                })
                .collect();
            guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
        });
        let looked_at = statuses.iter().filter(|status| **status == 401).count();
        assert!((1..=LOOKED_AT + 2).contains(&looked_at), "a wait or two may end meanwhile: {statuses:?}");
        assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    });
}

#[test]
fn a_network_is_slowed_and_never_shut_out() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        for n in 0..140 {
            if attempt_from(server, "192.0.2.1", &format!("name{n}"), WRONG).status == 429 {
                server.advance(121);
            }
        }
        server.advance(121);
        assert_eq!(attempt_from(server, "192.0.2.1", "alice", PASSWORD).status, 303, "someone else behind the same address");
    });
}

#[test]
fn a_flood_at_the_gate_costs_no_connection_and_holds_nothing_against_anyone() {
    const FLOOD: usize = 120;
    let full = |config: &mut symbolon::config::Config| {
        behind_a_proxy(config);
        config.passwords.concurrency = 1;
        (config.passwords.memory_kib, config.passwords.iterations) = (8 * 1024, 3);
    };
    // A database in memory is gone with its one connection.
    for database in databases().into_iter().chain([Database::at("memory", "sqlite::memory:")]) {
        let server = Server::start(&database, full);
        server.add_person("alice");
        let barrier = Barrier::new(FLOOD);
        let statuses: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..FLOOD)
                .map(|n| {
                    let (barrier, server) = (&barrier, &server);
                    scope.spawn(move || {
                        barrier.wait();
                        attempt_from(server, &format!("198.51.100.{n}"), &format!("name{n}"), WRONG).status
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{}: {statuses:?}", database.name);
        assert!(statuses.contains(&503), "{}: the gate has 33 places", database.name);
        assert_eq!(server.send("GET", "/readyz", &[], None).status, 200, "{}", database.name);
        assert_eq!(attempt(&mut Browser::new(&server), "alice", PASSWORD).status, 303, "{}", database.name);
    }
}

#[test]
fn a_full_gate_takes_nothing_back_that_was_not_counted() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_person("alice");
        attack(server, "alice");
        let key = server.app.config.secrets.person_counter(alice.claims.id);
        let counted = || server.store(|connection| sign_in_failures::find(connection, &key)).unwrap();
        let before = counted();
        assert!(before.failures > 20, "{before:?}");
        assert_eq!(attempt_from(server, "203.0.113.9", "alice", PASSWORD).status, 401, "refused unseen");
        assert_eq!(counted(), before);
    });
}
