//! `symbolon user`: the data of a user besides their password, shown and changed, and deleting them.

use serde_json::{Value, json};
use symbolon::testing::{
    protocol::{account::login_name::LoginName, oauth::client::ClientKind},
    store::users,
};

use super::{Binary, PASSWORD, all_ended, is_time, seed};
use crate::harness::{Server, databases};

#[test]
fn details_are_given_shown_and_changed() {
    for database in databases() {
        let (name, mut symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.variables = vec![("SYMBOLON_SCOPE_CLAIMS", "employee: number tags".into())];
        let add = [
            "user",
            "add",
            "alice",
            "--email",
            "alice@example.com",
            "--role",
            "editor",
            "--role",
            "admin",
            "--group",
            "staff",
            "--attribute",
            "given_name=Alice B.",
            "--attribute",
            "number=7",
            "--attribute",
            "tags=[\"a\",\"b\"]",
            "--attribute",
            "birthdate=1980",
            "--password-stdin",
            "--json",
        ];
        let ran = symbolon.run_with(&add, PASSWORD);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let added: Value = serde_json::from_str(&ran.stdout).unwrap();
        let attributes = json!({ "given_name": "Alice B.", "number": 7, "tags": ["a", "b"], "birthdate": "1980" });
        assert_eq!(
            (&added["roles"], &added["groups"], &added["attributes"]),
            (&json!(["editor", "admin"]), &json!(["staff"]), &attributes),
            "{name}"
        );
        assert!(is_time(&added["updated"]), "{name}: {added}");
        let mut shown = symbolon.json("user show alice --json");
        let is_active =
            ["active_sessions", "active_grants", "open_links"].map(|key| shown.as_object_mut().unwrap().remove(key).unwrap());
        assert_eq!((shown, is_active), (added, [json!(0), json!(0), json!([])]), "{name}");
        let text = symbolon.text("user show alice@example.com");
        assert!(
            text.contains("roles            editor\n                 admin\n") && text.contains("number=7\n"),
            "{name}: {text}"
        );

        let set = symbolon
            .json("user set alice --name Alice --role reader --attribute number= --attribute locale=fr --email-verified --json");
        assert_eq!((&set["roles"], &set["groups"]), (&json!(["reader"]), &json!(["staff"])), "{name}: a list replaces a list");
        assert_eq!(
            set["attributes"],
            json!({ "given_name": "Alice B.", "tags": ["a", "b"], "birthdate": "1980", "locale": "fr" }),
            "{name}"
        );
        assert_eq!((&set["name"], &set["email_verified"]), (&json!("Alice"), &json!(true)), "{name}");
        let set = symbolon.json("user set alice --email Other@Example.com --no-name --no-role --no-group --json");
        assert_eq!(
            (&set["email"], &set["email_verified"]),
            (&json!("other@example.com"), &json!(false)),
            "{name}: a new one is not verified"
        );
        assert_eq!((&set["name"], &set["roles"], &set["groups"]), (&Value::Null, &json!([]), &json!([])), "{name}");
        assert_eq!(
            symbolon.json("user set alice --email x@example.com --email-verified --json")["email_verified"],
            true,
            "{name}"
        );
        assert_eq!(symbolon.json("user set alice --no-email-verified --json")["email_verified"], false, "{name}");
        assert!(symbolon.text("user set alice --email-verified").contains("x@example.com (verified)"), "{name}");
    }
}

#[test]
fn details_that_make_no_sense_are_refused() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_user("alice");
        symbolon.add_user("bob");
        let before = symbolon.json("user list --json");
        for (line, words) in [
            ("--email bob@example.com", "e-mail address 'bob@example.com' is already taken"),
            ("--email nowhere", "expected name@host"),
            ("--name=", "expected 1 to 100"),
            ("--attribute number=7", "a scope grants"),
            ("--attribute sub=x", "a scope grants"),
            ("--attribute email=x", "dedicated option"),
            ("--attribute nickname=", "that the user has"),
            ("--attribute nickname", "NAME=VALUE"),
            ("--role=", "expected 1 to 100"),
        ] {
            let refused = symbolon.refusal(&format!("user set alice {line}"));
            assert!(refused.contains(words), "{name}: {line}: {refused}");
        }
        let add = symbolon.refusal_with("user add carol --email c@example.com --attribute sub=x --password-stdin", PASSWORD);
        assert!(add.contains("a scope grants"), "{name}: {add}");
        for line in ["show carol", "set carol --name C", "delete carol"] {
            assert!(symbolon.refusal(&format!("user {line}")).contains("user 'carol': no user has"), "{name}: {line}");
        }
        assert_eq!(symbolon.json("user list --json"), before, "{name}");
    }
}

#[test]
fn a_user_who_is_deleted_is_gone_and_what_they_had_has_ended() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_user("alice");
        symbolon.add_user("bob");
        let store = symbolon.store();
        let user = |login: &str| {
            store.with(|connection| users::find_by_login(connection, &LoginName::parse(login))).unwrap().unwrap().claims.id
        };
        let (alice, bob) = (user("alice"), user("bob"));
        let ((session, _), (bobs, _)) = (seed(&store, alice, "app"), seed(&store, bob, "app"));
        let text = symbolon.text("user delete ALICE");
        assert_eq!(text, "user alice was deleted; their sessions and grants have ended\n", "{name}");
        assert_eq!((all_ended(&store, alice, session), all_ended(&store, bob, bobs)), ([true, true], [false, false]), "{name}");
        assert!(symbolon.refusal("user show alice").contains("no user has this name"), "{name}");
        symbolon.add_user("alice");
        assert_ne!(user("alice"), alice, "{name}: the same name is another person");
        let deleted = symbolon.json("user delete bob --json");
        assert_eq!(deleted, json!({ "id": bob.to_string(), "username": "bob", "deleted": true }), "{name}");
    }
}

#[test]
fn what_is_set_is_what_apps_are_told() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        server.add_user("alice");
        let app = server.add_client("app", ClientKind::Spa, |client| {
            client.settings.scope =
                symbolon::testing::protocol::oauth::scope::Scopes::parse("openid profile roles groups").unwrap();
        });
        symbolon.text("user set alice --role editor --group staff --attribute nickname=Al");
        let tokens = server.tokens(&app, "alice", "openid profile roles groups");
        let info = server.userinfo(tokens.text("access_token")).json;
        assert_eq!(
            (&info["roles"], &info["groups"], &info["nickname"]),
            (&json!(["editor"]), &json!(["staff"]), &json!("Al")),
            "{}",
            database.name
        );
    }
}
