//! Programs in Go and Java, which `tests/more-clients` builds and runs where their tools are installed; `tests/run` leaves them out.
//! What others of these languages send is in `recorded`.

use std::{
    env,
    net::TcpStream,
    process::{Command, Stdio},
};

use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::{jwk::KeyPair, jws::RS256};
use serde_json::json;
use symbolon::testing::protocol::oauth::{
    client::{AssertionAudience, AuthMethod, ClientKind},
    scope::Scopes,
};

use super::programs::Operated;
use crate::harness::{API, Answer, Database, Process, basic, free_port, not_tried, python, wait_until};

/// Why they may not run.
const MORE: &str = "tests/more-clients builds and runs them, where Go or Maven is installed";

/// The API whose tokens have the type that Spring expects.
const AS_JWT: &str = "https://jwt.example.com";

#[test]
fn go_oidc_signs_in_with_pkce_or_a_nonce() {
    let Ok(program) = env::var("SYMBOLON_TEST_GO_CLIENT") else { return not_tried("clients in Go", MORE) };
    for (database, pkce) in [(Database::sqlite(), true), (Database::postgres(), false)] {
        let operated = Operated::on(database);
        let port = free_port();
        let mut settings = operated.register("go-oidc", &format!("http://localhost:{port}"));
        operated.symbolon.text(&format!("api add {API} --name Notes --scope notes:read"));
        let service = operated.symbolon.json(&format!("client add --id service --name Service --type service --api {API}"));
        settings["pkce"] = pkce.into();
        settings["service"] = json!({ "client_id": "service", "client_secret": service["client_secret"] });
        let mut command = Command::new(&program);
        command.arg(settings.to_string());
        let process = Process::start_command(command, &[]);
        wait_until(|| TcpStream::connect(("localhost", port)).is_ok(), || process.said());
        python("programs/go.py", &settings);
    }
}

/// A client's own token for an API.
fn token(operated: &Operated, id: &str, api: &str) -> String {
    let client = operated.symbolon.json(&format!("client add --id {id} --name Service --type service --api {api}"));
    let authorization = basic(id, client["client_secret"].as_str().unwrap());
    let answer = operated.server.token(&[("grant_type", "client_credentials")], &[("Authorization", &authorization)]);
    Answer::text(&answer, "access_token").to_owned()
}

#[test]
fn spring_checks_tokens_and_authenticates_by_a_key() {
    let Ok(classes) = env::var("SYMBOLON_TEST_JAVA_CLIENT") else { return not_tried("clients in Java", MORE) };
    let operated = Operated::on(Database::sqlite());
    let server = &operated.server;
    for (api, scope) in [(AS_JWT, "orders:read"), (API, "notes:read")] {
        operated.symbolon.text(&format!("api add {api} --name Example --scope {scope}"));
    }
    operated.symbolon.text(&format!("api set {AS_JWT} --token-typ JWT"));
    let [as_jwt, as_at_jwt] = [("orders", AS_JWT), ("notes", API)].map(|(id, api)| token(&operated, id, api));
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let id_token = server.tokens(&spa, "alice", "openid").text("id_token").to_owned();

    let pair: RsaKeyPair = RS256.generate_key_pair(2048).unwrap();
    let public = serde_json::to_value(pair.to_jwk_public_key().as_ref()).unwrap();
    server.add_client("by-key", ClientKind::Service, |client| {
        client.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        client.settings.assertion_audience = AssertionAudience::TokenEndpoint;
        client.settings.jwks = Some(json!({ "keys": [public] }).to_string());
        client.settings.scope = Scopes::parse("notes:read").unwrap();
        client.secret_hash = None;
    });
    let output = Command::new("java")
        .args(["-cp", &classes, "Main", &server.url, AS_JWT, API])
        .args([&as_jwt, &as_at_jwt, &id_token, "by-key", &pair.to_jwk_private_key().to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{}", String::from_utf8_lossy(&output.stdout));
}
