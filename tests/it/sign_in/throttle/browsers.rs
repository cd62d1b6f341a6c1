//! Browsers in which a user has signed in before: guesses of unknown callers elsewhere do not delay their sign-in, and each of a
//! browser's users has a separate count there.

use symbolon::testing::protocol::account::activity::Activity;

use super::{CHECKED, attack, retry_after};
use crate::{
    harness::{Browser, PASSWORD, both, both_with},
    sign_in::{DEVICE, WRONG, attempt, attempt_from, behind_a_proxy},
};

#[test]
fn a_success_of_ones_own_does_not_end_what_was_counted_for_another_user() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_user("alice");
        server.add_user("mallory");
        let mut shared = server.browser_from("198.51.100.7", "a shared machine");
        shared.sign_in("alice");
        let (mut checked, mut refused) = (0, 0);
        for n in 0..300 {
            match attempt(&mut shared, "alice", &format!("{WRONG} {n}")).status {
                401 => checked += 1,
                429 => refused += 1,
                other => panic!("{other}"),
            }
            if n % 3 == 0 {
                assert_eq!(attempt(&mut shared, "mallory", PASSWORD).status, 303, "{n}");
            }
            if n == 150 {
                assert_eq!(attempt_from(server, "203.0.113.5", "alice", PASSWORD).status, 303, "the owner, on a new machine");
            }
        }
        assert!((CHECKED..CHECKED + 4).contains(&checked), "a wait or two may end meanwhile: {checked}");
        assert_eq!(checked + refused, 300);
        server.flush();
        let failures = server.happened(alice.claims.id).into_iter().filter(|entry| entry.activity == Activity::SignInFailed);
        assert_eq!(failures.map(|entry| entry.count).sum::<u32>(), u32::try_from(checked).unwrap());
        server.advance(60);
        assert_eq!(attempt(&mut shared, "alice", PASSWORD).status, 303, "its owner waits a little");
        for _ in 0..CHECKED - 1 {
            assert_eq!(attempt(&mut shared, "alice", WRONG).status, 401, "the owner's success ends the count");
        }
    });
}

#[test]
fn a_failure_in_a_known_browser_is_not_counted_for_outsiders_of_its_network() {
    both(|server| {
        server.add_user("alice");
        let mut known = Browser::new(server);
        known.sign_in("alice");
        for _ in 0..CHECKED {
            assert_eq!(attempt(&mut known, "alice", WRONG).status, 401);
        }
        retry_after(&attempt(&mut known, "alice", PASSWORD));
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303);
    });
}

#[test]
fn a_browser_that_has_been_here_before_is_not_slowed_by_an_attack_from_elsewhere() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_user("alice");
        let mut owner = Browser::new(server);
        owner.sign_in("alice");
        let csrf = owner.get("/logout").csrf();
        owner.send("POST", "/logout", Some(&[("csrf", &csrf)]));
        attack(server, "alice");
        assert_eq!(attempt(&mut owner, "alice", PASSWORD).status, 303, "by name");
        assert_eq!(attempt(&mut owner, "alice@example.com", PASSWORD).status, 303, "by address");
        assert_eq!(attempt_from(server, "203.0.113.77", "alice", PASSWORD).status, 401, "the attack is not over");
        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303, "a new browser, near the one she has");

        for _ in 0..CHECKED {
            assert_eq!(attempt(&mut owner, "alice", WRONG).status, 401);
        }
        retry_after(&attempt(&mut owner, "alice", PASSWORD)); // it has a count of its own
        let hash = server.app.passwords.hash(PASSWORD).unwrap();
        server.reset_password(alice.claims.id, &hash);
        assert_eq!(attempt(&mut owner, "alice", PASSWORD).status, 401, "with a new password it is a stranger's browser");
    });
}

#[test]
fn only_the_users_own_browser_counts_apart() {
    both_with(behind_a_proxy, |server| {
        server.add_user("alice");
        server.add_user("mallory");
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
            mallory.cookies.insert(DEVICE, forged.clone());
            mallory.headers = vec![("X-Forwarded-For", format!("203.0.113.{n}")), ("X-Forwarded-Proto", "https".to_owned())];
            assert_eq!(attempt(&mut mallory, "alice", PASSWORD).status, 401, "{forged}");
        }
        server.advance(366 * 86_400);
        attack(server, "alice");
        owner.headers = vec![("X-Forwarded-For", "203.0.113.77".to_owned()), ("X-Forwarded-Proto", "https".to_owned())];
        assert_eq!(attempt(&mut owner, "alice", PASSWORD).status, 401, "after a year it is not known any more");
    });
}
