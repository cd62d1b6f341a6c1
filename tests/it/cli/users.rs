//! `symbolon user`: adding, listing, disabling and enabling, new passwords, and what each of these ends.

use serde_json::{Value, json};
use symbolon::testing::{
    config::PasswordSettings,
    passwords::Passwords,
    protocol::{account::login_name::LoginName, values::id::Id},
    random,
    store::users,
};

use super::{Binary, PASSWORD, all_ended, is_time, now, seed};
use crate::harness::databases;

#[test]
fn users_are_added_and_listed() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        assert_eq!(symbolon.json("user list --json"), json!([]), "{name}");
        let ran = symbolon.run_with(
            &["user", "add", "Alice", "--email", "Alice@Example.com", "--name", "Alice B.", "--password-stdin", "--json"],
            &format!("{PASSWORD}\r\nanother line\n"),
        );
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let added: Value = serde_json::from_str(&ran.stdout).unwrap();
        symbolon.add_user("bob");

        let listed = symbolon.json("user list --json");
        assert_eq!(listed[0], added, "{name}");
        let expected = [("username", "alice"), ("email", "alice@example.com"), ("name", "Alice B.")];
        assert!(expected.iter().all(|(key, value)| listed[0][key] == *value), "{name}: {listed}");
        assert_eq!((&listed[0]["disabled"], &listed[0]["email_verified"]), (&json!(false), &json!(false)), "{name}");
        assert!(Id::parse(listed[0]["id"].as_str().unwrap()).is_ok() && is_time(&listed[0]["created"]), "{name}: {listed}");
        assert_eq!((&listed[1]["username"], &listed[1]["name"]), (&json!("bob"), &Value::Null), "{name}");
        let text = symbolon.text("user list");
        let first = text.lines().nth(1).unwrap();
        assert!(
            text.starts_with("USER   EMAIL") && first.starts_with("alice  alice@example.com  Alice B.  enabled"),
            "{name}: {text}"
        );
        assert!(!(text + &listed.to_string()).contains("argon2"), "{name}");

        // The same name or address in any case, or one as the other, is taken.
        let add = |user: &str, email: &str| {
            symbolon.refusal_with(&format!("user add {user} --email {email} --password-stdin"), PASSWORD)
        };
        assert!(add("ALICE", "other@example.com").contains("user name 'alice'"), "{name}");
        assert!(add("other", "ALICE@example.com").contains("e-mail address 'alice@example.com'"), "{name}");
        assert!(add("a@b", "other@example.com").contains("user name 'a@b'"), "{name}");
        assert!(add("other", "nowhere").contains("e-mail address 'nowhere'"), "{name}");
        let short = symbolon.refusal_with("user add other --email other@example.com --password-stdin", "short\n");
        assert!(short.contains("at least 15") && !short.contains("short"), "{name}: {short}");
        let named =
            symbolon.refusal_with("user add other --email lewis.carroll@example.com --password-stdin", "Carroll, Lewis 1832\n");
        assert!(named.contains("names of the user") && !named.contains("1832"), "{name}: {named}");
        assert!(symbolon.refusal("user add other --email other@example.com").contains("--password-stdin"), "{name}");
        assert_eq!(symbolon.json("user list --json").as_array().unwrap().len(), 2, "{name}: nothing refused was kept");
    }
}

#[test]
fn switching_a_user_off_or_a_new_password_ends_their_sessions_and_grants() {
    let passwords = Passwords::new(&PasswordSettings { memory_kib: 8, iterations: 1, parallelism: 1, concurrency: 1 }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_user("alice");
        symbolon.add_user("bob");
        let store = symbolon.store();
        let user =
            |login: &str| store.with(|connection| users::find_by_login(connection, &LoginName::parse(login))).unwrap().unwrap();
        let verify =
            |password: &str| runtime.block_on(passwords.verify(password.into(), user("alice").password_hash)).unwrap().is_right;
        let (alice, bob) = (user("alice").claims.id, user("bob").claims.id);
        let (bobs, _) = seed(&store, bob, "app");
        assert!(verify(PASSWORD), "{name}");

        let (session, _) = seed(&store, alice, "app");
        assert_eq!(all_ended(&store, alice, session), [false, false], "{name}");
        let ran =
            symbolon.run_with(&["user", "set-password", "ALICE@example.com", "--password-stdin"], "staple it down firmly\n");
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(0), "user alice has a new password; their sessions and grants have ended\n"),
            "{name}"
        );
        assert!(verify("staple it down firmly") && !verify(PASSWORD), "{name}");
        assert_eq!(all_ended(&store, alice, session), [true, true], "{name}");

        let (session, _) = seed(&store, alice, "app");
        assert!(symbolon.text("user disable alice").starts_with("user alice was disabled"), "{name}");
        assert_eq!(all_ended(&store, alice, session), [true, true], "{name}");
        let since = user("alice").disabled_at;
        assert_eq!(symbolon.json("user disable alice --json")["disabled"], true, "{name}");
        assert_eq!(user("alice").disabled_at, since, "{name}: twice changes nothing");
        assert!(
            symbolon.text("user list").lines().any(|line| line.starts_with("alice") && line.contains("  disabled  ")),
            "{name}"
        );
        assert_eq!(symbolon.json("user enable alice --json")["disabled"], false, "{name}");
        assert_eq!(all_ended(&store, alice, session), [true, true], "{name}: what has ended stays ended");
        assert_eq!(all_ended(&store, bob, bobs), [false, false], "{name}: no one else is touched");

        for line in
            ["user disable carol", "user enable carol", "user set-password carol --password-stdin", "grant list --user carol"]
        {
            assert!(symbolon.refusal_with(line, PASSWORD).contains("user 'carol': no user has"), "{name}: {line}");
        }
        assert!(symbolon.refusal_with("user set-password bob --password-stdin", "").contains("at least 15"), "{name}");
        assert!(symbolon.refusal("user set-password bob").contains("--password-stdin"), "{name}");
    }
}

#[test]
fn what_users_typed_does_nothing_to_the_terminal() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_user("alice");
        let store = symbolon.store();
        let mut user = store.with(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap().unwrap();
        (user.claims.id, user.claims.username, user.claims.email) = (random::id(now()), "mallory".into(), "m@example.com".into());
        user.claims.display_name = Some("\u{1b}[2J\u{9b}31m\n\u{202e}M".into());
        store.with(|connection| users::insert(connection, &user)).unwrap();
        for line in ["user list", "user list --json"] {
            let text = symbolon.text(line);
            assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{name}: {text:?}");
        }
        assert_eq!(symbolon.text("user list").lines().count(), 3, "{name}");
        assert_eq!(symbolon.json("user list --json")[1]["name"], json!(user.claims.display_name), "{name}");
        assert!(symbolon.refusal("client show \u{1b}[2J").contains("<U+001B>[2J"), "{name}");
    }
}
