//! `symbolon serve` as a separate process: how it is configured and with what it refuses to start. Further concerns have files of
//! their own: shutdown, HTTPS, proxies, connections, the log and one that cannot be written, a database over TLS, a full disk,
//! two processes on one database.

mod connections;
mod database_tls;
mod disk;
mod examples;
mod flood;
mod https;
mod late_database;
mod log;
mod monitoring;
mod pooler;
mod proxy;
mod shutdown;
mod sockets;
mod stop;
mod together;
mod unwritable_log;

use std::{
    fs,
    process::{Command, Stdio},
};

use symbolon::testing::{
    protocol::oauth::client::Client,
    store::{DatabaseUrl, Store, clients},
};
use tempfile::TempDir;

use crate::harness::{
    API, Answer, Browser, CALLBACK, Database, PASSWORD, Process, VERIFIER, databases, encode, free_port, try_send,
};

/// How one server is configured, and where it can be reached.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) database: Database,
    directory: TempDir,
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Site {
    pub(crate) fn new(database: Database) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data").display().to_string();
        let port = free_port();
        let url = format!("http://localhost:{port}");
        let variables = vec![
            ("SYMBOLON_ISSUER", url.clone()),
            ("SYMBOLON_LISTEN", format!("localhost:{port}")),
            ("SYMBOLON_DATABASE_URL", database.url.clone()),
            ("SYMBOLON_DATA_DIR", data),
            ("SYMBOLON_PASSWORD_HASH_MEMORY_KIB", "8".into()),
            ("SYMBOLON_PASSWORD_HASH_ITERATIONS", "1".into()),
        ];
        Self { url, database, directory, variables }
    }

    /// The site with another value of a variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value.into()));
        self
    }

    /// The site without a variable.
    fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self
    }

    pub(crate) fn run(&self, args: &[&str]) -> Process {
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Process::start(args, &variables)
    }

    /// Runs the server within limits that a shell sets, whose standard error goes there.
    fn serve_within(&self, limits: &str, stderr: Stdio) -> Process {
        self.serve_with(limits, (Stdio::piped(), stderr))
    }

    /// As [`Site::serve_within`], with another standard output as well.
    fn serve_with(&self, limits: &str, outputs: (Stdio, Stdio)) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limits}; exec \"$0\" serve"), env!("CARGO_BIN_EXE_symbolon")]);
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Process::start_with(command, &variables, outputs)
    }

    /// Runs a command to its end, in an installation that `symbolon migrate` makes if there is none.
    fn command(&self, args: &[&str], stdin: &str) {
        if args != ["migrate"] {
            self.command(&["migrate"], "");
        }
        let mut process = self.run(args);
        process.tell(stdin);
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{args:?}: {said}");
    }

    /// Starts the server; it listens when this returns.
    pub(crate) fn serve(&self) -> Process {
        let mut process = self.run(&["serve"]);
        process.wait_for("serving");
        process
    }

    /// As [`Site::serve`], where the log says only what is wrong.
    pub(crate) fn serve_quietly(&self) -> Process {
        let process = self.run(&["serve"]);
        self.wait_until_ready();
        process
    }

    /// Another server, on the same database, that listens at another port.
    pub(crate) fn serve_at(&self, port: u16) -> Process {
        let listen = format!("localhost:{port}");
        let mut variables: Vec<_> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.retain(|(name, _)| *name != "SYMBOLON_LISTEN");
        variables.push(("SYMBOLON_LISTEN", &listen));
        let process = Process::start(&["serve"], &variables);
        ready(&format!("http://localhost:{port}"));
        process
    }

    /// Waits until the server answers.
    pub(crate) fn wait_until_ready(&self) {
        ready(&self.url);
    }

    /// What it says when it does not start.
    #[track_caller]
    fn refusal(&self, args: &[&str]) -> String {
        let (status, said) = self.run(args).end();
        assert_eq!(status.code(), Some(1), "{said}");
        let at = said.find("error: ").unwrap_or_else(|| panic!("no error in:\n{said}"));
        said[at..].to_owned()
    }

    /// Adds a user by the command line.
    pub(crate) fn add_alice(&self) {
        self.command(&["user", "add", "alice", "--email", "alice@example.com", "--password-stdin"], PASSWORD);
    }

    /// Adds a public client by the command line.
    pub(crate) fn add_spa(&self) -> Client {
        self.command(&["api", "add", API, "--name", "Notes", "--scope", "notes:read"], "");
        let scopes = ["openid", "offline_access", "notes:read"].map(|scope| ["--scope", scope]).concat();
        let add =
            ["client", "add", "--id", "spa", "--name", "App", "--type", "spa", "--redirect-uri", CALLBACK, "--audience", API];
        self.command(&[&add[..], &scopes].concat(), "");
        self.client("spa")
    }

    /// The database itself.
    pub(crate) fn store(&self) -> Store {
        Store::open(&DatabaseUrl::parse(&self.database.url).unwrap(), 1, std::time::Duration::from_secs(3)).unwrap()
    }

    /// A client as it is stored.
    pub(crate) fn client(&self, id: &str) -> Client {
        self.store().with(|connection| clients::find(connection, id)).unwrap().unwrap()
    }
}

