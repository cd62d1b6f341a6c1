//! Calls to registered URLs, with real listeners: which responses are accepted, which are refused, and where no connection is
//! made. Time-outs, and how addresses are judged, are tested beside the module.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use openssl::{
    ssl::{SslAcceptor, SslMethod},
    x509::X509,
};
use symbolon::testing::{
    config::OutboundSettings,
    outbound::{Outbound, OutboundError},
};

use crate::harness::certificate;

/// Stands in every query and every form; in no error.
const HIDDEN: &str = "hidden-from-errors";

fn outbound(ca_pem: Option<Vec<u8>>) -> Outbound {
    Outbound::new(&OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ca_pem }).unwrap()
}

/// Answers every request with these bytes, and tells what came.
struct Listener {
    url: String,
    requests: mpsc::Receiver<String>,
}

impl Listener {
    fn new(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys?code={HIDDEN}", listener.local_addr().unwrap());
        let (tell, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = tell.send(request(&mut stream));
                let _ = answer(&mut stream); // it may be cut off
            }
        });
        Self { url, requests }
    }

    fn with(answer: String) -> Self {
        Self::new(move |stream| stream.write_all(answer.as_bytes()))
    }
}

/// The head, and a body of `content-length`.
fn request(stream: &mut impl Read) -> String {
    let mut text = String::new();
    let mut byte = [0];
    let whole = |text: &str| {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        (body.len() >= length.parse::<usize>().unwrap()).then_some(())
    };
    while whole(&text).is_none() && stream.read(&mut byte).unwrap() == 1 {
        text.push(byte[0].into());
    }
    text
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, OutboundError>) -> OutboundError {
    let error = result.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(HIDDEN), "{error:?}");
    error
}

#[test]
fn a_document_is_read_and_nothing_is_sent_unasked() {
    let listener = Listener::with("HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 12\r\n\r\n{\"keys\": []}".into());
    let outbound = outbound(None);
    for _ in 0..2 {
        assert_eq!(outbound.get(&listener.url).unwrap(), "{\"keys\": []}");
        let request = listener.requests.recv().unwrap().to_lowercase();
        assert!(request.starts_with(&format!("get /keys?code={HIDDEN} http/1.1\r\n")), "{request}");
        for line in ["accept: application/json, application/jwk-set+json", "connection: close", "accept-encoding: identity"] {
            assert!(request.lines().any(|other| other == line), "{line}: {request}");
        }
        assert!(!request.contains("cookie") && !request.contains("gzip"), "{request}");
    }
    assert_eq!(format!("{outbound:?}"), "Outbound { .. }");
}

#[test]
fn a_form_is_posted_and_the_status_told() {
    for status in [200, 204, 400, 503] {
        let listener = Listener::with(format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(outbound(None).post_form(&listener.url, &[("logout_token", "a b&c="), ("x", "é")]), Ok(status));
        let request = listener.requests.recv().unwrap();
        assert!(request.starts_with("POST /keys?") && request.contains("application/x-www-form-urlencoded"), "{request}");
        assert!(request.ends_with("\r\n\r\nlogout_token=a+b%26c%3D&x=%C3%A9"), "{request}");
    }
}

#[test]
fn an_answer_has_at_most_64_kib() {
    let body = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}", "x".repeat(length));
    let outbound = outbound(None);
    assert_eq!(outbound.get(&Listener::with(body(64 * 1024)).url).unwrap().len(), 64 * 1024);
    let chunks = |stream: &mut TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        loop {
            stream.write_all(format!("1000\r\n{}\r\n", "x".repeat(4096)).as_bytes())?;
        }
    };
    let head = |stream: &mut TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ")?;
        loop {
            stream.write_all(&[b'x'; 4096])?;
        }
    };
    for listener in [
        Listener::with(body(64 * 1024 + 1)),
        Listener::with(body(65 * 1024)),
        Listener::with(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(65 * 1024))),
        Listener::new(chunks),
        Listener::new(head),
    ] {
        assert_eq!(refused(outbound.get(&listener.url)), OutboundError::TooLarge);
    }
    let endless = Listener::new(chunks);
    assert_eq!(outbound.post_form(&endless.url, &[]), Ok(200), "the body of an answer to a form is not read");
}

