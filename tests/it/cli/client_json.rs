//! `client add` and `client set` with `--from-json`: what `client show --json` prints is read back, and what is wrong in it is named.

use serde_json::{Value, json};

use super::Binary;
use crate::harness::databases;

const API: &str = "https://api.example.com";

#[test]
fn what_is_shown_is_read_by_add_and_by_set() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api(API, &["notes:read"]);
        symbolon.text(&format!(
            "client add --id full --name Full --type web --redirect-uri https://a.example/cb --redirect-uri https://a.example/cb2 --api {API} \
             --default-api {API} --introspects {API} --scope openid --scope notes:read --auth client_secret_post --pkce optional \
             --retry-window 10s --max-auth-age 72h --cors-origin https://b.example --signing-alg ES256 --userinfo-signed --pairwise \
             --id-token-claims requested --no-id-token-on-refresh \
             --post-logout-redirect-uri https://a.example/ --backchannel-logout-uri https://a.example/bcl --client-credentials"
        ));
        symbolon.text("client add --id plain --name Plain --type web --redirect-uri https://a.example/cb");
        let show = |id: &str| symbolon.json(&format!("client show {id} --json"));
        let (full, plain) = (show("full"), show("plain"));
        assert_ne!(full, plain, "{name}");
        let file = symbolon.dir.path().join("client.json");
        let set = |id: &str, settings: &Value| {
            std::fs::write(&file, settings.to_string()).unwrap();
            symbolon.json(&format!("client set {id} --from-json {} --json", file.display()))
        };
        let with = |shown: &Value, member: &str, value: Value| {
            let mut shown = shown.clone();
            shown[member] = value;
            shown
        };
        // The whole is replaced, in both directions.
        for (from, id, before) in [(&full, "plain", &plain), (&plain, "full", &full)] {
            let expected = with(&with(from, "client_id", json!(id)), "created", before["created"].clone());
            assert_eq!(set(id, &with(from, "client_id", json!(id))), expected, "{name}: its secret stays as well");
        }
        assert_eq!(set("full", &full), full, "{name}");

        // A client of another installation, under its id, with a secret of its own; other options are applied on top.
        let line = "client add --from-json - --redirect-uri https://c.example/cb --name Copy";
        let ran = symbolon.run_with(&line.split(' ').collect::<Vec<_>>(), &with(&full, "client_id", json!("copy")).to_string());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{name}");
        let secret = serde_json::from_str::<Value>(&ran.stdout).unwrap()["client_secret"].clone();
        assert!(secret.as_str().unwrap().starts_with("sym_cs_"), "{name}: {}", ran.stdout);
        let copy = show("copy");
        let expected = with(&full, "redirect_uris", json!(["https://c.example/cb"]));
        let expected = with(&with(&expected, "client_name", json!("Copy")), "client_id", json!("copy"));
        assert_eq!(copy, with(&expected, "created", copy["created"].clone()), "{name}");

        // What is not given has the default of its kind.
        let few = json!({ "client_name": "Few", "type": "spa", "redirect_uris": ["https://a.example/cb"] });
        let ran = symbolon.run_with(&["client", "add", "--from-json", "-"], &few.to_string());
        let few: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(few["scope"], "openid profile email offline_access", "{name}: {few}");
        assert_eq!((&few["token_endpoint_auth_method"], few.get("client_secret")), (&json!("none"), None), "{name}");

        // Another way to authenticate leaves nothing of the one before.
        let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = with(&plain, "jwks", serde_json::from_str(keys).unwrap());
        let keys = set("plain", &with(&keys, "token_endpoint_auth_method", json!("private_key_jwt")));
        assert_eq!(keys["active_secrets"], 0, "{name}: {keys}");
        let secret = set("plain", &plain);
        assert!(secret["client_secret"].is_string() && secret["active_secrets"] == 1, "{name}: {secret}");
    }
}

#[test]
fn what_is_wrong_is_named_and_changes_nothing() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.text("client add --id app --name App --type web --redirect-uri https://a.example/cb");
        let shown = symbolon.json("client show app --json");
        let with = |member: &str, value: Value| {
            let mut settings = shown.clone();
            settings[member] = value;
            settings.to_string()
        };
        let private =
            json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "x" }] });
        for (text, words) in [
            ("not JSON".to_owned(), "expected a JSON object"),
            ("[]".to_owned(), "expected a JSON object"),
            (with("colour", json!("red")), "colour: expected one of client_name,"),
            (with("client_secret", json!("x")), "client_secret: expected one of client_name,"),
            (with("redirect_uris", json!("https://a.example/cb")), "redirect_uris: expected a sequence, received string"),
            (
                with("token_endpoint_auth_method", json!("tls")),
                "token_endpoint_auth_method: expected one of client_secret_basic,",
            ),
            (with("max_auth_age", json!("soon")), "max_auth_age: expected a duration such as 30s or 72h, received 'soon'"),
            (with("max_auth_age", json!("1m")), "max auth age: expected 5m to 366days, received 1m"),
            (with("refresh_retry_window", json!("6m")), "retry window: expected at most 5m, received 6m"),
            (with("jwks", private), "jwks: expected only public keys"),
            (with("scope", json!("openid other")), "scope 'other': expected one of openid,"),
            (with("audiences", json!([API])), "API 'https://api.example.com': no such API"),
            (with("client_id", json!("other")), "client_id: expected 'app', received 'other'"),
            (with("type", json!("native")), "type: expected web, which stays as it was registered, received native"),
        ] {
            let refused = symbolon.refusal_with("client set app --from-json -", &text);
            assert!(refused.contains(words), "{name}: {text}: {refused}");
        }
        assert!(symbolon.refusal("client set app --from-json /nowhere/x.json").contains("--from-json"), "{name}");
        assert_eq!(symbolon.json("client show app --json"), shown, "{name}");
        assert_eq!(symbolon.run("client add --name App").code, Some(2), "{name}: a type, or JSON");
        assert_eq!(symbolon.run("client add --type spa --from-json -").code, Some(2), "{name}: one of them");
    }
}
