//! Networks: many users behind one address, of whom some mistype and one guesses.

use symbolon::testing::{
    protocol::{
        account::rate_limit::{Bucket, Count},
        values::{network, time::Span},
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
pub fn fail(server: &Server, address: &str, failures: i64) {
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
            server.add_user_with(name, &hash, |_| ());
            assert_eq!(attempt(&mut Browser::new(server), name, WRONG).status, 401, "{name}");
        }
        server.add_user("alice");
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303, "someone else, on a new machine");
        for name in &names {
            assert_eq!(attempt(&mut Browser::new(server), name, PASSWORD).status, 303, "{name}");
        }
    });
}

#[test]
fn made_up_names_of_a_neighbour_refuse_nobody() {
    both(|server| {
        server.add_user("alice");
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
        server.add_user("alice");
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
        server.add_user("alice");
        assert_eq!(attempt_from(server, "192.0.2.1", "alice", WRONG).status, 401);
        fail(server, "192.0.2.1", 1000);
        assert_eq!(attempt_from(server, "192.0.2.1", "name", WRONG).status, 401, "takes the turn of five seconds");
        let begun = std::time::Instant::now();
        assert_eq!(attempt_from(server, "192.0.2.1", "alice", PASSWORD).status, 303);
        assert!(begun.elapsed().as_millis() < 4000);
    });
}

#[test]
fn a_known_browser_does_not_wait_for_outsiders_of_its_network() {
    both_with(behind_a_proxy, |server| {
        server.add_user("alice");
        let mut known = server.browser_from("192.0.2.1", "hers");
        known.sign_in("alice");
        fail(server, "192.0.2.1", 1000);
        std::thread::scope(|scope| {
            // Those who try her name wait for each other, and for the network; the first takes its turn of five seconds.
            let outsiders: Vec<_> =
                (0..20).map(|_| scope.spawn(|| attempt_from(server, "192.0.2.1", "alice", WRONG).status)).collect();
            let network = server.app.config.secrets.pseudonym("network", "192.0.2.1");
            let begun = std::time::Instant::now();
            while server.store(|connection| rate_limits::find(connection, &[network]))[&network].next_at <= server.now() {
                assert!(begun.elapsed().as_secs() < 20, "none of them was let in");
                std::thread::yield_now();
            }
            let begun = std::time::Instant::now();
            assert_eq!(attempt(&mut known, "alice", PASSWORD).status, 303);
            assert!(begun.elapsed().as_millis() < 4000);
            assert!(outsiders.into_iter().all(|one| [401, 429].contains(&one.join().unwrap())));
        });
    });
}

#[test]
fn a_try_while_slowed_does_not_count_against_the_network() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
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
fn a_forwarded_address_of_an_outsider_does_not_evade_the_count() {
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
            let one = |name| {
                let begun = std::time::Instant::now();
                (attempt_from(server, "192.0.2.1", name, WRONG), begun.elapsed())
            };
            let all: Vec<_> = tries.iter().map(|name| scope.spawn(move || one(name))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let checked = pages.iter().filter(|(page, _)| page.status == 401).count();
        assert!((1..=4).contains(&checked), "{checked}: one in five seconds");
        let received: Vec<_> = pages.iter().filter(|(page, _)| page.status != 401).collect();
        assert!(received.iter().all(|(page, _)| retry_after(page) <= 5));
        let at_once = received.iter().filter(|(_, after)| after.as_secs() < 9).count();
        assert!((15..=25).contains(&at_once), "{at_once} found no place among 128, and were told so before the time was over");
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
        server.add_user("alice");
        server.add_user("mallory");
        let mut shared = server.browser_from("192.0.2.1", "a shared machine");
        shared.sign_in("alice");
        shared.sign_in("mallory");
        for client_auth_failures in [20, 1000] {
            fail(server, "192.0.2.1", client_auth_failures);
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
fn what_has_leaked_out_is_not_given_back() {
    both_with(behind_a_proxy, |server| {
        server.add_user("mallory");
        fail(server, "192.0.2.1", 20);
        for _ in 0..3 {
            assert_eq!(attempt_from(server, "192.0.2.1", "mallory", WRONG).status, 401);
        }
        server.advance(30);
        // What three failures leak out in half a minute is all that has gone: 20 are left, of others.
        let before = level(server, "network", "192.0.2.1");
        assert!(before.amount > 22 * 10_000, "{before:?}");
        assert_eq!(attempt_from(server, "192.0.2.1", "mallory", PASSWORD).status, 303);
        let after = level(server, "network", "192.0.2.1");
        assert_eq!(after, before, "all three have leaked out: there is nothing to give back");
    });
}

#[test]
fn clocks_that_differ_do_not_make_a_bucket_leak_faster() {
    both(|server| {
        let (bucket, key) = (Bucket { capacity: 300, leak: Span::from_seconds(2), overflow: 0 }, [7; 32]);
        let behind = server.now();
        let now = behind.plus(Span::from_seconds(4));
        for n in 0..20 {
            // Two processes in turn, of which one is four seconds behind.
            let of_process = if n % 2 == 0 { now } else { behind };
            assert!(server.store(|connection| rate_limits::fill(connection, &key, &bucket, bucket.most(), of_process)));
        }
        let counted = server.store(|connection| rate_limits::find(connection, &[key]))[&key];
        assert_eq!((counted.amount, counted.updated_at), (40_000, now), "nothing has leaked out at one moment");
    });
}

#[test]
fn what_failed_in_one_network_is_not_given_back_by_another() {
    both_with(behind_a_proxy, |server| {
        server.add_user("mallory");
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
