//! `symbolon user import`: users of a former system with their password hashes, all or none, and the error for each invalid line.

use serde_json::json;

use super::{Binary, PASSWORD};
use crate::harness::{Browser, Server, databases};

/// bcrypt of `PASSWORD`, by the package of that name for Python.
const BCRYPT: &str = "$2b$04$CPwZdmgYNE3zppwBjkrfs.F7F4d2i2zHmtCUh0f.NCc7vscucMH92";

/// What it says when it refuses, line by line.
fn refusal(symbolon: &Binary, lines: &str) -> Vec<String> {
    let ran = symbolon.run_with(&["user", "import", "-"], lines);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
    let mut received = ran.stderr.lines().map(str::to_owned);
    assert_eq!(received.next().as_deref(), Some("error: nothing was imported"), "{}", ran.stderr);
    received.collect()
}

#[test]
fn users_are_imported_and_sign_in_with_their_passwords() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        let alice = json!({
            "username": "Alice", "email": "Alice@example.com", "email_verified": true, "name": "Alice L.", "password_hash": BCRYPT,
            "roles": ["editor"], "groups": ["staff"], "attributes": {"given_name": "Alice"},
        });
        let lines = format!(
            "{alice}\r\n\n{}\n{}",
            json!({"username": "bob", "email": "b@example.com"}),
            json!({"username": "carol", "email": "c@example.com", "name": null, "password_hash": null})
        );
        let file = symbolon.dir.path().join("people.jsonl");
        std::fs::write(&file, lines).unwrap();
        assert_eq!(symbolon.text(&format!("user import {}", file.display())), "imported 3 users\n", "{name}");

        let listed = symbolon.json("user list --json");
        assert_eq!(listed.as_array().unwrap().len(), 3, "{name}");
        for (key, value) in [
            ("username", json!("alice")),
            ("email", json!("alice@example.com")),
            ("email_verified", json!(true)),
            ("name", json!("Alice L.")),
            ("roles", json!(["editor"])),
            ("groups", json!(["staff"])),
            ("attributes", json!({"given_name": "Alice"})),
        ] {
            assert_eq!(listed[0][key], value, "{name}: {key}");
        }
        for (username, password, status) in [("alice", PASSWORD, 303), ("alice", "another one altogether", 401), ("bob", "", 401)]
        {
            let page = Browser::new(&server).sign_in_at("/login", username, password);
            assert_eq!(page.status, status, "{name}: {username}");
        }
        let one = json!({"username": "dave", "email": "d@example.com"}).to_string();
        assert_eq!(symbolon.run_with(&["user", "import", "-"], &one).stdout, "imported 1 user\n", "{name}");
        let ran = symbolon.run_with(&["user", "import", "-", "--json"], "");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap(), json!({"added": 0}), "{name}");
    }
}

#[test]
fn each_mistake_is_told_with_its_line_and_nothing_is_imported() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let secret = "5f4dcc3b5aa765d61d8327deb882cf99";
        let lines = [
            json!({"username": "alice", "email": "a@example.com"}).to_string(),
            "not JSON".into(),
            json!({"email": "b@example.com"}).to_string(),
            json!({"username": "bob", "email": "b@example.com", "password": secret}).to_string(),
            json!({"username": "bob", "email": "b@example.com", "password_hash": secret}).to_string(),
            json!({"username": "bob", "email": "b@example.com", "password_hash": BCRYPT.replace("$04$", "$20$")}).to_string(),
            json!({"username": "b ob", "email": "b@example.com"}).to_string(),
            json!({"username": "bob", "email": "nowhere"}).to_string(),
            json!({"username": "bob", "email": "b@example.com", "email_verified": "yes"}).to_string(),
            json!({"username": "bob", "email": "b@example.com", "attributes": {"unknown": 1}}).to_string(),
            json!({"username": "bob", "email": "b@example.com", "roles": [""]}).to_string(),
            json!({"username": "bob", "email": "b@example.com", "name": "\u{7}"}).to_string(),
            json!({"username": "ALICE", "email": "other@example.com"}).to_string(),
            json!({"username": "other", "email": "A@example.com"}).to_string(),
            json!(["bob", "b@example.com", false, null, null, null, {}, [], [], {}]).to_string(),
        ];
        let received = refusal(&symbolon, &lines.join("\n"));
        let expected = [
            "line 2: expected a JSON object: expected ident",
            "line 3: expected a JSON object: missing field `username`",
            "line 4: expected a JSON object: unknown field `password`",
            "line 5: password_hash: expected argon2",
            "line 6: password_hash: expected bcrypt with a cost of 4 to 14, received 20",
            "line 7: user name 'b ob': expected 1 to 64 characters",
            "line 8: e-mail address 'nowhere': expected name@host",
            "line 9: expected a JSON object: invalid type: string \"yes\", expected a boolean",
            "line 10: attribute 'unknown': expected a claim that a scope grants",
            "line 11: role '': expected",
            "line 12: name '<U+0007>': expected 1 to 100 characters",
            "line 13: user name 'alice' is already used in line 1",
            "line 14: e-mail address 'a@example.com' is already used in line 1",
            "line 15: expected a JSON object: invalid type: sequence",
        ];
        assert_eq!(received.len(), expected.len(), "{name}: {received:?}");
        for (received, expected) in received.iter().zip(expected) {
            assert!(
                received.starts_with(expected) && !received.contains(secret) && !received.contains("CPwZdmgY"),
                "{name}: {received}"
            );
        }
        assert_eq!(symbolon.json("user list --json"), json!([]), "{name}");

        let many = refusal(&symbolon, &"{}\n".repeat(25));
        assert_eq!((many.len(), many.last().map(String::as_str)), (21, Some("and 5 more")), "{name}");
        let long = refusal(&symbolon, &format!("{}\n{{}}\n", "x".repeat(300_000)));
        assert_eq!(long, ["line 1: expected at most 262144 bytes; nothing after it was read"], "{name}");
        assert!(symbolon.refusal("user import absent.jsonl").contains("file: 'absent.jsonl'"), "{name}");
    }
}

#[test]
fn whoever_is_there_already_keeps_their_account_and_the_others_wait() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_user("bob");
        let line = |username: &str, email: &str| json!({"username": username, "email": email}).to_string();
        for clash in [line("bob", "other@example.com"), line("other", "bob@example.com")] {
            let received = refusal(&symbolon, &format!("{}\n\n{clash}\n", line("alice", "a@example.com")));
            assert!(
                received[0].starts_with("line 3: user name '") && received[0].contains("already taken"),
                "{name}: {received:?}"
            );
            assert_eq!(symbolon.json("user list --json").as_array().unwrap().len(), 1, "{name}");
        }
    }
}
