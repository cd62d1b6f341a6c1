//! Sockets other than those of an address: a Unix socket for a proxy on the same machine, and those that systemd passes on.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    process::Command,
};

use super::Site;
use crate::harness::{Database, Process, free_port, try_send, variable};

/// A response by a Unix socket.
fn get(socket: &Path, path: &str, headers: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_unix_socket_is_for_a_proxy_on_this_machine() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("symbolon.sock");
    let site = Site::new(Database::sqlite())
        .with("SYMBOLON_ISSUER", "https://id.example.com")
        .with("SYMBOLON_LISTEN", format!("unix:{}", socket.display()));
    let mut process = site.serve();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    assert!(get(&socket, "/readyz", "").starts_with("HTTP/1.1 200"));
    let forwarded = "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
    assert!(get(&socket, "/login", forwarded).starts_with("HTTP/1.1 200"));
    process.wait_for("203.0.113.9");
    assert!(!process.said().contains("X-Forwarded-For"), "{}", process.said());
    for _ in 0..2 {
        assert!(get(&socket, "/login", "X-Forwarded-Proto: https\r\n").starts_with("HTTP/1.1 200"));
    }
    process.wait_for("let it send X-Forwarded-For");
    assert_eq!(process.said().matches("let it send X-Forwarded-For").count(), 1, "once");
    let plain = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: http\r\n";
    assert!(get(&socket, "/login", plain).starts_with("HTTP/1.1 400"));
    let said = site.refusal(&["serve"]);
    assert!(said.contains("listen: 'unix:") && said.contains("in use"), "a process listens there: {said}");
    process.kill();
    assert!(socket.exists());
    let process = site.serve();
    assert!(get(&socket, "/readyz", "").starts_with("HTTP/1.1 200"), "one that was left behind is replaced");
    process.signal("TERM");
    let (status, said) = process.end();
    assert!(status.success() && !said.contains("198.51.100.7") && !said.contains("trusted_proxies"), "{said}");
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "a file").unwrap();
    site.refusal(&["serve"]);
    assert_eq!(fs::read_to_string(&socket).unwrap(), "a file", "another file is not");
}

/// A server that gets a socket of this place, as systemd passes it: descriptors from 3 on, for this process.
fn serve_passed(site: &Site, place: &str) -> Process {
    let pass = "import os, socket, sys
place, family = sys.argv[1], socket.AF_UNIX
if place.isdigit(): place, family = ('127.0.0.1', int(place)), socket.AF_INET
listener = socket.create_server(place, family=family) if family == socket.AF_INET else socket.socket(family)
if family == socket.AF_UNIX: listener.bind(place); listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], [sys.argv[2], 'serve'])";
    let mut command = Command::new(variable("SYMBOLON_TEST_PYTHON"));
    command.args(["-c", pass, place, env!("CARGO_BIN_EXE_symbolon")]);
    let variables: Vec<_> = site.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Process::start_command(command, &variables)
}

#[test]
fn of_a_passed_unix_socket_no_trusted_proxy_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("symbolon.sock");
    let site = Site::new(Database::sqlite()).with("SYMBOLON_ISSUER", "https://id.example.com");
    let mut process = serve_passed(&site, &socket.display().to_string());
    process.wait_for("\"serving\"");
    assert!(get(&socket, "/readyz", "").starts_with("HTTP/1.1 200"));
    process.signal("TERM");
    let (status, said) = process.end();
    assert!(status.success() && !said.contains("trusted_proxies"), "{said}");

    let by_path = site.with("SYMBOLON_LISTEN", format!("unix:{}", directory.path().join("other.sock").display()));
    let mut process = serve_passed(&by_path, &free_port().to_string());
    process.wait_for("trusted_proxies is empty");
}

#[test]
fn sockets_that_were_passed_are_used() {
    let port = free_port();
    let site = Site::new(Database::sqlite()).with("SYMBOLON_ISSUER", format!("http://localhost:{port}"));
    let mut process = serve_passed(&site, &port.to_string());
    process.wait_for(&format!("127.0.0.1:{port}"));
    let page = try_send("GET", &format!("http://127.0.0.1:{port}/readyz"), &[], None).unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    assert!(try_send("GET", &format!("{}/readyz", site.url), &[], None).is_err(), "in the place of listen");
    process.signal("TERM");
    assert_eq!(process.end().0.code(), Some(0));
}
