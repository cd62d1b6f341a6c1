//! What slows the guessing of codes down: ten in one sign-in, and failures that count for the user, whichever factor they were of.

use super::{alice_with_phone, send_code, signed_in};
use crate::harness::{Browser, behind_a_proxy, both, both_with, from};

#[test]
fn ten_codes_are_tried_in_one_sign_in() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        let mut waited = 0;
        for attempt in 0..10 {
            let mut sent = send_code(&mut browser, &page, &phone.wrong_code(server));
            while sent.status == 429 {
                let wait: i64 = sent.header("retry-after").unwrap().parse().unwrap();
                waited += wait;
                server.advance(wait);
                sent = send_code(&mut browser, &page, &phone.wrong_code(server));
            }
            assert_eq!(sent.problem(), Some("wrong-code"), "{attempt}: {sent:?}");
        }
        assert!((30..500).contains(&waited), "waits that double: {waited}");
        server.advance(64);
        let copied = browser.clone();
        let void = send_code(&mut browser, &page, &phone.code(server));
        assert!(void.status == 303 && void.location().starts_with("/login?notice=too_many_codes"), "{void:?}");
        let to = void.location().to_owned();
        assert_eq!(browser.get(&to).done(), Some("too-many-codes"));
        // A copy of its cookie is of no use either.
        let mut copied = copied;
        server.advance(64);
        let void = send_code(&mut copied, &page, &phone.code(server));
        assert!(void.location().starts_with("/login"), "{void:?}");
        assert!(!signed_in(&mut browser) && !signed_in(&mut copied));
        // The account is not locked.
        server.advance(300);
        let page = browser.arrive_at_second_factor("/login", "alice");
        assert_eq!(send_code(&mut browser, &page, &phone.code(server)).status, 303);
    });
}

#[test]
fn a_known_password_does_not_renew_the_attempts_at_a_code() {
    both_with(behind_a_proxy, |server| {
        let (_, phone) = alice_with_phone(server);
        // An attacker with the password, from a different network each time.
        let mut admitted = 0;
        for n in 0..60 {
            let mut browser = Browser::new(server);
            browser.headers = from(&format!("198.51.{n}.7"), "curl/8");
            let page = browser.sign_in_at("/login", "alice", crate::harness::PASSWORD);
            if page.status != 303 {
                continue; // answered like a wrong password
            }
            let to = page.location().to_owned();
            let page = browser.get(&to);
            let sent = send_code(&mut browser, &page, &phone.wrong_code(server));
            admitted += usize::from(sent.status == 401);
        }
        assert!(admitted <= 21, "{admitted} codes were tried without a wait");
    });
}

#[test]
fn what_was_mistyped_is_forgotten_when_the_sign_in_is_complete() {
    both(|server| {
        let (mut browser, phone) = alice_with_phone(server);
        for round in 0..3 {
            browser.get("/logout");
            for _ in 0..2 {
                assert_eq!(browser.sign_in_at("/login", "alice", "wrong").status, 401, "{round}");
            }
            let page = browser.arrive_at_second_factor("/login", "alice");
            for _ in 0..2 {
                assert_eq!(send_code(&mut browser, &page, &phone.wrong_code(server)).status, 401, "{round}");
            }
            assert_eq!(send_code(&mut browser, &page, &phone.code(server)).status, 303, "{round}");
            server.advance(60);
        }
    });
}
