//! The metrics for monitoring: the counters of `metrics_listen`, on a socket of their own.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use diesel::{RunQueryDsl, sql_query};
use symbolon::testing::store::Error;

use super::{Site, https, refresh, tokens};
use crate::harness::{databases, free_port, try_send, wait_until};

fn status(url: &str) -> u16 {
    try_send("GET", url, &[], None).unwrap().status
}

#[test]
fn what_became_of_refresh_tokens_is_counted_and_what_was_healed_too() {
    for database in databases() {
        let port = free_port();
        let site = Site::new(database).with("SYMBOLON_METRICS_LISTEN", format!("localhost:{port}"));
        let metrics = format!("http://localhost:{port}/metrics");
        site.add_alice();
        let spa = site.add_spa();
        let process = site.serve();
        let counted = || try_send("GET", &metrics, &[], None).unwrap();
        let before = counted();
        assert_eq!(before.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        assert!(before.body.contains("symbolon_grant_events_total{event=\"healed\"} 0\n"), "{}", before.body);

        let first = tokens(&site.url, &spa);
        let second = refresh(&site.url, &spa, first.text("refresh_token")).unwrap();
        site.store()
            .with(|connection| sql_query("UPDATE grants SET generation = 1").execute(connection).map_err(Error::from))
            .unwrap();
        let third = refresh(&site.url, &spa, second.text("refresh_token")).unwrap();
        assert_eq!(third.status, 200, "{third:?}");
        assert_eq!(refresh(&site.url, &spa, second.text("refresh_token")).unwrap().status, 200, "its successor is told again");
        for _ in 0..2 {
            assert_eq!(refresh(&site.url, &spa, first.text("refresh_token")).unwrap().error(), "invalid_grant");
        }
        let text = counted().body;
        for event in ["code_issued", "redeemed", "refreshed", "healed", "repeated", "reused"] {
            assert!(text.contains(&format!("symbolon_grant_events_total{{event=\"{event}\"}} 1\n")), "{event}: {text}");
        }
        assert!(text.contains("symbolon_sessions_healed_total 0\n"), "{text}");

        assert_eq!(status(&format!("{}/metrics", site.url)), 404, "not where everyone can ask");
        assert_eq!(status(&format!("http://localhost:{port}/login")), 404, "and no page there");
        drop(process);
    }
}

#[test]
fn health_is_told_by_plain_http_where_requests_are_served_by_https_alone() {
    let port = free_port();
    let site = https::site().with("SYMBOLON_METRICS_LISTEN", format!("localhost:{port}"));
    https::write(site.directory.path(), &https::certificate());
    let process = site.serve();
    for (path, body) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let page = try_send("GET", &format!("http://localhost:{port}{path}"), &[], None).unwrap();
        assert_eq!((page.status, page.body.as_str()), (200, body), "{path}");
        assert_eq!(try_send("HEAD", &format!("http://localhost:{port}{path}"), &[], None).unwrap().status, 200);
        assert_eq!(try_send("POST", &format!("http://localhost:{port}{path}"), &[], Some("")).unwrap().status, 405);
    }
    drop(process);
}

#[test]
fn monitoring_is_served_while_callers_have_every_connection() {
    let port = free_port();
    let settings = [
        ("SYMBOLON_METRICS_LISTEN", format!("127.0.0.1:{port}")),
        ("SYMBOLON_MAX_CONNECTIONS", "20".into()),
        ("SYMBOLON_MAX_CONNECTIONS_PER_ADDRESS", "20".into()),
    ];
    let site =
        settings.into_iter().fold(Site::new(crate::harness::Database::sqlite()), |site, (key, value)| site.with(key, value));
    let process = site.serve();
    let address = site.url.strip_prefix("http://").unwrap();
    let callers: Vec<_> = (0..60).map(|_| TcpStream::connect(address).unwrap()).collect();
    let is_full = || {
        let mut one_more = TcpStream::connect(address).unwrap();
        one_more.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
        one_more.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        one_more.read(&mut [0]).map_or(true, |bytes| bytes == 0)
    };
    wait_until(is_full, || "there is a connection left".into());
    let read = try_send("GET", &format!("http://127.0.0.1:{port}/metrics"), &[], None).unwrap();
    assert_eq!(read.status, 200, "{read:?}");
    drop((callers, process));
}

#[test]
fn a_port_that_another_has_is_refused_by_the_name_of_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let site = Site::new(crate::harness::Database::sqlite()).with("SYMBOLON_METRICS_LISTEN", listen.clone());
    let refusal = site.refusal(&["serve"]);
    assert!(refusal.contains(&format!("metrics_listen: '{listen}'")), "{refusal}");
}
