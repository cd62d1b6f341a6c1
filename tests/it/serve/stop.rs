//! SIGTERM: what is in flight is answered, nothing new is taken, and the process ends well.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{Site, refresh, tokens};
use crate::harness::{Browser, Database, databases};

/// Whether a new connection is taken.
fn listens(site: &Site) -> bool {
    TcpStream::connect(site.url.strip_prefix("http://").unwrap()).is_ok()
}

#[test]
fn a_sign_in_under_way_is_finished_and_nobody_new_comes_in() {
    // Hashing takes a second or more, so that the signal comes in its midst.
    let site =
        Site::new(Database::sqlite()).with("SYMBOLON_PASSWORD_MEMORY_KIB", "19456").with("SYMBOLON_PASSWORD_ITERATIONS", "80");
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
    assert!(browser.cookies.contains_key("__Host-symbolon_session"), "signed in, after {took:?}");
    let waited = Instant::now();
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(waited.elapsed() < Duration::from_secs(5), "an idle connection does not hold it up: {:?}", waited.elapsed());
    drop(idle);
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
        thread::scope(|scope| {
            for mut current in first {
                let (site, spa, answered) = (&site, &spa, &answered);
                scope.spawn(move || {
                    loop {
                        match refresh(&site.url, spa, current.text("refresh_token")) {
                            Ok(answer) => {
                                assert_eq!(answer.status, 200, "{answer:?}");
                                answered.fetch_add(1, Ordering::SeqCst);
                                current = answer;
                            }
                            Err(ureq::Error::ConnectionFailed) => break,
                            Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => break,
                            Err(error) => panic!("{name}: no answer: {error}"),
                        }
                    }
                });
            }
            while answered.load(Ordering::SeqCst) < 100 {
                thread::sleep(Duration::from_millis(10));
            }
            process.signal("TERM");
        });
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{name}: {said}");
        eprintln!("{name}: {} answers", answered.load(Ordering::SeqCst));
    }
}
