//! Password guessing (ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4 §3.2.2): growing delays, by account and by network, without letting
//! anyone lock the owner out. Here names and users; known browsers, networks, concurrent attempts and whole attacks have files of
//! their own.

mod at_once;
mod browsers;
mod networks;
mod simulations;

use std::collections::BTreeSet;

use symbolon::testing::protocol::secrets::SecretRing;

use super::{WRONG, attempt, attempt_from, behind_a_proxy, signed_in};
use crate::harness::{Browser, Database, PASSWORD, Page, Server, both, both_with, databases};

/// Attempts at an account that cost nothing, and the one after them that begins the waiting.
const CHECKED: usize = 5;

fn retry_after(page: &Page) -> i64 {
    assert_eq!(page.status, 429, "{page:?}");
    assert!(page.problem() == Some("slowed-down") && page.body.contains("Your account is not locked."));
    page.header("retry-after").unwrap().parse().unwrap()
}

/// Wrong passwords, each from an address of its own, until the user is slowed: the answers do not tell when.
fn attack(server: &Server, username: &str) {
    for n in 0..30 {
        assert_eq!(attempt_from(server, &format!("198.51.100.{n}"), username, WRONG).status, 401, "{n}");
    }
}

#[test]
fn waits_grow_and_hold_for_the_right_password_as_well() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        let mut waits = vec![];
        for n in 1..=15 {
            let page = attempt(&mut browser, "alice", WRONG);
            assert_eq!(page.status, 401, "attempt {n}");
            assert_eq!(page.header("retry-after"), None);
            if n >= CHECKED {
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
fn clocks_that_were_ahead_keep_nobody_waiting() {
    both(|server| {
        server.add_user("alice");
        server.step_clock(8); // of two servers, one may be ahead by so much
        assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401);
        server.step_clock(-8);
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303, "four are free");
        server.step_clock(3000);
        for n in 0..CHECKED {
            assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401, "{n}");
        }
        retry_after(&attempt(&mut Browser::new(server), "alice", PASSWORD));
        networks::fail(server, "127.0.0.1", 1000);
        assert_eq!(attempt(&mut Browser::new(server), "name", WRONG).status, 401);
        server.step_clock(-3000);
        networks::fail(server, "127.0.0.1", 40);
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303, "it was set right");
    });
}

#[test]
fn success_ends_the_count() {
    both(|server| {
        server.add_user("alice");
        for _ in 0..3 {
            for _ in 1..CHECKED {
                assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401);
            }
            assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303);
        }
    });
}

#[test]
fn a_day_without_failures_is_forgotten() {
    both(|server| {
        server.add_user("alice");
        for round in 0..2 {
            for n in 1..=CHECKED {
                assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401, "{round} {n}");
            }
            assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 429);
            server.advance(86_460);
        }
    });
}

#[test]
fn one_count_for_name_and_address_of_a_user_which_tells_nobody() {
    both_with(behind_a_proxy, |server| {
        server.add_user("alice");
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
            server.store(|connection| diesel::sql_query("SELECT key FROM rate_limits").load(connection).map_err(Into::into));
        rows.into_iter().map(|row| row.key).collect::<BTreeSet<_>>()
    };
    for (one, two) in databases().iter().zip(databases()) {
        let first = keys(one, "one secret of at least thirty-two bytes");
        let second = keys(&two, "another secret of at least thirty-two bytes");
        assert_eq!((first.len(), second.len()), (7, 7), "two names: from here, from everywhere, and their shares of one address");
        assert!(first.is_disjoint(&second), "without the secret, a name or an address cannot be tried out on a copied table");
    }
}
