//! `symbolon client check`: its findings about a client, its exit status, and the test fetch of a client's keys.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use diesel::{RunQueryDsl, sql_query};
use serde_json::{Value, json};
use symbolon::testing::{protocol::values::id::Id, store::Error};

use super::{Binary, Ran, seed};
use crate::harness::{databases, free_port};

const KEY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// The findings, and whether the exit status says that there is a problem.
fn check(symbolon: &Binary, id: &str) -> (Vec<Value>, bool) {
    let ran: Ran = symbolon.run(&format!("client check {id} --json"));
    assert!(ran.stderr.is_empty() && [Some(0), Some(1)].contains(&ran.code), "{}", ran.stderr);
    let received: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(received["client_id"], id);
    let findings = received["findings"].as_array().unwrap().clone();
    for finding in &findings {
        for key in ["level", "setting", "is", "should_be", "section"] {
            assert!(finding[key].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
        }
    }
    (findings, ran.code == Some(1))
}

fn level<'a>(findings: &'a [Value], setting: &str) -> &'a str {
    findings.iter().find(|finding| finding["setting"] == setting).and_then(|finding| finding["level"].as_str()).unwrap_or("none")
}

/// Answers every request with these keys.
fn serve(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]); // the head of a GET comes in one piece
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn a_client_is_explained_and_only_a_problem_is_a_failure() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api("https://api.example.com", &["notes:read"]);
        symbolon.text("client add --id good --name App --type web --redirect-uri https://a.example/cb --api https://api.example.com --pkce optional");
        let (findings, is_problem) = check(&symbolon, "good");
        assert!(!is_problem, "{name}: advice is no failure: {findings:?}");
        for (setting, expected) in [
            ("PKCE", "advice"),
            ("authentication", "advice"),
            ("secrets", "ok"),
            ("redirect URI", "ok"),
            ("after sign-out", "advice"),
            ("back-channel logout", "advice"),
            ("default API", "ok"),
            ("signatures", "ok"),
        ] {
            assert_eq!(level(&findings, setting), expected, "{name}: {setting}: {findings:?}");
        }
        symbolon.text("client rotate-secret good");
        assert_eq!(level(&check(&symbolon, "good").0, "secrets"), "advice", "{name}: two are live");

        symbolon.text("client add --id bad --name App --type spa --redirect-uri https://a.example/cb --redirect-uri http://localhost:3000/cb");
        let (findings, is_problem) = check(&symbolon, "bad");
        assert!(
            is_problem && findings.iter().any(|one| one["setting"] == "redirect URI" && one["level"] == "problem"),
            "{name}: {findings:?}"
        );
        let ran = symbolon.run("client check bad");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{name}");
        let line = ran.stdout.lines().find(|line| line.starts_with("problem")).unwrap();
        assert!(
            ran.stdout.starts_with("LEVEL ") && line.contains("http://localhost:3000/cb") && line.ends_with("RFC 9700 2.6"),
            "{name}: {line}"
        );
    }
}

#[test]
fn a_client_that_uses_pkce_is_told_that_it_can_be_required() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        for id in ["web", "other"] {
            symbolon.text(&format!("client add --id {id} --name App --type web --redirect-uri https://app.example.com/cb"));
        }
        let says = |pkce: &str| {
            let (findings, _) = check(&symbolon, "web");
            let line = findings.iter().find(|finding| finding["setting"] == "PKCE").unwrap();
            assert!(
                line["is"].as_str().unwrap().contains("its last sign-ins all had it") == (pkce == "advice"),
                "{name}: {line}"
            );
            assert_eq!(line["level"], pkce, "{name}: {line}");
        };
        says("ok");
        let (store, user) = (symbolon.store(), Id::from([1; 16]));
        seed(&store, user, "web");
        seed(&store, user, "other");
        says("ok");
        let use_pkce = |generation| {
            let challenge = "UPDATE grants SET code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'";
            let change = sql_query(format!("{challenge} WHERE client_id = 'web' AND generation = {generation}"));
            assert_eq!(store.with(|connection| Ok::<_, Error>(change.execute(connection)?)), Ok(1), "{name}");
        };
        use_pkce(0);
        says("ok");
        use_pkce(3);
        says("advice");
        symbolon.text("client set web --pkce required");
        says("ok");
    }
}

#[test]
fn an_algorithm_is_of_use_only_with_a_key() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let add = |id: &str, more: &str| {
            symbolon.text(&format!("client add --id {id} --name App --type spa --redirect-uri https://a.example/cb{more}"))
        };
        add("rs", "");
        add("es", " --signing-alg ES256");
        assert_eq!(level(&check(&symbolon, "rs").0, "signatures"), "ok", "{name}: the server makes its first key");
        assert_eq!(level(&check(&symbolon, "es").0, "signatures"), "ok", "{name}: made with it");
    }
}

