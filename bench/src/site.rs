//! A site: a database with a number of grants, set up by the program's own command line and then filled, and servers on it. Holds
//! the credentials of its clients and users: refresh tokens and session cookies, derived by the library from the rows' ids.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use symbolon::testing::{
    clock::Clock,
    protocol::{
        grant::credential::{Credential, Kind as CredentialKind},
        secrets::SecretRing,
    },
};

use crate::{
    database::{Database, Kind, Place},
    fill::{API, CLIENTS, Population, REDIRECT_URI},
    process::{self, Server},
    requests::Refresh,
    trouble::{Result, Trouble},
};

/// The password of all users.
pub const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "a secret of the benchmark that everyone knows";
/// The maximum number of refresh token chains: the same with 10,000 grants as with ten million.
const CHAINS: u64 = 8_000;

/// A database with grants, and what is needed to serve it.
pub struct Site {
    /// The kind of database.
    pub kind: Kind,
    /// Its content.
    pub population: Population,
    /// Refreshing of grants from all over the table, with tokens signed with RS256.
    pub rs256: Rc<Refresh>,
    /// The same with ES256.
    pub es256: Rc<Refresh>,
    /// The Authorization header of a service.
    pub service: String,
    /// The Authorization header of the resource server.
    pub resource_server: String,
    name: String,
    url: String,
    program: PathBuf,
    place: Place,
    secrets: SecretRing,
}

impl Site {
    /// Creates a database and fills it. Remains of an earlier one with its name are removed.
    ///
    /// # Errors
    /// When the database, or the program's command line, fails.
    pub fn make(program: &Path, place: &Place, kind: Kind, grants: u64) -> Result<Self> {
        let name = format!("bench_{grants}");
        place.remove(kind, &name)?;
        let url = place.make(kind, &name)?;
        let now = u64::try_from(Clock::system().now().millis()).unwrap_or_default();
        let secrets = SecretRing::new([SECRET]).map_err(|error| Trouble::new(error.to_string()))?;
        let none = || Rc::new(Refresh::new(Vec::new()));
        let mut site = Self {
            kind,
            population: Population::of(grants, now),
            rs256: none(),
            es256: none(),
            service: String::new(),
            resource_server: String::new(),
            name,
            url,
            program: program.to_owned(),
            place: place.clone(),
            secrets,
        };
        site.register()?;
        let mut database = Database::connect(&site.url)?;
        let hash = database.text("SELECT password_hash AS value FROM users WHERE username = 'someone'")?;
        site.population.fill(&mut database, &hash)?;
        drop(database);
        if let Some(file) = site.url.strip_prefix("sqlite:") {
            File::open(file)?.sync_all()?; // so that these writes do not reach the disk during a round
        }
        // Of five grants in a row, those of the last client are signed with ES256.
        let others = CLIENTS - 1;
        let of_others = site.tokens(grants / CLIENTS * others - others, |at| at / others * CLIENTS + CLIENTS + at % others)?;
        site.rs256 = Rc::new(Refresh::new(of_others));
        site.es256 = Rc::new(Refresh::new(site.tokens(grants / CLIENTS, |at| at * CLIENTS + others)?));
        Ok(site)
    }

    /// Registers clients, their API, and a user whose password hash all users get.
    fn register(&mut self) -> Result<()> {
        self.program(&["migrate"])?;
        self.program(&["api", "add", API, "--name", "Notes", "--scope", "notes:read=Read your notes"])?;
        for number in 0..CLIENTS {
            let (id, name) = (format!("app-{number}"), format!("App {number}"));
            let algorithm = if number == CLIENTS - 1 { "ES256" } else { "RS256" };
            let mut arguments =
                vec!["client", "add", "--id", &id, "--name", &name, "--type", "spa", "--redirect-uri", REDIRECT_URI];
            arguments.extend(["--api", API, "--signing-alg", algorithm, "--no-id-token-on-refresh"]);
            for scope in crate::fill::SCOPES.split(' ') {
                arguments.extend(["--scope", scope]);
            }
            self.program(&arguments)?;
        }
        self.service = self.add_service("service", "--api")?;
        self.resource_server = self.add_service("notes", "--introspects")?;
        self.program(&["user", "add", "someone", "--email", "someone@example.com", "--password-stdin"])?;
        Ok(())
    }

    /// Whether the clients whose tokens are signed with RS256 get an ID token on refresh. At first no client does.
    ///
    /// # Errors
    /// When the program's command line fails.
    pub fn set_id_tokens(&self, on: bool) -> Result<()> {
        let option = if on { "--id-token-on-refresh" } else { "--no-id-token-on-refresh" };
        (0..CLIENTS - 1).try_for_each(|number| self.program(&["client", "set", &format!("app-{number}"), option]).map(drop))
    }

