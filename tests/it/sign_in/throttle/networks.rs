//! Networks: many people behind one address, of whom some mistype and one guesses.

use symbolon::{
    protocol::{
        network,
        rate_limit::{Bucket, Count},
        time::Span,
    },
    store::rate_limits,
};

use super::retry_after;
use crate::{
    account::act,
    harness::{Browser, PASSWORD, Server, both, both_with},
    sign_in::{WRONG, attempt, attempt_from, behind_a_proxy},
};

/// So many failures of a network cost nothing.
const FREE: i64 = 30;

/// Puts failures into the bucket of a network, as if so many names had been tried from it.
fn fail(server: &Server, address: &str, failures: i64) {
    let key = server.app.config.secrets.pseudonym("network", &network::subscriber(address.parse().unwrap()));
    let bucket = Bucket { capacity: FREE, leak: Span::from_seconds(10), overflow: 120 };
    for _ in 0..failures {
        server.store(|connection| rate_limits::fill(connection, &key, &bucket, bucket.most(), server.now()));
    }
}

/// What is in the bucket of a network: in milliseconds, of which one leaks out in each.
fn level(server: &Server, what: &str, address: &str) -> Count {
    let key = server.app.config.secrets.pseudonym(what, &network::subscriber(address.parse().unwrap()));
    server.store(|connection| rate_limits::find(connection, &[key]))[&key]
}

/// Nothing but what leaked out has gone since, and nothing more is kept than what leaks out meanwhile.
#[track_caller]
fn assert_kept(server: &Server, before: Count, after: Count) {
    let leaked = after.updated_at.millis() - before.updated_at.millis();
    let since = server.now().millis() - before.updated_at.millis();
    let expected = before.amount - leaked..=before.amount + since;
    assert!(expected.contains(&after.amount), "{before:?} before, {after:?} after");
}

#[test]
fn thirty_who_mistype_once_are_right_the_second_time() {
    both(|server| {
        let hash = server.app.passwords.hash(PASSWORD).unwrap();
        let names: Vec<_> = (0..FREE).map(|n| format!("user{n}")).collect();
        for name in &names {
            server.add_person_with(name, &hash, |_| ());
            assert_eq!(attempt(&mut Browser::new(server), name, WRONG).status, 401, "{name}");
        }
        server.add_person("alice");
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303, "someone else, on a new machine");
        for name in &names {
            assert_eq!(attempt(&mut Browser::new(server), name, PASSWORD).status, 303, "{name}");
        }
    });
}

#[test]
fn made_up_names_of_a_neighbour_refuse_nobody() {
    both(|server| {
        server.add_person("alice");
        for n in 0..FREE {
            assert_eq!(attempt(&mut Browser::new(server), &format!("name{n}"), WRONG).status, 401, "{n}");
        }
        for n in 0..6 {
            assert_eq!(attempt(&mut Browser::new(server), &format!("more{n}"), WRONG).status, 401, "{n}");
            server.advance(1);
        }
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303, "a right password");
    });
}

#[test]
fn where_too_much_fails_an_attempt_waits_a_little() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        fail(server, "192.0.2.1", FREE);
        assert_eq!(attempt_from(server, "192.0.2.1", "name1", WRONG).status, 401, "the first does not wait");
        let begun = std::time::Instant::now();
        assert_eq!(attempt_from(server, "192.0.2.1", "alice", PASSWORD).status, 303, "the next one waits a second");
        assert!(begun.elapsed().as_millis() > 500);
        assert_eq!(attempt_from(server, "192.0.2.2", "alice", PASSWORD).status, 303, "another address");
    });
}

#[test]
fn whoever_corrects_a_mistake_does_not_wait() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        assert_eq!(attempt_from(server, "192.0.2.1", "alice", WRONG).status, 401);
        fail(server, "192.0.2.1", 1000);
        assert_eq!(attempt_from(server, "192.0.2.1", "name", WRONG).status, 401, "takes the turn of five seconds");
        let begun = std::time::Instant::now();
        assert_eq!(attempt_from(server, "192.0.2.1", "alice", PASSWORD).status, 303);
        assert!(begun.elapsed().as_millis() < 4000);
    });
}

#[test]
fn a_known_browser_does_not_wait_for_strangers_of_its_network() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        let mut known = server.browser_from("192.0.2.1", "hers");
        known.sign_in("alice");
        fail(server, "192.0.2.1", 1000);
        std::thread::scope(|scope| {
            // Those who try her name wait for each other, and for the network; the first takes its turn of five seconds.
            let strangers: Vec<_> =
                (0..20).map(|_| scope.spawn(|| attempt_from(server, "192.0.2.1", "alice", WRONG).status)).collect();
            let network = server.app.config.secrets.pseudonym("network", "192.0.2.1");
            while server.store(|connection| rate_limits::find(connection, &[network]))[&network].next_at <= server.now() {
                std::thread::yield_now();
            }
            let begun = std::time::Instant::now();
            assert_eq!(attempt(&mut known, "alice", PASSWORD).status, 303);
            assert!(begun.elapsed().as_millis() < 4000);
            assert!(strangers.into_iter().all(|one| [401, 429].contains(&one.join().unwrap())));
        });
    });
}