#[test]
fn keys_at_a_url_are_asked_for() {
    for database in databases() {
        let (name, mut symbolon) = (database.name, Binary::migrated(&database.url));
        let job = |id: &str, url: &str| {
            symbolon.text(&format!("client add --id {id} --name Job --type service --auth private_key_jwt --jwks-uri {url}"));
        };
        let gone = format!("http://127.0.0.1:{}/jwks", free_port());
        job("there", &serve(KEY));
        job("empty", &serve("{\"keys\":[]}"));
        job("gone", &gone);
        let keys = |symbolon: &Binary, id: &str| {
            let (findings, is_problem) = check(symbolon, id);
            let line = findings.iter().find(|finding| finding["setting"] == "client keys").unwrap().clone();
            assert_eq!(line["level"] == "problem", is_problem, "{name}: {findings:?}");
            (is_problem, line["is"].as_str().unwrap().to_owned())
        };
        let (is_problem, is) = keys(&symbolon, "there");
        assert!(is_problem && is.contains("not in outbound_allowlist"), "{name}: as the server would not call it: {is}");
        symbolon.variables = vec![("SYMBOLON_OUTBOUND_ALLOWLIST", "127.0.0.0/8".into())];
        let (is_problem, is) = keys(&symbolon, "there");
        assert!(!is_problem && is.contains("not encrypted"), "{name}: {is}");
        let (is_problem, is) = keys(&symbolon, "empty");
        assert!(is_problem && is.contains("expected a public key"), "{name}: {is}");
        let (is_problem, is) = keys(&symbolon, "gone");
        assert!(is_problem && is.contains(&gone), "{name}: {is}");
    }
}

#[test]
fn an_unregistered_api_of_an_older_version_is_named() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api("https://api.example.com", &["notes:read"]);
        symbolon.text("client add --id app --name App --type spa --redirect-uri https://a.example/cb --api https://api.example.com --scope notes:read");
        symbolon
            .store()
            .with(|connection| {
                symbolon::testing::store::clients::update(connection, "app", |_, client| {
                    client.settings.audiences = vec!["https://old.example".into()];
                    Ok::<_, symbolon::testing::store::Error>(())
                })
            })
            .unwrap();
        let (findings, is_problem) = check(&symbolon, "app");
        let said: Vec<_> = findings.iter().filter(|line| line["setting"] == "API" || line["setting"] == "scope").collect();
        assert!(!is_problem && said.len() == 2, "{name}: {said:?}");
        assert!(said.iter().all(|line| line["level"] == json!("advice")), "{name}: {said:?}");
    }
}

#[test]
fn what_apis_ask_of_tokens_is_checked_for_the_tokens_of_several() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let [notes, files] = ["https://notes.example.com", "https://files.example.com"];
        symbolon.add_api(notes, &["notes:read"]);
        symbolon.add_api(files, &["files:read"]);
        let add =
            format!("client add --id app --name App --type web --redirect-uri https://a.example/cb --api {notes} --api {files}");
        symbolon.text(&add);
        let said = |setting: &str| {
            let (findings, _) = check(&symbolon, "app");
            let of = |finding: &Value| format!("{} {}", finding["level"].as_str().unwrap(), finding["is"].as_str().unwrap());
            findings.iter().filter(|finding| finding["setting"] == setting).map(of).collect::<Vec<_>>()
        };
        assert!(said("token typ").is_empty() && said("token claims").is_empty(), "{name}");
        symbolon.text(&format!("api set {notes} --token-typ JWT --token-claims email"));
        let typ = said("token typ");
        assert!(
            typ.len() == 2 && typ[0].starts_with("advice JWT for https://notes") && typ[0].contains("only aud"),
            "{name}: {typ:?}"
        );
        assert!(typ[1].starts_with("problem at+jwt in a token for all default APIs"), "{name}: {typ:?}");
        let claims = said("token claims");
        assert!(
            claims.len() == 1 && claims[0].starts_with("advice a token for all default APIs lacks email"),
            "{name}: {claims:?}"
        );
        symbolon.text(&format!("client set app --default-api {notes}"));
        assert_eq!((said("token typ").len(), said("token claims").len()), (1, 0), "{name}: one default API");
        symbolon.text("client set app --no-default-api");
        symbolon.text(&format!("api set {files} --token-typ JWT --token-claims email"));
        assert_eq!((said("token typ").len(), said("token claims").len()), (2, 0), "{name}: all ask for the same");
    }
}

/// The words of a command as a shell takes them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (vec![], String::new(), false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

/// The commands of README's quick start, as they stand there.
#[test]
fn the_client_of_the_readme_passes_its_own_check() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let commands = readme.replace("\\\n", " ");
    let command = |start: &str| {
        let line = commands.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("README.md: {start}"));
        words(line.split('#').next().unwrap())[1..].to_vec()
    };
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let run = |words: &[String]| symbolon.text_of(&words.iter().map(String::as_str).collect::<Vec<_>>());
        run(&command("symbolon api add "));
        let client: Value = serde_json::from_str(&run(&command("symbolon client add "))).unwrap();
        let (findings, is_problem) = check(&symbolon, client["client_id"].as_str().unwrap());
        assert!(!is_problem && findings.iter().all(|finding| finding["level"] == "ok"), "{name}: {findings:?}");
        let uri = findings.iter().find(|finding| finding["setting"] == "redirect URI").unwrap();
        assert!(uri["is"].as_str().unwrap().ends_with("on loopback, for development"), "{name}: {uri}");
    }
}
