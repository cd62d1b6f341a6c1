//! `tests/conformance/setup`: what it registers for the OpenID Foundation's conformance suite, and the configuration that it
//! prints.

use std::process::Command;

use serde_json::{Value, json};

use super::Binary;
use crate::harness::{Database, databases, variable};

/// Runs it for a plan, and reads the configuration.
fn set_up(symbolon: &Binary, plan: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/setup");
    let mut command = Command::new(variable("SYMBOLON_TEST_PYTHON"));
    command.args([script, "--symbolon", env!("CARGO_BIN_EXE_symbolon"), "--suite", "https://suite.example/", plan]);
    for (name, value) in symbolon.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{plan}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_user_and_clients_are_registered_for_a_plan_and_kept_the_next_time() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let first = set_up(&symbolon, "backchannel-logout");
        let client = symbolon.json("client show conformance-backchannel-logout-1 --json");
        let base = "https://suite.example/test/a/conformance-backchannel-logout";
        assert_eq!(client["redirect_uris"], json!([format!("{base}/callback")]), "{name}");
        assert_eq!(client["post_logout_redirect_uris"], json!([format!("{base}/post_logout_redirect")]), "{name}");
        assert_eq!(client["backchannel_logout_uri"], format!("{base}/backchannel_logout"), "{name}");
        assert_eq!((&client["pkce"], &client["id_token_claims"]), (&"optional".into(), &"requested".into()), "{name}");
        assert_eq!(first["server"]["discoveryUrl"], "http://localhost:8080/.well-known/openid-configuration", "{name}");

        let second = set_up(&symbolon, "backchannel-logout");
        assert_eq!(second["client"]["client_id"], "conformance-backchannel-logout-1", "{name}");
        assert_ne!(second["client"]["client_secret"], first["client"]["client_secret"], "{name}");
        assert_ne!(second["browser"], first["browser"], "{name}: it types the new password");
        assert_eq!(symbolon.json("client list --json").as_array().unwrap().len(), 1, "{name}");
        assert_eq!(symbolon.json("user list --json").as_array().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn each_plan_has_the_clients_that_the_suite_names() {
    let database = Database::sqlite();
    let symbolon = Binary::migrated(&database.url);
    for (plan, expected) in [
        ("config", &[][..]),
        ("basic", &["client", "client2", "client_secret_post"]),
        ("form-post", &["client", "client2", "client_secret_post"]),
        ("rp-initiated-logout", &["client"]),
    ] {
        let configuration = set_up(&symbolon, plan);
        let clients: Vec<_> = configuration.as_object().unwrap().keys().filter(|key| key.starts_with("client")).collect();
        assert_eq!(clients, expected, "{plan}");
        assert_eq!(configuration["alias"], format!("conformance-{plan}"));
    }
}
