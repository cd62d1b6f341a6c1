//! `symbolon api`: registering, changing and removing APIs, and what clients lose with them.

use serde_json::json;

use super::{Binary, is_time};
use crate::harness::databases;

const NOTES: &str = "https://notes.example.com";
const FILES: &str = "https://files.example.com";

fn client(symbolon: &Binary, more: &str) {
    symbolon.text(&format!("client add --name App --type web --redirect-uri https://app.example.com/cb {more}"));
}

#[test]
fn apis_are_registered_listed_and_shown() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        assert_eq!(symbolon.json("api list --json"), json!([]), "{name}");
        let line =
            ["api", "add", NOTES, "--name", "Notes", "--scope", "notes:read=Read your notes", "--scope", "notes:write", "--json"];
        let ran = symbolon.run_with(&line, "");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{name}");
        let added: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let mut expected = json!({
            "uri": NOTES, "name": "Notes", "clients": [], "introspected_by": [],
            "scopes": [{ "name": "notes:read", "description": "Read your notes" }, { "name": "notes:write" }],
            "token_typ": "at+jwt", "token_claims": [],
        });
        assert!(is_time(&added["created"]), "{name}: {added}");
        expected["created"] = added["created"].clone();
        assert_eq!(added, expected, "{name}");
        assert_eq!(symbolon.json("api list --json"), json!([added]), "{name}");

        client(&symbolon, &format!("--id app --api {NOTES} --introspects {NOTES}"));
        expected["clients"] = json!(["app"]);
        expected["introspected_by"] = json!(["app"]);
        assert_eq!(symbolon.json(&format!("api show {NOTES} --json")), expected, "{name}");
        let text = symbolon.text(&format!("api show {NOTES}"));
        assert!(text.contains("scopes           notes:read: Read your notes\n                 notes:write\n"), "{name}: {text}");
        assert!(text.contains("clients          app\n"), "{name}: {text}");
        let text = symbolon.text("api list");
        assert!(text.starts_with("API ") && text.contains("notes:read notes:write"), "{name}: {text}");
    }
}

#[test]
fn what_an_api_loses_its_clients_lose() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api(NOTES, &["notes:read", "notes:write", "shared"]);
        symbolon.add_api(FILES, &["shared"]);
        client(
            &symbolon,
            &format!(
                "--id both --api {NOTES} --api {FILES} --scope openid --scope notes:read --scope notes:write --scope shared"
            ),
        );
        client(&symbolon, &format!("--id served --introspects {NOTES}"));
        client(&symbolon, "--id other");
        let of = |id: &str| {
            let shown = symbolon.json(&format!("client show {id} --json"));
            (shown["scope"].as_str().unwrap().to_owned(), shown["audiences"].clone(), shown["introspects"].clone())
        };

        let set =
            symbolon.json(&format!("api set {NOTES} --name Better --remove-scope notes:write --add-scope notes:list --json"));
        assert_eq!(set["lost"], json!([{ "client_id": "both", "apis": [], "scopes": ["notes:write"] }]), "{name}");
        assert_eq!((&set["api"]["name"], set["api"]["scopes"].as_array().unwrap().len()), (&json!("Better"), 3), "{name}: {set}");
        assert_eq!(of("both").0, "openid notes:read shared", "{name}");
        let text = symbolon.text(&format!("api set {NOTES} --scope notes:read --scope shared"));
        assert!(!text.contains("removed from"), "{name}: no client had it: {text}");

        let removed = symbolon.text(&format!("api remove {NOTES}"));
        let expected =
            format!("removed API {NOTES}\nremoved from client both: {NOTES}, notes:read\nremoved from client served: {NOTES}\n");
        assert_eq!(removed, expected, "{name}");
        assert_eq!(of("both"), ("openid shared".into(), json!([FILES]), json!(null)), "{name}: another API has the scope");
        assert_eq!(of("served").2, json!(null), "{name}");
        assert_eq!(
            symbolon.json(&format!("api remove {FILES} --json")),
            json!({ "uri": FILES, "removed": true, "lost": [{ "client_id": "both", "apis": [FILES], "scopes": ["shared"] }] }),
            "{name}"
        );
        for line in [format!("show {NOTES}"), format!("set {NOTES} --name X"), format!("remove {NOTES}")] {
            assert!(symbolon.refusal(&format!("api {line}")).contains(&format!("API '{NOTES}': no such API")), "{name}: {line}");
        }
    }
}

