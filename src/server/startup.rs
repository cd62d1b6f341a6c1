//! The start of a server: sockets first, then the database. A database that cannot be reached is waited for, however long that takes:
//! it may be starting as well, or be restarted by its own operators. Any other flaw ends the process with the reason.

use std::{io, time::Duration};

use actix_web::{
    dev::{Server, ServerHandle},
    web::Data,
};
use tokio::task::JoinHandle;

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
/// What the service manager is told that an attempt may take, beside its pause, until it is told again.
const ATTEMPT: Duration = Duration::from_mins(1);
/// How long an attempt may take before requests are answered meanwhile.
const SOON: Duration = Duration::from_millis(300);
/// How often it is said that an attempt still goes on: hosts that do not answer, or a long migration, here or in another process.
const STILL: Duration = Duration::from_secs(20);

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
    let mut meanwhile = Meanwhile { config, clock, sockets, servers: Vec::new() };
    let mut pauses = PAUSES.0.into_iter();
    for attempt in 1_u64.. {
        systemd::waiting("opening the database", ATTEMPT);
        let (own_config, own_clock) = (config.clone(), clock.clone());
        let prepared = meanwhile.until(tokio::task::spawn_blocking(move || prepare(own_config, own_clock))).await?;
        let why = match prepared {
            Err(StartError::Unreachable(why)) => why,
            ended => {
                meanwhile.stop().await;
                return ended;
            }
        };
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        let pause = Duration::from_secs(pauses.next().unwrap_or(PAUSES.1));
        let again_after = pause.as_secs();
        tracing::warn!(attempt, again_after, database = %config.database, error = why, "the database cannot be reached: waiting for it");
        systemd::waiting(&format!("waiting for the database: {why}"), pause + ATTEMPT);
        meanwhile.answer()?;
        tokio::time::sleep(pause).await;
    }
    Err(StartError::Io(io::Error::other("the database was never reached")))
}

/// What is answered until the database has been prepared.
struct Meanwhile<'a> {
    config: &'a Config,
    clock: &'a Clock,
    sockets: &'a Sockets,
    /// The servers that answer; none as long as nobody has had to wait.
    servers: Vec<ServerHandle>,
}

impl Meanwhile<'_> {
    /// The outcome of an attempt. While it goes on, requests are answered, and the service manager knows that it does.
    async fn until<T>(&mut self, mut attempt: JoinHandle<T>) -> Result<T, StartError> {
        let mut patience = SOON;
        loop {
            if let Ok(outcome) = tokio::time::timeout(patience, &mut attempt).await {
                return Ok(outcome.map_err(io::Error::other)?);
            }
            if patience == STILL {
                tracing::warn!(database = %self.config.database, "opening the database goes on: it does not answer, or is being migrated");
            }
            systemd::waiting("opening the database", ATTEMPT);
            self.answer()?;
            patience = STILL;
        }
    }

    /// Answers from now on.
    fn answer(&mut self) -> io::Result<()> {
        if self.servers.is_empty() {
            for server in self.start()? {
                self.servers.push(server.handle());
                actix_web::rt::spawn(server);
            }
        }
        Ok(())
    }

    fn start(&self) -> io::Result<Vec<Server>> {
        let Sockets { requests, metrics } = self.sockets.again()?;
        let certificate = self.config.tls.as_ref().map(Certificate::read).transpose()?;
        let tls = certificate.as_ref().map(tls::server_config).transpose()?;
        let waiting = Data::new(Waiting::of(self.config, self.clock));
        let mut servers = vec![listener::serve_waiting(self.config, waiting, requests, tls.as_ref())?];
        if !metrics.is_empty() {
            servers.push(listener::serve_waiting_metrics(metrics)?);
        }
        Ok(servers)
    }

    async fn stop(self) {
        for server in self.servers {
            server.stop(false).await;
        }
    }
}
