//! `symbolon grant`: what is listed of a grant, and revoking it.

use serde_json::{Value, json};
use symbolon::{protocol::id::Id, store::people};

use super::{Binary, is_time, seed};
use crate::harness::databases;

#[test]
fn grants_are_listed_and_revoked() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        symbolon.add_user("alice");
        symbolon.add_user("bob");
        for id in ["app", "other"] {
            symbolon.text(&format!("client add --id {id} --name App --type spa --redirect-uri https://app.example.com/cb"));
        }
        let store = symbolon.store();
        let id = |login: &str| store.with(|connection| people::find_by_login(connection, login)).unwrap().unwrap().claims.id;
        let (_, [code, active]) = seed(&store, id("alice"), "app");
        seed(&store, id("bob"), "app");

        assert_eq!(symbolon.json("grant list --json").as_array().unwrap().len(), 4, "{name}");
        assert_eq!(symbolon.json("grant list --limit 3 --json").as_array().unwrap().len(), 3, "{name}");
        assert_eq!(symbolon.json("grant list --client other --json"), json!([]), "{name}");
        assert!(symbolon.refusal("grant list --client nobody").contains("client 'nobody': there is no client"), "{name}");
        let listed = symbolon.json("grant list --user alice --client app --json");
        let find = |listed: &Value, id: Id| {
            listed.as_array().unwrap().iter().find(|grant| grant["id"] == id.to_string()).cloned().unwrap()
        };
        assert_eq!(listed.as_array().unwrap().len(), 2, "{name}: {listed}");
        let grant = find(&listed, active);
        assert!(is_time(&grant["created"]) && is_time(&grant["last_used"]) && is_time(&grant["expires"]), "{name}: {grant}");
        let mut expected = json!({
            "id": active.to_string(), "client_id": "app", "user_id": id("alice").to_string(), "username": "alice", "scope": "openid notes:read",
            "audiences": ["https://api.example.com"], "state": "active", "reason": null, "ends_with_session": false,
        });
        for key in ["created", "last_used", "expires"] {
            expected[key] = grant[key].clone();
        }
        assert_eq!(grant, expected, "{name}");
        let grant = find(&listed, code);
        assert_eq!(
            (&grant["state"], &grant["last_used"], &grant["ends_with_session"]),
            (&json!("code"), &Value::Null, &json!(true)),
            "{name}"
        );

        assert_eq!(symbolon.text(&format!("grant revoke {active}")), format!("grant {active} is revoked\n"), "{name}");
        assert_eq!(symbolon.text(&format!("grant revoke {active}")), format!("grant {active} was revoked before\n"), "{name}");
        assert_eq!(
            symbolon.json(&format!("grant revoke {code} --json")),
            json!({ "id": code.to_string(), "revoked": true }),
            "{name}"
        );
        let listed = symbolon.json("grant list --user alice --json");
        let grant = find(&listed, active);
        assert_eq!((&grant["state"], &grant["reason"]), (&json!("ended"), &json!("the grant was revoked")), "{name}");
        let text = symbolon.text("grant list");
        assert_eq!(text.lines().filter(|line| line.ends_with("the grant was revoked")).count(), 2, "{name}: {text}");
        assert!(symbolon.refusal("grant revoke nonsense").contains("expected 32 hexadecimal digits"), "{name}");
        let unknown = "0".repeat(32);
        assert!(
            symbolon.refusal(&format!("grant revoke {unknown}")).contains(&format!("grant '{unknown}': there is no grant")),
            "{name}"
        );
    }
}
