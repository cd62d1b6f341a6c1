//! Five hundred sign-ins at once, each from another address, with hashes of their real cost: those above the limit are rejected,
//! memory stays bounded, and the token endpoint keeps working.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Site, refresh, tokens};
use crate::harness::{Browser, PASSWORD, databases};

const SIGN_INS: usize = 500;
/// Two hashes of 19 MiB, what the program is without them, and room for a build without optimisation.
const MOST_KIB: u64 = 192 * 1024;

fn sign_in(url: &str, number: usize, barrier: &Barrier) -> u16 {
    let mut browser = Browser::at(url);
    let address = format!("10.0.{}.{}", number / 250, number % 250);
    browser.headers = vec![("X-Forwarded-For", address), ("X-Forwarded-Proto", "https".into())];
    let csrf = browser.get("/login").csrf();
    let (name, password) =
        if number.is_multiple_of(2) { ("alice".to_owned(), PASSWORD) } else { (format!("nobody{number}"), "wrong") };
    barrier.wait();
    browser.send("POST", "/login", Some(&[("username", &name), ("password", password), ("csrf", &csrf)])).status
}

#[test]
fn five_hundred_sign_ins_at_once_leave_memory_bounded_and_tokens_flowing() {
    for database in databases() {
        let site = Site::new(database).without("SYMBOLON_PASSWORD_HASH_MEMORY_KIB").without("SYMBOLON_PASSWORD_HASH_ITERATIONS");
        let site = site.with("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1, ::1").with("SYMBOLON_LOG", "error");
        site.add_alice();
        let spa = site.add_spa();
        let process = site.run(&["serve"]);
        while crate::harness::try_send("GET", &format!("{}/readyz", site.url), &[], None).is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        let mut token = tokens(&site.url, &spa).text("refresh_token").to_owned();
        let (barrier, over) = (Barrier::new(SIGN_INS + 1), AtomicBool::new(false));
        let (statuses, waits) = thread::scope(|scope| {
            let all: Vec<_> = (0..SIGN_INS)
                .map(|number| {
                    scope.spawn({
                        let (url, barrier) = (&site.url, &barrier);
                        move || sign_in(url, number, barrier)
                    })
                })
                .collect();
            let refreshing = scope.spawn(|| {
                let mut waits = Vec::new();
                while !over.load(Ordering::Relaxed) || waits.is_empty() {
                    let began = Instant::now();
                    let answer = refresh(&site.url, &spa, &token).unwrap();
                    assert_eq!(answer.status, 200, "{answer:?}");
                    token = answer.text("refresh_token").to_owned();
                    waits.push(began.elapsed());
                }
                waits
            });
            barrier.wait();
            let statuses: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
            over.store(true, Ordering::Relaxed);
            (statuses, refreshing.join().unwrap())
        });
        let count = |status| statuses.iter().filter(|one| **one == status).count();
        let longest = waits.iter().max().unwrap();
        eprintln!(
            "{}: {} signed in, {} refused, {} turned away; {} refreshes beside them, the longest in {longest:?}; at most {} MiB",
            site.database.name,
            count(303),
            count(401),
            count(503),
            waits.len(),
            process.peak_kib() / 1024
        );
        assert_eq!(count(303) + count(401) + count(503), SIGN_INS, "{statuses:?}");
        assert!(count(303) > 0 && count(401) > 0 && count(503) > 0, "{statuses:?}");
        assert!(process.peak_kib() < MOST_KIB, "{} KiB", process.peak_kib());
        assert!(*longest < Duration::from_secs(5), "{longest:?}");
    }
}
