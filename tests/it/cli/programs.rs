//! `symbolon client add --for PROGRAM`: the client of a known program, and the lines of its own configuration.

use super::Binary;
use crate::harness::databases;

#[test]
fn a_client_for_a_program_is_registered_and_its_own_lines_are_printed() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let text = symbolon.text("client add --for grafana --url https://grafana.example.org/ --scope openid --scope profile");
        let registered = symbolon.json("client show grafana --json");
        assert_eq!(registered["client_name"], "Grafana", "{name}");
        assert_eq!(registered["redirect_uris"], serde_json::json!(["https://grafana.example.org/login/generic_oauth"]), "{name}");
        assert_eq!(registered["scope"], "openid profile", "{name}: an option comes on top");
        assert!(
            text.starts_with("Registered client grafana for Grafana.\nIts secret, which is not shown again: "),
            "{name}: {text}"
        );
        assert!(text.contains("\n# grafana.ini\n") && text.contains("\nclient_id = grafana\n"), "{name}: {text}");
        let secret = text.lines().find_map(|line| line.strip_prefix("client_secret = ")).unwrap();
        assert!(secret.len() > 30 && !text.contains('{'), "{name}: {text}");

        let json = symbolon.json("client add --for grafana --id second --name Charts --url https://b.example --json");
        assert_eq!((&json["client_id"], &json["client_name"]), (&"second".into(), &"Charts".into()), "{name}");
        let lines = json["application"][0]["lines"].as_str().unwrap();
        assert!(
            lines.contains(json["client_secret"].as_str().unwrap()) && lines.contains("client_id = second"),
            "{name}: {json}"
        );

        for (command, expected) in [
            ("client add --for grafana --url https://c.example", "'grafana' is already taken"),
            (
                "client add --for grafana",
                "--url: expected the address of Grafana, such as https://grafana.example.com, received none",
            ),
            (
                "client add --for grafana --url grafana",
                "--url: expected an address such as https://grafana.example.com, received 'grafana'",
            ),
            ("client add --for nonsense", "[possible values: "),
            ("client add --for dovecot", "[possible values: "),
            ("client add --for grafana --url https://c.example --type spa", "cannot be used with"),
            (
                "client add --url https://c.example --name App --type spa --redirect-uri https://c.example/cb",
                "--url: expected with --for",
            ),
        ] {
            let ran = symbolon.run(command);
            assert!(ran.code != Some(0) && ran.stdout.is_empty(), "{name}: {command}: {}", ran.stdout);
            assert!(ran.stderr.contains(expected), "{name}: {command}: {}", ran.stderr);
        }
        assert_eq!(symbolon.json("client list --json").as_array().unwrap().len(), 2, "{name}: nothing of the refused ones stays");
    }
}
