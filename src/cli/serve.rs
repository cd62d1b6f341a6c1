//! `symbolon serve`: logs are set up, the server is assembled and runs until a signal.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::{Error, output};
use crate::{
    clock::Clock,
    config::{Config, LogFormat},
    logging::{self, Log},
    server,
};

/// Serves.
///
/// # Errors
/// Why the server does not start, or stopped.
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
    let app = server::prepare(config, Clock::system())?;
    let system = actix_web::rt::System::new();
    let served = system.block_on(server::serve(app, || Ok(())));
    // Dropped, it would wait for threads without end. What is not done by now has had its time: an e-mail that a mail server keeps
    // waiting is still in the queue.
    std::mem::forget(system);
    Ok(served.map_err(|error| error.to_string())?)
}

/// Log lines go to standard error: text on a terminal, JSON otherwise.
///
/// # Errors
/// When the filter is not one, or there is no thread for them.
pub fn set_up_logs(config: &Config) -> Result<Log, Error> {
    // What the HTTP library says of connections that fail has neither address nor limit; `server::connections` says it instead.
    // A filter of the operator's own for it comes later and wins.
    let filter = EnvFilter::try_new(format!("actix_http=off,{}", config.log)).map_err(|error| format!("log: {error}"))?; // the configuration was checked
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
        .log_internal_errors(false) // it would say so on standard error, and panic or wait where that is gone
        .with_ansi(is_terminal)
        .with_target(false);
    if is_text { lines.try_init() } else { lines.json().flatten_event(true).try_init() }.map_err(|error| error.to_string())?;
    logging::log_panics();
    Ok(log)
}

/// Why it ended is said as the last line of the log: in its turn, and without waiting for a standard error that nobody reads.
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
