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

#[test]
fn sockets_that_were_passed_are_used() {
    let port = free_port();
    let site = Site::new(Database::sqlite()).with("SYMBOLON_ISSUER", format!("http://localhost:{port}"));
    // As systemd does: descriptors from 3 on, for this process.
    let pass = "import os, socket, sys
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], [sys.argv[2], 'serve'])";
    let mut command = Command::new(variable("SYMBOLON_TEST_PYTHON"));
    command.args(["-c", pass, &port.to_string(), env!("CARGO_BIN_EXE_symbolon")]);
    let variables: Vec<_> = site.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut process = Process::start_command(command, &variables);
    process.wait_for(&format!("127.0.0.1:{port}"));
    let page = try_send("GET", &format!("http://127.0.0.1:{port}/readyz"), &[], None).unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    assert!(try_send("GET", &format!("{}/readyz", site.url), &[], None).is_err(), "in the place of listen");
    process.signal("TERM");
    assert_eq!(process.end().0.code(), Some(0));
}
