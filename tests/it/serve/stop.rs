//! SIGTERM: requests in flight are answered, no new ones are accepted, and the process exits successfully.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use symbolon::testing::{
    protocol::values::id::Id,
    store::{Store, grants},
};

use super::{Site, refresh, tokens};
use crate::harness::{Answer, Browser, Database, claims_of, databases};

/// Whether a new connection is taken.
fn listens(site: &Site) -> bool {
    TcpStream::connect(site.url.strip_prefix("http://").unwrap()).is_ok()
}

#[test]
fn a_sign_in_under_way_is_finished_and_nobody_new_comes_in() {
    // Hashing takes some seconds, so that the signal comes in its midst.
    let site = Site::new(Database::sqlite())
        .with("SYMBOLON_PASSWORD_HASH_MEMORY_KIB", "49152")
        .with("SYMBOLON_PASSWORD_HASH_ITERATIONS", "100");
    site.add_alice();
    let mut process = site.serve();
    let mut browser = Browser::at(&site.url);
    assert_eq!(browser.get("/login").status, 200);
    let idle = TcpStream::connect(site.url.strip_prefix("http://").unwrap()).unwrap();
    let signing_in = thread::spawn(move || {
        let started = Instant::now();
        browser.sign_in("alice");
        (started.elapsed(), browser)
    });
    thread::sleep(Duration::from_millis(500));
    assert!(!signing_in.is_finished(), "the sign-in was too quick for this test");
    process.signal("TERM");
    process.wait_for("stopping");
    thread::sleep(Duration::from_millis(200));
    assert!(!signing_in.is_finished(), "the sign-in was too quick for this test");
    assert!(!listens(&site), "nobody new comes in");
    let (took, browser) = signing_in.join().unwrap();
    assert!(browser.cookies.contains_key("symbolon_session"), "signed in, after {took:?}");
    let waited = Instant::now();
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(waited.elapsed() < Duration::from_secs(5), "an idle connection does not hold it up: {:?}", waited.elapsed());
    drop(idle);
}

/// How far the grant of these tokens has come.
fn generation(store: &Store, tokens: &Answer) -> u32 {
    let jti = claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32].to_owned();
    store.with(|connection| grants::find(connection, Id::parse(&jti).unwrap())).unwrap().unwrap().grant.generation
}

#[test]
fn under_load_every_request_that_was_taken_is_answered() {
    for database in databases() {
        let name = database.name;
        let site = Site::new(database);
        site.add_alice();
        let spa = site.add_spa();
        let process = site.serve();
        let first: Vec<_> = (0..8).map(|_| tokens(&site.url, &spa)).collect();
        let answered = AtomicUsize::new(0);
        let refresh_on = |mut current: Answer| {
            let mut steps = 1;
            loop {
                match refresh(&site.url, &spa, current.text("refresh_token")) {
                    Ok(answer) => {
                        assert_eq!(answer.status, 200, "{name}: {answer:?}");
                        answered.fetch_add(1, Ordering::SeqCst);
                        (current, steps) = (answer, steps + 1);
                    }
                    // Refused, or closed before it was taken: then nothing may have been done for it.
                    Err(_) => return (current, steps),
                }
            }
        };
        let refresh_on = &refresh_on;
        let last: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = first.into_iter().map(|tokens| scope.spawn(move || refresh_on(tokens))).collect();
            while answered.load(Ordering::SeqCst) < 100 {
                thread::sleep(Duration::from_millis(10));
            }
            process.signal("TERM");
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{name}: {said}");
        // No request was taken whose answer did not come: each client is where the server believes it to be.
        for (tokens, steps) in &last {
            assert_eq!(generation(&site.store(), tokens), *steps, "{name}");
        }
        let written = said.lines().filter(|line| line.contains("\"path\":\"/token\"")).count();
        assert_eq!(written, answered.load(Ordering::SeqCst) + last.len(), "{name}: an answer for each request in the log");
    }
}
