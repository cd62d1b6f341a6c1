//! A `jwks_uri` at a hostile or slow server: its client is refused within seconds, and nobody else is affected.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use symbolon::testing::{
    config::Config,
    protocol::oauth::client::{ClientKeySource, ClientKind},
};

use super::{TYPE, add_asserting, assert_to, basic, call, may_call, passed, refused, signer::Signer};
use crate::harness::{Answer, Listener, SECRET, Server, answer, databases, encode};

/// One connection to the database is all there is.
fn narrow(config: &mut Config) {
    may_call(config);
    (config.database_pool_size, config.database_pool_timeout) = (1, Duration::from_secs(3));
}

/// Runs a handler that waits for slow ones on both databases at once.
fn both_at_once(handle: impl Fn(&Server) + Sync) {
    thread::scope(|scope| {
        for database in databases() {
            let handle = &handle;
            scope.spawn(move || handle(&Server::start(&database, narrow)));
        }
    });
}

/// Says one byte after another, for as long as anyone listens.
fn drip(stream: &mut TcpStream, start: &str) -> std::io::Result<()> {
    stream.write_all(start.as_bytes())?;
    loop {
        stream.write_all(b" ")?;
        thread::sleep(Duration::from_millis(100));
    }
}

fn endless(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    loop {
        stream.write_all(format!("1000\r\n{}\r\n", " ".repeat(4096)).as_bytes())?;
    }
}

#[test]
fn each_is_refused_in_a_few_seconds() {
    both_at_once(|server| {
        let key = Signer::new("EdDSA");
        let good = key.set();
        let elsewhere = Listener::with(&answer(200, "application/json", &good));
        let json = |body: &str| answer(200, "application/json", body);
        let mut private = key.public.clone();
        private["d"] = "AAAA".into();
        let mut hostile: Vec<(&str, Listener)> = [300, 301, 302, 303, 307, 308]
            .map(|status| format!("HTTP/1.1 {status} Moved\r\nlocation: {}/keys\r\ncontent-length: 0\r\n\r\n", elsewhere.url))
            .map(|text| ("redirect", Listener::with(&text)))
            .into();
        hostile.extend([
            ("large", Listener::with(&json(&format!("{good}{}", " ".repeat(65 * 1024))))),
            ("not JSON", Listener::with(&json("<html>"))),
            ("no set", Listener::with(&json("[]"))),
            ("deep", Listener::with(&json(&"[".repeat(60_000)))),
            ("private", Listener::with(&json(&json!({"keys": [private]}).to_string()))),
            ("shared", Listener::with(&json(&json!({"keys": [key.public, {"kty": "oct", "k": "AAAA"}]}).to_string()))),
            ("many", Listener::with(&json(&json!({"keys": vec![&key.public; 21]}).to_string()))),
            ("none", Listener::with(&json("{\"keys\":[]}"))),
            ("500", Listener::with(&answer(500, "application/json", &good))),
            ("404", Listener::with(&answer(404, "application/json", &good))),
            ("204", Listener::with("HTTP/1.1 204 No Content\r\n\r\n")),
            ("another protocol", Listener::with("SSH-2.0-OpenSSH_9.9\r\n")),
            ("cut off", Listener::with("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"keys\":[")),
            ("nothing", Listener::with("")),
        ]);
        let slow = |act: fn(&mut TcpStream) -> std::io::Result<()>| {
            let listener = Listener::with("");
            listener.does(act);
            listener
        };
        hostile.extend([
            ("endless", slow(endless)),
            ("silent", slow(|stream| stream.read(&mut [0]).map(drop))),
            ("slow head", slow(|stream| drip(stream, "HTTP/1.1 200 OK\r\nx:"))),
            ("slow body", slow(|stream| drip(stream, "HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n"))),
        ]);
        for (number, (_, listener)) in hostile.iter().enumerate() {
            let url = ClientKeySource::Url(format!("{}/keys", listener.url));
            add_asserting(server, &format!("app-{number}"), url);
        }
        thread::scope(|scope| {
            for (number, (what, _)) in hostile.iter().enumerate() {
                let key = &key;
                scope.spawn(move || {
                    let id = format!("app-{number}");
                    let started = Instant::now();
                    let answer = assert_to(server, "/token", &key.good(server, &id));
                    assert_eq!((answer.status, answer.error()), (400, "invalid_client"), "{what}: {answer:?}");
                    assert!(started.elapsed() < Duration::from_millis(9_500), "{what}: {:?}", started.elapsed());
                    let said = answer.json.to_string();
                    assert!(!said.contains("127.0.0.1") && !said.contains("html"), "what is there is not told: {said}");
                    refused(&assert_to(server, "/token", &key.good(server, &id)));
                });
            }
        });
        for (what, listener) in &hostile {
            assert_eq!(listener.count(), 1, "{what} was asked once");
        }
        assert_eq!(elsewhere.count(), 0, "no redirect was followed");
    });
}