    fn add_service(&self, id: &str, option: &str) -> Result<String> {
        let shown = self.program(&["client", "add", "--id", id, "--name", id, "--type", "service", option, API])?;
        let shown: serde_json::Value = serde_json::from_str(&shown)?;
        let secret =
            shown.get("client_secret").and_then(|secret| secret.as_str()).ok_or_else(|| Trouble::new("no client secret"))?;
        Ok(format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{id}:{secret}"))))
    }

    fn program(&self, arguments: &[&str]) -> Result<String> {
        use std::io::Write;
        let mut command = self.command();
        command.args(arguments).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            let _ = writeln!(input, "{PASSWORD}"); // most commands read nothing
        }
        let output = child.wait_with_output()?;
        let reported = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(reported);
        }
        let what = arguments.iter().take(3).copied().collect::<Vec<_>>().join(" ");
        Err(Trouble::new(format!("symbolon {what}: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }

    /// The program with the settings of this site, and no others.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        command.env("SYMBOLON_ISSUER", "http://localhost:8080").env("SYMBOLON_LOG", "warn").env("SYMBOLON_SECRET", SECRET);
        command.env("SYMBOLON_DATA_DIR", self.place.folder.join("data")).env("SYMBOLON_DATABASE_URL", &self.url);
        command
    }

    /// Starts a server with these additional settings.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn serve(&self, settings: &[(&str, &str)]) -> Result<Server> {
        let address = process::free_address()?;
        let mut command = self.command();
        command.arg("serve").env("SYMBOLON_LISTEN", address.to_string()).envs(settings.iter().copied());
        let log = self.place.folder.join(format!("server-{}.log", address.port()));
        Server::start(command, address, "/readyz", &log).await
    }

    /// Refresh tokens of grants from all over the table: of `all` grants of some clients, whose numbers `number` returns.
    fn tokens(&self, all: u64, number: impl Fn(u64) -> u64) -> Result<Vec<(String, String)>> {
        let drawn = draw(all, all.min(CHAINS));
        let token = |at: u64| {
            let (id, generation, client) = self.population.grant(number(at))?;
            let generation = u32::try_from(generation).unwrap_or_default();
            let token = Credential { kind: CredentialKind::Refresh, id, generation }.derive(&self.secrets);
            Ok((format!("app-{client}"), token))
        };
        drawn.map(token).collect()
    }

    /// Session cookies of users from all over the table who have given consent to a client whose tokens are signed with RS256, with
    /// that client.
    ///
    /// # Errors
    /// When an id cannot be calculated.
    pub fn browsers(&self) -> Result<Vec<(String, String)>> {
        let mut browsers = Vec::new();
        for at in draw(self.population.sessions, self.population.sessions.min(CHAINS)) {
            let (id, client) = self.population.session(at + 1)?;
            let cookie = Credential { kind: CredentialKind::Session, id, generation: 1 }.derive(&self.secrets);
            if client < CLIENTS - 1 {
                browsers.push((format!("app-{client}"), cookie));
            }
        }
        Ok(browsers)
    }

    /// The names of users from all over the table, none twice.
    pub fn users(&self) -> Vec<String> {
        draw(self.population.users, self.population.users.min(CHAINS)).map(|at| Population::user(at + 1)).collect()
    }

    /// Removes the database.
    ///
    /// # Errors
    /// When it is in use.
    pub fn remove(&self) -> Result<()> {
        self.place.remove(self.kind, &self.name)
    }
}

/// A sample of the numbers below `all`, evenly distributed, in an order that looks random, without repetitions.
fn draw(all: u64, count: u64) -> impl Iterator<Item = u64> {
    const STEP: u64 = 7_919; // a prime that divides no count here
    (0..count).map(move |at| (at * STEP % count) * all / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_drawn_twice_and_all_parts_are_drawn_from() {
        for (all, count) in [(8_000, 8_000), (7_996, 7_996), (10_000_000, 8_000), (2_000, 2_000), (12, 12)] {
            let mut drawn: Vec<u64> = draw(all, count).collect();
            assert!(count < 100 || drawn[1] > drawn[0] + 1, "in order");
            drawn.sort_unstable();
            assert!(drawn.windows(2).all(|two| two[0] < two[1]), "{all} {count}");
            assert!(drawn[0] < all / 10 && drawn.last().unwrap() * 10 > all * 8 && *drawn.last().unwrap() < all);
        }
    }
}
