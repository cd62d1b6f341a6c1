//! The command line: what can be asked for, reading it, and printing the answer or the error. A file per noun
//! says what is done. Every command works on the database beside a running server, brings it up to date
//! first, and answers with text for users or, by `--json`, for programs.

mod api;
mod check_config;
mod client;
mod consent;
mod demo;
mod explain;
mod grant;
mod key;
mod migrate;
mod new_password;
mod output;
mod renamed;
mod serve;
mod user;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    clock::Clock,
    config::{Config, ConfigError, MissingSecret},
    jose,
    protocol::{
        clock_check::{ClockCheck, Reading},
        error::Invalid,
        time::{Span, Timestamp},
    },
    server::StartError,
    store::{self, AnyConnection, DatabaseUrl, Store, database_time, error::Outage, migrations},
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
    /// Run a demo server with a temporary database, a user, two clients and a sample app
    Demo(demo::Options),
    /// Migrate the database to the current schema
    Migrate(Format),
    /// Check the configuration and print it without secrets
    CheckConfig(Format),
    /// Manage users
    #[command(subcommand)]
    User(user::Command),
    /// Manage clients: apps that users sign in to, and services
    #[command(subcommand)]
    Client(client::Command),
    /// Manage APIs (resource servers)
    #[command(subcommand)]
    Api(api::Command),
    /// Manage the keys that sign tokens
    #[command(subcommand)]
    Key(key::Command),
    /// Show and revoke grants
    #[command(subcommand)]
    Grant(grant::Command),
    /// Show and withdraw remembered consents
    #[command(subcommand)]
    Consent(consent::Command),
    #[command(about = explain::ABOUT, long_about = explain::LONG_ABOUT)]
    Explain(explain::Options),
}

/// What a command on the database works with.
struct Work<'a> {
    config: &'a Config,
    connection: &'a mut AnyConnection,
    now: Timestamp,
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The database's error.
    #[error("database: {0}")]
    Store(#[from] store::Error),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A server that does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// What was expected and what was received.
    #[error("{0}")]
    Refused(String),
    /// It was done, and what was found is not well: the text to print, with a status that says so.
    #[error("{0}")]
    Problems(String),
    /// It was said already.
    #[error("")]
    Reported,
}

/// What a command answers: the text to print.
type Answer = Result<String, Error>;

/// The exit status that shells give for a program that SIGPIPE has ended: 128 and the number of the signal.
const SIGPIPE: u8 = 128 + 13;

/// Reads the command line, does what it asks for and prints the answer; errors go to standard error.
#[must_use]
pub fn run() -> ExitCode {
    jose::begin();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            return match usage.print() {
                Ok(()) => ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2)),
                Err(error) => unprinted(&error),
            };
        }
    };
    for warning in renamed::notifications(Cli::command(), std::env::args_os()) {
        note(&format!("warning: {warning}"));
    }
    let (answer, status) = match dispatch(cli) {
        Ok(answer) => (answer, ExitCode::SUCCESS),
        Err(Error::Problems(answer)) => (answer, ExitCode::FAILURE),
        Err(Error::Reported) => return ExitCode::FAILURE,
        Err(error) => {
            note(&format!("error: {error}"));
            return ExitCode::FAILURE;
        }
    };
    if answer.is_empty() {
        return status; // a server's; e-mails on their way to standard output may hold its lock
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => status,
        Err(error) => unprinted(&error),
    }
}

/// What was asked for was done, and the answer could not be printed. Whoever reads no further, as `head` does, has read enough:
/// nothing is said then.
fn unprinted(error: &io::Error) -> ExitCode {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return ExitCode::from(SIGPIPE);
    }
    note(&format!("error: the command succeeded, but its output could not be written: {error}"));
    ExitCode::FAILURE
}

