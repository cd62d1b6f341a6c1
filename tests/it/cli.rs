//! The command line, by its binary and on both databases: every noun and verb, what is printed for programs and
//! for people, and what is refused. A database is looked into only where the command line itself shows nothing.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use symbolon::{
    config::PasswordSettings,
    passwords::Passwords,
    protocol::{grant::Grant, id::Id, scope::Scopes, time::Timestamp},
    random,
    store::{
        DatabaseUrl, Store, clients,
        grants::{self, Filter},
        people,
        sessions::{self, Session},
    },
};
use tempfile::TempDir;

use crate::harness::databases;

const PASSWORD: &str = "correct horse battery";

/// The binary with one database and a directory of its own.
struct Binary {
    url: String,
    dir: TempDir,
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Binary {
    fn new(url: &str) -> Self {
        Self { url: url.to_owned(), dir: tempfile::tempdir().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SYMBOLON_")) {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("SYMBOLON_DATABASE_URL", &self.url)
            .env("SYMBOLON_DATA_DIR", self.dir.path().join("data"))
            .env("SYMBOLON_PASSWORD_MEMORY_KIB", "8")
            .env("SYMBOLON_PASSWORD_ITERATIONS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run_with(&self, args: &[&str], stdin: &str) -> Ran {
        let mut child = self.command(args).spawn().unwrap();
        // A command that refuses does not read; its answer tells.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        Ran::from(child.wait_with_output().unwrap())
    }

    fn run(&self, line: &str) -> Ran {
        self.run_with(&line.split(' ').collect::<Vec<_>>(), "")
    }

    /// What it prints when all goes well.
    fn text(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
        ran.stdout
    }

    fn json(&self, line: &str) -> Value {
        let text = self.text(line);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
    }

    /// What it says when it refuses.
    fn refusal(&self, line: &str) -> String {
        self.refusal_with(line, "")
    }

    fn refusal_with(&self, line: &str, stdin: &str) -> String {
        let ran = self.run_with(&line.split(' ').collect::<Vec<_>>(), stdin);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.trim_end().lines().count() == 1, "{line}: {}", ran.stderr);
        ran.stderr
    }

    fn add_user(&self, name: &str) {
        let email = format!("{name}@example.com");
        let ran = self.run_with(&["user", "add", name, "--email", &email, "--password-stdin"], &format!("{PASSWORD}\n"));
        assert_eq!((ran.code, ran.stdout, ran.stderr), (Some(0), format!("user {name} was added\n"), String::new()));
    }

    fn store(&self) -> Store {
        Store::open(&DatabaseUrl::parse(&self.url).unwrap(), 1, std::time::Duration::from_secs(3)).unwrap()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T')
}

/// A session of the person, and two grants of the client: one that ends with it, one that does not.
fn seed(store: &Store, person: Id, client: &str) -> (Id, [Id; 2]) {
    let now = now();
    let later = Timestamp::from_millis(now.millis() + 3_600_000);
    let session = Session {
        id: random::id(now),
        person_id: person,
        generation: 0,
        auth_time: now,
        created_at: now,
        last_seen_at: now,
        expires_at: later,
        ended_at: None,
        user_agent: None,
        address: None,
    };
    let grant = |session_id, generation| Grant {
        id: random::id(now),
        client_id: client.to_owned(),
        person_id: person,
        session_id,
        sid: session.id,
        generation,
        scopes: Scopes::parse("openid notes:read").unwrap(),
        audiences: vec!["https://api.example.com".into()],
        redirect_uri: "https://app.example.com/cb".into(),
        challenge: None,
        nonce: None,
        dpop_jkt: None,
        auth_time: now,
        created_at: now,
        rotated_at: (generation > 0).then_some(now),
        expires_at: later,
        revoked_at: None,
    };
    let both = [grant(Some(session.id), 0), grant(None, 3)];
    store
        .with(|connection| -> symbolon::store::Result<()> {
            sessions::insert(connection, &session)?;
            grants::insert(connection, &both[0])?;
            grants::insert(connection, &both[1])
        })
        .unwrap();
    (session.id, both.map(|grant| grant.id))
}

/// Whether the person's session and every grant of theirs has ended.
fn all_ended(store: &Store, person: Id, session: Id) -> [bool; 2] {
    let filter = Filter { person: Some(person), client: None };
    let session = store.with(|connection| sessions::find(connection, session)).unwrap().unwrap();
    let grants = store.with(|connection| grants::list(connection, &filter, 100)).unwrap();
    [session.ended_at.is_some(), !grants.is_empty() && grants.iter().all(|grant| grant.revoked_at.is_some())]
}

#[test]
fn people_are_added_and_listed() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        assert_eq!(symbolon.json("user list --json"), json!([]), "{name}");
        let ran = symbolon.run_with(
            &["user", "add", "Alice", "--email", "Alice@Example.com", "--name", "Alice B.", "--password-stdin", "--json"],
            &format!("{PASSWORD}\r\nanother line\n"),
        );
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let added: Value = serde_json::from_str(&ran.stdout).unwrap();
        symbolon.add_user("bob");

        let listed = symbolon.json("user list --json");
        assert_eq!(listed[0], added, "{name}");
        let expected = [("username", "alice"), ("email", "alice@example.com"), ("name", "Alice B.")];
        assert!(expected.iter().all(|(key, value)| listed[0][key] == *value), "{name}: {listed}");
        assert_eq!((&listed[0]["disabled"], &listed[0]["email_verified"]), (&json!(false), &json!(false)), "{name}");
        assert!(Id::parse(listed[0]["id"].as_str().unwrap()).is_ok() && is_time(&listed[0]["created"]), "{name}: {listed}");
        assert_eq!((&listed[1]["username"], &listed[1]["name"]), (&json!("bob"), &Value::Null), "{name}");
        let text = symbolon.text("user list");
        let first = text.lines().nth(1).unwrap();
        assert!(
            text.starts_with("USER   EMAIL") && first.starts_with("alice  alice@example.com  Alice B.  on"),
            "{name}: {text}"
        );
        assert!(!(text + &listed.to_string()).contains("argon2"), "{name}");

        // The same name or address in any case, or one as the other, is taken.
        let add = |user: &str, email: &str| {
            symbolon.refusal_with(&format!("user add {user} --email {email} --password-stdin"), PASSWORD)
        };
        assert!(add("ALICE", "other@example.com").contains("user name 'alice'"), "{name}");
        assert!(add("other", "ALICE@example.com").contains("e-mail address 'alice@example.com'"), "{name}");
        assert!(add("a@b", "other@example.com").contains("user name 'a@b'"), "{name}");
        assert!(add("other", "nowhere").contains("e-mail address 'nowhere'"), "{name}");
        let short = symbolon.refusal_with("user add other --email other@example.com --password-stdin", "short\n");
        assert!(short.contains("at least 8") && !short.contains("short"), "{name}: {short}");
        assert!(symbolon.refusal("user add other --email other@example.com").contains("--password-stdin"), "{name}");
        assert_eq!(symbolon.json("user list --json").as_array().unwrap().len(), 2, "{name}: nothing refused was kept");
    }
}

#[test]
fn switching_a_person_off_or_a_new_password_ends_their_sessions_and_grants() {
    let passwords = Passwords::new(&PasswordSettings { memory_kib: 8, iterations: 1, parallelism: 1, concurrency: 1 }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        symbolon.add_user("alice");
        symbolon.add_user("bob");
        let store = symbolon.store();
        let person = |login: &str| store.with(|connection| people::find_by_login(connection, login)).unwrap().unwrap();
        let verify = |password: &str| runtime.block_on(passwords.verify(password.into(), person("alice").password_hash)).unwrap();
        let (alice, bob) = (person("alice").claims.id, person("bob").claims.id);
        let (bobs, _) = seed(&store, bob, "app");
        assert!(verify(PASSWORD), "{name}");

        let (session, _) = seed(&store, alice, "app");
        assert_eq!(all_ended(&store, alice, session), [false, false], "{name}");
        let ran = symbolon.run_with(&["user", "set-password", "ALICE@example.com", "--password-stdin"], "staple it down\n");
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(0), "user alice has a new password; their sessions and grants have ended\n"),
            "{name}"
        );
        assert!(verify("staple it down") && !verify(PASSWORD), "{name}");
        assert_eq!(all_ended(&store, alice, session), [true, true], "{name}");

