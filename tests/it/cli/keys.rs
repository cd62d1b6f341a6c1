//! `symbolon key`: the order in which keys are published, sign and retire, by algorithm, and whose keys are refused.

use serde_json::{Value, json};

use super::{Binary, is_time};
use crate::harness::databases;

#[test]
fn keys_are_published_first_and_sign_later() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        let states = |listed: &Value| {
            listed.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(symbolon.json("key list --json"), json!([]), "{name}");
        let first = symbolon.json("key rotate --json");
        assert_eq!(
            (&first["state"], &first["algorithm"]),
            (&json!("signing"), &json!("RS256")),
            "{name}: the first has nothing to follow"
        );

        let text = symbolon.text("key rotate");
        assert!(text.contains("is published and signs from 2"), "{name}: {text}");
        let listed = symbolon.json("key list --json");
        assert_eq!((states(&listed), &listed[0]), (vec!["signing".to_owned(), "upcoming".into()], &first), "{name}");
        assert!(
            is_time(&listed[1]["created"])
                && is_time(&listed[1]["signs_from"])
                && listed[1]["created"] != listed[1]["signs_from"],
            "{name}"
        );
        let again = symbolon.refusal("key rotate");
        let (kid, from) = (listed[1]["kid"].as_str().unwrap(), listed[1]["signs_from"].as_str().unwrap());
        assert!(again.contains(kid) && again.contains(from), "{name}: {again}");

        let ran = symbolon.run("key rotate --now --json");
        let third: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((ran.code, &third["state"]), (Some(0), &json!("signing")), "{name}");
        assert!(ran.stderr.starts_with("note: ") && ran.stderr.contains(kid), "{name}: {}", ran.stderr);
        let listed = symbolon.json("key list --json");
        assert_eq!(states(&listed), ["retiring", "signing", "upcoming"], "{name}");
        assert_eq!(listed[1], third, "{name}");
        let text = symbolon.text("key list");
        assert!(text.starts_with("KEY ") && text.lines().count() == 4 && !text.contains("sealed"), "{name}: {text}");

        // With another secret than the server's, a key would be made that the server cannot open.
        let other = Binary::new(&database.url);
        assert!(other.refusal("key rotate --now").contains("expected the server secret"), "{name}");
        assert_eq!(symbolon.json("key list --json"), listed, "{name}");
    }
}

#[test]
fn each_algorithm_has_keys_of_its_own() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        let first = symbolon.json("key rotate --algorithm ES256 --json");
        assert_eq!((&first["state"], &first["algorithm"]), (&json!("signing"), &json!("ES256")), "{name}: the first of its own");
        assert!(symbolon.text("key rotate").contains("signs now"), "{name}: also beside keys of others");
        assert!(symbolon.text("key rotate --algorithm ES256").contains("signs from 2"), "{name}");
        assert!(symbolon.text("key rotate --algorithm EdDSA").contains("signs now"), "{name}: not held up by another's");
        assert!(symbolon.refusal("key rotate --algorithm ES256").contains("is published already"), "{name}");
        let listed = symbolon.json("key list --json");
        let of = |algorithm: &str| {
            let keys = listed.as_array().unwrap().iter().filter(|key| key["algorithm"] == algorithm);
            keys.map(|key| key["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!((of("RS256"), of("EdDSA")), (vec!["signing".to_owned()], vec!["signing".to_owned()]), "{name}");
        assert_eq!(of("ES256"), ["signing", "upcoming"], "{name}");
        assert_eq!(symbolon.text("key list").matches("ES256").count(), 2, "{name}");
        let ran = symbolon.run("key rotate --algorithm HS256");
        assert!(ran.code == Some(2) && ran.stderr.contains("RS256, PS256, ES256, EdDSA"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn two_at_once_make_one_first_key() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        symbolon.text("migrate");
        let add = |id: &str| {
            let line =
                format!("client add --id {id} --name App --type spa --redirect-uri https://a.example/cb --signing-alg EdDSA");
            symbolon.command(&line.split(' ').collect::<Vec<_>>()).spawn().unwrap()
        };
        for child in ["a", "b", "c"].map(add) {
            let ran = super::Ran::from(child.wait_with_output().unwrap());
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        }
        let listed = symbolon.json("key list --json");
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["algorithm"]), (1, &json!("EdDSA")), "{name}: {listed}");
    }
}
