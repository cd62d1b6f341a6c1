//! Assembly: from a configuration to a server that listens. The database is migrated, the issuer frozen, the
//! first key made; then nothing but requests, until a signal says stop.

mod tls;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix_web::{App as ActixApp, HttpServer, dev::Server, middleware::from_fn, web::Data};
use tokio::signal::unix::{Signal, SignalKind, signal};

use tls::Certificate;

use crate::{
    app::{App, KeysError},
    background,
    clock::Clock,
    config::{Config, ConfigError},
    jose::{self, first_keys},
    mail::{MailError, Mailer},
    outbound::{Outbound, OutboundError},
    passwords::{PasswordError, Passwords},
    routes::routes,
    store::{self, AnyConnection, Store, meta, migrations},
    stories::Stories,
    web::request,
};

/// Why the server does not start.
#[derive(Debug)]
pub struct StartError(pub String);

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl store::error::Outage for StartError {
    fn is_outage(&self) -> bool {
        false
    }
}

macro_rules! reasons {
    ($($error:ty => $what:literal),+ $(,)?) => {
        $(impl From<$error> for StartError {
            fn from(error: $error) -> Self {
                Self(format!("{}: {error}", $what))
            }
        })+
    };
}

reasons!(ConfigError => "configuration", store::Error => "database", migrations::MigrationError => "migrations", jose::Error => "keys", KeysError => "keys", PasswordError => "passwords", OutboundError => "configuration", MailError => "configuration");

/// Opens the database and brings it to where the server can start: migrated, with the issuer it was made for
/// and a key.
///
/// # Errors
/// [`StartError`].
pub fn prepare(config: Config, clock: Clock) -> Result<Data<App>, StartError> {
    config.make_files()?;
    let store = Store::open(&config.database, config.pool_size, config.database_timeout)?;
    let passwords = Passwords::new(&config.passwords)?;
    let (outbound, mailer) = (Outbound::new(&config.outbound)?, Mailer::new(&config.mail)?);
    let now = clock.now();
    store.with(|connection: &mut AnyConnection| -> Result<(), StartError> {
        migrations::run(connection)?;
        let frozen = meta::freeze_issuer(connection, config.issuer.as_str())?;
        if frozen != config.issuer.as_str() {
            return Err(StartError(format!(
                "issuer: this database belongs to '{frozen}', which stands in every token and every client; received '{}'. Start with the former, or with another database",
                config.issuer.as_str()
            )));
        }
        first_keys::make(connection, &config.secrets, now, config.lifetimes.key_publish_lead)
    })?;
    let stories = Stories::start(store.size()).map_err(|error| StartError(format!("threads: {error}")))?;
    let app = Data::new(App::new(config, clock, (store.clone(), stories), (passwords, outbound, mailer)));
    let told = app.clone();
    store.with(move |connection| -> Result<(), StartError> { Ok(told.keys(connection, now)?.check(now)?) })?;
    Ok(app)
}

/// A server that listens.
pub struct Listening {
    /// Runs until it is stopped.
    pub server: Server,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// The certificate it shows, if it speaks HTTPS.
    pub certificate: Option<Arc<Certificate>>,
}

/// Binds the address of the configuration and serves on it.
///
/// # Errors
/// When the address cannot be bound, or the certificate cannot be read.
pub fn listen(app: &Data<App>, workers: usize) -> io::Result<Listening> {
    let data = app.clone();
    let factory = move || {
        let data = data.clone();
        let base = data.config.issuer.base().to_owned();
        ActixApp::new().app_data(data).wrap(from_fn(request::around)).configure(move |config| routes(config, &base))
    };
    let seconds = app.config.shutdown_timeout.as_secs();
    let server = HttpServer::new(factory)
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(seconds)
        .client_request_timeout(Duration::from_secs(10))
        .keep_alive(Duration::from_secs(75));
    let certificate = app.config.tls.as_ref().map(Certificate::read).transpose()?;
    let bound = match &certificate {
        Some(certificate) => server.bind_rustls_0_23(&app.config.listen, tls::server_config(certificate)?),
        None => server.bind(&app.config.listen),
    };
    let server = bound.map_err(|error| io::Error::new(error.kind(), format!("listen: '{}': {error}", app.config.listen)))?;
    let addresses = server.addrs();
    Ok(Listening { server: server.run(), addresses, certificate })
}

/// Serves until SIGTERM or SIGINT, then lets what is in flight finish. SIGHUP reads the certificate again. `ready`
/// is called once it listens, to requests and to signals.
///
/// # Errors
/// As [`listen`], or what `ready` says.
pub async fn serve(app: Data<App>, ready: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let signals = Signals::hear()?;
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let Listening { server, addresses, certificate } = listen(&app, workers)?;
    tracing::info!(issuer = app.config.issuer.as_str(), database = %app.config.database, ?addresses, "serving");
    ready()?;
    let beside = actix_web::rt::spawn(background::run(app.clone().into_inner()));
    let handle = server.handle();
    let stopping = app.clone();
    actix_web::rt::spawn(async move {
        signals.stop(certificate.as_deref()).await;
        stopping.draining.store(true, Ordering::Release);
        tokio::time::sleep(stopping.config.shutdown_delay).await;
        tracing::info!("stopping: requests in flight are finished first");
        handle.stop(true).await;
    });
    server.await?;
    beside.abort();
    background::finish(&app.clone().into_inner()).await;
    tracing::info!("stopped");
    Ok(())
}

/// The signals that are heard. From when this is made on, none of them ends the process by itself.
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
    async fn stop(mut self, certificate: Option<&Certificate>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    match certificate.map(Certificate::reload) {
                        Some(Ok(())) => tracing::info!("the certificate was read again"),
                        Some(Err(error)) => tracing::error!(%error, "the certificate could not be read again: the old one stays"),
                        None => tracing::info!("SIGHUP: there is no certificate to read again"),
                    }
                }
            }
        }
    }
}