        let (session, _) = seed(&store, alice, "app");
        assert!(symbolon.text("user disable alice").starts_with("user alice is switched off"), "{name}");
        assert_eq!(all_ended(&store, alice, session), [true, true], "{name}");
        let since = person("alice").disabled_at;
        assert_eq!(symbolon.json("user disable alice --json")["disabled"], true, "{name}");
        assert_eq!(person("alice").disabled_at, since, "{name}: twice changes nothing");
        assert!(symbolon.text("user list").lines().any(|line| line.starts_with("alice") && line.contains("  off  ")), "{name}");
        assert_eq!(symbolon.json("user enable alice --json")["disabled"], false, "{name}");
        assert_eq!(all_ended(&store, alice, session), [true, true], "{name}: what has ended stays ended");
        assert_eq!(all_ended(&store, bob, bobs), [false, false], "{name}: no one else is touched");

        for line in
            ["user disable carol", "user enable carol", "user set-password carol --password-stdin", "grant list --user carol"]
        {
            assert!(symbolon.refusal_with(line, PASSWORD).contains("user 'carol': there is no user"), "{name}: {line}");
        }
        assert!(symbolon.refusal_with("user set-password bob --password-stdin", "").contains("at least 8"), "{name}");
        assert!(symbolon.refusal("user set-password bob").contains("--password-stdin"), "{name}");
    }
}

