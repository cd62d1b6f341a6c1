//! `symbolon key`: the order in which keys are published, sign and retire, by algorithm, and which keys are refused.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use symbolon::testing::store::Error;

use super::{Binary, is_time};
use crate::harness::{Server, databases};

#[test]
fn keys_are_published_first_and_sign_later() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let states = |listed: &Value| {
            listed.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let list = || {
            let mut all = symbolon.json("key list --json");
            all.as_array_mut().unwrap().retain(|key| key["algorithm"] == "RS256");
            all
        };
        assert_eq!(symbolon.json("key list --json"), json!([]), "{name}");
        assert!(symbolon.refusal("key rotate").contains("symbolon key add --algorithm RS256"), "{name}");
        let first = symbolon.json("key add --algorithm RS256 --json");
        assert_eq!(
            (&first["state"], &first["algorithm"]),
            (&json!("signing"), &json!("RS256")),
            "{name}: the first of all has nothing to follow"
        );
        assert_eq!(states(&symbolon.json("key list --json")), ["signing", "signing"], "{name}: RS256 and ES256");

        let text = symbolon.text("key rotate");
        assert!(text.contains("is published and signs from 2"), "{name}: {text}");
        let listed = list();
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
        let listed = list();
        assert_eq!(states(&listed), ["retiring", "signing", "upcoming"], "{name}");
        assert_eq!(listed[1], third, "{name}");
        let text = symbolon.text("key list");
        assert!(text.starts_with("KEY ") && text.lines().count() == 5 && !text.contains("sealed"), "{name}: {text}");

        // With another secret than the server's, a key would be made that the server cannot open.
        let mut other = Binary::new(&database.url);
        other.variables = vec![("SYMBOLON_SECRET", "another server secret as long as it must be".into())];
        assert!(other.refusal("key rotate --now").contains("an installation with another one"), "{name}");
        assert_eq!(list(), listed, "{name}");
    }
}

#[test]
fn each_algorithm_has_keys_of_its_own() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.text("key add --algorithm ES256");
        assert!(symbolon.text("key rotate --algorithm ES256").contains("signs from 2"), "{name}");
        assert!(symbolon.text("key rotate").contains("signs from 2"), "{name}: not held up by another's");
        assert!(symbolon.refusal("key rotate --algorithm ES256").contains("is already published"), "{name}");
        assert!(symbolon.refusal("key rotate --algorithm EdDSA").contains("key add --algorithm EdDSA"), "{name}");
        assert!(symbolon.refusal("key add --algorithm ES256").contains("key rotate --algorithm ES256"), "{name}");
        let listed = symbolon.json("key list --json");
        let of = |algorithm: &str| {
            let keys = listed.as_array().unwrap().iter().filter(|key| key["algorithm"] == algorithm);
            keys.map(|key| key["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!([of("RS256"), of("ES256")], [(); 2].map(|()| vec!["signing".to_owned(), "upcoming".into()]), "{name}");
        assert_eq!(symbolon.text("key list").matches("ES256").count(), 2, "{name}");
        let ran = symbolon.run("key rotate --algorithm HS256");
        assert!(ran.code == Some(2) && ran.stderr.contains("RS256, PS256, ES256, EdDSA"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_client_gets_an_algorithm_once_its_first_key_signs() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        let add = |id: &str, algorithm: &str| {
            format!("client add --id {id} --name App --type spa --redirect-uri https://a.example/cb --signing-alg {algorithm}")
        };
        symbolon.text(&add("es", "ES256"));
        symbolon.text(&add("rs", "RS256"));
        for line in [add("ed", "EdDSA"), "client set rs --signing-alg EdDSA".into()] {
            assert!(symbolon.refusal(&line).contains("symbolon key add --algorithm EdDSA"), "{name}");
        }
        let made = symbolon.json("key add --algorithm EdDSA --json");
        assert_eq!(made["state"], "upcoming", "{name}");
        for line in [add("ed", "EdDSA"), "client set rs --signing-alg EdDSA".into()] {
            let refused = symbolon.refusal(&line);
            assert!(refused.contains(made["signs_from"].as_str().unwrap()) && refused.contains("--now"), "{name}: {refused}");
        }
        assert_eq!(symbolon.json("client list --json").as_array().unwrap().len(), 2, "{name}: nothing was done");
        let [created, signs_from] = ["created", "signs_from"].map(|time| made[time].as_str().unwrap());
        assert!(created[10..] == signs_from[10..] && created < signs_from, "{name}: a day later: {made}");
        let kid = made["kid"].as_str().unwrap();
        // Once the day is over: the client has it, and nothing else was needed.
        let over = format!("UPDATE signing_keys SET signs_from = created_at - 1000 WHERE kid = '{kid}'");
        server.store(|connection| connection.batch_execute(&over).map_err(Error::from));
        symbolon.text(&add("ed", "EdDSA"));

        // At once, for who knows that nobody keeps the key set.
        symbolon.json("key add --algorithm PS256 --now --json");
        symbolon.text(&add("ps", "PS256"));
        assert_eq!(symbolon.run("key rotate --algorithm EdDSA --now").code, Some(0), "{name}");
        symbolon.text("client set rs --signing-alg EdDSA");
        // One that has an algorithm is changed in other ways, whatever its keys do.
        symbolon.text("client set rs --signing-alg EdDSA --name Other");
    }
}

#[test]
fn two_at_once_make_one_first_key() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.text("migrate");
        let add = || symbolon.command(&["key", "add", "--algorithm", "EdDSA"]).spawn().unwrap();
        for child in [(); 3].map(|()| add()) {
            let ran = super::Ran::from(child.wait_with_output().unwrap());
            assert!(ran.code == Some(0) || ran.stderr.contains("there is already a key for EdDSA"), "{name}: {}", ran.stderr);
        }
        let listed = symbolon.json("key list --json");
        let mut algorithms: Vec<_> = listed.as_array().unwrap().iter().map(|key| key["algorithm"].as_str().unwrap()).collect();
        algorithms.sort_unstable();
        assert_eq!(algorithms, ["ES256", "EdDSA", "RS256"], "{name}: {listed}");
    }
}