fn ready(url: &str) {
    let is_ready = || try_send("GET", &format!("{url}/readyz"), &[], None).is_ok_and(|page| page.status == 200);
    crate::harness::wait_until(is_ready, || format!("{url} is not ready"));
}

/// `GET` of what is answered with JSON.
fn get(url: &str, path: &str) -> Answer {
    Answer::of(try_send("GET", &format!("{url}{path}"), &[], None).unwrap())
}

/// `POST /token`; there may be no answer.
fn token(url: &str, form: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
    try_send("POST", &format!("{url}/token"), &[], Some(&encode(form))).map(Answer::of)
}

pub(crate) fn refresh(url: &str, client: &Client, token_: &str) -> Result<Answer, ureq::Error> {
    token(url, &[("grant_type", "refresh_token"), ("client_id", &client.id), ("refresh_token", token_)])
}

/// Alice signs in and consents, and the public client redeems the code.
pub(crate) fn tokens(url: &str, client: &Client) -> Answer {
    let code = Browser::at(url).code(client, "alice", "openid offline_access");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client.id.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = token(url, &form).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

#[test]
fn variables_come_over_the_file() {
    let site = Site::new(Database::sqlite()).without("SYMBOLON_DATABASE_URL");
    let file = site.directory.path().join("symbolon.toml");
    let toml = "issuer = 'http://localhost:1'\naccess_token_lifetime = '7m'\nlog_format = 'text'\ntrusted_proxies = ['127.0.0.1', '10.0.0.0/8']\n";
    fs::write(&file, toml).unwrap();
    let config = file.display().to_string();

    let mut process = site.run(&["serve", "--config", &config]);
    process.wait_for("serving");
    assert_eq!(get(&site.url, "/.well-known/openid-configuration").text("issuer"), site.url, "the variable wins");
    assert!(site.directory.path().join("data/symbolon.db").is_file(), "the default database is in data_dir");
    process.signal("INT");
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.lines().any(|line| line.starts_with('{')), "log_format of the file:\n{said}");

    let former = site.with("SYMBOLON_POOL_SIZE", "4");
    let mut process = former.serve();
    process.wait_for("SYMBOLON_POOL_SIZE was renamed to SYMBOLON_DATABASE_POOL_SIZE");
    process.signal("INT");
    assert_eq!(process.end().0.code(), Some(0), "a former name is read");

    let site = former.with("SYMBOLON_CONFIG", config).with("SYMBOLON_ACCESS_TOKEN_LIFETIME", "9m").without("SYMBOLON_POOL_SIZE");
    let (status, said) = site.run(&["check-config", "--json"]).end();
    let checked: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (status.code(), &checked["access_token_lifetime"], &checked["log_format"]),
        (Some(0), &"9m".into(), &"text".into())
    );
    assert_eq!(checked["trusted_proxies"], serde_json::json!(["127.0.0.1/32", "10.0.0.0/8"]));
}

