//! Assembly and serving: from a configuration to a listening server. The database is migrated, the issuer recorded, the first keys
//! made; then requests are served until a signal stops the server.

mod connections;
pub mod limits;
mod listener;
mod sockets;
mod startup;
mod systemd;
mod tls;
mod waiting;

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use actix_web::{dev::Server, web::Data};
use tokio::signal::unix::{Signal, SignalKind, signal};

use limits::Bounds;
use sockets::Sockets;
pub use startup::start;
use tls::Certificate;

use crate::{
    app::{self, App, KeysError},
    background,
    clock::Clock,
    config::{Config, ConfigError},
    jose::{self, first_keys},
    mail::{MailError, Mailer},
    operations::installation::{self, InstallationError},
    outbound::{Outbound, OutboundError},
    passkeys::{self, Passkeys},
    passwords::{PasswordError, Passwords},
    store::{
        self, AnyConnection, DatabaseUrl, Store,
        error::Outage,
        meta, migrations,
        spellings::{self, Rewritten, Taken},
    },
    workers::{blocking_pool::BlockingPool, supervisor::caught},
};

/// The reason why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// Certificates of a setting.
    #[error("configuration: {0}")]
    Outbound(#[from] OutboundError),
    /// A setting of mail.
    #[error("configuration: {0}")]
    Mail(#[from] MailError),
    /// The database.
    #[error("database: {0}")]
    Store(#[from] store::Error),
    /// The database cannot be reached: it may be starting, or locked by another process.
    #[error("database: {0}")]
    Unreachable(String),
    /// The file of the database cannot be opened or used.
    #[error("database {0}: {1}")]
    File(DatabaseUrl, String),
    /// Its tables.
    #[error("migrations: {0}")]
    Migrations(#[from] migrations::MigrationError),
    /// Signing keys that cannot be made.
    #[error("keys: {0}")]
    Jose(#[from] jose::Error),
    /// Signing keys that cannot be had.
    #[error("keys: {0}")]
    Keys(#[from] KeysError),
    /// Certificates for passkeys.
    #[error("configuration: {0}")]
    Passkeys(#[from] passkeys::Error),
    /// The parameters of password hashing.
    #[error("passwords: {0}")]
    Passwords(#[from] PasswordError),
    /// The database belongs to another installation.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The server cannot listen.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The system gives no threads.
    #[error("threads: {0}")]
    Threads(#[source] io::Error),
}

impl Outage for StartError {
    fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Migrations(error) => error.is_outage(),
            Self::Keys(error) => error.is_outage(),
            Self::Installation(error) => error.is_outage(),
            _ => false,
        }
    }
}

/// Opens the database and prepares it: migrated, with the issuer it was made for and a signing key.
///
/// # Errors
/// [`StartError`]; [`StartError::Unreachable`] also where PostgreSQL went away, or accepted no writes, in between, and where another
/// process holds a lock on SQLite's file.
pub fn prepare(config: Config, clock: Clock) -> Result<Data<App>, StartError> {
    let database = config.database.clone();
    prepare_once(config, clock).map_err(|error| {
        if !error.is_outage() {
            return error;
        }
        let why = match error {
            StartError::Store(error) => error.to_string(),
            error => error.to_string(),
        };
        match database {
            DatabaseUrl::Postgres(_) => StartError::Unreachable(why),
            _ if store::error::is_locked(&why) => StartError::Unreachable(why),
            database => StartError::File(database, why),
        }
    })
}

fn prepare_once(mut config: Config, clock: Clock) -> Result<Data<App>, StartError> {
    config.make_files()?;
    let store = Store::open(&config.database, config.database_pool_size, config.database_pool_timeout)?;
    let passwords = Passwords::new(&config.passwords)?;
    let passkeys = Passkeys::of(&config.issuer, &config.passkeys)?;
    let (outbound, mailer) = (Outbound::new(&config.outbound)?, Mailer::new(&config.mail)?);
    let now = clock.now();
    store.with(|connection: &mut AnyConnection| -> Result<(), StartError> {
        installation::prepare_secret(connection, &mut config)?;
        migrations::run(connection)?;
        let frozen = meta::freeze_issuer(connection, config.issuer.as_str())?;
        if frozen != config.issuer.as_str() {
            return Err(InstallationError::OtherIssuer { frozen, received: config.issuer.as_str().to_owned() }.into());
        }
        match spellings::rewrite(connection, now) {
            Ok(rewritten) => tell(&rewritten),
            // All other users can be served.
            Err(error) => tracing::warn!(%error, "could not normalise e-mail addresses: will retry at the next start"),
        }
        first_keys::make(connection, &config.secrets, now, config.lifetimes.signing_key_activation_delay)
    })?;
    let blocking_pool = BlockingPool::start(store.size()).map_err(StartError::Threads)?;
    let app = Data::new(App::new(config, clock, (store.clone(), blocking_pool), (passwords, passkeys), (outbound, mailer)));
    let worker_app = app.clone();
    store.with(move |connection| -> Result<(), StartError> {
        worker_app.keys(connection, now)?.check(now)?;
        Ok(installation::record_secrets(connection, &worker_app.config)?)
    })?;
    Ok(app)
}

/// Logs how many e-mail addresses were rewritten, and which users cannot sign in by theirs.
fn tell(rewritten: &Rewritten) {
    if rewritten.users > 0 {
        tracing::info!(users = rewritten.users, "normalised e-mail addresses");
    }
    for Taken { user, holder, .. } in &rewritten.taken {
        tracing::warn!(user = %user, %holder, "an e-mail address was not normalised, because the holder already has the normalised address: the user cannot sign in with it");
    }
}

/// A listening server.
pub struct Listening {
    /// The server; runs until it is stopped.
    pub server: Server,
    /// The server for monitoring, if configured.
    pub metrics: Option<Server>,
    /// The addresses it listens on.
    pub addresses: Vec<String>,
    /// The addresses for monitoring.
    pub metrics_addresses: Vec<String>,
    /// Its certificate, if it serves HTTPS.
    pub certificate: Option<Arc<Certificate>>,
    /// The limits on its connections.
    pub bounds: Bounds,
}

/// Binds the configured address and serves on it.
///
/// # Errors
/// When the address cannot be bound, or the certificate cannot be read.
#[cfg(feature = "testing")]
pub fn listen(app: &Data<App>, workers: usize) -> io::Result<Listening> {
    listen_on(app, Sockets::of(&app.config)?, workers)
}

fn listen_on(app: &Data<App>, Sockets { requests, metrics }: Sockets, workers: usize) -> io::Result<Listening> {
    let certificate = app.config.tls.as_ref().map(Certificate::read).transpose()?;
    let tls = certificate.as_ref().map(tls::server_config).transpose()?;
    let [addresses, metrics_addresses] = [&requests, &metrics].map(|all| all.iter().map(ToString::to_string).collect());
    let bounds = Bounds::of(&app.config, limits::open_files());
    let server = listener::serve(app, requests, (workers, bounds), tls.as_ref())?;
    let metrics = (!metrics.is_empty()).then(|| listener::serve_metrics(app, metrics)).transpose()?;
    Ok(Listening { server, metrics, addresses, metrics_addresses, certificate, bounds })
}

/// Serves until SIGTERM or SIGINT, then lets requests in flight finish. SIGHUP reloads the certificate. `ready` is called once the
/// server listens for requests and signals.
///
/// # Errors
/// As [`listen`], or the error of `ready`.
pub async fn serve(app: Data<App>, ready: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let signals = Signals::hear()?;
    let sockets = Sockets::of(&app.config)?;
    serve_on(app, sockets, signals, ready).await
}

async fn serve_on(
    app: Data<App>,
    sockets: Sockets,
    mut signals: Signals,
    ready: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let Listening { server, metrics, addresses, metrics_addresses, certificate, bounds } = listen_on(&app, sockets, workers)?;
    let (issuer, open_files, configured) = (app.config.issuer.as_str(), limits::open_files(), app.config.connections.in_all);
    if usize::try_from(configured).is_ok_and(|configured| bounds.in_all < configured) {
        tracing::warn!(
            max_connections = bounds.in_all,
            configured,
            open_files,
            "max_connections is lowered by the limit of open files"
        );
    }
    let (max_connections, of_one_address) = (bounds.in_all, bounds.of_one_address);
    let [addresses, metrics_addresses] = [addresses, metrics_addresses].map(|all| all.join(", "));
    tracing::info!(issuer, database = %app.config.database, addresses, metrics_addresses, open_files, max_connections, of_one_address, "serving");
    ready()?;
    systemd::ready();
    let beside = actix_web::rt::spawn(background::run(app.clone().into_inner()));
    let abandoned = actix_web::rt::spawn(app::look_after(app.clone().into_inner()));
    let metrics = metrics.map(|metrics| (metrics.handle(), actix_web::rt::spawn(metrics)));
    let handle = server.handle();
    let stopping = app.clone();
    actix_web::rt::spawn(async move {
        signals.stop(certificate.as_deref()).await;
        systemd::stopping();
        stopping.draining.store(true, Ordering::Release);
        tokio::time::sleep(stopping.config.shutdown_delay).await;
        tracing::info!("stopping: waiting for requests in flight");
        handle.stop(true).await;
    });
    server.await?;
    if let Some((handle, _)) = metrics {
        handle.stop(false).await;
    }
    beside.abort();
    background::finish(&app.clone().into_inner()).await;
    abandoned.abort();
    tracing::info!("stopped");
    Ok(())
}

/// The handled signals. Once this exists, none of them ends the process by itself.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn hear() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Returns when it is time to stop.
    async fn stop(&mut self, certificate: Option<&Certificate>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                // Whatever the files contain, later signals are still handled.
                _ = self.hang_up.recv() => drop(caught(async { reload(certificate) }).await),
            }
        }
    }
}

fn reload(certificate: Option<&Certificate>) {
    match certificate.map(Certificate::reload) {
        Some(Ok(())) => tracing::info!("certificate reloaded"),
        Some(Err(error)) => tracing::error!(%error, "could not reload the certificate: keeping the old one"),
        None => tracing::info!("SIGHUP: no certificate to reload"),
    }
}
