//! Malformed HTTP, written by hand: truncated or overlong bodies, two lengths at once (request smuggling), invalid lines, and
//! peers that stop in the middle. Every connection gets a response or is closed, in time.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{assert_works, good_query, inhabited};
use crate::harness::{Database, Server, both};

/// What came back on a connection until it was closed.
#[derive(Debug)]
pub struct Exchange {
    /// Of the first answer; 0 where there is none.
    pub status: u16,
    /// How many answers there are.
    pub answers: usize,
    /// All of it.
    pub text: String,
}

/// Sends bytes as they are and reads to the end. Fails when there is no end.
pub fn exchange(server: &Server, bytes: &[u8], then_close: bool) -> Exchange {
    let mut stream = connect(server);
    stream.write_all(bytes).ok(); // the server may have closed before it read everything
    if then_close {
        stream.shutdown(Shutdown::Write).ok();
    }
    let mut read = Vec::new();
    let mut part = [0; 8192];
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => read.extend(&part[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => break,
            Err(error) => {
                panic!("no end ({error}) after {:?} for {:?}", String::from_utf8_lossy(&read), String::from_utf8_lossy(bytes))
            }
        }
    }
    let text = String::from_utf8_lossy(&read).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Exchange { status, answers: text.matches("HTTP/1.1 ").count() + text.matches("HTTP/1.0 ").count(), text }
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

const HOST: &str = "Host: localhost\r\n";
const CLOSE: &str = "Connection: close\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// The places where bodies are read.
const POSTS: [&str; 6] = ["/token", "/authorize", "/login", "/consent", "/logout", "/userinfo"];

#[test]
fn a_body_that_is_cut_off() {
    both(|server| {
        let spa = inhabited(server);
        for path in POSTS {
            let start = format!(
                "POST {path}?{} HTTP/1.1\r\n{HOST}{CLOSE}{FORM}",
                if path == "/consent" { good_query(&spa) } else { String::new() }
            );
            for (what, rest, is_cut_off) in [
                ("shorter than said", "Content-Length: 100\r\n\r\ngrant_type=x", true),
                ("nothing of it", "Content-Length: 100\r\n\r\n", true),
                ("a chunk cut off", "Transfer-Encoding: chunked\r\n\r\n10\r\nabc", true),
                ("no last chunk", "Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n", true),
                ("no chunk at all", "Transfer-Encoding: chunked\r\n\r\n", true),
                ("a chunk without a size", "Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n", false),
                ("a chunk of endless size", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n", false),
                ("a chunk longer than said", "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", false),
                ("a negative chunk", "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", false),
            ] {
                let answer = exchange(server, format!("{start}{rest}").as_bytes(), is_cut_off);
                let is_answered = if path == "/userinfo" { matches!(answer.status, 400 | 401) } else { answer.status == 400 };
                // What is no chunk may end the connection before the answer is out.
                let is_ended = !is_cut_off && answer.answers == 0;
                assert!(is_answered && answer.answers == 1 || is_ended, "{path}, {what}: {answer:?}");
                assert!(!answer.text.contains("\r\nlocation:"), "{path}, {what}: {answer:?}");
            }
        }
        assert_works(server, &spa);
    });
}

#[test]
fn two_lengths_at_once_are_refused_and_nothing_is_smuggled() {
    both(|server| {
        let spa = inhabited(server);
        let smuggled = format!("GET /healthz HTTP/1.1\r\n{HOST}\r\n");
        for path in POSTS {
            for lengths in [
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                "Content-Length: 5\r\nContent-Length: 6\r\n",
                "Content-Length: 5\r\nContent-Length: 5\r\n",
                "Content-Length: 5, 5\r\n",
                "Content-Length: -5\r\n",
                "Content-Length: +5\r\n",
                "Content-Length: 0x5\r\n",
                "Content-Length: 99999999999999999999\r\n",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                "Transfer-Encoding: chunked, identity\r\n",
                "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
                "Transfer-Encoding: xchunked\r\n",
                "Transfer-Encoding : chunked\r\n",
                "Transfer-Encoding: \u{b}chunked\r\n",
                "X: y\r\n Transfer-Encoding: chunked\r\n",
                "Content-Length:\r\n",
            ] {
                let request = format!("POST {path} HTTP/1.1\r\n{HOST}{FORM}{lengths}\r\n0\r\n\r\n{smuggled}");
                let answer = exchange(server, request.as_bytes(), true);
                assert_eq!((answer.status, answer.answers), (400, 1), "{path} {lengths:?}: {answer:?}");
                assert!(!answer.text.contains("alive"), "{path} {lengths:?}: {answer:?}");
            }
        }
        // A body that no one reads is not the next request.
        for (method, path) in
            [("POST", "/healthz"), ("GET", "/healthz"), ("DELETE", "/token"), ("GET", "/authorize"), ("POST", "/nothing")]
        {
            let request = format!("{method} {path} HTTP/1.1\r\n{HOST}Content-Length: {}\r\n\r\n{smuggled}", smuggled.len());
            let then = format!("GET /readyz HTTP/1.1\r\n{HOST}{CLOSE}\r\n");
            let answer = exchange(server, format!("{request}{then}").as_bytes(), false);
            assert!((1..=2).contains(&answer.answers), "{answer:?}");
            assert_eq!(
                answer.text.contains("\r\n\r\nalive"),
                (method, path) == ("GET", "/healthz"),
                "{method} {path}: {answer:?}"
            );
        }
        assert_works(server, &spa);
    });
}

#[test]
fn requests_that_are_none() {
    both(|server| {
        let spa = inhabited(server);
        let get = |line: &str, headers: &str| format!("GET {line} HTTP/1.1\r\n{HOST}{CLOSE}{headers}\r\n").into_bytes();
        let mut raw = get("/authorize?client_id=X", "");
        let at = raw.iter().position(|b| *b == b'X').unwrap();
        raw[at] = 0xff;
        let not_utf8 = raw.clone();
        raw[at] = 0;
        for (request, status) in [
            (not_utf8, 400),
            (raw, 400),
            (get("/authorize?a=\u{e9}", ""), 400),
            (get("/a b", ""), 400),
            (get("", ""), 400),
            (get("/healthz", "Host: other\r\n"), 400),
            (get("/healthz", "X: a\r\n b\r\n"), 400),
            (get("/healthz", "X: a\rb\r\n"), 400),
            (get("/healthz", "Cookie: a=\0\r\n"), 400),
            (get("/healthz", "no colon\r\n"), 400),
            (get("/healthz", ": no name\r\n"), 400),
            (get("/healthz", "b\u{e9}d: name\r\n"), 400),
            (get("http://evil.example/healthz", ""), 200),
            (format!("GET /healthz HTTP/1.1\r\n{CLOSE}\r\n").into(), 400),
            (format!("GET /healthz HTTP/9.9\r\n{HOST}\r\n").into(), 400),
            (b"GET /healthz\r\n\r\n".to_vec(), 400),
            (b"GET /healthz HTTP/1.0\r\n\r\n".to_vec(), 200),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 400),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), 400),
            (b"\r\n\r\n\r\n\r\n\0\0\0\0".to_vec(), 400),
            (format!("CONNECT localhost:443 HTTP/1.1\r\n{HOST}{CLOSE}\r\n").into(), 404),
            (format!("OPTIONS * HTTP/1.1\r\n{HOST}{CLOSE}\r\n").into(), 404),
            (get("/healthz", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), 200),
            (get("/healthz", "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n"), 200),
            (get("/healthz", "Expect: 200-maybe\r\n"), 200),
        ] {
            let answer = exchange(server, &request, true);
            assert_eq!((answer.status, answer.answers), (status, 1), "{:?}: {answer:?}", String::from_utf8_lossy(&request));
        }
        assert_works(server, &spa);
    });
}