#[test]
fn redirects_are_not_followed_and_only_200_brings_a_document() {
    let outbound = outbound(None);
    for status in [300, 301, 302, 303, 307, 308] {
        let target = Listener::with("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".into());
        let location = format!("HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url);
        let listener = Listener::with(location);
        assert_eq!(refused(outbound.get(&listener.url)), OutboundError::Status(status));
        assert_eq!(refused(outbound.post_form(&listener.url, &[("a", HIDDEN)])), OutboundError::Status(status));
        assert!(target.requests.try_recv().is_err(), "{status}");
    }
    for status in [201, 204, 304, 401, 404, 500] {
        let listener = Listener::with(format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(refused(outbound.get(&listener.url)), OutboundError::Status(status));
    }
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let outbound = outbound(None);
    let malformed = |answer: &'static [u8]| {
        let listener = Listener::new(move |stream| stream.write_all(answer));
        refused(outbound.get(&listener.url))
    };
    assert!(matches!(malformed(b"SSH-2.0-OpenSSH_9.9\r\n"), OutboundError::Malformed(_)));
    assert!(matches!(malformed(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xff"), OutboundError::Malformed(_)));
    assert!(matches!(malformed(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"), OutboundError::Unreachable(_)));
    assert!(matches!(malformed(b""), OutboundError::Unreachable(_)));
    let closed = format!("http://127.0.0.1:1/?{HIDDEN}");
    assert!(matches!(refused(outbound.get(&closed)), OutboundError::Unreachable(why) if why.contains("refused")));
}

#[test]
fn this_machine_is_not_connected_to_unless_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let outbound = Outbound::new(&OutboundSettings::default()).unwrap();
    let urls = ["localhost", "127.0.0.1", "2130706433", "0x7f.1"].map(|host| format!("http://{host}:{port}/?{HIDDEN}"));
    let hosts = ["localhost", "LOCALHOST", "127.0.0.1", "2130706433", "0", "[::ffff:127.0.0.1]", "[64:ff9b::127.0.0.1]"];
    for url in urls.into_iter().chain(hosts.map(|host| format!("https://{host}:{port}/?{HIDDEN}"))) {
        for error in [refused(outbound.get(&url)), refused(outbound.post_form(&url, &[("a", HIDDEN)]))] {
            assert!(matches!(error, OutboundError::RefusedAddress(_)), "{url}: {error:?}");
        }
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "no connection was made");
}

#[test]
fn tls_is_trusted_by_the_public_roots_and_those_of_the_configuration() {
    let (root, other) = (certificate(None), certificate(None));
    let (leaf, key) = certificate(Some(&root));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_certificate(&leaf).unwrap();
    acceptor.set_private_key(&key).unwrap();
    let acceptor = acceptor.build();
    let (tell, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = acceptor.accept(stream.unwrap()) else { continue };
            let _ = tell.send(request(&mut stream));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
            let _ = stream.shutdown();
        }
    });
    let url = format!("https://localhost:{port}/?{HIDDEN}");
    let pem = |certificates: &[&X509]| certificates.iter().flat_map(|one| one.to_pem().unwrap()).collect::<Vec<u8>>();
    for untrusting in [None, Some(pem(&[&other.0]))] {
        let error = refused(outbound(untrusting).get(&url));
        assert!(matches!(&error, OutboundError::Unreachable(why) if why.contains("certificate")), "{error:?}");
    }
    assert!(requests.try_recv().is_err(), "nothing was sent to whom we do not trust");
    let trusting = outbound(Some(pem(&[&other.0, &root.0])));
    assert_eq!(trusting.get(&url).unwrap(), "{}");
    assert_eq!(trusting.post_form(&url, &[("a", "b")]), Ok(200));
    let by_address = refused(trusting.get(&url.replace("localhost", "127.0.0.1")));
    assert!(matches!(&by_address, OutboundError::Unreachable(why) if why.contains("certificate")), "{by_address:?}");
    assert_eq!(requests.try_iter().count(), 2);
    let nonsense = Outbound::new(&OutboundSettings { ca_pem: Some(b"nonsense".to_vec()), ..OutboundSettings::default() });
    assert!(matches!(nonsense, Err(OutboundError::BadCertificates(_))));
}
