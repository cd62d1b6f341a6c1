//! `PgBouncer` between the server and PostgreSQL: the example works, and transaction mode is refused with the reason.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Site, tokens};
use crate::harness::{Database, free_port, wait_until};

/// A running `PgBouncer`, set up by the example.
struct Pooler {
    url: String,
    child: Child,
    _directory: TempDir,
}

impl Pooler {
    fn start(database: &Database, mode: &str) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let (_, rest) = database.url.split_once("://").unwrap();
        let (login, rest) = rest.split_once('@').unwrap();
        let (address, name) = rest.split_once('/').unwrap();
        let (host, server_port) = address.split_once(':').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        let users = directory.path().join("userlist.txt");
        let mut text = include_str!("../../../packaging/pgbouncer.ini").to_owned();
        for (from, to) in [
            (
                "symbolon = host=/run/postgresql port=5432 dbname=symbolon",
                format!("{name} = host={host} port={server_port} dbname={name}"),
            ),
            ("listen_port = 6432", format!("listen_port = {port}\nunix_socket_dir =")),
            ("/etc/pgbouncer/userlist.txt", users.display().to_string()),
            ("pool_mode = session", format!("pool_mode = {mode}")),
        ] {
            assert!(text.contains(from), "packaging/pgbouncer.ini: {from}");
            text = text.replace(from, &to);
        }
        fs::write(&users, format!("\"{user}\" \"{password}\"\n")).unwrap();
        let file = directory.path().join("pgbouncer.ini");
        fs::write(&file, text).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap(); // for a user of its own
        // It does not run as root.
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = if is_root { Command::new("runuser") } else { Command::new("/usr/sbin/pgbouncer") };
        if is_root {
            command.args(["-u", "postgres", "--", "/usr/sbin/pgbouncer"]);
        }
        let child = command.arg(&file).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok(), || "PgBouncer does not listen".into());
        Self { url: format!("postgres://{login}@127.0.0.1:{port}/{name}"), child, _directory: directory }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // runuser passes SIGTERM on to the program; SIGKILL would leave it behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

#[test]
fn behind_pgbouncer_in_session_mode_all_is_well() {
    let database = Database::postgres();
    let pooler = Pooler::start(&database, "session");
    let site = Site::new(database).with("SYMBOLON_DATABASE_URL", &pooler.url);
    site.add_alice();
    let spa = site.add_spa();
    let process = site.serve();
    let first = tokens(&site.url, &spa);
    let second = super::refresh(&site.url, &spa, first.text("refresh_token")).unwrap();
    assert_eq!(second.status, 200, "{second:?}");
    process.signal("TERM");
    assert_eq!(process.end().0.code(), Some(0));
}

#[test]
fn transaction_mode_is_refused_with_the_reason() {
    let database = Database::postgres();
    let pooler = Pooler::start(&database, "transaction");
    let site = Site::new(database);
    site.command(&["migrate"], "");
    let site = site.with("SYMBOLON_DATABASE_URL", &pooler.url);
    for command in [&["serve"][..], &["migrate"], &["user", "list"]] {
        let said = site.refusal(command);
        assert!(said.contains("is in transaction mode: expected pool_mode = session"), "{command:?}: {said}");
    }
}
