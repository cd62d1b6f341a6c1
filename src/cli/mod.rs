//! The command line: parsing it, running the command, and printing the answer or the error. One file per noun. Commands work on the
//! database beside a running server; only `serve` and `migrate` migrate it, the others refuse an older schema. Output is text for
//! users or, with `--json`, JSON for programs.

mod api;
mod check_config;
mod client;
mod consent;
mod demo;
mod explain;
mod grant;
mod key;
mod listing;
mod mail;
mod migrate;
mod new_password;
mod output;
mod refusal;
mod renamed;
mod serve;
mod similar;
mod user;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    clock::Clock,
    config::{Config, ConfigError},
    jose,
    operations::{
        Context as Work, Resource,
        installation::{self, InstallationError},
    },
    protocol::{
        error::Invalid,
        values::{
            clock_check::{ClockCheck, Reading},
            plain_text::shortened,
            time::{Span, Timestamp},
        },
    },
    server::StartError,
    store::{
        self, DatabaseUrl, Store, database_time,
        error::Outage,
        migrations::{self, MigrationError, SchemaState},
    },
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
    /// Try whether e-mails can be sent
    #[command(subcommand)]
    Mail(mail::Command),
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

/// The reason why a command did not succeed.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The database failed.
    #[error("database: {0}")]
    Store(#[from] store::Error),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A server that does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The configuration is not that of the installation in the database.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// There is no such thing.
    #[error("{}", refusal::missing(*kind, name))]
    Missing {
        /// What was looked for.
        kind: Resource,
        /// The name it was looked for by.
        name: String,
    },
    /// Refused: what was expected and what was received.
    #[error("{0}")]
    Refused(String),
    /// The command ran and found problems: the text to print, with an exit status that says so.
    #[error("{0}")]
    Problems(String),
    /// The output could not be written.
    #[error("{0}")]
    Unprinted(io::Error),
    /// Already reported.
    #[error("")]
    Reported,
}

/// The output of a command: the text to print.
type Answer = Result<String, Error>;

/// The exit status that shells report for a program ended by SIGPIPE: 128 plus the signal's number.
const SIGPIPE: u8 = 128 + 13;

/// Parses the command line, runs the command and prints its output; errors go to standard error.
#[must_use]
pub fn run() -> ExitCode {
    jose::begin();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            return match print_usage(&usage) {
                Ok(()) => ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2)),
                Err(error) => unprinted(&error),
            };
        }
    };
    for warning in renamed::warnings(Cli::command(), std::env::args_os()) {
        note(&format!("warning: {warning}"));
    }
    let (answer, status) = match dispatch(cli) {
        Ok(answer) => (answer, ExitCode::SUCCESS),
        Err(Error::Problems(answer)) => (answer, ExitCode::FAILURE),
        Err(Error::Reported) => return ExitCode::FAILURE,
        Err(Error::Unprinted(error)) => return unprinted(&error),
        Err(error) => {
            note(&shortened(&format!("error: {error}")));
            return ExitCode::FAILURE;
        }
    };
    if answer.is_empty() {
        return status; // a server prints nothing; an e-mail being written to standard output may hold its lock
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => status,
        Err(error) => unprinted(&error),
    }
}

/// Prints what is wrong with a command line, or the help that it asks for. An error repeats what was given, however long.
fn print_usage(usage: &clap::Error) -> io::Result<()> {
    let text = usage.render().to_string();
    let short = shortened(&text);
    if usage.use_stderr() && short != text { io::stderr().write_all(short.as_bytes()) } else { usage.print() }
}

