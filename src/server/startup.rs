//! The start of a server: sockets first, then the database. A database that cannot be reached is waited for, however long that takes:
//! it may be starting as well, or be restarted by its own operators. Any other flaw ends the process with the reason.

use std::{io, time::Duration};

use actix_web::{
    dev::{Server, ServerHandle},
    web::Data,
};

use super::{
    Signals, StartError, listener, prepare, serve_on,
    sockets::Sockets,
    systemd,
    tls::{self, Certificate},
    waiting::Waiting,
};
use crate::{app::App, clock::Clock, config::Config};

/// The pauses after the first attempts to reach the database, in seconds, and that after each further one.
const PAUSES: ([u64; 4], u64) = ([1, 1, 2, 3], 5);
/// How much longer than its pause an attempt may take: each host has three seconds to answer.
const ATTEMPT: Duration = Duration::from_mins(1);

/// Starts a server with this configuration, and serves until it is stopped.
///
/// # Errors
/// [`StartError`], also where it cannot listen.
pub async fn start(config: Config, clock: Clock) -> Result<(), StartError> {
    let mut signals = Signals::hear()?;
    let sockets = Sockets::of(&config)?;
    if let Some(hint) = config.proxy_hint(sockets.has_address()) {
        tracing::warn!("{hint}");
    }
    let app = tokio::select! {
        app = prepared(&config, &clock, &sockets) => app?,
        () = signals.stop(None) => {
            systemd::stopping();
            tracing::info!("stopped");
            return Ok(());
        }
    };
    serve_on(app, sockets, signals, || Ok(())).await?;
    Ok(())
}

/// The server's state, as soon as its database can be reached.
async fn prepared(config: &Config, clock: &Clock, sockets: &Sockets) -> Result<Data<App>, StartError> {
    let mut answering: Vec<ServerHandle> = Vec::new();
    let mut pauses = PAUSES.0.into_iter();
    for attempt in 1_u64.. {
        systemd::waiting("opening the database", ATTEMPT);
        let (own_config, own_clock) = (config.clone(), clock.clone());
        let prepared = tokio::task::spawn_blocking(move || prepare(own_config, own_clock)).await.map_err(io::Error::other)?;
        let why = match prepared {
            Err(StartError::Unreachable(why)) => why,
            ended => {
                for answering in answering {
                    answering.stop(false).await;
                }
                return ended;
            }
        };
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        let pause = Duration::from_secs(pauses.next().unwrap_or(PAUSES.1));
        let again_after = pause.as_secs();
        tracing::warn!(attempt, again_after, database = %config.database, error = why, "the database cannot be reached: waiting for it");
        systemd::waiting(&format!("waiting for the database: {why}"), pause + ATTEMPT);
        if answering.is_empty() {
            for server in answer_meanwhile(config, clock, sockets)? {
                answering.push(server.handle());
                actix_web::rt::spawn(server);
            }
        }
        tokio::time::sleep(pause).await;
    }
    Err(StartError::Io(io::Error::other("the database was never reached")))
}

fn answer_meanwhile(config: &Config, clock: &Clock, sockets: &Sockets) -> io::Result<Vec<Server>> {
    let Sockets { requests, metrics } = sockets.again()?;
    let certificate = config.tls.as_ref().map(Certificate::read).transpose()?;
    let tls = certificate.as_ref().map(tls::server_config).transpose()?;
    let mut servers = vec![listener::serve_waiting(config, Data::new(Waiting::of(config, clock)), requests, tls.as_ref())?];
    if !metrics.is_empty() {
        servers.push(listener::serve_waiting_metrics(metrics)?);
    }
    Ok(servers)
}
