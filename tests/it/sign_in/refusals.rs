//! What a refusal reveals (ASVS 6.3.8): nothing. Unknown names, wrong passwords, disabled users and users without a password get
//! the same response, in the same time.

use std::time::{Duration, Instant};

use symbolon::testing::store::users;

use super::{WRONG, attempt, behind_a_proxy};
use crate::harness::{Browser, PASSWORD, Page, Server, both, both_with};

/// Adds alice, dora who is disabled, and paul who has no password.
fn add_everyone(server: &Server, number: u32) {
    server.add_user(&format!("alice{number}"));
    let dora = server.add_user(&format!("dora{number}"));
    let now = server.now();
    server.disable(dora.claims.id);
    let mut paul = server.add_user(&format!("someone{number}"));
    paul.claims.id = symbolon::testing::random::id(now);
    (paul.claims.username, paul.claims.email, paul.password_hash) =
        (format!("paul{number}"), format!("paul{number}@example.com"), None);
    server.store(|connection| users::insert(connection, &paul));
}

/// The answer without what differs between two of the same kind: request id, the forms' stamps, the challenge, the name typed.
fn essence(page: &Page, typed: &str) -> (u16, Vec<(String, String)>, String) {
    let id = page.header("x-request-id").unwrap();
    let body = page.body.replace(id, "ID").replace(&page.csrf(), "CSRF").replace(&format!("value=\"{typed}\""), "value=\"NAME\"");
    let body = ["name=\"passkey_state\" value=\"", "&#34;challenge&#34;:&#34;"].iter().fold(body, |body, before| {
        let (head, rest) = body.split_once(before).unwrap();
        let (value, rest) = rest.split_once(|c| "\"&".contains(c)).unwrap();
        format!("{head}{before}{} characters{rest}", value.len())
    });
    // The form for a passkey has a stamp of its own.
    let last = body.rfind("name=\"csrf\" value=\"").unwrap();
    let (head, stamp) = body.split_at(last);
    let stamp = stamp.strip_prefix("name=\"csrf\" value=\"").and_then(|rest| rest.split_once('"')).unwrap();
    let body = format!("{head}{} characters{}", stamp.0.len(), stamp.1);
    let varies = ["x-request-id", "date", "content-length"];
    let headers = page.headers.iter().filter(|(name, _)| !varies.contains(&name.as_str())).cloned().collect();
    (page.status, headers, body)
}

#[test]
fn every_refusal_is_the_same() {
    both(|server| {
        add_everyone(server, 0);
        let long_name = "n".repeat(300);
        let long_password = "p".repeat(2000);
        let cases = [
            ("alice0", WRONG),
            ("alice0", ""),
            ("alice0", &long_password),
            ("alice0@example.com", WRONG),
            ("nobody", PASSWORD),
            ("nobody@example.com", PASSWORD),
            (&long_name, PASSWORD),
            ("", ""),
            ("dora0", PASSWORD),
            ("dora0", WRONG),
            ("paul0", PASSWORD),
            ("paul0", ""),
        ];
        let essences: Vec<_> = cases
            .iter()
            .map(|(name, password)| {
                let mut browser = Browser::new(server);
                let page = attempt(&mut browser, name, password);
                let cookies: Vec<_> = browser.cookies.keys().cloned().collect();
                (essence(&page, name), cookies)
            })
            .collect();
        assert_eq!(essences[0].0.0, 401);
        assert!(essences[0].0.2.contains(" data-problem=\"wrong-name-or-password\""));
        for (essence, (name, password)) in essences.iter().zip(cases) {
            // An empty name has the focus instead of the password: that is about what was typed.
            let mut expected = essences[0].clone();
            if name.is_empty() {
                expected.0.2.clone_from(&essence.0.2);
            }
            assert_eq!(*essence, expected, "{name:.20} {password:.20}");
        }
    });
}

#[test]
fn being_slowed_looks_the_same_for_a_name_that_nobody_has() {
    both_with(behind_a_proxy, |server| {
        add_everyone(server, 0);
        let slowed = [("alice0", 1), ("nobody", 2), ("dora0", 3), ("paul0", 4)].map(|(name, host)| {
            let mut statuses = vec![];
            let mut last = None;
            for _ in 0..6 {
                let page = super::attempt_from(server, &format!("192.0.2.{host}"), name, WRONG);
                statuses.push(page.status);
                last = Some(essence(&page, name));
            }
            (statuses, last)
        });
        assert_eq!(slowed[0].0, [401, 401, 401, 401, 401, 429]);
        for other in &slowed[1..] {
            assert_eq!(*other, slowed[0]);
        }
    });
}

/// The quickest of them: whatever else the machine does only adds to what an answer takes.
fn quickest(times: Vec<Duration>) -> f64 {
    times.into_iter().min().unwrap().as_secs_f64()
}

#[test]
fn refusals_take_the_same_time() {
    let dear = |config: &mut symbolon::testing::config::Config| {
        behind_a_proxy(config);
        (config.passwords.memory_kib, config.passwords.iterations) = (16 * 1024, 2);
    };
    both_with(dear, |server| {
        const ROUNDS: u32 = 15;
        (0..ROUNDS).for_each(|n| add_everyone(server, n));
        let mut times = [const { Vec::new() }; 5];
        for n in 0..ROUNDS {
            for (kind, name) in ["alice", "nobody", "dora", "paul", "forged"].iter().enumerate() {
                let mut browser = Browser::new(server);
                browser
                    .headers
                    .extend([("X-Forwarded-For", format!("192.0.{kind}.{n}")), ("X-Forwarded-Proto", "https".to_owned())]);
                let csrf = browser.get("/login").csrf();
                let csrf = if *name == "forged" { "forged" } else { &csrf };
                let name = format!("{name}{n}");
                let began = Instant::now();
                let page = browser.send("POST", "/login", Some(&[("username", &name), ("password", WRONG), ("csrf", csrf)]));
                times[kind].push(began.elapsed());
                assert_eq!(page.status, if csrf == "forged" { 400 } else { 401 });
            }
        }
        let [known, unknown, disabled, without, unhashed] = times.map(quickest);
        eprintln!(
            "known {known:.4}, unknown {unknown:.4}, disabled {disabled:.4}, without a password {without:.4}, not hashed {unhashed:.4}"
        );
        assert!(known > 2.0 * unhashed, "hashing does not outweigh the rest: {known} {unhashed}");
        for other in [unknown, disabled, without] {
            assert!((0.6..1.7).contains(&(other / known)), "{other} {known}");
        }
    });
}
