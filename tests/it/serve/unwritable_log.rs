//! A log that cannot be written: its pipe is closed, its disk is full, or its reader has stopped reading. Requests are answered
//! all the same, the shutdown is on time, and dropped lines are counted once writing works again.

use std::{
    fs::File,
    io::{PipeReader, Read, pipe},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use symbolon::testing::{
    protocol::{oauth::client::Client, values::id::Id},
    store::grants,
};

use super::{Site, get, refresh, tokens};
use crate::harness::{Answer, Browser, Database, Process, claims_of, databases, try_send, wait_until};

/// A standard error, and what has to be kept for it to stay as it is.
type Stderr = (Stdio, Option<PipeReader>);

fn gone() -> Stderr {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    (writer.into(), None)
}

fn full() -> Stderr {
    (File::options().write(true).open("/dev/full").unwrap().into(), None)
}

fn unread() -> Stderr {
    let (reader, writer) = pipe().unwrap();
    (writer.into(), Some(reader))
}

/// Starts the server, and waits until it answers.
fn serve(site: &Site, stderr: Stdio) -> Process {
    let process = site.serve_within("true", stderr);
    wait_until(|| try_send("GET", &format!("{}/readyz", site.url), &[], None).is_ok(), || "it does not answer".into());
    process
}

/// Requests whose log lines take so many KiB: each is answered.
fn log_kib(site: &Site, kib: usize) {
    let path = format!("/{}", "x".repeat(8 * 1024 - 300));
    for _ in 0..kib / 8 {
        assert_eq!(try_send("GET", &format!("{}{path}", site.url), &[], None).unwrap().status, 404);
    }
}

fn generation(site: &Site, tokens: &Answer) -> u32 {
    let id = Id::parse(&claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32]).unwrap();
    site.store().with(|connection| grants::find(connection, id)).unwrap().unwrap().grant.generation
}

/// Everything that is asked for is answered, and what was done is what was answered; then it ends in time.
#[track_caller]
fn everything_works(site: &Site, spa: &Client, process: Process, what: &str) {
    let mut current = tokens(&site.url, spa);
    log_kib(site, 96); // more than a pipe holds
    for _ in 0..40 {
        current = refresh(&site.url, spa, current.text("refresh_token")).unwrap();
        assert_eq!(current.status, 200, "{what}: {current:?}");
    }
    assert_eq!(generation(site, &current), 41, "{what}");
    assert_eq!((get(&site.url, "/healthz").status, get(&site.url, "/readyz").status), (200, 200), "{what}");
    process.signal("TERM");
    let received = Instant::now();
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(0), "{what}: {said}");
    assert!(received.elapsed() < Duration::from_secs(10), "{what}: {:?}", received.elapsed());
    assert_eq!(said, "", "{what}: nothing of it elsewhere");
}

#[test]
fn requests_are_answered_and_the_end_comes_in_time() {
    for database in databases() {
        let name = database.name;
        let site = Site::new(database);
        site.add_alice();
        let spa = site.add_spa();
        for (what, (stderr, reader)) in [("gone", gone()), ("full", full()), ("unread", unread())] {
            let process = serve(&site, stderr);
            everything_works(&site, &spa, process, &format!("{name}, {what}"));
            drop(reader);
        }
    }
}

#[test]
fn what_was_dropped_is_counted_once_somebody_reads_again() {
    let site = Site::new(Database::sqlite());
    let (stderr, reader) = unread();
    let process = serve(&site, stderr);
    log_kib(&site, 2048); // what waits is at most twice a mebibyte
    log_kib(&site, 1024);
    let reading = thread::spawn(move || {
        let mut log = String::new();
        reader.unwrap().read_to_string(&mut log).unwrap();
        log
    });
    thread::sleep(Duration::from_millis(100)); // it may still write what had waited when the last lines come: they count as well
    log_kib(&site, 8);
    process.signal("TERM");
    assert_eq!(process.end().0.code(), Some(0));
    let log = reading.join().unwrap();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no whole line: {line}"))).collect();
    let dropped = lines.iter().rev().find(|line| line["message"].as_str().unwrap().starts_with("log lines were dropped"));
    let dropped = dropped.unwrap_or_else(|| panic!("nothing is said of it in {} lines", lines.len()))["total"].as_u64().unwrap();
    let requests = lines.iter().filter(|line| line["message"] == "request" && line["status"] == 404).count();
    assert!(dropped > 0, "{dropped}");
    assert_eq!(u64::try_from(requests).unwrap() + dropped, (2048 + 1024 + 8) / 8, "each is written or counted");
    assert_eq!(lines.last().unwrap()["message"], "stopped", "the last lines are written before the end");
}

/// E-mails go there with `mail = "console"`.
#[test]
fn a_standard_output_that_nobody_reads_does_not_hold_up_the_end() {
    for database in databases() {
        let site = Site::new(database)
            .with("SYMBOLON_MAIL", "console")
            .with("SYMBOLON_MAIL_FROM", "no-reply@id.example.com")
            .with("SYMBOLON_SHUTDOWN_TIMEOUT", "1s");
        site.add_alice();
        site.command(&["user", "set", "alice", "--email-verified"], "");
        let (stdout, _reader) = unread();
        let mut process = site.serve_with("head -c 65536 /dev/zero", (stdout, Stdio::piped())); // fills the pipe
        process.wait_for("serving");
        for _ in 0..2 {
            Browser::at(&site.url).sign_in("alice"); // of the second time she is told
        }
        thread::sleep(Duration::from_millis(300)); // it is being written by now, or will be
        process.signal("TERM");
        let received = Instant::now();
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(received.elapsed() < Duration::from_secs(10), "{:?}", received.elapsed());
        assert!(said.contains("it may be sent twice"), "{said}");
    }
}

#[test]
fn why_it_does_not_start_is_waited_for_by_nobody() {
    let nowhere = || Database::at("sqlite", "sqlite:/dev/null/none"); // PostgreSQL would be waited for
    for (what, (stderr, reader)) in [("gone", gone()), ("full", full()), ("unread", unread())] {
        let before = if reader.is_some() { "head -c 65536 /dev/zero >&2" } else { "true" }; // fills the pipe
        let process = Site::new(nowhere()).serve_within(before, stderr);
        let started = Instant::now();
        let (status, said) = process.end();
        assert_eq!((status.code(), said.as_str()), (Some(1), ""), "{what}");
        assert!(started.elapsed() < Duration::from_secs(10), "{what}: {:?}", started.elapsed());
        drop(reader);
    }
}
