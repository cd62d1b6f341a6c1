//! Tests: which URLs are called, that one deadline covers everything, and that a name is checked for every connection. Responses
//! within the deadline are tested in `tests/it/outbound.rs`.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{resolver::ResolvedSocketAddrs, transport::NextTimeout},
};

use super::*;

const SHORT: Duration = Duration::from_millis(300);
/// The delay that a busy machine may add; without the deadline each call would run for ever.
const SLACK: Duration = Duration::from_secs(10);

fn settings() -> OutboundSettings {
    OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ca_pem: None }
}

/// Sends this response on each connection until it breaks; returns the port.
fn listen(answer: fn(TcpStream) -> std::io::Result<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().for_each(|stream| drop(stream.and_then(answer))));
    port
}

/// Writes the same bytes again and again, slowly.
fn drip(mut stream: TcpStream, start: &str, drop: &str) -> std::io::Result<()> {
    stream.write_all(start.as_bytes())?;
    loop {
        thread::sleep(Duration::from_millis(10));
        stream.write_all(drop.as_bytes())?;
    }
}

fn silent(mut stream: TcpStream) -> std::io::Result<()> {
    stream.read_to_end(&mut Vec::new()).map(drop)
}

#[test]
fn one_deadline_covers_connection_tls_head_and_body() {
    let quick = Outbound::build(&settings(), SHORT, DefaultResolver::default()).unwrap();
    let ports = [
        listen(silent),
        listen(|stream| drip(stream, "", "HTTP/1.1 103 Early Hints\r\n\r\n")),
        listen(|stream| drip(stream, "HTTP/1.1 200 OK\r\nx: ", "x")),
        listen(|stream| drip(stream, "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n", "x")),
        listen(|stream| drip(stream, "HTTP/1.1 200 OK\r\n\r\n", "x")),
        listen(|stream| drip(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n")),
    ];
    let urls = ports.iter().map(|port| format!("http://127.0.0.1:{port}/?q"));
    // A TLS record of 64 bytes that is never completed.
    let tls = [ports[0], listen(|stream| drip(stream, "\x16\x03\x03\x3f\x7f", "\x02"))];
    for url in urls.chain(tls.iter().map(|port| format!("https://127.0.0.1:{port}/"))) {
        let start = Instant::now();
        assert_eq!(quick.get(&url), Err(OutboundError::TimedOut), "{url}");
        let took = start.elapsed();
        assert!((SHORT..SHORT + SLACK).contains(&took), "{url}: {took:?}");
    }
    let start = Instant::now();
    assert_eq!(quick.post_form(&format!("http://127.0.0.1:{}/", ports[0]), &[("a", "b")]), Err(OutboundError::TimedOut));
    assert!(start.elapsed() < SHORT + SLACK);
    let endless = format!("http://127.0.0.1:{}/", ports[3]);
    assert_eq!(quick.post_form(&endless, &[("a", "b")]), Ok(200), "its body is not waited for");
}

/// The results of successive lookups.
#[derive(Clone, Debug)]
struct Names(Arc<Mutex<VecDeque<Vec<SocketAddr>>>>);

impl Resolver for Names {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        self.0.lock().unwrap().pop_front().unwrap().into_iter().for_each(|address| found.push(address));
        Ok(found)
    }
}

#[test]
fn every_connection_is_judged_and_goes_where_it_was_judged() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap();
    let elsewhere: SocketAddr = "169.254.169.254:80".parse().unwrap();
    let serving = thread::spawn(move || {
        // The client would keep the connection for further requests.
        let (mut stream, _) = listener.accept().unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        assert_eq!(stream.read(&mut [0; 1024]).unwrap(), 0, "closed, not kept");
        listener
    });
    let names = Names(Arc::new(Mutex::new([vec![elsewhere, here], vec![elsewhere], vec![]].into())));
    let outbound = Outbound::build(&settings(), SHORT, names.clone()).unwrap();
    // The names are made up: only the checked address can be connected to.
    let url = format!("http://localhost:{}/", here.port());
    assert_eq!(outbound.get(&url).unwrap(), "{}");
    assert_eq!(names.0.lock().unwrap().len(), 2, "one lookup for one call");
    assert_eq!(outbound.get(&url), Err(OutboundError::RefusedAddress(elsewhere.ip())), "the name has changed its mind");
    assert_eq!(
        outbound.get("https://rp.example/"),
        Err(OutboundError::Unreachable("the host name could not be resolved".into()))
    );
    let listener = serving.join().unwrap();
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "no second connection");
}

#[test]
fn which_urls_are_called() {
    for url in
        ["https://rp.example", "https://rp.example:8443/a?b=c", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]/"]
    {
        assert!(checked(url).is_ok(), "{url}");
    }
    assert_eq!(checked("https:\\\\RP.example\\a\tb"), Ok("https://rp.example/ab".into()), "as it will be called");
    for (url, expected) in [
        ("", "absolute"),
        ("/a", "absolute"),
        ("https://", "absolute"),
        ("http://rp.example/", "https"),
        ("http://localhost.rp.example/", "https"),
        ("http://127.0.0.2/", "https"),
        ("http://10.0.0.1/", "https"),
        ("ftp://localhost/", "https"),
        ("file:///etc/passwd", "https"),
        ("data:,x", "https"),
        ("https://u@rp.example/", "user name"),
        ("https://:p@rp.example/", "user name"),
        ("https://rp.example\\@localhost:1/#", "fragment"),
        ("https://rp.example/#f", "fragment"),
    ] {
        let error = checked(url).unwrap_err();
        assert!(matches!(error, OutboundError::RefusedUrl(words) if words.contains(expected)), "{url}: {error}");
    }
}

#[test]
fn libraries_write_no_request_to_the_log() {
    assert_eq!(log::STATIC_MAX_LEVEL, log::LevelFilter::Debug);
}
