//! Concurrent attempts: none evades the count, no correct one is refused because of others that are not judged yet, and no flood
//! costs more than it may.

use std::{io::Write as _, net::TcpStream, sync::Barrier, thread};

use symbolon::testing::store::rate_limits;

use super::{CHECKED, attack};
use crate::{
    harness::{Browser, Database, PASSWORD, Server, both, both_with, databases},
    sign_in::{WRONG, attempt, attempt_from, behind_a_proxy},
};

/// Sends the form of a new browser for each of these, all at the same time: the statuses. A machine that is busy with other
/// tests sheds load: then once more.
fn all_at_once(server: &Server, tries: &[(String, &str)]) -> Vec<u16> {
    let barrier = Barrier::new(tries.len());
    thread::scope(|scope| {
        let all: Vec<_> = tries
            .iter()
            .map(|(name, password)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut browser = Browser::new(server);
                    let csrf = browser.get("/login").csrf();
                    barrier.wait();
                    let form = [("username", name.as_str()), ("password", password), ("csrf", &csrf)];
                    std::iter::repeat_with(|| browser.send("POST", "/login", Some(&form)).status)
                        .take(20)
                        .find(|status| *status != 503)
                        .unwrap_or(503)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn a_hundred_and_twenty_right_sign_ins_behind_one_address_are_as_many_successes() {
    both(|server| {
        let names: Vec<_> = (0..120).map(|n| format!("user{n}")).collect();
        let hash = server.app.passwords.hash(PASSWORD).unwrap();
        for name in &names {
            server.add_user_with(name, &hash, |_| ());
        }
        let statuses = all_at_once(server, &names.into_iter().map(|name| (name, PASSWORD)).collect::<Vec<_>>());
        assert!(statuses.iter().all(|status| *status == 303), "{statuses:?}");
    });
}

#[test]
fn eight_right_sign_ins_of_one_user_are_eight_successes() {
    both(|server| {
        server.add_user("alice");
        let statuses = all_at_once(server, &vec![("alice".to_owned(), PASSWORD); 8]);
        assert_eq!(statuses, [303; 8]);
    });
}

#[test]
fn parallel_guesses_do_not_slip_by() {
    both(|server| {
        const GUESSES: usize = 40;
        server.add_user("alice");
        let statuses = all_at_once(server, &vec![("alice".to_owned(), WRONG); GUESSES]);
        let checked = statuses.iter().filter(|status| **status == 401).count();
        assert_eq!(checked, CHECKED, "{statuses:?}");
        assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    });
}

#[test]
fn a_flood_at_the_gate_costs_no_connection_and_holds_nothing_against_anyone() {
    const FLOOD: usize = 120;
    let full = |config: &mut symbolon::testing::config::Config| {
        behind_a_proxy(config);
        config.passwords.concurrency = 1;
        (config.passwords.memory_kib, config.passwords.iterations) = (8 * 1024, 3);
    };
    // A database in memory is gone with its one connection.
    for database in databases().into_iter().chain([Database::at("memory", "sqlite::memory:")]) {
        let server = Server::start(&database, full);
        let alice = server.add_user("alice");
        let barrier = Barrier::new(FLOOD);
        let statuses: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..FLOOD)
                .map(|n| {
                    let (barrier, server) = (&barrier, &server);
                    let name = if n % 10 == 0 { "alice".to_owned() } else { format!("name{n}") };
                    scope.spawn(move || {
                        barrier.wait();
                        attempt_from(server, &format!("198.51.100.{n}"), &name, WRONG).status
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let key = server.app.config.secrets.pseudonym("user, from elsewhere", &alice.claims.id.to_string());
        let counts = server.store(|connection| rate_limits::find(connection, &[key]));
        let checked = statuses.iter().step_by(10).filter(|status| **status == 401).count();
        let most = i64::try_from(checked).unwrap() * 30_000;
        let amount = counts.get(&key).map_or(0, |count| count.amount);
        assert!((most - 29_999..=most).contains(&amount), "{}: {amount} of {checked} attempts", database.name);
        assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{}: {statuses:?}", database.name);
        assert!(statuses.contains(&503), "{}: the gate has 33 places", database.name);
        assert_eq!(server.send("GET", "/readyz", &[], None).status, 200, "{}", database.name);
        assert_eq!(attempt(&mut Browser::new(&server), "alice", PASSWORD).status, 303, "{}", database.name);
    }
}

#[test]
fn what_is_refused_unseen_is_not_counted() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_user("alice");
        attack(server, "alice");
        let key = server.app.config.secrets.pseudonym("user, from elsewhere", &alice.claims.id.to_string());
        let counted = || server.store(|connection| rate_limits::find(connection, &[key]))[&key];
        let before = counted();
        assert!(before.amount > 19 * 30_000, "{before:?}");
        assert_eq!(attempt_from(server, "203.0.113.9", "alice", PASSWORD).status, 401, "refused unseen");
        assert_eq!(counted(), before);
    });
}

#[test]
fn whoever_leaves_before_the_answer_has_been_counted() {
    both_with(
        |config| (config.passwords.memory_kib, config.passwords.iterations) = (8 * 1024, 3),
        |server| {
            let alice = server.add_user("alice");
            let secrets = &server.app.config.secrets;
            let name = secrets.pseudonym("name", "127.0.0.1 alice");
            let user = secrets.pseudonym("user, from elsewhere", &alice.claims.id.to_string());
            let amount =
                |key| server.store(|connection| rate_limits::find(connection, &[key])).get(&key).map_or(0, |count| count.amount);
            for n in 1..=3 {
                let left = leave_early(server, &[("username", "alice"), ("password", WRONG)], || amount(user) > (n - 1) * 30_000);
                assert!(left, "{n}: it was not begun");
                assert!(eventually(|| amount(name) == n), "{n}: {}", amount(name));
            }
            assert!((60_000..=90_000).contains(&amount(user)), "three, of which some has leaked out: {}", amount(user));
        },
    );
}

fn eventually(done: impl Fn() -> bool) -> bool {
    let begun = std::time::Instant::now();
    std::iter::repeat_with(done).take_while(|_| begun.elapsed().as_secs() < 20).any(|done| done)
}

/// Sends the form of the sign-in page, and resets the connection once the attempt has begun: whether it has.
fn leave_early(server: &Server, form: &[(&str, &str)], has_begun: impl Fn() -> bool) -> bool {
    let _stream = sent(server, form);
    eventually(has_begun)
}

/// A connection on which the form of the sign-in page was sent, and which is reset at its end: an answer before it is never read.
fn sent(server: &Server, form: &[(&str, &str)]) -> TcpStream {
    let mut browser = Browser::new(server);
    let csrf = browser.get("/login").csrf();
    let body = crate::harness::encode(&[form, &[("csrf", &csrf)]].concat());
    let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let host = server.url.split_once("://").unwrap().1;
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let cookies = cookies.join("; ");
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\nPOST /login HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream.peek(&mut [0]).unwrap();
    stream
}

#[test]
fn whoever_leaves_while_waiting_leaves_the_line() {
    both(|server| {
        server.add_user("alice");
        super::networks::fail(server, "127.0.0.1", 1000);
        let waiting = |expected: usize| {
            assert!(
                eventually(|| server.app.password_attempts.waiting() == expected),
                "{} wait",
                server.app.password_attempts.waiting()
            );
        };
        // The first is looked at, the next one is before the others in the line of the network; those of the same name wait for it.
        let names = ["first", "one", "two", "three", "three", "three"];
        let streams: Vec<_> = names.iter().map(|name| sent(server, &[("username", name), ("password", WRONG)])).collect();
        waiting(4);
        drop(streams);
        let begun = std::time::Instant::now();
        waiting(0);
        assert!(begun.elapsed().as_secs() < 4, "they would be told to come back after ten");
    });
}
