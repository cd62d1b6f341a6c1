//! `symbolon client rotate-secret` and `retire-secret`, with a running server: which secrets it accepts, and when.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use symbolon::testing::{protocol::oauth::client::ClientKind, store::clients};

use super::{Binary, Ran};
use crate::harness::{Server, databases};

const JOB: &str = "client add --id job --name Job --type service --auth client_secret_post";

fn secret(made: &Value) -> String {
    let secret = made["client_secret"].as_str().unwrap();
    assert!(secret.starts_with("sym_cs_") && secret.len() == 50, "{made}");
    assert_eq!(made["client_secret_expires_at"], 0);
    secret.to_owned()
}

#[test]
fn a_client_takes_over_a_new_secret_without_an_outage() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        let takes = |secret: &str| {
            let form = [("grant_type", "client_credentials"), ("client_id", "job"), ("client_secret", secret)];
            server.token(&form, &[]).status == 200
        };
        let live = || symbolon.json("client show job --json")["active_secrets"].as_u64().unwrap();
        let first = secret(&symbolon.json(JOB));
        assert!(takes(&first) && live() == 1, "{name}");

        let second = secret(&symbolon.json("client rotate-secret job"));
        assert!(takes(&first) && takes(&second) && live() == 2, "{name}: both work");
        assert!(symbolon.text("client show job").contains("active secrets       2\n"), "{name}");
        let refused = symbolon.refusal("client rotate-secret job");
        assert!(refused.contains("retire-secret") && refused.contains("--now"), "{name}: {refused}");
        assert!(takes(&first) && takes(&second), "{name}: and nothing was changed");

        let retired = symbolon.text("client retire-secret job");
        assert_eq!(retired, "client job: the old secret was revoked; the new secret is active\n", "{name}");
        assert!(!takes(&first) && takes(&second) && live() == 1, "{name}");
        assert_eq!(symbolon.text("client retire-secret job"), "client job: there was no old secret\n", "{name}");
        assert!(takes(&second), "{name}: the newest is never retired");

        symbolon.json("client rotate-secret job");
        let last = secret(&symbolon.json("client rotate-secret job --now"));
        assert!(takes(&last) && !takes(&second) && live() == 1, "{name}: the others have leaked");
        let stored = server.store(|connection| clients::find(connection, "job")).unwrap();
        assert_eq!(stored.secret_hash, Some(Sha256::digest(&last).to_vec()), "{name}: only its hash is kept");
        for line in ["client show job", "client show job --json", "client retire-secret job --json"] {
            assert!(!symbolon.text(line).contains("sym_cs_"), "{name}: {line}");
        }
    }
}

#[test]
fn clients_without_secrets_are_told_why() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let redirect = "--redirect-uri https://app.example.com/cb";
        symbolon.text(&format!("client add --id spa --name App --type spa {redirect}"));
        symbolon.text(&format!(
            "client add --id jwt --name App --type web {redirect} --auth private_key_jwt --jwks-uri https://app.example.com/jwks"
        ));
        for verb in ["rotate-secret", "rotate-secret --now", "retire-secret"] {
            assert!(
                symbolon.refusal(&format!("client {verb} spa")).contains("a spa client, which has no secret"),
                "{name}: {verb}"
            );
            assert!(symbolon.refusal(&format!("client {verb} jwt")).contains("private_key_jwt"), "{name}: {verb}");
        }
    }
}

#[test]
fn of_two_rotations_at_once_one_is_refused() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        server.add_client("web", ClientKind::Web, |_| ());
        let rotate = || symbolon.command(&["client", "rotate-secret", "web"]).spawn().unwrap();
        let ran = [rotate(), rotate(), rotate()].map(|child| Ran::from(child.wait_with_output().unwrap()));
        let done: Vec<_> = ran.iter().filter(|ran| ran.code == Some(0)).collect();
        assert_eq!(done.len(), 1, "{name}: a secret that was told lives");
        let received: Value = serde_json::from_str(&done[0].stdout).unwrap();
        let stored = server.store(|connection| clients::find(connection, "web")).unwrap();
        assert_eq!(stored.secret_hash, Some(Sha256::digest(secret(&received)).to_vec()), "{name}");
        assert_eq!(symbolon.json("client show web --json")["active_secrets"], json!(2), "{name}");
    }
}

#[test]
fn the_secret_of_a_native_app_is_told_as_none() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let line = "client add --id app --name App --type native --redirect-uri http://127.0.0.1/ --secret-for-native";
        let ran = symbolon.run(line);
        let added: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert!(ran.stderr.contains("does not authenticate the app"), "{name}: {}", ran.stderr);
        let secret = added["client_secret"].as_str().unwrap();
        assert!(secret.starts_with("sym_cs_") && added["token_endpoint_auth_method"] == "none", "{name}: {added}");
        assert!(symbolon.text("client show app").contains("secret in the app"), "{name}");
        let second: Value = serde_json::from_str(&symbolon.run("client rotate-secret app").stdout).unwrap();
        assert!(second["client_secret"].as_str().unwrap() != secret && second["active_secrets"] == 2, "{name}: {second}");
        symbolon.text("client set app --no-secret-for-native");
        assert_eq!(symbolon.json("client show app --json")["active_secrets"], 0, "{name}");
        let again: Value = serde_json::from_str(&symbolon.run("client set app --secret-for-native").stdout).unwrap();
        assert!(again["client_secret"].is_string(), "{name}: {again}");
        for kind in ["spa", "web"] {
            let line = format!("client add --name App --type {kind} --redirect-uri https://a.example/ --secret-for-native");
            assert!(symbolon.refusal(&line).contains("expected a native client"), "{name}: {kind}");
        }
    }
}
