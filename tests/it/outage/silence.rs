//! A database that neither answers nor hangs up, as when its machine or the network to it is gone: a connection between the
//! server and PostgreSQL that falls silent.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use symbolon::testing::{
    config::Config,
    protocol::oauth::client::ClientKind,
    store::grants::{self, Filter},
};

use super::{generation, unavailable};
use crate::harness::{Browser, Database, Server};

/// Passes bytes on to an address, both ways, while `is_silent` is false; where it listens.
fn wire(to: String, is_silent: &Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let is_silent = is_silent.clone();
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(&to).unwrap();
            for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                let is_silent = is_silent.clone();
                thread::spawn(move || pass_on(from, to, &is_silent));
            }
        }
    });
    port
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, is_silent: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        while is_silent.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both); // the other direction may have ended first
}

/// A server, PostgreSQL behind a wire, and the switch that makes it silent.
fn behind_a_wire(setup: impl Fn(&mut Config)) -> (Server, Database, Arc<AtomicBool>) {
    let database = Database::postgres();
    let is_silent = Arc::new(AtomicBool::new(false));
    let (login, rest) = database.url.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let port = wire(address.to_owned(), &is_silent);
    let server = Server::start(&Database::at("postgres", &format!("{login}@127.0.0.1:{port}/{name}")), setup);
    (server, database, is_silent)
}

#[test]
fn nothing_more_is_done_for_whoever_was_told_that_it_was_not_done_in_time() {
    let (server, _database, is_silent) = behind_a_wire(|config| {
        config.database_pool_size = 1; // whoever comes later gets the connection after what waited on it has ended
        (config.database_pool_timeout, config.blocking_timeout) = (Duration::from_secs(1), Duration::from_secs(1));
    });
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let mut browser = Browser::new(&server);
    browser.code(&spa, "alice", "openid");
    let grants = || server.store(|connection| grants::list(connection, &Filter::default(), 100)).len();
    let before = grants();

    is_silent.store(true, Ordering::SeqCst);
    let page = browser.get(&Browser::request(&spa, "openid", &[]));
    assert_eq!(page.status, 503, "{page:?}");
    is_silent.store(false, Ordering::SeqCst);
    assert_eq!(grants(), before, "no code is given that nobody was told of");
    let page = browser.get(&Browser::request(&spa, "openid", &[]));
    assert!(page.status == 303 && page.location().contains("code="), "{page:?}");
    assert_eq!(grants(), before + 1);
}

#[test]
fn nobody_waits_for_ever_and_all_goes_on_afterwards() {
    let (server, _database, is_silent) = behind_a_wire(|_| ());
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let tokens = server.tokens(&spa, "alice", "openid offline_access");

    is_silent.store(true, Ordering::SeqCst);
    let form = format!("grant_type=refresh_token&client_id=spa&refresh_token={}", tokens.text("refresh_token"));
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| unavailable(&server.send("POST", "/token", &[], Some(&form)), "application/json"));
        }
        scope.spawn(|| unavailable(&server.send("GET", "/readyz", &[], None), "text/plain; charset=utf-8"));
    });
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    assert_eq!(server.send("GET", "/healthz", &[], None).status, 200);

    is_silent.store(false, Ordering::SeqCst);
    let resumed = Instant::now();
    let refreshed = loop {
        let answer = server.refresh(&spa, tokens.text("refresh_token"));
        if answer.status == 200 {
            break answer;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(resumed.elapsed() < Duration::from_secs(10), "it does not recover: {answer:?}");
    };
    assert_eq!(generation(&server, &refreshed), 2, "what was tried meanwhile counts once");
}