#[test]
fn clients_are_registered_and_their_secrets_shown_once() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        let store = symbolon.store();
        let stored = |id: &str| store.with(|connection| clients::find(connection, id)).unwrap().unwrap();

        let spa = symbolon.json("client add --id app --name App --type spa --redirect-uri https://app.example.com/cb --scope openid --scope notes:read --audience https://api.example.com --retry-window 10s --cors-origin https://www.example.com");
        assert!(is_time(&spa["created"]), "{name}: {spa}");
        let mut expected = json!({
            "client_id": "app", "client_name": "App", "type": "spa", "redirect_uris": ["https://app.example.com/cb"], "scope": "openid notes:read",
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"], "audiences": ["https://api.example.com"],
            "pkce_required": true, "refresh_retry_window": "10s", "cors_origins": ["https://www.example.com"], "disabled": false,
        });
        expected["created"] = spa["created"].clone();
        assert_eq!(spa, expected, "{name}: and no secret");

        let web = symbolon.json("client add --name Web --type web --redirect-uri https://web.example.com/cb --auth client_secret_post --pkce-optional --no-refresh");
        let (id, secret) = (web["client_id"].as_str().unwrap(), web["client_secret"].as_str().unwrap());
        assert!(id.len() == 20 && secret.starts_with("sym_cs_") && secret.len() == 50, "{name}: {web}");
        assert_eq!((&web["client_secret_expires_at"], &web["pkce_required"]), (&json!(0), &json!(false)), "{name}");
        assert_eq!(
            (&web["token_endpoint_auth_method"], &web["grant_types"]),
            (&json!("client_secret_post"), &json!(["authorization_code"])),
            "{name}"
        );
        assert_eq!(stored(id).secret_hash, Some(Sha256::digest(secret).to_vec()), "{name}");

        let rotated = symbolon.json(&format!("client rotate-secret {id}"));
        let new = rotated["client_secret"].as_str().unwrap();
        assert!(new.starts_with("sym_cs_") && new != secret, "{name}");
        assert_eq!(stored(id).secret_hash, Some(Sha256::digest(new).to_vec()), "{name}: the old one is dead");
        for line in ["client list", "client list --json", &format!("client show {id}"), &format!("client show {id} --json")] {
            let text = symbolon.text(line);
            assert!(text.contains(id) && !text.contains("sym_cs_") && !text.contains("secret_hash"), "{name}: {line}: {text}");
        }
        let listed = symbolon.json("client list --json");
        assert!(listed.as_array().unwrap().contains(&spa), "{name}: {listed}");
        assert_eq!(symbolon.json("client show app --json"), spa, "{name}");
        let text = symbolon.text("client show app");
        assert!(
            text.starts_with("client id       app\nname            App\n")
                && text.contains("\nredirect URIs   https://app.example.com/cb\n"),
            "{name}: {text}"
        );
        assert!(symbolon.refusal("client rotate-secret app").contains("has no secret"), "{name}");

        let ran =
            symbolon.run("client add --id job --name Job --type service --audience https://api.example.com --scope jobs:run");
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("note: ") && ran.stderr.contains("client_credentials"), "{name}: {}", ran.stderr);
        assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["grant_types"], json!([]), "{name}");
    }
}

