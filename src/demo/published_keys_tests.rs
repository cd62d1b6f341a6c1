//! Tests of how often the published keys are fetched, against a small HTTP server that counts.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::PublishedKeys;

/// Serves metadata naming `issuer` (or its own address) and one key `a`; counts the requests.
fn serve(issuer: Option<&'static str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let (own, counter) = (address.clone(), Arc::clone(&requests));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            lines.find(|line| line.as_ref().unwrap().is_empty());
            counter.fetch_add(1, Ordering::SeqCst);
            let body = if first.contains("openid-configuration") {
                format!(r#"{{"issuer":"{}","jwks_uri":"{own}/jwks.json"}}"#, issuer.unwrap_or(&own))
            } else {
                r#"{"keys":[{"kid":"a"}]}"#.to_owned()
            };
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    (address, requests)
}

#[test]
fn a_known_key_is_fetched_once_and_an_unknown_one_brings_no_flood() {
    let (issuer, requests) = serve(None);
    let keys = PublishedKeys::new(issuer);
    for _ in 0..5 {
        keys.for_key(Some("a")).unwrap();
    }
    assert_eq!(requests.load(Ordering::SeqCst), 2, "metadata and keys, once");
    for _ in 0..5 {
        let set = keys.for_key(Some("forged")).unwrap();
        assert!(!super::knows(&set, Some("forged")));
    }
    assert_eq!(requests.load(Ordering::SeqCst), 2, "no further fetch so soon after the last");
    keys.age(super::UNKNOWN_KEY_PAUSE);
    keys.for_key(Some("forged")).unwrap();
    keys.for_key(Some("forged")).unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 4, "one more after the pause");
    keys.age(super::MAX_AGE);
    keys.for_key(Some("a")).unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 6, "and one when the keys are old");
}

#[test]
fn metadata_of_another_issuer_is_refused() {
    let (issuer, _) = serve(Some("https://other.example.com"));
    let why = PublishedKeys::new(issuer.clone()).for_key(Some("a")).unwrap_err().to_string();
    assert!(why.contains(&issuer), "{why}");
}

#[test]
fn without_a_server_there_are_no_keys() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let keys = PublishedKeys::new(issuer);
    assert!(keys.for_key(Some("a")).is_err());
    let again = keys.for_key(Some("a")).unwrap_err().to_string();
    assert!(again.contains("a moment ago"), "the second try so soon makes no connection: {again}");
}