fn dispatch(cli: Cli) -> Answer {
    if matches!(cli.command, Command::Demo(_)) && cli.config.is_some() {
        return refuse("the demo uses its own configuration: expected no --config");
    }
    let missing = if matches!(cli.command, Command::CheckConfig(_)) { MissingSecret::Leave } else { MissingSecret::Make };
    let is_server = matches!(cli.command, Command::Serve); // it has a log for them
    let load = || -> Result<Config, ConfigError> {
        let config = Config::load(cli.config, missing)?;
        config.warnings.iter().filter(|_| !is_server).for_each(|warning| note(&format!("warning: {warning}")));
        Ok(config)
    };
    let only_tells = cli.command.only_tells();
    match cli.command {
        Command::Serve => serve::run(load()?).map(|()| String::new()),
        Command::Demo(options) => demo::run(options).map(|()| String::new()),
        Command::Migrate(format) => migrate::run(&load()?, format),
        Command::CheckConfig(format) => check_config::run(&load()?, format),
        Command::User(command) => work(&load()?, only_tells, |work| command.run(work)),
        Command::Client(command) => work(&load()?, only_tells, |work| command.run(work)),
        Command::Api(command) => work(&load()?, only_tells, |work| command.run(work)),
        Command::Key(command) => work(&load()?, only_tells, |work| command.run(work)),
        Command::Grant(command) => work(&load()?, only_tells, |work| command.run(work)),
        Command::Consent(command) => work(&load()?, only_tells, |work| command.run(work)),
        Command::Explain(options) => work(&load()?, only_tells, |work| options.run(work)),
    }
}

impl Command {
    /// Whether it only tells what there is: a wrong clock then does no harm.
    const fn only_tells(&self) -> bool {
        match self {
            Self::User(command) => {
                use user::Command::{Activity, Invitations, List, Show};
                matches!(command, List(_) | Show(_) | Activity { .. } | Invitations(_))
            }
            Self::Client(command) => {
                matches!(command, client::Command::List(_) | client::Command::Show(_) | client::Command::Check(_))
            }
            Self::Api(command) => matches!(command, api::Command::List(_) | api::Command::Show(_)),
            Self::Key(command) => matches!(command, key::Command::List(_)),
            Self::Grant(command) => matches!(command, grant::Command::List { .. } | grant::Command::Show { .. }),
            Self::Consent(command) => matches!(command, consent::Command::List { .. }),
            Self::Explain(_) | Self::Serve | Self::Demo(_) | Self::Migrate(_) | Self::CheckConfig(_) => true,
        }
    }
}

/// The time, for a command. What it writes counts by this machine's clock, for every server: so one that differs from the
/// database's writes nothing.
fn time(store: &Store, only_tells: bool) -> Result<Timestamp, Error> {
    let clock = Clock::system().now();
    let reading = Reading { clock, database: store.with(database_time::now)?, monotonic: Span::ZERO };
    match ClockCheck::default().judge(reading, None) {
        Err(doubt) if only_tells => note(&format!("note: {doubt}")),
        Err(doubt) => return refuse(format!("{doubt}; nothing was changed, because the clocks must agree")),
        Ok(()) => {}
    }
    Ok(clock)
}

/// Does a command's work with a connection to the database, which is brought up to date first.
fn work(config: &Config, only_tells: bool, command: impl FnOnce(&mut Work<'_>) -> Answer) -> Answer {
    if config.database == DatabaseUrl::SqliteMemory {
        return refuse(
            "database_url: sqlite::memory: exists only inside the server process and cannot be used by other commands",
        );
    }
    let store = open(config)?;
    store.with(migrations::run).map_err(|error| format!("database {}: {error}", config.database))?;
    let now = time(&store, only_tells)?;
    store.with(|connection| command(&mut Work { config, connection, now }))
}

/// Opens the configured database with one connection; makes the directory of the default one.
fn open(config: &Config) -> Result<Store, Error> {
    config.make_files()?;
    Store::open(&config.database, 1, config.database_pool_timeout)
        .or_else(|error| refuse(format!("database {}: {error}", config.database)))
}

/// Says something to the user at the terminal, beside the answer.
fn note(text: &str) {
    // Where standard error is closed there is no one to tell.
    let _ = writeln!(io::stderr(), "{}", output::clean_lines(text));
}

/// Refuses, in words.
fn refuse<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Refused(why.into()))
}

impl From<Invalid> for Error {
    fn from(why: Invalid) -> Self {
        Self::Refused(why.to_string())
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

#[cfg(test)]
mod tests;
