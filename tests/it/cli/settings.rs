//! `symbolon client add` and `client set`: every setting, what must be registered before a client may name it, and generated
//! keys.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use symbolon::testing::{
    protocol::oauth::{
        client::{Client, ClientKind},
        scope::Scopes,
    },
    store::clients,
};

use super::{Binary, Ran, now};
use crate::harness::databases;

const API: &str = "https://api.example.com";
const KEY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const WEB: &str = "--name Web --type web --redirect-uri https://web.example.com/cb";

#[test]
fn every_setting_is_kept_and_can_be_changed() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api(API, &["notes:read", "notes:write"]);
        symbolon.add_api("https://files.example.com", &["files:read"]);
        let keys = symbolon.dir.path().join("keys.json");
        std::fs::write(&keys, KEY).unwrap();
        let web = symbolon.json(&format!(
            "client add --id web {WEB} --api {API} --audience https://files.example.com --default-api {API} --introspects {API} \
             --auth private_key_jwt --jwks {} --assertion-audience token-endpoint --signing-alg ES256 --userinfo-signed --pairwise --client-credentials \
             --post-logout-redirect-uri https://web.example.com/ --backchannel-logout-uri https://web.example.com/bcl --scope openid --scope files:read",
            keys.display()
        ));
        let expected = json!({
            "client_id": "web", "active_secrets": 0, "client_name": "Web", "type": "web", "redirect_uris": ["https://web.example.com/cb"],
            "scope": "openid files:read", "token_endpoint_auth_method": "private_key_jwt", "jwks": serde_json::from_str::<Value>(KEY).unwrap(),
            "assertion_audience": "token-endpoint", "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "audiences": [API, "https://files.example.com"],
            "default_audiences": [API], "introspects": [API], "signing_alg": "ES256", "userinfo_signed": true,
            "pairwise_sector": "web.example.com", "post_logout_redirect_uris": ["https://web.example.com/"],
            "backchannel_logout_uri": "https://web.example.com/bcl", "disabled": false, "created": web["created"],
        });
        assert_eq!(web, expected, "{name}: and no secret");
        assert_eq!(symbolon.json("client show web --json"), expected, "{name}");
        let made = symbolon.json("key list --json");
        let algorithms = made.as_array().unwrap().iter().map(|key| key["algorithm"].as_str().unwrap());
        assert_eq!(algorithms.collect::<BTreeSet<_>>(), ["ES256", "RS256"].into(), "{name}: those of every installation");

        let set = symbolon.json(
            "client set web --name Other --auth client_secret_basic --signing-alg RS256 --no-userinfo-signed --no-pairwise --no-default-api \
             --no-introspects --no-client-credentials --no-post-logout-redirect-uri --no-backchannel-logout-uri --scope openid --json",
        );
        assert!(set["client_secret"].as_str().unwrap().starts_with("sym_cs_"), "{name}: it has a secret again: {set}");
        assert_eq!(
            (&set["active_secrets"], &set["client_name"], &set["jwks"]),
            (&json!(1), &json!("Other"), &Value::Null),
            "{name}"
        );
        assert_eq!((&set["pairwise_sector"], &set["default_audiences"]), (&Value::Null, &Value::Null), "{name}");
        assert_eq!(set["grant_types"], json!(["authorization_code", "refresh_token"]), "{name}");
        assert_eq!(set["assertion_audience"], Value::Null, "{name}: it has no assertions any more");
        let text = symbolon.text("client set web --client-secret-basic-only");
        assert!(text.contains("Basic only") && text.contains("assertion audience"), "{name}: {text}");
        assert_eq!(symbolon.json("client show web --json")["client_secret_basic_only"], true, "{name}");
        symbolon.text("client set web --no-client-secret-basic-only");
        let text = symbolon.text("client set web --max-auth-age 72h");
        assert!(text.contains("max auth age         3days\n"), "{name}: {text}");
        assert_eq!(symbolon.json("client show web --json")["max_auth_age"], "3days", "{name}");
        let former = symbolon.run("client set web --sign-in-ceiling 72h");
        assert_eq!(
            (former.code, former.stderr.as_str(), former.stdout == text),
            (Some(0), "warning: --sign-in-ceiling was renamed to --max-auth-age\n", true),
            "{name}: the former name"
        );
        let old = symbolon.run("client set web --pkce-optional");
        let warned = "warning: --pkce-optional was renamed to --pkce optional\n";
        assert_eq!(
            (old.code, old.stderr.as_str(), old.stdout.contains("PKCE                 optional\n")),
            (Some(0), warned, true),
            "{name}"
        );
        let old = symbolon.run("client set web --no-pkce-optional");
        let warned = "warning: --no-pkce-optional was renamed to --pkce required\n";
        assert_eq!(
            (old.code, old.stderr.as_str(), old.stdout.contains("PKCE                 required\n")),
            (Some(0), warned, true),
            "{name}"
        );
        assert_eq!(symbolon.json("client show web --json")["pkce"], "required", "{name}");
        assert!(symbolon.text("client set web --pkce or_nonce").contains("PKCE                 or_nonce\n"), "{name}");
        assert_eq!(symbolon.json("client show web --json")["pkce"], Value::Null, "{name}: the default is not printed");
        let checked = symbolon.run("client check web").stdout;
        assert!(checked.contains("3days: after that, its tokens are rejected"), "{name}: {checked}");
        assert!(symbolon.refusal("client set web --max-auth-age 1m").contains("5m to 366days"), "{name}");
        assert!(symbolon.text("client set web --max-auth-age none").contains("max auth age         none\n"), "{name}");
        let text = symbolon.text("client set web --retry-window 5s");
        assert!(text.contains("retry window         5s\n") && !text.contains("sym_cs_"), "{name}: {text}");
        let shown = symbolon.json("client show web --json");
        assert_eq!(
            (&shown["audiences"], &shown["active_secrets"]),
            (&web["audiences"], &json!(1)),
            "{name}: what is not named stays"
        );
        assert_eq!(
            symbolon.json("client set web --auth client_secret_post --json")["client_secret"],
            Value::Null,
            "{name}: the same secret"
        );
    }
}

