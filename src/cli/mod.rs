//! The command line: what can be asked for, reading it, and printing the answer or the error. A file per noun
//! says what is done. Every command works on the database beside a running server, brings it up to date
//! first, and answers with text for people or, by `--json`, for programs.

mod check_config;
mod client;
pub mod demo;
mod grant;
mod key;
mod new_password;
mod output;
pub mod serve;
mod user;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    clock::Clock,
    config::{Config, MissingSecret},
    protocol::time::Timestamp,
    store::{self, AnyConnection, DatabaseUrl, Store, error::Outage, migrations},
};
use output::Format;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "symbolon",
    version,
    about = "An OAuth 2.0 and OpenID Connect authorization server",
    after_help = "Every setting is a key of the configuration file or a SYMBOLON_ variable: see docs/configuration.md."
)]
pub struct Cli {
    #[arg(long, global = true, value_name = "FILE", help = "The TOML configuration file [env: SYMBOLON_CONFIG]")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve,
    /// Run the server with a database, a user, two clients and an app to try it with
    Demo,
    /// Bring the database up to date and say what was run
    Migrate(Format),
    /// Check the configuration and print it, without secrets
    CheckConfig(Format),
    /// The people who sign in
    #[command(subcommand)]
    User(user::Command),
    /// The apps they sign in to
    #[command(subcommand)]
    Client(client::Command),
    /// The keys that sign tokens
    #[command(subcommand)]
    Key(key::Command),
    /// What people allowed clients
    #[command(subcommand)]
    Grant(grant::Command),
}

/// What a command on the database works with.
struct Work<'a> {
    config: &'a Config,
    connection: &'a mut AnyConnection,
    now: Timestamp,
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
enum Error {
    /// The database's error.
    Store(store::Error),
    /// What was expected and what was received.
    Refused(String),
}

/// What a command answers: the text to print.
type Answer = Result<String, Error>;

/// Reads the command line, does what it asks for and prints the answer; errors go to standard error.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            let printed = usage.print().is_ok();
            return ExitCode::from(if printed { u8::try_from(usage.exit_code()).unwrap_or(2) } else { 1 });
        }
    };
    let result = dispatch(cli).and_then(|answer| {
        let mut stdout = std::io::stdout().lock();
        let printed = stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush());
        printed.map_err(|error| format!("it was done, but the answer could not be printed: {error}"))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<String, String> {
    if matches!(cli.command, Command::Demo) && cli.config.is_some() {
        return Err("the demo brings its own configuration: expected no --config".into());
    }
    let missing = if matches!(cli.command, Command::CheckConfig(_)) { MissingSecret::Leave } else { MissingSecret::Make };
    let load = || Config::load(cli.config, missing).map_err(|error| error.to_string());
    match cli.command {
        Command::Serve => serve::run(load()?).map(|()| String::new()),
        Command::Demo => demo::run().map(|()| String::new()),
        Command::Migrate(format) => migrate(&load()?, format),
        Command::CheckConfig(format) => check_config::run(&load()?, format).map_err(|error| error.to_string()),
        Command::User(command) => work(&load()?, |work| command.run(work)),
        Command::Client(command) => work(&load()?, |work| command.run(work)),
        Command::Key(command) => work(&load()?, |work| command.run(work)),
        Command::Grant(command) => work(&load()?, |work| command.run(work)),
    }
}

/// Does a command's work with a connection to the database, which is brought up to date first.
fn work(config: &Config, command: impl FnOnce(&mut Work<'_>) -> Answer) -> Result<String, String> {
    if config.database == DatabaseUrl::SqliteMemory {
        return Err("database_url: sqlite::memory: lives inside the server's process and cannot be reached from here".into());
    }
    let store = open(config)?;
    store.with(migrations::run).map_err(|error| format!("database {}: {error}", config.database))?;
    let now = Clock::system().now();
    store.with(|connection| command(&mut Work { config, connection, now })).map_err(|error| error.to_string())
}

fn migrate(config: &Config, format: Format) -> Result<String, String> {
    let ran = open(config)?.with(migrations::run).map_err(|error| format!("database {}: {error}", config.database))?;
    let text = || {
        if ran.is_empty() { "the database is up to date\n".into() } else { format!("ran {}\n", ran.join("\nran ")) }
    };
    format.answer(&serde_json::json!({ "ran": ran }), text).map_err(|error| error.to_string())
}

/// Opens the configured database with one connection; makes the directory of the default one.
fn open(config: &Config) -> Result<Store, String> {
    config.make_files().map_err(|error| error.to_string())?;
    Store::open(&config.database, 1, config.database_timeout).map_err(|error| format!("database {}: {error}", config.database))
}

/// Says something to the person at the terminal, beside the answer.
fn note(text: &str) {
    // Where standard error is closed there is no one to tell.
    let _ = writeln!(std::io::stderr(), "{}", output::clean_lines(text));
}

/// Refuses, in words.
fn refuse<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Refused(why.into()))
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<String> for Error {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

impl Outage for Error {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "database: {error}"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_read() {
        for line in [
            "serve",
            "demo",
            "migrate",
            "check-config --json",
            "--config x.toml serve",
            "user add alice --email alice@example.com --name Alice --password-stdin",
            "user list --json",
            "user disable alice",
            "user enable alice",
            "user set-password alice --password-stdin",
            "client add --name App --type spa --redirect-uri https://a.example/cb --redirect-uri https://b.example/cb --scope openid --scope notes:read",
            "client list",
            "client show app --config x.toml",
            "client disable app",
            "client enable app",
            "client rotate-secret app",
            "client delete app",
            "key list",
            "key rotate --now",
            "grant list --user alice --client app --limit 5",
            "grant revoke 00000000000000000000000000000000",
        ] {
            let read = Cli::try_parse_from(std::iter::once("symbolon").chain(line.split(' ')));
            assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
        }
        for line in [
            "",
            "user",
            "user add alice",
            "client add --name App --type fridge",
            "grant list --limit 0",
            "key rotate now",
            "client delete",
        ] {
            assert!(Cli::try_parse_from(std::iter::once("symbolon").chain(line.split_whitespace())).is_err(), "{line}");
        }
    }
}
