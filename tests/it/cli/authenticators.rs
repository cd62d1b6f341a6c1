//! `symbolon user authenticators`, `user remove-authenticator` and `user reset` of an account with second factors, and the options that
//! set how strong a sign-in must be.

use serde_json::{Value, json};
use symbolon::testing::{
    protocol::account::{activity::Activity, authenticator::AuthenticatorKind},
    random,
    store::{account::add_authenticator, authenticators::Authenticator, sessions},
};

use super::{Binary, accounts::with_mail, is_time};
use crate::harness::{Behavior, Browser, MailServer, Server, databases};

/// Alice, signed in, with a passkey and recovery codes of which two are used.
fn alice(server: &Server) -> String {
    let alice = server.add_user("alice");
    Browser::new(server).sign_in("alice");
    let new = |kind, name: &str, counter| {
        let id = random::id(server.now());
        let of_passkey = |text: &str| (kind == AuthenticatorKind::Passkey).then(|| text.to_owned());
        Authenticator {
            id,
            user_id: alice.claims.id,
            kind,
            name: (!name.is_empty()).then(|| name.to_owned()),
            credential_id: of_passkey("credential").map(String::into_bytes),
            content: b"the secret part".to_vec(),
            counter,
            model: of_passkey("ee882879-721c-4913-9775-3dfcce97072a"),
            synced: true,
            attested: false,
            created_at: server.now(),
            last_used_at: None,
        }
    };
    let passkey = new(AuthenticatorKind::Passkey, "Phone", 0);
    for one in [&passkey, &new(AuthenticatorKind::RecoveryCodes, "", 0b1001)] {
        let event = server.event(alice.claims.id, Activity::AuthenticatorAdded);
        server.store(|connection| {
            let session = sessions::unended_of(connection, alice.claims.id)?.remove(0);
            add_authenticator(connection, (&alice, &session), one, &event)
        });
    }
    passkey.id.to_string()
}

#[test]
fn what_a_user_can_sign_in_with_is_shown_removed_and_counted() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let (name, symbolon) = (database.name, with_mail(&server, &database, &mail));
        let id = alice(&server);
        server.add_user("bob");
        let shown = symbolon.json("user authenticators alice --json");
        let all = shown["authenticators"].as_array().unwrap();
        let of_kind = |kind: &str| all.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("{name}: {shown}"));
        let (passkey, codes) = (of_kind("passkey"), of_kind("recovery_codes"));
        assert_eq!(all.len(), 2, "{name}");
        assert_eq!((&shown["password"], &shown["username"]), (&json!(true), &json!("alice")), "{name}");
        assert!(is_time(&passkey["added"]) && passkey["last_used"] == Value::Null, "{name}: {passkey}");
        assert_eq!((&passkey["id"], &passkey["kind"], &passkey["name"]), (&json!(id), &json!("passkey"), &json!("Phone")));
        assert_eq!((&passkey["model"], &passkey["synced"]), (&json!("ee882879-721c-4913-9775-3dfcce97072a"), &json!(true)));
        assert_eq!((&codes["kind"], &codes["codes_left"]), (&json!("recovery_codes"), &json!(8)), "{name}: {codes}");
        let text = symbolon.text("user authenticators alice");
        assert!(text.starts_with("user alice has a password\nID ") && text.contains("8 codes left"), "{name}: {text}");
        for secret in ["secret", "credential"] {
            assert!(!shown.to_string().contains(secret) && !text.contains(secret), "{name}: {secret}");
        }
        assert_eq!(symbolon.text("user authenticators bob"), "user bob has a password\n", "{name}");
        let counts = json!({
            "users": 2, "with_password": 2, "with_passkey": 1, "with_totp": 0, "with_recovery_codes": 1,
            "without_second_factor": 1,
        });
        assert_eq!(symbolon.json("user authenticators --counts --json"), counts, "{name}");
        assert!(symbolon.text("user authenticators --counts").contains("without a second factor    1"), "{name}");
        let stray = random::id(server.now()).to_string();
        for wrong in [stray.as_str(), "x", ""] {
            let refused = symbolon.refusal(&format!("user remove-authenticator alice {wrong}"));
            assert!(refused.contains("user authenticators NAME"), "{name}: {refused}");
        }
        assert!(symbolon.refusal(&format!("user remove-authenticator bob {id}")).contains("no such"), "{name}");
        let removed = symbolon.text(&format!("user remove-authenticator alice {id}"));
        assert_eq!(removed, "user alice: passkey removed, 0 left\n", "{name}");
        assert_eq!(symbolon.json("user authenticators alice --json")["authenticators"], json!([]), "{name}");
    }
}

#[test]
fn a_reset_says_what_it_removes_and_when() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let (name, symbolon) = (database.name, with_mail(&server, &database, &mail));
        alice(&server);
        server.add_user("bob");
        assert!(symbolon.refusal("user reset alice --after 8days").contains("at most 7days"), "{name}");
        assert!(symbolon.refusal("user reset alice --cancel").contains("waits"), "{name}");
        let text = symbolon.text("user reset alice");
        assert!(text.contains("recovery codes are removed on 20") && text.contains("unless the user objects"), "{name}: {text}");
        let waiting = symbolon.json("user authenticators alice --json");
        assert!(is_time(&waiting["removed_at"]), "{name}: {waiting}");
        assert_eq!(waiting["authenticators"].as_array().unwrap().len(), 2, "{name}");
        let kept = symbolon.json("user reset alice --cancel --json");
        assert_eq!(kept.get("removed_at"), None, "{name}: {kept}");
        let done = symbolon.json("user reset alice --after 0s --json");
        assert_eq!(
            (&done["authenticators_removed"], done.get("authenticators_removed_at")),
            (&json!(true), None),
            "{name}: {done}"
        );
        assert_eq!(symbolon.json("user authenticators alice --json")["authenticators"], json!([]), "{name}");
        let plain = symbolon.json("user reset bob --json");
        assert_eq!(
            (plain.get("authenticators_removed"), plain.get("authenticators_removed_at")),
            (None, None),
            "{name}: {plain}"
        );
    }
}

#[test]
fn a_minimum_is_set_shown_and_taken_back() {
    for database in databases() {
        let symbolon = Binary::migrated(&database.url);
        symbolon.text("key list");
        symbolon.add_api("https://api.example.com", &["notes:read"]);
        symbolon.text("client add --id app --name App --type spa --redirect-uri https://a.example/cb --min-acr two-factors");
        assert_eq!(symbolon.json("client show app --json")["min_acr"], "two-factors");
        assert!(symbolon.text("client show app").contains("two-factors"));
        symbolon.text("client set app --name Other");
        assert_eq!(symbolon.json("client show app --json")["min_acr"], "two-factors", "what is not named stays");
        symbolon.text("client set app --no-min-acr");
        assert_eq!(symbolon.json("client show app --json").get("min_acr"), None);
        symbolon.text("api set https://api.example.com --min-acr phishing-resistant");
        assert_eq!(symbolon.json("api show https://api.example.com --json")["min_acr"], "phishing-resistant");
        symbolon.text("api set https://api.example.com --name Files");
        assert_eq!(symbolon.json("api show https://api.example.com --json")["min_acr"], "phishing-resistant");
        symbolon.text("api set https://api.example.com --no-min-acr");
        assert_eq!(symbolon.json("api show https://api.example.com --json").get("min_acr"), None);
        for line in ["client set app --min-acr mfa", "api set https://api.example.com --min-acr mfa"] {
            let ran = symbolon.run(line);
            assert!(ran.code == Some(2) && ran.stderr.contains("phishing-resistant"), "{}", ran.stderr);
        }
    }
}