#[test]
fn a_client_names_only_what_is_registered() {
    for database in databases() {
        let (name, mut symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.variables = vec![("SYMBOLON_SCOPE_CLAIMS", "employee: number".into())];
        symbolon.add_api(API, &["notes:read", "notes:write"]);
        symbolon.add_api("https://files.example.com", &["files:read"]);
        for (line, words) in [
            ("--api https://gone.example", "API 'https://gone.example': no such API"),
            ("--introspects https://gone.example", "API 'https://gone.example'"),
            ("--scope notes:read", "scope 'notes:read': expected one of openid,"),
            ("--api https://files.example.com --scope notes:read", "scope 'notes:read'"),
        ] {
            let refused = symbolon.refusal(&format!("client add {WEB} --signing-alg ES256 {line}"));
            assert!(refused.contains(words) && refused.contains("employee") == line.contains("scope"), "{name}: {refused}");
        }
        assert_eq!((symbolon.json("client list --json"), symbolon.json("key list --json")), (json!([]), json!([])), "{name}");

        symbolon.text(&format!(
            "client add --id web {WEB} --api {API} --scope openid --scope employee --scope roles --scope notes:read"
        ));
        for line in ["--api https://files.example.com", "--no-api", "--scope files:read"] {
            let refused = symbolon.refusal(&format!("client set web {line}"));
            assert!(refused.contains("scope '"), "{name}: {line}: {refused}");
        }
        assert!(symbolon.refusal("client set web --introspects https://gone.example").contains("no such API"), "{name}");
    }
}

#[test]
fn a_service_gets_the_scopes_of_its_apis() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api(API, &["notes:read", "notes:write"]);
        let job = symbolon.json(&format!("client add --id job --name Job --type service --api {API}"));
        assert_eq!(
            (&job["scope"], &job["grant_types"]),
            (&json!("notes:read notes:write"), &json!(["client_credentials"])),
            "{name}"
        );
        assert!(job["client_secret"].is_string(), "{name}");
        assert!(symbolon.refusal("client add --name Job --type service --pairwise a.example").contains("service"), "{name}");
    }
}

#[test]
fn what_an_older_version_registered_can_still_be_changed() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.text("migrate");
        let mut old = Client::new("old", "Old", ClientKind::Spa, now());
        old.settings.redirect_uris = vec!["https://old.example/cb".into()];
        old.settings.audiences = vec!["https://unregistered.example".into()];
        old.settings.scope = Scopes::parse("openid legacy").unwrap();
        let mut service = Client::new("job", "Job", ClientKind::Service, now());
        service.settings.grant_types = vec![];
        let store = symbolon.store();
        store.with(|connection| clients::insert(connection, &old).and_then(|()| clients::insert(connection, &service))).unwrap();
        assert_eq!(symbolon.json("client set old --name New --json")["scope"], "openid legacy", "{name}");
        assert!(
            symbolon.refusal("client set old --scope other").contains("scope 'other'"),
            "{name}: what is new must be registered"
        );
        let service = symbolon.json("client set job --client-credentials --json");
        assert_eq!(service["grant_types"], json!(["client_credentials"]), "{name}");
    }
}

#[test]
fn of_a_removal_and_a_registration_at_once_none_leaves_a_client_without_its_api() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api(API, &["notes:read"]);
        let start = |line: String| symbolon.command(&line.split(' ').collect::<Vec<_>>()).spawn().unwrap();
        let mut children: Vec<_> =
            (0..3).map(|n| start(format!("client add --id c{n} {WEB} --api {API} --scope notes:read"))).collect();
        children.push(start(format!("api remove {API}")));
        let ran: Vec<_> = children.into_iter().map(|child| Ran::from(child.wait_with_output().unwrap())).collect();
        assert_eq!(ran[3].code, Some(0), "{name}: {}", ran[3].stderr);
        for refused in ran.iter().filter(|ran| ran.code != Some(0)) {
            assert!(refused.stderr.contains("no such API"), "{name}: {}", refused.stderr);
        }
        for client in symbolon.json("client list --json").as_array().unwrap() {
            assert_eq!((&client["audiences"], &client["scope"]), (&Value::Null, &json!("")), "{name}: {client}");
        }
    }
}
