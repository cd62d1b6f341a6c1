//! `symbolon key`: the order in which keys are published, sign and retire, and whose keys are refused.

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