#[test]
fn nobody_waits_for_a_client_that_hangs_but_its_own_callers() {
    both_at_once(|server| {
        let key = Signer::new("EdDSA");
        let (hanging, quick) = (Listener::with(""), Listener::with(&answer(200, "application/json", &key.set())));
        hanging.hangs();
        for (id, listener) in [("hanging", &hanging), ("quick", &quick)] {
            add_asserting(server, id, ClientKeySource::Url(format!("{}/keys", listener.url)));
        }
        server.add_client("basic", ClientKind::Service, |_| ());
        // Some ask and leave at once: what they began goes on, and is not begun again.
        for _ in 0..5 {
            leave_at_once(server, &key.good(server, "hanging"));
        }
        hanging.wait_for(1);
        thread::scope(|scope| {
            for _ in 0..12 {
                let key = &key;
                scope.spawn(move || {
                    let started = Instant::now();
                    let answer = assert_to(server, "/token", &key.good(server, "hanging"));
                    assert_eq!((answer.status, answer.error()), (400, "invalid_client"), "{answer:?}");
                    assert!(started.elapsed() < Duration::from_millis(9_500), "one deadline, not two: {:?}", started.elapsed());
                });
            }
            thread::sleep(Duration::from_millis(300));
            for _ in 0..5 {
                let started = Instant::now();
                assert_eq!(server.send("GET", "/readyz", &[], None).status, 200);
                assert!(passed(&call(server, "/token", Some(&basic("basic", SECRET)), &[])));
                assert!(passed(&assert_to(server, "/token", &key.good(server, "quick"))), "who has its keys fetched as well");
                assert!(started.elapsed() < Duration::from_secs(4), "no deadline was waited for: {:?}", started.elapsed());
            }
        });
        assert_eq!((hanging.count(), quick.count()), (1, 1));
    });
}

/// Sends a request, and does not wait for the answer.
fn leave_at_once(server: &Server, assertion: &str) {
    let body = encode(&[("grant_type", "client_credentials"), ("client_assertion_type", TYPE), ("client_assertion", assertion)]);
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length:";
    stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(50));
}

/// One that answers late but in time is waited for by all who came meanwhile.
#[test]
fn who_answers_late_is_asked_once_for_all_who_wait() {
    both_at_once(|server| {
        let key = Signer::new("EdDSA");
        let listener = Listener::with("");
        let text = answer(200, "application/json", &key.set());
        listener.does(move |stream| {
            thread::sleep(Duration::from_secs(1));
            stream.write_all(text.as_bytes())
        });
        add_asserting(server, "app", ClientKeySource::Url(format!("{}/keys", listener.url)));
        let answers: Vec<Answer> = thread::scope(|scope| {
            let key = &key;
            let all: Vec<_> =
                (0..10).map(|_| scope.spawn(move || assert_to(server, "/token", &key.good(server, "app")))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(answers.iter().all(passed), "{answers:?}");
        assert_eq!(listener.count(), 1);
    });
}
