//! The command line, run as the binary on both databases: every noun and verb, the output for programs and for users, and the
//! refusals; one file per noun. The database is read only where the command line itself shows nothing. Here: running the binary,
//! and rows that only the server writes.

mod accounts;
mod apis;
mod authenticators;
mod check;
mod client_json;
mod clients;
mod conformance;
mod consents;
mod details;
mod explain;
mod grants;
mod hints;
mod import;
mod installation;
mod keys;
mod links;
mod moving;
mod operator;
mod programs;
mod secrets;
mod settings;
mod spellings;
mod start;
mod users;

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use symbolon::testing::{
    protocol::{
        account::{activity::Origin, proof::Proofs},
        grant::Grant,
        oauth::scope::Scopes,
        oidc::authentication::Amr,
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{self, DatabaseUrl, Store, grants::Filter, sessions::Session},
};
use tempfile::TempDir;

use crate::harness::{Database, Server};

const PASSWORD: &str = "correct horse battery";

/// The binary with one database and a directory of its own.
pub struct Binary {
    url: String,
    dir: TempDir,
    /// Variables besides those that every test needs.
    variables: Vec<(&'static str, String)>,
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Binary {
    fn new(url: &str) -> Self {
        Self { url: url.to_owned(), dir: tempfile::tempdir().unwrap(), variables: vec![] }
    }

    /// With a database that `symbolon migrate` has made ready.
    fn migrated(url: &str) -> Self {
        let symbolon = Self::new(url);
        symbolon.text("migrate");
        symbolon
    }

    /// Beside a server that runs on the same database, with its secret and its name.
    pub fn beside(server: &Server, database: &Database) -> Self {
        let secret = "the server secret of the integration tests".into();
        Self {
            variables: vec![("SYMBOLON_SECRET", secret), ("SYMBOLON_ISSUER", server.app.config.issuer.as_str().into())],
            ..Self::new(&database.url)
        }
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
            .env("SYMBOLON_PASSWORD_HASH_MEMORY_KIB", "8")
            .env("SYMBOLON_PASSWORD_HASH_ITERATIONS", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
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
    pub fn text(&self, line: &str) -> String {
        self.text_of(&line.split(' ').collect::<Vec<_>>())
    }

    /// As [`Binary::text`], of arguments with spaces in them.
    pub fn text_of(&self, arguments: &[&str]) -> String {
        let ran = self.run_with(arguments, "");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        ran.stdout
    }

    pub fn json(&self, line: &str) -> Value {
        let text = self.text(line);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
    }

    /// What it says when it refuses.
    pub fn refusal(&self, line: &str) -> String {
        self.refusal_with(line, "")
    }

    fn refusal_with(&self, line: &str, stdin: &str) -> String {
        let ran = self.run_with(&line.split(' ').collect::<Vec<_>>(), stdin);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.trim_end().lines().count() == 1, "{line}: {}", ran.stderr);
        ran.stderr
    }

    /// Registers an API with these scopes.
    fn add_api(&self, uri: &str, scopes: &[&str]) {
        let scopes = scopes.iter().map(|scope| [" --scope ", scope].concat()).collect::<Vec<_>>().concat();
        assert_eq!(self.text(&format!("api add {uri} --name Notes{scopes}")), format!("registered API {uri}\n"));
    }

    fn add_user(&self, name: &str) {
        let email = format!("{name}@example.com");
        let ran = self.run_with(&["user", "add", name, "--email", &email, "--password-stdin"], &format!("{PASSWORD}\n"));
        assert_eq!((ran.code, ran.stderr), (Some(0), String::new()));
        assert!(
            ran.stdout.starts_with(&format!("user {name} was added\nthe address {email} is not verified: ")),
            "{}",
            ran.stdout
        );
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

/// A session of the user, and two grants of the client: one that ends with it, one that does not.
fn seed(store: &Store, user: Id, client: &str) -> (Id, [Id; 2]) {
    let now = now();
    let later = Timestamp::from_millis(now.millis() + 3_600_000);
    let session = Session {
        id: random::id(now),
        user_id: user,
        generation: 0,
        auth_time: now,
        created_at: now,
        last_seen_at: now,
        expires_at: later,
        ended_at: None,
        origin: Origin::default(),
        amr: Amr::password(),
        proofs: Proofs::default(),
        remembered: false,
        device_id: None,
        sign_in_again_at: None,
        subject: None,
    };
    let grant = |session_id, generation| Grant {
        id: random::id(now),
        client_id: client.to_owned(),
        user_id: user,
        session_id,
        sid: session.id,
        generation,
        scopes: Scopes::parse("openid notes:read").unwrap(),
        audiences: vec!["https://api.example.com".into()],
        redirect_uri: "https://app.example.com/cb".into(),
        redirect_uri_sent: true,
        challenge: None,
        nonce: None,
        dpop_jkt: None,
        auth_time: now,
        created_at: now,
        rotated_at: (generation > 0).then_some(now),
        expires_at: later,
        revoked_at: None,
        end_reason: None,
        subject: None,
        amr: session.amr.clone(),
        claims: symbolon::testing::protocol::oidc::claims_request::ClaimsRequest::default(),
        device_name: None,
        seen: Origin::default(),
        remembered: false,
    };
    let both = [grant(Some(session.id), 0), grant(None, 3)];
    store
        .with(|connection| -> store::Result<()> {
            store::sessions::insert(connection, &session)?;
            store::grants::insert(connection, &both[0])?;
            store::grants::insert(connection, &both[1])
        })
        .unwrap();
    (session.id, both.map(|grant| grant.id))
}

/// Whether the user's session and every grant of theirs has ended.
fn all_ended(store: &Store, user: Id, session: Id) -> [bool; 2] {
    let filter = Filter { user: Some(user), client: None };
    let session = store.with(|connection| store::sessions::find(connection, session)).unwrap().unwrap();
    let grants = store.with(|connection| store::grants::list(connection, &filter, 100)).unwrap();
    [session.ended_at.is_some(), !grants.is_empty() && grants.iter().all(|grant| grant.revoked_at.is_some())]
}
