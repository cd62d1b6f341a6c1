//! `symbolon client`: registration and its refusals, secrets that are shown once, disabling, enabling and deleting.

use serde_json::json;
use sha2::{Digest, Sha256};
use symbolon::testing::{
    protocol::account::login_name::LoginName,
    store::{clients, users},
};

use super::{Binary, all_ended, is_time, seed};
use crate::harness::databases;

#[test]
fn clients_are_registered_and_their_secrets_shown_once() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let store = symbolon.store();
        let stored = |id: &str| store.with(|connection| clients::find(connection, id)).unwrap().unwrap();

        symbolon.add_api("https://api.example.com", &["notes:read", "jobs:run"]);
        let spa = symbolon.json("client add --id app --name App --type spa --redirect-uri https://app.example.com/cb --scope openid --scope notes:read --audience https://api.example.com --retry-window 10s --cors-origin https://www.example.com");
        assert!(is_time(&spa["created"]), "{name}: {spa}");
        let mut expected = json!({
            "client_id": "app", "client_name": "App", "type": "spa", "redirect_uris": ["https://app.example.com/cb"], "scope": "openid notes:read",
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"], "audiences": ["https://api.example.com"],
            "refresh_retry_window": "10s", "cors_origins": ["https://www.example.com"], "disabled": false, "active_secrets": 0,
        });
        expected["created"] = spa["created"].clone();
        assert_eq!(spa, expected, "{name}: and no secret");

        let web = symbolon.json("client add --name Web --type web --redirect-uri https://web.example.com/cb --auth client_secret_post --pkce optional --no-refresh");
        let (id, secret) = (web["client_id"].as_str().unwrap(), web["client_secret"].as_str().unwrap());
        assert!(id.len() == 20 && secret.starts_with("sym_cs_") && secret.len() == 50, "{name}: {web}");
        assert_eq!((&web["client_secret_expires_at"], &web["pkce"]), (&json!(0), &json!("optional")), "{name}");
        assert_eq!(
            (&web["token_endpoint_auth_method"], &web["grant_types"]),
            (&json!("client_secret_post"), &json!(["authorization_code"])),
            "{name}"
        );
        assert_eq!(stored(id).secret_hash, Some(Sha256::digest(secret).to_vec()), "{name}");

        for line in ["client list", "client list --json", &format!("client show {id}"), &format!("client show {id} --json")] {
            let text = symbolon.text(line);
            assert!(text.contains(id) && !text.contains("sym_cs_") && !text.contains("secret_hash"), "{name}: {line}: {text}");
        }
        let listed = symbolon.json("client list --json");
        assert!(listed.as_array().unwrap().contains(&spa), "{name}: {listed}");
        assert_eq!(symbolon.json("client show app --json"), spa, "{name}");
        let text = symbolon.text("client show app");
        assert!(
            text.starts_with("client id            app\nname                 App\n")
                && text.contains("\nredirect URIs        https://app.example.com/cb\n"),
            "{name}: {text}"
        );
        assert!(text.contains("\nPKCE                 required\n"), "{name}: a public client always must: {text}");
        assert!(symbolon.refusal("client set app --pkce or_nonce").contains("--pkce: expected required"), "{name}");
        assert!(symbolon.refusal("client set app --pkce optional").contains("RFC 9700 2.1.1"), "{name}");
        let job =
            symbolon.json("client add --id job --name Job --type service --audience https://api.example.com --scope jobs:run");
        assert_eq!((&job["grant_types"], &job["scope"]), (&json!(["client_credentials"]), &json!("jobs:run")), "{name}");
    }
}

#[test]
fn clients_are_switched_and_deleted() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_user("alice");
        symbolon.text("client add --id app --name App --type spa --redirect-uri https://app.example.com/cb --cors-origin https://www.example.com");
        let store = symbolon.store();
        let registered =
            || store.with(|connection| clients::read_origin(connection, "https://www.example.com")).unwrap().is_some();
        let alice =
            store.with(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap().unwrap().claims.id;
        let (session, _) = seed(&store, alice, "app");

        assert_eq!(symbolon.text("client disable app"), "disabled client app\n", "{name}");
        assert_eq!(symbolon.json("client show app --json")["disabled"], true, "{name}");
        let reasons = symbolon.json("grant list --client app --json");
        assert!(reasons.as_array().unwrap().iter().all(|grant| grant["reason"] == "client_disabled"), "{name}: {reasons}");
        assert_eq!(symbolon.json("client enable app --json")["disabled"], false, "{name}");
        assert_eq!(all_ended(&store, alice, session), [false, false], "{name}: its grants were kept");

        assert!(registered(), "{name}");
        assert_eq!(symbolon.json("client delete app --json"), json!({ "client_id": "app", "deleted": true }), "{name}");
        assert!(!registered(), "{name}");
        assert_eq!(all_ended(&store, alice, session), [false, true], "{name}");
        assert_eq!(symbolon.json("client list --json"), json!([]), "{name}");
        for verb in ["show", "set", "check", "disable", "enable", "rotate-secret", "retire-secret", "delete"] {
            assert!(symbolon.refusal(&format!("client {verb} app")).contains("client 'app': no such client"), "{name}: {verb}");
        }
        symbolon.text("client add --id app --name Again --type spa --redirect-uri https://app.example.com/cb");
        let again = symbolon.refusal("client add --id app --name Twice --type spa --redirect-uri https://app.example.com/cb");
        assert!(again.contains("client ID 'app' is already taken"), "{name}: {again}");
        assert_eq!(symbolon.json("client show app --json")["client_name"], "Again", "{name}");
    }
}

#[test]
fn redirect_uris_that_no_one_should_register_are_refused_with_the_reason() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        for (kind, uri, words) in [
            ("spa", "http://app.example.com/cb", "expected https"),
            ("spa", "https://app.example.com/cb#", "no fragment"),
            ("spa", "https://*.example.com/cb", "no wildcard"),
            ("spa", "https://user@example.com/cb", "no user name"),
            ("web", "com.example.app:/cb", "native apps"),
            ("native", "app:/cb", "reversed domain name"),
            ("native", "javascript:alert(1)", "expected https"),
            ("web", "/cb", "absolute"),
            ("web", "https://app.example.com/cb?code=x", "no 'code'"),
        ] {
            let error = symbolon.refusal(&format!("client add --name App --type {kind} --redirect-uri {uri}"));
            assert!(error.contains(&format!("redirect URI '{uri}'")) && error.contains(words), "{name}: {error}");
        }
        assert!(symbolon.refusal("client add --name App --type web").contains("at least one"), "{name}");
        assert_eq!(symbolon.json("client list --json"), json!([]), "{name}");
    }
}
