//! The pages and the demonstration in Chromium, by the scripts of `tests/clients`; the screenshots are kept.

use std::{net::TcpListener, path::Path};

use serde_json::json;
use symbolon::protocol::client::ClientKind;

use crate::harness::{PASSWORD, Process, both, chromium, free_port};

#[test]
fn people_walk_the_pages() {
    both(|server| {
        server.add_person("alice");
        let redirect_uri = format!("http://localhost:{}/callback", free_port());
        let web = server.add_client("notes", ClientKind::Spa, |client| {
            client.name = "Example Notes".into();
            client.redirect_uris = vec![redirect_uri.clone()];
        });
        let settings = json!({
            "issuer": server.url,
            "client_id": web.id,
            "redirect_uri": redirect_uri,
            "username": "alice",
            "password": PASSWORD,
        });
        chromium("pages.mjs", &settings);
    });
}

#[test]
fn the_demonstration_runs_by_itself_and_leaves_nothing() {
    for port in [8080, 8081, 8082] {
        let free = TcpListener::bind(("127.0.0.1", port));
        assert!(free.is_ok(), "port {port}, where the demonstration listens, is taken: {}", free.unwrap_err());
    }
    let mut demo = Process::start(&["demo"], &[]);
    demo.wait_for("Ctrl-C stops it.");
    let said = demo.said();
    let after = |label: &str| said.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap().trim().to_owned();
    let (username, password) = after("Sign in").split_once(" / ").map(|(name, word)| (name.to_owned(), word.to_owned())).unwrap();
    let data = after("Data").split_once(' ').unwrap().0.to_owned();
    assert!(Path::new(&data).join("symbolon.db").is_file(), "{said}");
    assert_eq!(after("Open"), "http://localhost:8081");
    chromium("demo.mjs", &json!({"username": username, "password": password}));
    demo.signal("INT");
    let (status, said) = demo.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!Path::new(&data).exists(), "its data are gone");
    assert!(!said.contains("ERROR"), "{said}");
}
