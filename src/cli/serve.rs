//! `symbolon serve`: sets up logging, assembles the server and runs it until a signal.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::{Error, output};
use crate::{
    clock::Clock,
    config::{Config, LogFormat},
    logging::{self, Log},
    server,
};

/// The HTTP library's messages about failed connections have neither address nor rate limit; `server::connections` logs them instead.
/// Of TLS, each alert of a client is a warning, also that it closes the connection. The operator's own filter comes later and wins.
/// The passkey library would log what browsers send, challenges included.
const QUIET: &str = "actix_http=off,rustls=error,webauthn_rs_core=off,webauthn_rs_proto=off,webauthn_attestation_ca=off";

/// Runs the server.
///
/// # Errors
/// The reason why the server does not start, or why it stopped.
pub fn run(config: Config) -> Result<(), Error> {
    let log = set_up_logs(&config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let served = serve(config);
    end(&log, served)
}

fn serve(config: Config) -> Result<(), Error> {
    server::limits::raise();
    let system = actix_web::rt::System::new();
    let served = system.block_on(server::start(config, Clock::system()));
    // Dropping it would wait for threads without end. Unfinished work has had its time: an e-mail delayed by a mail server is still
    // in the queue.
    std::mem::forget(system);
    Ok(served?)
}

/// Sets up logging to standard error: text on a terminal, JSON otherwise.
///
/// # Errors
/// When the filter is invalid, or the log's thread cannot be started.
pub fn set_up_logs(config: &Config) -> Result<Log, Error> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log)).map_err(|error| format!("log: {error}"))?; // the configuration was checked
    let is_terminal = std::io::stderr().is_terminal();
    let is_text = match config.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => is_terminal,
    };
    let log = Log::to_stderr().map_err(|error| format!("log: {error}"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log.lines())
        .log_internal_errors(false) // it would write to standard error, and panic or block where that is gone
        .with_ansi(is_terminal)
        .with_target(false);
    if is_text { lines.try_init() } else { lines.json().flatten_event(true).try_init() }.map_err(|error| error.to_string())?;
    logging::log_panics();
    Ok(log)
}

/// Logs the reason for the end as the last line: in order, and without waiting for a standard error that nobody reads.
///
/// # Errors
/// [`Error::Reported`].
pub fn end(log: &Log, result: Result<(), Error>) -> Result<(), Error> {
    let result = result.map_err(|why| {
        log.say(&format!("error: {}", output::clean_lines(&why.to_string())));
        Error::Reported
    });
    log.finish();
    result
}