#[test]
fn head_is_answered_without_a_body() {
    both(|server| {
        let spa = inhabited(server);
        let authorize = format!("/authorize?{}", good_query(&spa));
        for path in ["/", "/healthz", "/readyz", "/.well-known/jwks.json", "/nothing", "/token", "/login", authorize.as_str()] {
            let answer = exchange(server, format!("HEAD {path} HTTP/1.1\r\n{HOST}{CLOSE}\r\n").as_bytes(), false);
            assert!(answer.text.ends_with("\r\n\r\n") && answer.text.matches("\r\n\r\n").count() == 1, "{path}: {answer:?}");
            assert!(answer.status < 500, "{path}: {answer:?}");
        }
    });
}

/// No database is asked before a request is there, so that one of them will do.
#[test]
fn who_stops_in_the_middle_is_not_waited_for() {
    let server = Server::start(&Database::sqlite(), |_| ());
    let spa = inhabited(&server);
    let mut stalled = vec![(String::new(), 408), ("P".into(), 408), (format!("POST /token HTTP/1.1\r\n{HOST}"), 408)];
    for path in POSTS {
        let status = if path == "/userinfo" { 401 } else { 400 };
        for rest in [
            "Content-Length: 100\r\n\r\na=b",
            "Content-Length: 10000000000\r\n\r\na=b",
            "Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n",
        ] {
            stalled.push((format!("POST {path} HTTP/1.1\r\n{HOST}{FORM}{rest}"), status));
        }
    }
    let began = Instant::now();
    thread::scope(|scope| {
        for (request, status) in &stalled {
            let server = &server;
            scope.spawn(move || {
                let mut stream = connect(server);
                stream.write_all(request.as_bytes()).unwrap();
                let mut line = [0; 12];
                stream.read_exact(&mut line).unwrap_or_else(|error| panic!("{request}: {error}"));
                assert_eq!(String::from_utf8_lossy(&line), format!("HTTP/1.1 {status}"), "{request}");
            });
        }
        // Nobody else waits for them.
        let tokens = server.tokens(&spa, "alice", "openid");
        assert_eq!(server.refresh(&spa, tokens.text("refresh_token")).status, 200);
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    });
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_works(&server, &spa);
}
