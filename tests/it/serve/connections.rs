//! Connections before there is a request: their maximum number follows from the limit of open files, one address leaves room for
//! others, and those that fail are logged with the address.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Site, https};
use crate::harness::Database;

/// Leaves room for 240 connections, 60 of an address: of 400 files, 128 are kept for everything else, and 4 for each of 8
/// connections to the database.
const LIMIT: &str = "ulimit -n 400";
const OF_ONE_ADDRESS: usize = 60;

fn port(site: &Site) -> u16 {
    site.url.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// A connection to the server from this address of this machine.
fn connect_from(site: &Site, from: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    let address = |text: &str| text.parse::<SocketAddr>().unwrap().into();
    socket.bind(&address(&format!("{from}:0"))).unwrap();
    socket.connect(&address(&format!("127.0.0.1:{}", port(site)))).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// The status of a request on this connection; nothing where it is closed.
fn ask(mut stream: impl Read + Write) -> Option<String> {
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); // it may be closed by now
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.strip_prefix("HTTP/1.1 ").map(|rest| rest[..3].to_owned())
}

/// Whether the server has left this connection open, on which nothing was said.
fn is_open(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Connections from one address that say nothing: as many as the server takes and many more.
fn idle(site: &Site, count: usize) -> Vec<TcpStream> {
    let all: Vec<_> = (0..count).map(|_| connect_from(site, "127.0.0.1")).collect();
    let started = Instant::now();
    while all.iter().filter(|stream| is_open(stream)).count() > OF_ONE_ADDRESS && started.elapsed() < Duration::from_secs(3) {
        thread::sleep(Duration::from_millis(20));
    }
    all
}

fn lines(said: &str) -> Vec<Value> {
    said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn the_limit_of_open_files_is_raised_and_connections_fit_below_it() {
    let site = Site::new(Database::sqlite());
    let mut process = site.serve_within("ulimit -S -n 256; ulimit -H -n 1024", Stdio::piped());
    process.wait_for("\"serving\"");
    process.signal("TERM");
    let (_, said) = process.end();
    let serving = lines(&said).into_iter().find(|line| line["message"] == "serving").unwrap();
    assert_eq!(
        (&serving["open_files"], &serving["max_connections"], &serving["of_one_address"]),
        (&1024.into(), &864.into(), &216.into()),
        "{serving}"
    );
    assert!(said.contains("max_connections is lowered by the limit of open files"), "{said}");
}

#[test]
fn an_address_leaves_room_for_others() {
    let site = Site::new(Database::sqlite());
    let mut process = site.serve_within(LIMIT, Stdio::piped());
    process.wait_for("\"serving\"");
    let mut all = idle(&site, 350);
    let open = all.iter().filter(|stream| is_open(stream)).count();
    assert_eq!(open, OF_ONE_ADDRESS, "the others are closed at once");
    assert_eq!(ask(connect_from(&site, "127.0.0.1")), None);
    for other in ["127.0.0.2", "127.0.0.3"] {
        assert_eq!(ask(connect_from(&site, other)).as_deref(), Some("200"), "{other}");
    }
    // One that goes makes room for one that comes.
    all.clear();
    let started = Instant::now();
    while ask(connect_from(&site, "127.0.0.1")).as_deref() != Some("200") {
        assert!(started.elapsed() < Duration::from_secs(10), "its places are not free again");
        thread::sleep(Duration::from_millis(50));
    }
    process.signal("TERM");
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let refused: Vec<_> = lines(&said)
        .into_iter()
        .filter(|line| line["message"].as_str().unwrap().contains("max_connections_per_address"))
        .collect();
    assert!((1..=3).contains(&refused.len()), "not one for each: {refused:?}");
    assert_eq!((&refused[0]["address"], &refused[0]["limit"]), (&"127.0.0.1".into(), &60.into()));
}

#[test]
fn a_handshake_that_is_never_finished_is_counted_too() {
    let site = https::site();
    let certificate = https::certificate();
    https::write(site.directory.path(), &certificate);
    let mut process = site.serve_within(LIMIT, Stdio::piped());
    process.wait_for("\"serving\"");
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_verify(SslVerifyMode::PEER);
    connector.cert_store_mut().add_cert(certificate.0).unwrap();
    let connector = connector.build();
    let all = idle(&site, 350);
    assert!(all.iter().filter(|stream| is_open(stream)).count() <= OF_ONE_ADDRESS);
    let requested = Instant::now();
    let stream = connector.connect("localhost", connect_from(&site, "127.0.0.2")).unwrap();
    assert_eq!(ask(stream).as_deref(), Some("200"));
    assert!(requested.elapsed() < Duration::from_secs(2), "nobody waits for them: {:?}", requested.elapsed());
}

#[test]
fn a_proxy_has_as_many_as_there_are() {
    let site = Site::new(Database::sqlite()).with("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1");
    let mut process = site.serve_within(LIMIT, Stdio::piped());
    process.wait_for("\"serving\"");
    let all: Vec<_> = (0..2 * OF_ONE_ADDRESS).map(|_| connect_from(&site, "127.0.0.1")).collect();
    assert_eq!(ask(connect_from(&site, "127.0.0.1")).as_deref(), Some("200"));
    assert!(all.iter().all(is_open));
}

#[test]
fn what_is_not_http_is_logged_with_its_address_and_not_without_end() {
    let site = Site::new(Database::sqlite());
    let process = site.serve();
    for _ in 0..30 {
        let mut stream = connect_from(&site, "127.0.0.2");
        stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n").unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer); // it may be reset
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    process.signal("TERM");
    let (_, said) = process.end();
    let lines = lines(&said);
    let failed: Vec<_> =
        lines.iter().filter(|line| line["message"].as_str().unwrap().starts_with("connections failed")).collect();
    assert!((1..=2).contains(&failed.len()), "{said}");
    assert_eq!((&failed[0]["address"], &failed[0]["level"]), (&"127.0.0.2".into(), &"WARN".into()), "{said}");
    assert!(lines.iter().all(|line| line["level"] != "ERROR"), "{said}");
}