#[test]
fn clients_are_switched_and_deleted() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        symbolon.add_user("alice");
        symbolon.text("client add --id app --name App --type spa --redirect-uri https://app.example.com/cb --cors-origin https://www.example.com");
        let store = symbolon.store();
        let registered =
            || store.with(|connection| clients::is_origin_registered(connection, "https://www.example.com")).unwrap();
        let alice = store.with(|connection| people::find_by_login(connection, "alice")).unwrap().unwrap().claims.id;
        let (session, _) = seed(&store, alice, "app");

        assert_eq!(symbolon.text("client disable app"), "client app is switched off\n", "{name}");
        assert_eq!(symbolon.json("client show app --json")["disabled"], true, "{name}");
        let reasons = symbolon.json("grant list --client app --json");
        assert!(
            reasons.as_array().unwrap().iter().all(|grant| grant["reason"] == "the client is switched off"),
            "{name}: {reasons}"
        );
        assert_eq!(symbolon.json("client enable app --json")["disabled"], false, "{name}");
        assert_eq!(all_ended(&store, alice, session), [false, false], "{name}: its grants were kept");

        assert!(registered(), "{name}");
        assert_eq!(symbolon.json("client delete app --json"), json!({ "client_id": "app", "deleted": true }), "{name}");
        assert!(!registered(), "{name}");
        assert_eq!(all_ended(&store, alice, session), [false, true], "{name}");
        assert_eq!(symbolon.json("client list --json"), json!([]), "{name}");
        for verb in ["show", "disable", "enable", "rotate-secret", "delete"] {
            assert!(
                symbolon.refusal(&format!("client {verb} app")).contains("client 'app': there is no client"),
                "{name}: {verb}"
            );
        }
        symbolon.text("client add --id app --name Again --type spa --redirect-uri https://app.example.com/cb");
        let again = symbolon.refusal("client add --id app --name Twice --type spa --redirect-uri https://app.example.com/cb");
        assert!(again.contains("client 'app'") && again.contains("free"), "{name}: {again}");
        assert_eq!(symbolon.json("client show app --json")["client_name"], "Again", "{name}");
    }
}

#[test]
fn redirect_uris_that_no_one_should_register_are_refused_with_the_reason() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        for (kind, uri, words) in [
            ("spa", "http://app.example.com/cb", "expected https"),
            ("spa", "https://app.example.com/cb#", "no fragment"),
            ("spa", "https://*.example.com/cb", "no wildcard"),
            ("spa", "https://user@example.com/cb", "no user name"),
            ("web", "com.example.app:/cb", "native apps"),
            ("native", "app:/cb", "with a dot"),
            ("native", "javascript:alert(1)", "expected https"),
            ("web", "/cb", "absolute"),
            ("web", "https://app.example.com/cb?code=x", "no 'code'"),
        ] {
            let error = symbolon.refusal(&format!("client add --name App --type {kind} --redirect-uri {uri}"));
            assert!(error.contains(&format!("redirect URI '{uri}'")) && error.contains(words), "{name}: {error}");
        }
        assert!(symbolon.refusal("client add --name App --type web").contains("at least one"), "{name}");
        assert_eq!(symbolon.json("client list --json"), json!([]), "{name}");
    }
}

