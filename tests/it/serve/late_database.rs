//! A database that is late, or locked by another process: the server listens and waits for it, says at each attempt what is missing, and
//! serves as soon as it is there. What a service manager is told meanwhile. What is not waited for.

use std::{
    fs, io,
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use symbolon::testing::store::{AnyConnection, Error};

use super::Site;
use crate::harness::{Database, Process, free_port, try_send};

/// Where the database of a test is, and its URL by way of this port of 127.0.0.1.
fn by_way_of(port: u16, database: &Database) -> (String, String) {
    let (scheme, rest) = database.url.split_once("://").unwrap();
    let (login, rest) = rest.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    (address.to_owned(), format!("{scheme}://{login}@127.0.0.1:{port}/{name}"))
}

/// Passes connections to this port on, for as long as the tests run.
fn forward(port: u16, to: String) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for here in listener.incoming().map_while(Result::ok) {
            let Ok(there) = TcpStream::connect(&to) else { continue };
            for (mut from, mut into) in
                [(&here, &there), (&there, &here)].map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
            {
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut into); // until either side hangs up
                    let _ = into.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

/// Stops a server, and asserts that it ends at once.
fn stop(process: Process) -> String {
    let asked = Instant::now();
    process.signal("TERM");
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    said
}

#[test]
fn the_server_waits_for_it_and_then_serves() {
    let (database, port) = (Database::postgres(), free_port());
    let (address, url) = by_way_of(port, &database);
    let directory = tempfile::tempdir().unwrap();
    let manager = UnixDatagram::bind(directory.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let told = || {
        let mut bytes = [0; 4096];
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let metrics = free_port();
    let site =
        Site::new(database).with("SYMBOLON_DATABASE_URL", url).with("SYMBOLON_METRICS_LISTEN", format!("127.0.0.1:{metrics}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
    command.arg("serve").env("NOTIFY_SOCKET", directory.path().join("notify"));
    let variables: Vec<_> = site.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut process = Process::start_command(command, &variables);
    process.wait_for("the database cannot be reached: waiting for it");
    process.wait_for("\"attempt\":2");
    assert!(!process_said_serving(&site));

    let get = |path: &str| try_send("GET", &format!("{}{path}", site.url), &[], None).unwrap();
    let alive = get("/healthz");
    assert_eq!((alive.status, alive.body.as_str()), (200, "alive\n"));
    for path in ["/readyz", "/login", "/authorize?client_id=x", "/nowhere", "/.well-known/openid-configuration", "/account"] {
        let page = get(path);
        assert!(page.status == 503 && page.header("retry-after").is_some(), "{path}: {page:?}");
        assert!(!page.body.contains("127.0.0.1") && !page.body.contains("refused"), "{path}: {page:?}");
    }
    let monitored = |path: &str| try_send("GET", &format!("http://127.0.0.1:{metrics}{path}"), &[], None).unwrap().status;
    assert_eq!((monitored("/healthz"), monitored("/readyz"), monitored("/metrics")), (200, 503, 503));
    let page = get("/login");
    let id = page.header("x-request-id").unwrap();
    assert!(page.body.contains(id), "{page:?}");
    process.wait_for(&format!("\"id\":\"{id}\""));
    let style = page.attribute("rel=\"stylesheet\"", "href");
    let file = try_send("GET", &format!("{}{style}", site.url), &[("Accept-Encoding", "gzip")], None).unwrap();
    assert_eq!((file.status, file.header("vary")), (200, Some("Accept-Encoding")), "{style}");
    let token = super::token(&site.url, &[("grant_type", "refresh_token")]).unwrap();
    assert_eq!((token.status, token.error()), (503, "temporarily_unavailable"), "{token:?}");
    let mut messages = vec![told(), told(), told()];
    assert!(
        messages.iter().all(|message| message.contains("EXTEND_TIMEOUT_USEC=") && !message.contains("READY=1")),
        "{messages:?}"
    );
    assert!(messages.iter().any(|message| message.contains("STATUS=waiting for the database: ")), "{messages:?}");

    forward(port, address);
    process.wait_for("serving");
    site.wait_until_ready();
    while !messages.last().unwrap().contains("READY=1") {
        messages.push(told());
    }
    assert_eq!((get("/login").status, monitored("/readyz"), monitored("/metrics")), (200, 200, 200));
    stop(process);
    assert!(told().contains("STOPPING=1"));
}

/// Whether the server is ready.
fn process_said_serving(site: &Site) -> bool {
    try_send("GET", &format!("{}/readyz", site.url), &[], None).is_ok_and(|page| page.status == 200)
}

#[test]
fn each_attempt_says_what_is_missing_and_a_stop_ends_the_wait() {
    let database = Database::postgres();
    let (login, place) = database.url.split_once("://").unwrap().1.split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let nowhere = free_port();
    for (url, why) in [
        (format!("postgres://{user}:wrong-{password}@{place}"), "password authentication failed"),
        (format!("postgres://{login}@{place}_of_nobody"), "_of_nobody\\\\\\\" does not exist"),
        (format!("postgres://{login}@database.invalid/x"), "could not translate host name"),
        (format!("postgres://{login}@127.0.0.1:{nowhere}/x"), "Connection refused"),
    ] {
        let site = Site::new(Database::sqlite()).with("SYMBOLON_DATABASE_URL", &url);
        let mut process = site.run(&["serve"]);
        process.wait_for("\"attempt\":1");
        let said = stop(process);
        let line = said.lines().find(|line| line.contains("\"attempt\":1")).unwrap();
        assert!(line.contains("waiting for it") && line.contains(&why.replace("\\\\\\\"", "\\\"")), "{why}: {said}");
        assert!(!said.contains(password) && said.contains("stopped"), "{said}");
        assert!(!site.directory.path().join("data/secret").exists(), "nothing is made before it is known to be new");
    }
}

#[test]
fn one_that_takes_no_writes_yet_is_waited_for() {
    for is_new in [true, false] {
        let site = Site::new(Database::postgres());
        if !is_new {
            site.command(&["migrate"], "");
        }
        let name = site.database.url.rsplit('/').next().unwrap();
        let alter = |setting: &str| {
            let all = ["SET default_transaction_read_only = off".to_owned(), format!("ALTER DATABASE \"{name}\" {setting}")];
            let run = |connection: &mut AnyConnection| {
                all.iter().try_for_each(|one| sql_query(one).execute(connection).map(drop).map_err(Error::from))
            };
            site.store().with(run).unwrap();
        };
        alter("SET default_transaction_read_only = on");
        let mut process = site.run(&["serve"]);
        process.wait_for("\"attempt\":2");
        assert!(process.said().contains("read-only transaction"), "{}", process.said());
        assert_eq!(try_send("GET", &format!("{}/readyz", site.url), &[], None).unwrap().status, 503);
        alter("RESET default_transaction_read_only");
        process.wait_for("\"serving\"");
        stop(process);
    }
}

#[test]
fn a_lock_of_another_process_is_waited_for() {
    for (database, is_new) in [(Database::sqlite(), true), (Database::sqlite(), false), (Database::postgres(), false)] {
        let lock = match database.name {
            "sqlite" => "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE",
            _ => "BEGIN; LOCK TABLE meta, signing_keys IN ACCESS EXCLUSIVE MODE",
        };
        let site = Site::new(database);
        if !is_new {
            site.command(&["migrate"], "");
        }
        let ((locked, is_locked), (free, is_freed)) = (mpsc::channel(), mpsc::channel::<()>());
        let store = site.store();
        let other = thread::spawn(move || {
            let hold = |connection: &mut AnyConnection| -> Result<(), Error> {
                connection.batch_execute(lock)?;
                locked.send(()).unwrap();
                is_freed.recv().unwrap();
                Ok(connection.batch_execute("ROLLBACK")?)
            };
            store.with(hold).unwrap();
        });
        is_locked.recv().unwrap();
        let mut process = site.run(&["serve"]);
        process.wait_for("waiting for it");
        process.wait_for("\"attempt\":2");
        assert_eq!(try_send("GET", &format!("{}/readyz", site.url), &[], None).unwrap().status, 503);
        free.send(()).unwrap();
        other.join().unwrap();
        process.wait_for("\"serving\"");
        site.wait_until_ready();
        let said = stop(process);
        assert!(!said.contains("panic"), "{said}");
    }
}

#[test]
fn a_mistake_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text.db");
    fs::write(&text, "not a database, but a text of some length: ".repeat(100)).unwrap();
    let nowhere = free_port();
    for (url, said) in [
        (
            format!("postgres://u:SECRET@127.0.0.1:{nowhere}/x?sslmod=require"),
            "parameter 'sslmod': expected a connection parameter".to_owned(),
        ),
        (
            format!("postgres://u:SECRET@127.0.0.1:{nowhere}/x?connect_timeout=soon"),
            "connect_timeout: expected a number".to_owned(),
        ),
        (format!("sqlite:{}", directory.path().display()), directory.path().display().to_string()),
        (format!("sqlite:{}", text.display()), format!("database sqlite:{}: ", text.display())),
    ] {
        let refused = Site::new(Database::sqlite()).with("SYMBOLON_DATABASE_URL", &url).refusal(&["serve"]);
        assert!(refused.contains(&said) && !refused.contains("SECRET"), "{url}: {refused}");
    }
}