/// The command succeeded, but its output could not be printed. A reader that stops early, as `head` does, has read enough: nothing
/// is reported then.
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
    let is_server = matches!(cli.command, Command::Serve); // a server logs them
    let load = || -> Result<Config, ConfigError> {
        let config = Config::load(cli.config)?;
        config.warnings.iter().filter(|_| !is_server).for_each(|warning| note(&format!("warning: {warning}")));
        Ok(config)
    };
    let only_tells = cli.command.only_tells();
    match cli.command {
        Command::Serve => serve::run(load()?).map(|()| String::new()),
        Command::Demo(options) => demo::run(options).map(|()| String::new()),
        Command::Migrate(format) => migrate::run(load()?, format),
        Command::CheckConfig(format) => check_config::run(&load()?, format),
        Command::Mail(command) => command.run(&load()?),
        Command::User(command) => work(load()?, only_tells, |work| command.run(work)),
        Command::Client(command) => work(load()?, only_tells, |work| command.run(work)),
        Command::Api(command) => work(load()?, only_tells, |work| command.run(work)),
        Command::Key(command) => work(load()?, only_tells, |work| command.run(work)),
        Command::Grant(command) => work(load()?, only_tells, |work| command.run(work)),
        Command::Consent(command) => work(load()?, only_tells, |work| command.run(work)),
        Command::Explain(options) => work(load()?, only_tells, |work| options.run(work)),
    }
}

impl Command {
    /// Whether the command only reads, so that a wrong clock does no harm.
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
            Self::Explain(_) | Self::Mail(_) | Self::Serve | Self::Demo(_) | Self::Migrate(_) | Self::CheckConfig(_) => true,
        }
    }
}

/// The time for a command. Its writes are dated by this machine's clock, for every server: if the clock differs from the
/// database's, a command that writes is refused.
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

/// Runs a command with a connection to the database, which must belong to an installation and have this binary's schema.
fn work(mut config: Config, only_tells: bool, command: impl FnOnce(&mut Work<'_>) -> Answer) -> Answer {
    if config.database == DatabaseUrl::SqliteMemory {
        return refuse(
            "database_url: sqlite::memory: exists only inside the server process and cannot be used by other commands",
        );
    }
    let missing = |what: String| {
        refuse(format!(
            "{what}; name its configuration (--config, SYMBOLON_CONFIG), data directory (SYMBOLON_DATA_DIR) or database (SYMBOLON_DATABASE_URL), or make one (symbolon serve, symbolon migrate)"
        ))
    };
    if let Some(what) = config.missing_installation() {
        return missing(what);
    }
    let store = open(&config)?;
    match store.with(migrations::state).map_err(|error| format!("database {}: {error}", config.database))? {
        SchemaState::Current => {}
        SchemaState::Empty => return missing(format!("no installation at '{}': there are no tables in it", config.database)),
        SchemaState::Older => {
            return refuse(format!(
                "database {}: its schema is older than this version of symbolon: run `symbolon migrate` (see the upgrade notes first)",
                config.database
            ));
        }
        SchemaState::Newer(version) => {
            return refuse(format!("database {}: {}", config.database, MigrationError::newer(&version)));
        }
    }
    store.with(|connection| {
        installation::compare_secrets(connection, &config)?;
        installation::use_issuer(connection, &mut config)
    })?;
    let now = time(&store, only_tells)?;
    store.with(|connection| {
        let mut work = Work { config: &config, connection, now };
        match command(&mut work) {
            Err(Error::Missing { kind, name }) => {
                let question = similar::of(&mut work, kind, &name)?;
                let stop = if question.is_empty() { "" } else { "." };
                refuse(refusal::missing(kind, &name) + stop + &question)
            }
            answer => answer,
        }
    })
}

/// Opens the configured database with one connection; creates the directory of the default database.
fn open(config: &Config) -> Result<Store, Error> {
    config.make_files()?;
    Store::open(&config.database, 1, config.database_pool_timeout)
        .or_else(|error| refuse(format!("database {}: {error}", config.database)))
}

/// Prints a note on standard error, besides the output.
fn note(text: &str) {
    // If standard error is closed, the note is lost.
    let _ = writeln!(io::stderr(), "{}", output::clean_lines(text));
}

/// Refuses the command, with this message.
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