#[test]
fn keys_are_published_first_and_sign_later() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
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
        let other = Binary::new(&url);
        assert!(other.refusal("key rotate --now").contains("expected the server secret"), "{name}");
        assert_eq!(symbolon.json("key list --json"), listed, "{name}");
    }
}

#[test]
fn grants_are_listed_and_revoked() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        symbolon.add_user("alice");
        symbolon.add_user("bob");
        for id in ["app", "other"] {
            symbolon.text(&format!("client add --id {id} --name App --type spa --redirect-uri https://app.example.com/cb"));
        }
        let store = symbolon.store();
        let id = |login: &str| store.with(|connection| people::find_by_login(connection, login)).unwrap().unwrap().claims.id;
        let (_, [code, active]) = seed(&store, id("alice"), "app");
        seed(&store, id("bob"), "app");

        assert_eq!(symbolon.json("grant list --json").as_array().unwrap().len(), 4, "{name}");
        assert_eq!(symbolon.json("grant list --limit 3 --json").as_array().unwrap().len(), 3, "{name}");
        assert_eq!(symbolon.json("grant list --client other --json"), json!([]), "{name}");
        assert!(symbolon.refusal("grant list --client nobody").contains("client 'nobody': there is no client"), "{name}");
        let listed = symbolon.json("grant list --user alice --client app --json");
        let find = |listed: &Value, id: Id| {
            listed.as_array().unwrap().iter().find(|grant| grant["id"] == id.to_string()).cloned().unwrap()
        };
        assert_eq!(listed.as_array().unwrap().len(), 2, "{name}: {listed}");
        let grant = find(&listed, active);
        assert!(is_time(&grant["created"]) && is_time(&grant["last_used"]) && is_time(&grant["expires"]), "{name}: {grant}");
        let mut expected = json!({
            "id": active.to_string(), "client_id": "app", "user_id": id("alice").to_string(), "username": "alice", "scope": "openid notes:read",
            "audiences": ["https://api.example.com"], "state": "active", "reason": null, "ends_with_session": false,
        });
        for key in ["created", "last_used", "expires"] {
            expected[key] = grant[key].clone();
        }
        assert_eq!(grant, expected, "{name}");
        let grant = find(&listed, code);
        assert_eq!(
            (&grant["state"], &grant["last_used"], &grant["ends_with_session"]),
            (&json!("code"), &Value::Null, &json!(true)),
            "{name}"
        );

        assert_eq!(symbolon.text(&format!("grant revoke {active}")), format!("grant {active} is revoked\n"), "{name}");
        assert_eq!(symbolon.text(&format!("grant revoke {active}")), format!("grant {active} was revoked before\n"), "{name}");
        assert_eq!(
            symbolon.json(&format!("grant revoke {code} --json")),
            json!({ "id": code.to_string(), "revoked": true }),
            "{name}"
        );
        let listed = symbolon.json("grant list --user alice --json");
        let grant = find(&listed, active);
        assert_eq!((&grant["state"], &grant["reason"]), (&json!("ended"), &json!("the grant was revoked")), "{name}");
        let text = symbolon.text("grant list");
        assert_eq!(text.lines().filter(|line| line.ends_with("the grant was revoked")).count(), 2, "{name}: {text}");
        assert!(symbolon.refusal("grant revoke nonsense").contains("expected 32 hexadecimal digits"), "{name}");
        let unknown = "0".repeat(32);
        assert!(
            symbolon.refusal(&format!("grant revoke {unknown}")).contains(&format!("grant '{unknown}': there is no grant")),
            "{name}"
        );
    }
}