#[test]
fn nonsense_is_refused_with_the_key_and_what_came_and_what_is_expected() {
    for (toml, key, received, expected) in [
        ("isuer = 'http://localhost:1'", "isuer: ", "unknown", "did you mean issuer?"),
        ("database_pool_size = 'many'", "database_pool_size", "many", "expected"),
        ("database_pool_size = 0", "database_pool_size", "'0'", "expected 1 to 500"),
        ("access_token_lifetime = 'soon'", "access_token_lifetime", "soon", "expected a duration"),
        ("authorization_code_lifetime = '2h'", "authorization_code_lifetime", "'2h'", "10m"),
        ("issuer = 'http://id.example.com'", "issuer", "'http://id.example.com'", "expected https"),
        ("listen = '0.0.0.0:80'", "listen", "'0.0.0.0:80'", "expected a loopback address"),
        ("log = 'x=y=z'", "log", "'x=y=z'", "expected levels"),
        ("tls_cert_file = 'cert.pem'", "tls_cert_file", "symbolon.toml", "expected tls_key_file"),
        ("issuer = ", "symbolon.toml", "line 1", "TOML"),
    ] {
        let site = Site::new(Database::sqlite()).without("SYMBOLON_ISSUER").without("SYMBOLON_LISTEN");
        let file = site.directory.path().join("symbolon.toml");
        fs::write(&file, toml).unwrap();
        let said = site.refusal(&["serve", "--config", &file.display().to_string()]);
        assert!([key, received, expected].iter().all(|part| said.contains(part)), "{toml}: {said}");
    }
    let site = Site::new(Database::sqlite()).with("SYMBOLON_ISUER", "http://localhost:1");
    let said = site.refusal(&["serve"]);
    assert!(said.contains("SYMBOLON_ISUER: ") && said.contains("did you mean SYMBOLON_ISSUER?"), "{said}");
}

#[test]
fn a_file_with_a_password_that_everyone_may_read_is_a_warning() {
    let site = Site::new(Database::sqlite()).without("SYMBOLON_DATABASE_URL");
    let file = site.directory.path().join("symbolon.toml");
    let warning = "warning: database_url contains a password, and everyone on this machine can read '";
    for (url, mode, is_warned) in [
        ("postgres://symbolon:violet@db.example.com/symbolon", 0o644, true),
        ("postgres://db.example.com/symbolon?user=symbolon&password=violet", 0o644, true),
        ("postgres://symbolon:violet@db.example.com/symbolon", 0o640, false),
        ("postgres://symbolon@%2Frun%2Fpostgresql/symbolon", 0o644, false),
        ("sqlite:/var/lib/symbolon/a:b@c.db", 0o644, false),
    ] {
        fs::write(&file, format!("database_url = '{url}'\n")).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let (status, said) = site.run(&["check-config", "--config", &file.display().to_string()]).end();
        assert!(status.success() && !said.contains("violet"), "{url}: {said}");
        assert_eq!(said.contains(warning), is_warned, "{url} {mode:o}: {said}");
    }
}

#[test]
fn the_issuer_of_a_database_stays() {
    for database in databases() {
        let name = database.name;
        let site = Site::new(database);
        let process = site.serve();
        process.signal("TERM");
        assert_eq!(process.end().0.code(), Some(0));
        let first = site.url.clone();
        let site = site.with("SYMBOLON_ISSUER", "http://localhost:1");
        let said = site.refusal(&["serve"]);
        assert!(
            said.contains("issuer") && said.contains(&format!("'{first}'")) && said.contains("'http://localhost:1'"),
            "{said}"
        );
        let process = site.with("SYMBOLON_ISSUER", first).serve();
        process.signal("TERM");
        assert_eq!(process.end().0.code(), Some(0), "{name}: with its own issuer it starts again");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let site = Site::new(Database::sqlite());
    let _process = site.serve();
    let said = site.refusal(&["serve"]);
    let port = site.url.rsplit(':').next().unwrap();
    assert!(said.contains(&format!("listen: 'localhost:{port}'")), "{said}");
}
