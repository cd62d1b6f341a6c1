//! Keys at a `jwks_uri` (OpenID Connect Core §10.1.1): fetched once, and again when the client has new ones, but not whenever a
//! caller likes.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use symbolon::testing::{config::OutboundSettings, protocol::oauth::client::ClientKeySource};

use super::{
    ENDPOINTS, add_asserting, assert_to, may_call, passed, refused,
    signer::{Signer, set},
};
use crate::harness::{Listener, Port, Server, answer, both, both_with, databases};

fn keys(signers: &[&Signer]) -> String {
    answer(200, "application/jwk-set+json", &set(signers))
}

fn at(listener: &Listener) -> ClientKeySource {
    ClientKeySource::Url(format!("{}/keys?of=app", listener.url))
}

#[test]
fn they_are_asked_for_once_and_again_when_the_client_has_new_ones() {
    both_with(may_call, |server| {
        let (old, new) = (Signer::new("ES256").named("old"), Signer::new("ES256").named("new"));
        let listener = Listener::with(&keys(&[&old]));
        add_asserting(server, "app", at(&listener));
        thread::scope(|scope| {
            for number in 0..20 {
                let old = &old;
                scope.spawn(move || {
                    let answer = assert_to(server, ENDPOINTS[number % 3], &old.good(server, "app"));
                    assert!(passed(&answer), "{answer:?}");
                });
            }
        });
        assert_eq!(listener.count(), 1, "many came at once: {:?}", listener.requests());
        let request = &listener.requests()[0];
        assert!(
            request.starts_with("get /keys?of=app http/1.1\r\n") && request.contains("application/jwk-set+json"),
            "{request}"
        );
        server.advance(590);
        assert!(passed(&assert_to(server, "/token", &old.good(server, "app"))));
        assert_eq!(listener.count(), 1, "for ten minutes they are used as they were");

        listener.answers(&keys(&[&old, &new]));
        for key in [&new, &old, &new] {
            assert!(passed(&assert_to(server, "/token", &key.good(server, "app"))), "a key that is new");
        }
        assert_eq!(listener.count(), 2);
        let unknown = Signer::new("ES256").named("unknown");
        for seconds in [0, 4, 4] {
            server.advance(seconds);
            refused(&assert_to(server, "/token", &unknown.good(server, "app")));
        }
        assert_eq!(listener.count(), 2, "not at everyone's whim");
        server.advance(3);
        for _ in 0..3 {
            refused(&assert_to(server, "/token", &unknown.good(server, "app")));
        }
        assert_eq!(listener.count(), 3, "every ten seconds at most");
        let forged = Signer::new("ES256").named("new");
        server.advance(20);
        refused(&assert_to(server, "/token", &forged.good(server, "app")));
        assert_eq!(listener.count(), 3, "a known key id has nobody asked");

        listener.answers(&keys(&[&new]));
        server.advance(600);
        assert!(passed(&assert_to(server, "/token", &new.good(server, "app"))));
        refused(&assert_to(server, "/token", &old.good(server, "app")));
        assert_eq!(listener.count(), 4, "what the client took away is gone");
    });
}

#[test]
fn one_that_is_down_is_asked_again_after_a_while() {
    both_with(may_call, |server| {
        let key = Signer::new("EdDSA");
        let port = Port::new();
        add_asserting(server, "app", ClientKeySource::Url(format!("{}/keys", port.url())));
        let started = Instant::now();
        for _ in 0..3 {
            refused(&assert_to(server, "/token", &key.good(server, "app")));
        }
        assert!(started.elapsed() < Duration::from_secs(4), "no deadline was waited for: {:?}", started.elapsed());
        let listener = Listener::at(port, &keys(&[&key]));
        refused(&assert_to(server, "/token", &key.good(server, "app")));
        assert_eq!(listener.count(), 0, "not within ten seconds");
        server.advance(10);
        let good = key.good(server, "app");
        assert!(passed(&assert_to(server, "/token", &good)));
        refused(&assert_to(server, "/token", &good));

        // Down again: what was known holds for an hour, and is asked for now and then.
        listener.answers("");
        for minute in 1..=5 {
            server.advance(660);
            assert!(passed(&assert_to(server, "/token", &key.good(server, "app"))), "{minute}");
            assert_eq!(listener.count(), 1 + minute);
        }
        server.advance(660);
        refused(&assert_to(server, "/token", &key.good(server, "app")));
        listener.answers(&keys(&[&key]));
        server.advance(10);
        assert!(passed(&assert_to(server, "/token", &key.good(server, "app"))));
    });
}