#[test]
fn several_commands_may_be_the_first_on_a_fresh_database() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        let add = |id: &str| {
            let line = format!("client add --id {id} --name App --type spa --redirect-uri https://app.example.com/cb");
            symbolon.command(&line.split(' ').collect::<Vec<_>>()).spawn().unwrap()
        };
        let children: Vec<_> = ["a", "b", "c", "d"].map(add).into_iter().collect();
        for child in children {
            let ran = Ran::from(child.wait_with_output().unwrap());
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        }
        assert_eq!(symbolon.json("client list --json").as_array().unwrap().len(), 4, "{name}");
        assert_eq!(symbolon.text("migrate"), "the database is up to date\n", "{name}");
    }
}

#[test]
fn migrations_and_configuration_are_told() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        let text = symbolon.text("check-config");
        assert!(
            text.lines().any(|line| line.starts_with("issuer ") && line.ends_with("http://localhost:8080")),
            "{name}: {text}"
        );
        let checked = symbolon.json("check-config --json");
        assert_eq!(
            (&checked["access_token_lifetime"], &checked["password_memory_kib"]),
            (&json!("10m"), &json!(8)),
            "{name}: {checked}"
        );
        let secret = std::fs::read_to_string(symbolon.dir.path().join("data/secret")).unwrap();
        let password =
            url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).and_then(|(user, _)| user.split_once(':'));
        for hidden in [Some(secret.trim()), password.map(|(_, password)| password)].into_iter().flatten() {
            assert!(!text.contains(hidden) && !checked.to_string().contains(hidden), "{name}: {text}");
        }
        let text = symbolon.text("migrate");
        assert!(text.starts_with("ran 2026"), "{name}: {text}");
        assert_eq!(symbolon.json("migrate --json"), json!({ "ran": [] }), "{name}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let memory = Binary::new("sqlite::memory:");
    assert!(memory.refusal("user list").contains("cannot be reached from here"));
    let absent = Binary::new("sqlite:/nonexistent/symbolon.db");
    assert!(absent.refusal("user list").contains("database sqlite:/nonexistent/symbolon.db"));
    let nonsense = Binary::new("mysql://x");
    assert!(nonsense.refusal("check-config").contains("database_url: expected"));
    assert!(nonsense.refusal("check-config --config absent.toml").contains("absent.toml"));
    assert!(nonsense.refusal("demo --config absent.toml").contains("no --config"));
    for line in ["user", "user add alice", "client add --name App --type fridge", "grant revoke", "frobnicate"] {
        let ran = memory.run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{line}: a mistake in the line itself");
        assert!(ran.stderr.contains("--help"), "{line}: {}", ran.stderr);
    }
    let ran = memory.run("--version");
    assert_eq!((ran.code, ran.stdout), (Some(0), format!("symbolon {}\n", env!("CARGO_PKG_VERSION"))));
    // A database in the data directory, which no one has made yet.
    let symbolon = Binary::new("sqlite:unused");
    let mut command = symbolon.command(&["user", "list", "--json"]);
    command.env_remove("SYMBOLON_DATABASE_URL").env("SYMBOLON_SECRET", "a secret of at least thirty-two bytes");
    let ran = Ran::from(command.output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "[]\n", ""));
}

#[test]
fn what_people_typed_does_nothing_to_the_terminal() {
    for (name, url) in databases() {
        let symbolon = Binary::new(&url);
        symbolon.add_user("alice");
        let store = symbolon.store();
        let mut person = store.with(|connection| people::find_by_login(connection, "alice")).unwrap().unwrap();
        (person.claims.id, person.claims.username, person.claims.email) =
            (random::id(now()), "mallory".into(), "m@example.com".into());
        person.claims.display_name = Some("\u{1b}[2J\u{9b}31m\n\u{202e}M".into());
        store.with(|connection| people::insert(connection, &person)).unwrap();
        for line in ["user list", "user list --json"] {
            let text = symbolon.text(line);
            assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{name}: {text:?}");
        }
        assert_eq!(symbolon.text("user list").lines().count(), 3, "{name}");
        assert_eq!(symbolon.json("user list --json")[1]["name"], json!(person.claims.display_name), "{name}");
        assert!(symbolon.refusal("client show \u{1b}[2J").contains("\\u{1b}[2J"), "{name}");
    }
}