#[test]
fn a_try_while_slowed_does_not_count_against_the_network() {
    both(|server| {
        server.add_person("alice");
        server.add_person("bob");
        for _ in 0..40 {
            attempt(&mut Browser::new(server), "alice", WRONG);
        }
        retry_after(&attempt(&mut Browser::new(server), "alice", PASSWORD));
        assert_eq!(attempt(&mut Browser::new(server), "bob", PASSWORD).status, 303, "someone else behind the same address");
    });
}

#[test]
fn ipv6_callers_count_by_their_network() {
    both_with(behind_a_proxy, |server| {
        fail(server, "2001:db8:0:1::1", FREE);
        assert_eq!(attempt_from(server, "2001:db8:0:1::2", "name1", WRONG).status, 401, "the first does not wait");
        let begun = std::time::Instant::now();
        assert_eq!(attempt_from(server, "2001:db8:0:1:ffff::1", "name2", WRONG).status, 401);
        assert!(begun.elapsed().as_millis() > 500, "the second waits for the first");
        assert_eq!(attempt_from(server, "2001:db8:0:2::1", "x", WRONG).status, 401);
    });
}

#[test]
fn a_forwarded_address_of_a_stranger_does_not_evade_the_count() {
    both(|server| {
        for n in 0..5 {
            assert_eq!(attempt_from(server, &format!("192.0.2.{n}"), "alice", WRONG).status, 401, "{n}");
        }
        retry_after(&attempt_from(server, "192.0.2.99", "alice", WRONG));
    });
}

#[test]
fn too_many_who_wait_for_one_network_are_told_to_come_back() {
    both_with(behind_a_proxy, |server| {
        fail(server, "192.0.2.1", 1000);
        let tries: Vec<_> = (0..150).map(|n| format!("name{n}")).collect();
        let pages: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> =
                tries.iter().map(|name| scope.spawn(move || attempt_from(server, "192.0.2.1", name, WRONG))).collect();
            // Meanwhile the clock goes on: nobody waits for real.
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let looked_at = pages.iter().filter(|page| page.status == 401).count();
        assert!((1..=4).contains(&looked_at), "{looked_at}: one in five seconds");
        pages.iter().filter(|page| page.status != 401).for_each(|page| assert!(retry_after(page) <= 5));
    });
}

/// Fails as oneself in every way there is, and is right in the end.
fn fail_as_mallory(browser: &mut Browser, ways: &[&str]) {
    for way in ways {
        for password in [WRONG, WRONG, WRONG, PASSWORD] {
            let status = match *way {
                "/login" => attempt(browser, "mallory", password).status,
                path => act(browser, path, path, &[("password", password), ("new_password", PASSWORD)]).status,
            };
            assert!([303, 400, 401].contains(&status), "{way}: {status}");
        }
    }
}

#[test]
fn failures_of_ones_own_take_no_guess_at_others_out_of_the_count() {
    both_with(behind_a_proxy, |server| {
        server.add_person("alice");
        server.add_person("mallory");
        let mut shared = server.browser_from("192.0.2.1", "a shared machine");
        shared.sign_in("alice");
        shared.sign_in("mallory");
        for guesses in [20, 1000] {
            fail(server, "192.0.2.1", guesses);
            for _ in 0..3 {
                assert_eq!(attempt(&mut shared, "alice", WRONG).status, 401);
            }
            let buckets = ["network", "network of known browsers"];
            let before = buckets.map(|what| level(server, what, "192.0.2.1"));
            fail_as_mallory(&mut shared, &["/login", "/account/password"]);
            fail_as_mallory(&mut server.browser_from("192.0.2.1", "new"), &["/login"]);
            for (what, before) in buckets.into_iter().zip(before) {
                assert_kept(server, before, level(server, what, "192.0.2.1"));
            }
            assert_eq!(attempt(&mut shared, "alice", PASSWORD).status, 303);
        }
    });
}

#[test]
fn what_failed_in_one_network_is_not_given_back_by_another() {
    both_with(behind_a_proxy, |server| {
        server.add_person("mallory");
        let mut known = server.browser_from("192.0.2.1", "hers");
        known.sign_in("mallory");
        fail(server, "192.0.2.2", 20);
        let before = level(server, "network", "192.0.2.2");
        for _ in 0..3 {
            assert_eq!(attempt(&mut known, "mallory", WRONG).status, 401);
            assert_eq!(attempt_from(server, "192.0.2.1", "mallory", WRONG).status, 401);
        }
        known.headers = server.browser_from("192.0.2.2", "the same").headers;
        assert_eq!(attempt(&mut known, "mallory", PASSWORD).status, 303);
        assert_eq!(attempt_from(server, "192.0.2.2", "mallory", PASSWORD).status, 303);
        assert_kept(server, before, level(server, "network", "192.0.2.2"));
    });
}
