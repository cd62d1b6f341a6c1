//! `symbolon grant`: listing grants, revoking one, and the history of one.

use serde_json::{Value, json};
use symbolon::testing::{
    protocol::{account::login_name::LoginName, oauth::client::ClientKind, values::id::Id},
    store::{grants, users},
};

use super::{Binary, is_time, seed};
use crate::harness::{Browser, Server, databases};

#[test]
fn grants_are_listed_and_revoked() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_user("alice");
        symbolon.add_user("bob");
        for id in ["app", "other"] {
            symbolon.text(&format!("client add --id {id} --name App --type spa --redirect-uri https://app.example.com/cb"));
        }
        let store = symbolon.store();
        let id = |login: &str| {
            store.with(|connection| users::find_by_login(connection, &LoginName::parse(login))).unwrap().unwrap().claims.id
        };
        let (_, [code, active]) = seed(&store, id("alice"), "app");
        seed(&store, id("bob"), "app");

        assert_eq!(symbolon.json("grant list --json").as_array().unwrap().len(), 4, "{name}");
        assert_eq!(symbolon.json("grant list --limit 3 --json").as_array().unwrap().len(), 3, "{name}");
        assert_eq!(symbolon.json("grant list --client other --json"), json!([]), "{name}");
        assert!(symbolon.refusal("grant list --client nobody").contains("client 'nobody': no such client"), "{name}");
        assert_eq!(symbolon.json("grant list --user alice --json").as_array().unwrap().len(), 2, "{name}: not those of bob");
        assert_eq!(symbolon.json("grant list --user alice --client other --json"), json!([]), "{name}");
        let listed = symbolon.json("grant list --user alice --client app --json");
        assert_eq!(listed.as_array().unwrap().len(), 2, "{name}");
        let find = |listed: &Value, id: Id| {
            listed.as_array().unwrap().iter().find(|grant| grant["id"] == id.to_string()).cloned().unwrap()
        };
        assert_eq!(listed.as_array().unwrap().len(), 2, "{name}: {listed}");
        let grant = find(&listed, active);
        assert!(is_time(&grant["created"]) && is_time(&grant["last_used"]) && is_time(&grant["expires"]), "{name}: {grant}");
        let mut expected = json!({
            "id": active.to_string(), "client_id": "app", "user_id": id("alice").to_string(), "username": "alice", "scope": "openid notes:read",
            "audiences": ["https://api.example.com"], "state": "active", "reason": null, "ends_with_session": false,
            "device_name": null, "address": null, "place": null, "user_agent": null,
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

        assert_eq!(symbolon.text(&format!("grant revoke {active}")), format!("revoked grant {active}\n"), "{name}");
        assert_eq!(symbolon.text(&format!("grant revoke {active}")), format!("grant {active} was already revoked\n"), "{name}");
        assert_eq!(
            symbolon.json(&format!("grant revoke {code} --json")),
            json!({ "id": code.to_string(), "revoked": true }),
            "{name}"
        );
        let listed = symbolon.json("grant list --user alice --json");
        let grant = find(&listed, active);
        assert_eq!((&grant["state"], &grant["reason"]), (&json!("ended"), &json!("revoked")), "{name}");
        let text = symbolon.text("grant list");
        assert_eq!(text.lines().filter(|line| line.ends_with("the grant was revoked")).count(), 2, "{name}: {text}");
        assert!(symbolon.refusal("grant revoke nonsense").contains("expected 32 hexadecimal digits"), "{name}");
        let unknown = "0".repeat(32);
        assert!(
            symbolon.refusal(&format!("grant revoke {unknown}")).contains(&format!("grant '{unknown}': no such grant")),
            "{name}"
        );
    }
}

#[test]
fn the_life_of_a_grant_is_shown() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        let alice = server.add_user("alice").claims.id;
        let app = server.add_strict_client("app");
        let mut browser = Browser::new(&server);
        browser.headers.push(("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into()));
        let code = browser.code(&app, "alice", "openid offline_access");
        let id = symbolon.json("grant list --json")[0]["id"].as_str().unwrap().to_owned();
        let show = |what: &str| symbolon.json(&format!("grant show {what} --json"));
        let happened = |shown: &Value| -> Vec<String> {
            shown["history"].as_array().unwrap().iter().map(|one| one["event"].as_str().unwrap().to_owned()).collect()
        };
        let flush = || symbolon.store().with(|connection| server.app.history.flush(connection)).unwrap();
        // Whether the moment is written by now or not, its beginning is known, and from where.
        let begun = show(&id);
        assert_eq!((happened(&begun), &begun["state"]), (vec!["code_issued".to_owned()], &json!("code")), "{name}");
        assert!(begun["history"][0]["user_agent"].as_str().unwrap().contains("Firefox"), "{name}: {begun}");
        flush();
        assert_eq!(happened(&show(&id)), ["code_issued"], "{name}: it is told once");
        assert!(symbolon.text("grant list").lines().nth(1).unwrap().contains("  Firefox on Linux  code"), "{name}");

        let first = server.redeem(&app, &code).text("refresh_token").to_owned();
        let named = Id::parse(&id).unwrap();
        server.store(|connection| grants::rename(connection, alice, named, Some("work laptop")));
        server.refresh(&app, &first);
        flush();
        let shown = show(&id);
        assert_eq!(happened(&shown), ["code_issued", "redeemed", "refreshed"], "{name}");
        assert_eq!(
            (&shown["generation"], &shown["device_name"], &shown["client_name"]),
            (&json!(2), &json!("work laptop"), &json!("App app"))
        );
        let last = &shown["history"][2];
        assert_eq!(
            (&last["generation"], &last["new_address"], &last["address"]),
            (&json!(1), &json!(false), &shown["address"]),
            "{name}"
        );
        assert!(symbolon.text("grant list").lines().nth(1).unwrap().contains("  work laptop  active"), "{name}");

        server.refresh(&app, &first); // once too often
        let shown = show(&id);
        assert_eq!(happened(&shown), ["code_issued", "redeemed", "refreshed", "reused"], "{name}: it tells the end by itself");
        assert_eq!((&shown["state"], &shown["reason"]), (&json!("ended"), &json!("revoked")), "{name}");
        let text = symbolon.text(&format!("grant show {id}"));
        assert!(text.contains("\ndevice        work laptop\n") && text.contains("REUSED, grant revoked"), "{name}: {text}");
        assert!(!text.contains("sym_"), "{name}: {text}");

        let other = server.add_client("other", ClientKind::Spa, |_| ());
        server.tokens(&other, "alice", "openid offline_access");
        let id = symbolon.json("grant list --client other --json")[0]["id"].as_str().unwrap().to_owned();
        symbolon.text(&format!("grant revoke {id}"));
        flush();
        let shown = show(&id);
        assert_eq!(happened(&shown), ["code_issued", "redeemed", "revoked"], "{name}");
        assert_eq!(shown["history"][2]["why"], "revoked_by_operator", "{name}: {shown}");
        server.delete(alice);
        let shown = show(&id);
        assert_eq!(
            (happened(&shown), &shown["username"]),
            (vec!["code_issued".to_owned(), "revoked".into()], &Value::Null),
            "{name}"
        );
        assert!(
            shown["history"][0]["address"].is_null() && shown["address"].is_null(),
            "{name}: of a person who is gone {shown}"
        );
        assert!(symbolon.refusal("grant show nonsense").contains("expected 32 hexadecimal digits"), "{name}");
        assert!(symbolon.refusal(&format!("grant show {}", "0".repeat(32))).contains("no such grant"), "{name}");
    }
}