#[test]
fn an_api_that_makes_no_sense_is_refused() {
    for database in databases() {
        let (name, mut symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.variables = vec![("SYMBOLON_SCOPE_CLAIMS", "employee: number".into())];
        for (line, words) in [
            ("notes --name Notes", "absolute URI"),
            ("https://a.example#x --name Notes", "without fragment"),
            ("https://a.example --name Notes --scope email", "grants user claims"),
            ("https://a.example --name Notes --scope employee", "grants user claims"),
            ("https://a.example --name Notes --scope a --scope a", "is given twice"),
            ("https://a.example --name Notes --scope a\"b", "RFC 6749 3.3"),
            ("https://a.example --name Notes --scope a=", "scope description"),
        ] {
            let refused = symbolon.refusal(&format!("api add {line}"));
            assert!(refused.contains(words), "{name}: {refused}");
        }
        let spaced = symbolon.run_with(&["api", "add", NOTES, "--name", "Notes", "--scope", "a b"], "");
        assert!(spaced.code == Some(1) && spaced.stderr.contains("without spaces"), "{name}: {}", spaced.stderr);
        assert_eq!(symbolon.json("api list --json"), json!([]), "{name}");
        symbolon.add_api(NOTES, &["notes:read"]);
        assert!(symbolon.refusal(&format!("api add {NOTES} --name Again")).contains("already registered"), "{name}");
        for (line, words) in [
            ("--remove-scope gone", "the API has no such scope"),
            ("--add-scope openid", "grants user claims"),
            ("--name=", "API name"),
        ] {
            assert!(symbolon.refusal(&format!("api set {NOTES} {line}")).contains(words), "{name}: {line}");
        }
        assert_eq!(symbolon.json(&format!("api show {NOTES} --json"))["scopes"], json!([{ "name": "notes:read" }]), "{name}");
    }
}

#[test]
fn an_api_is_the_same_in_every_spelling() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api(NOTES, &["notes:read"]);
        for spelling in ["https://notes.example.com/", "HTTPS://Notes.example.com", "https://notes.example.com:443"] {
            let refused = symbolon.refusal(&format!("api add {spelling} --name Again"));
            assert!(refused.contains(&format!("API '{NOTES}' is already registered")), "{name}: {refused}");
            assert_eq!(symbolon.json(&format!("api show {spelling} --json"))["uri"], NOTES, "{name}");
            assert_eq!(symbolon.json(&format!("api set {spelling} --name Notes --json"))["api"]["uri"], NOTES, "{name}");
        }
        client(
            &symbolon,
            &format!(
                "--id app --api {NOTES}/ --api {NOTES} --default-api HTTPS://notes.example.com --scope openid --scope notes:read"
            ),
        );
        let shown = symbolon.json("client show app --json");
        assert_eq!((&shown["audiences"], &shown["default_audiences"]), (&json!([NOTES]), &json!([NOTES])), "{name}");
        client(&symbolon, &format!("--id served --introspects {NOTES}:443/"));
        assert_eq!(symbolon.json("client show served --json")["introspects"], json!([NOTES]), "{name}");
        assert_eq!(symbolon.json(&format!("api remove {NOTES}/ --json"))["uri"], NOTES, "{name}");
        assert_eq!(symbolon.json("api list --json"), json!([]), "{name}");
    }
}

#[test]
fn default_scopes_are_set_cleared_and_lost_with_their_api() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api(NOTES, &["notes:read"]);
        let scopes = format!("--api {NOTES} --scope openid --scope notes:read");
        client(&symbolon, &format!("--id app {scopes} --default-scope openid --default-scope notes:read"));
        let default = || symbolon.json("client show app --json")["default_scope"].clone();
        assert_eq!(default(), "openid notes:read", "{name}");
        let refused = symbolon.refusal("client set app --scope openid");
        assert!(refused.contains("default scope 'notes:read': expected one of the client's scopes"), "{name}: {refused}");
        symbolon.text("client set app --default-scope openid");
        assert_eq!(default(), "openid", "{name}");
        symbolon.text("client set app --no-default-scope");
        assert_eq!(default(), json!(null), "{name}");
        assert!(symbolon.text("client show app").contains("openid and the scopes of the APIs"), "{name}");
        symbolon.text("client set app --default-scope notes:read");
        symbolon.text(&format!("api remove {NOTES}"));
        assert_eq!(default(), "", "{name}: it is not the client's any more");
    }
}

#[test]
fn an_api_decides_about_its_tokens() {
    for database in databases() {
        let (name, mut symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.variables = vec![("SYMBOLON_SCOPE_CLAIMS", "employee: number".into())];
        let is = |uri: &str, typ: &str, claims: serde_json::Value| {
            let shown = symbolon.json(&format!("api show {uri} --json"));
            assert_eq!((&shown["token_typ"], &shown["token_claims"]), (&json!(typ), &claims), "{name}: {shown}");
        };
        symbolon.text(&format!("api add {FILES} --name Files --token-typ JWT --token-claims email,number"));
        is(FILES, "JWT", json!(["email", "number"]));
        symbolon.add_api(NOTES, &["notes:read"]);
        is(NOTES, "at+jwt", json!([]));
        let set = |line: &str| symbolon.text(&format!("api set {NOTES} {line}"));
        let text = set("--token-claims preferred_username,email,email_verified");
        assert!(text.contains("token typ        at+jwt\n"), "{name}: {text}");
        assert!(text.contains("token claims     preferred_username\n                 email\n"), "{name}: {text}");
        set("--token-typ JWT --name Better");
        is(NOTES, "JWT", json!(["preferred_username", "email", "email_verified"]));
        set("--token-claims name");
        is(NOTES, "JWT", json!(["name"]));
        set("--no-token-claims --token-typ at+jwt");
        is(NOTES, "at+jwt", json!([]));

        for (claims, words) in [
            ("mail", "'mail': expected one of name, family_name, "),
            ("email,sub", "'sub': expected one of name, "),
            ("department", ", number"),
            ("roles", "'roles': is in every access token with the scope 'roles' already"),
            ("email,email", "'email': is given twice"),
        ] {
            for line in [format!("set {NOTES}"), "add https://other.example.com --name Other".into()] {
                let refused = symbolon.refusal(&format!("api {line} --token-claims {claims}"));
                assert!(refused.contains(words), "{name}: {line}: {refused}");
            }
        }
        let ran = symbolon.run(&format!("api set {NOTES} --token-typ jwt"));
        assert!(ran.code == Some(2) && ran.stderr.contains("at+jwt, JWT"), "{name}: {}", ran.stderr);
        is(NOTES, "at+jwt", json!([]));
        // A claim that is no longer configured stands in the way of no other change.
        symbolon.variables.clear();
        symbolon.text(&format!("api set {FILES} --name Others"));
    }
}