#[test]
fn another_url_and_inline_keys_take_their_place_at_once() {
    both_with(may_call, |server| {
        let (one, two, three) = (Signer::new("EdDSA"), Signer::new("EdDSA"), Signer::new("EdDSA"));
        let (first, second) = (Listener::with(&keys(&[&one])), Listener::with(&keys(&[&two])));
        add_asserting(server, "app", at(&first));
        assert!(passed(&assert_to(server, "/token", &one.good(server, "app"))));
        for (source, key, other) in
            [(at(&second), &two, &one), (ClientKeySource::Inline(three.set()), &three, &two), (at(&first), &one, &three)]
        {
            server.store(|connection| {
                symbolon::testing::store::clients::update(
                    connection,
                    "app",
                    |_, client| -> Result<(), symbolon::testing::store::Error> {
                        client.settings.set_keys(source.clone());
                        Ok(())
                    },
                )
            });
            assert!(passed(&assert_to(server, "/token", &key.good(server, "app"))), "{source:?}");
            refused(&assert_to(server, "/token", &other.good(server, "app")));
        }
    });
}

#[test]
fn each_process_asks_for_itself() {
    for database in databases() {
        let one = Server::start(&database, may_call);
        let two = one.sibling_with(&database, may_call);
        let key = Signer::new("EdDSA");
        let listener = Listener::with(&keys(&[&key]));
        add_asserting(&one, "app", at(&listener));
        for server in [&one, &two, &one, &two] {
            assert!(passed(&assert_to(server, "/token", &key.good(&one, "app"))));
        }
        assert_eq!(listener.count(), 2);
    }
}

/// A listener that must never be connected to.
fn untouched() -> (std::net::TcpListener, u16) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn where_the_operator_allowed_nothing_no_network_of_ours_is_called() {
    both(|server| {
        assert!(server.app.config.outbound.allow.is_empty());
        let key = Signer::new("EdDSA");
        let (listener, port) = untouched();
        for (number, url) in [
            format!("http://127.0.0.1:{port}/keys"),
            format!("http://localhost:{port}/keys"),
            format!("https://127.0.0.1:{port}/keys"),
            format!("https://localhost:{port}/keys"),
            format!("https://2130706433:{port}/keys"),
            format!("https://[::ffff:127.0.0.1]:{port}/keys"),
            format!("https://[::1]:{port}/keys"),
            "https://10.0.0.1/keys".into(),
            "https://169.254.169.254/latest/meta-data".into(),
            "https://192.168.0.1/keys".into(),
            "https://0.0.0.0/keys".into(),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("app-{number}");
            add_asserting(server, &id, ClientKeySource::Url(url.clone()));
            let started = Instant::now();
            let answer = assert_to(server, "/token", &key.good(server, &id));
            refused(&answer);
            assert!(started.elapsed() < Duration::from_secs(4), "{url}: no deadline was waited for: {:?}", started.elapsed());
            assert!(!answer.json.to_string().contains(&port.to_string()), "{answer:?}");
        }
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "no connection was made");
    });
}

#[test]
fn what_is_allowed_is_no_more_than_what_was_allowed() {
    let allow_another = |config: &mut symbolon::testing::config::Config| {
        config.outbound = OutboundSettings { allow: vec!["10.0.0.0/8".parse().unwrap()], ca_pem: None };
    };
    both_with(allow_another, |server| {
        let key = Signer::new("EdDSA");
        let (listener, port) = untouched();
        add_asserting(server, "app", ClientKeySource::Url(format!("http://127.0.0.1:{port}/keys")));
        refused(&assert_to(server, "/token", &key.good(server, "app")));
        let injected = key.sign(json!({"jku": format!("http://127.0.0.1:{port}/keys")}), &super::signer::claims(server, "app"));
        refused(&assert_to(server, "/token", &injected));
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "no connection was made");
    });
}
