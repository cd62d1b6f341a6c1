//! Configuration: the only reader of environment and files. One TOML file, `SYMBOLON_*` variables over it;
//! unknown keys and nonsense are refused with the key, what came and what is expected. Every key is
//! documented with its default in `docs/configuration.md`, which a test compares with `settings`.

mod breached_file;
mod checks;
mod environment;
mod error;
mod issuer;
mod lifetimes;
mod mail;
pub mod named_file;
mod outbound;
mod password_rules;
mod renamed;
mod secret_file;
mod settings;
mod sources;
mod system_roots;
mod values;
mod written;

use std::path::{Path, PathBuf};

use ipnet::IpNet;

pub use breached_file::BreachedFile;
pub use error::{ConfigError, FileError};
pub use issuer::Issuer;
pub use lifetimes::Lifetimes;
pub use mail::{MailKind, MailSettings, MailTransport, Sender, SmtpPassword, SmtpSecurity, SmtpSettings};
pub use outbound::OutboundSettings;
pub use password_rules::PasswordRules;
pub use settings::{LogFormat, Registration, Settings};
pub use values::span as read_span;

use environment::Environment;
use sources::Sources;

use crate::{
    protocol::{registration::check_origin, scope::ScopeClaims, secrets::SecretRing, sensitive::Sensitive},
    store::DatabaseUrl,
};

/// How long is waited for a handler once the time for it to begin is over. Longer than the limits of the databases themselves
/// (`store::dialect`: 10 s for a statement, 2 s for a lock): only one that neither answers nor hangs up is given up on then.
const BLOCKING_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);

/// A certificate chain and its key, in PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// Of all callers.
    pub in_all: u32,
    /// Of one address; where it is not set, it follows from how many there may be in all.
    pub of_one_address: Option<u32>,
}

/// How passwords are hashed.
#[derive(Clone, Copy, Debug)]
pub struct PasswordSettings {
    /// argon2id memory, in KiB.
    pub memory_kib: u32,
    /// argon2id passes.
    pub iterations: u32,
    /// argon2id priorities.
    pub parallelism: u32,
    /// How many are hashed at once in this process.
    pub concurrency: u32,
}

/// The checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who this server says it is.
    pub issuer: Issuer,
    /// `host:port` to listen on.
    pub listen: String,
    /// `host:port` where monitoring finds the counters.
    pub metrics_listen: Option<String>,
    /// Where the database is.
    pub database: DatabaseUrl,
    /// Where the server keeps files of its own.
    pub data_dir: PathBuf,
    /// The certificate, for HTTPS.
    pub tls: Option<TlsFiles>,
    /// The proxies whose forwarded headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How many connections there may be.
    pub connections: ConnectionSettings,
    /// Origins allowed by CORS besides those of the clients.
    pub cors_origins: Vec<String>,
    /// How URLs that clients registered are called.
    pub outbound: OutboundSettings,
    /// The file that its certificates were read from.
    pub outbound_ca_file: Option<PathBuf>,
    /// How e-mails leave, and from whom.
    pub mail: MailSettings,
    /// The file that the certificates for its server were read from.
    pub smtp_ca_file: Option<PathBuf>,
    /// How many database connections there can be.
    pub database_pool_size: u32,
    /// How long to wait for one.
    pub database_pool_timeout: std::time::Duration,
    /// How long a request may take once the time for it to begin is over; no setting.
    pub blocking_timeout: std::time::Duration,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// Whether signing out also revokes the grants with `offline_access` that were given in that session.
    pub revoke_offline_access_on_logout: bool,
    /// Who may register.
    pub registration: Registration,
    /// The header in which a trusted proxy tells the place of a caller.
    pub geo_header: Option<String>,
    /// Scopes of the operator's own, and the attributes of a user that they open.
    pub scope_claims: ScopeClaims,
    /// What a new password must be.
    pub password_rules: PasswordRules,
    /// How passwords are hashed.
    pub passwords: PasswordSettings,
    /// Which log lines are written (`tracing` filter syntax).
    pub log: String,
    /// How they are written.
    pub log_format: LogFormat,
    /// How long the server goes on after it was told to stop, saying that it is not ready.
    pub shutdown_delay: std::time::Duration,
    /// How long requests in flight are waited for at the end.
    pub shutdown_timeout: std::time::Duration,
    /// The server secret.
    pub secrets: SecretRing,
    /// Whether there is one already: where there is none, the first start makes one.
    pub has_secret: bool,
    /// What is said to the operator of settings that are read nevertheless.
    pub warnings: Vec<String>,
}

/// What becomes of a server secret that is neither in the environment nor in its default file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSecret {
    /// The file is made: a first start.
    Make,
    /// Nothing is written: a check.
    Leave,
}

impl Config {
    /// Reads the file (of `--config`, or of `SYMBOLON_CONFIG`) and the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`] for the first key that is unknown or nonsense.
    pub fn load(file: Option<PathBuf>, missing: MissingSecret) -> Result<Self, ConfigError> {
        let mut environment = Environment::of(std::env::vars_os())?;
        let named = environment.take("config").map(PathBuf::from);
        let (secret, smtp_password) = (environment.take_text("secret")?, environment.take_text("smtp_password")?);
        let sources = Sources::read(file.or(named).as_deref(), environment)?;
        let mut settings = sources.settings()?;
        settings.smtp_password = smtp_password.map(SmtpPassword::new);
        let checked = Self::check(settings, secret, missing).map_err(|error| sources.locate(error))?;
        Ok(Self { warnings: sources.warnings, ..checked })
    }

    /// Checks settings; `secret` is a comma-separated list, newest first, `next` before one that derives nothing yet; it takes
    /// precedence over any file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(settings: Settings, secret: Option<String>, missing: MissingSecret) -> Result<Self, ConfigError> {
        let issuer = Issuer::parse(&settings.issuer).map_err(|why| bad("issuer", &settings.issuer, why.as_ref()))?;
        let database = match &settings.database_url {
            Some(url) => {
                let parsed = system_roots::placed(url).and_then(|url| DatabaseUrl::parse(&url));
                parsed.map_err(|why| ConfigError::new("database_url", why))?
            }
            None => DatabaseUrl::SqliteFile(settings.data_dir.join("symbolon.db").to_string_lossy().into_owned()),
        };
        let tls = match (&settings.tls_cert_file, &settings.tls_key_file) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.clone(), key: key.clone() }),
            (None, None) => None,
            (Some(_), None) => return Err(ConfigError::new("tls_cert_file", "expected tls_key_file with it")),
            (None, Some(_)) => return Err(ConfigError::new("tls_key_file", "expected tls_cert_file with it")),
        };
        let trusted_proxies = checks::networks("trusted_proxies", &settings.trusted_proxies)?;
        for origin in &settings.cors_origins.0 {
            check_origin(origin).map_err(|why| bad("cors_origins", origin, why.as_ref()))?;
        }
        let allow = checks::networks("outbound_allowlist", &settings.outbound_allowlist)?;
        let outbound = OutboundSettings::read(allow, settings.outbound_ca_file.as_deref())?;
        let mail = MailSettings::read(&settings)?;
        let scope_claims =
            ScopeClaims::new(settings.scope_claims.0.clone()).map_err(|why| ConfigError::new("scope_claims", why))?;
        checks::listen(&settings.listen, tls.is_some() || !trusted_proxies.is_empty())?;
        settings.metrics_listen.as_deref().map(|listen| checks::addresses("metrics_listen", listen)).transpose()?;
        checks::numbers(&settings)?;
        checks::log(&settings.log)?;
        checks::header("geo_header", settings.geo_header.as_deref())?;
        checks::together(&settings)?;
        let (password_rules, lifetimes) = (PasswordRules::read(&settings)?, Lifetimes::of(&settings));
        let ring = |list: &Sensitive<String>| SecretRing::new(list.expose().split(',').map(str::trim));
        let (secrets, has_secret) = match secret {
            Some(list) => {
                (ring(&Sensitive::new(list)).map_err(|why| ConfigError::new(environment::variable("secret"), why))?, true)
            }
            None => secret_file::read(settings.secret_file.as_deref(), &settings.data_dir, missing)?,
        };
        Ok(Self {
            issuer,
            listen: settings.listen,
            metrics_listen: settings.metrics_listen,
            database,
            data_dir: settings.data_dir,
            tls,
            trusted_proxies,
            connections: ConnectionSettings {
                in_all: settings.max_connections,
                of_one_address: settings.max_connections_per_address,
            },
            cors_origins: settings.cors_origins.0,
            outbound,
            outbound_ca_file: settings.outbound_ca_file,
            mail,
            smtp_ca_file: settings.smtp_ca_file,
            database_pool_size: settings.database_pool_size,
            database_pool_timeout: settings.database_pool_timeout.into(),
            blocking_timeout: BLOCKING_TIMEOUT,
            lifetimes,
            revoke_offline_access_on_logout: settings.revoke_offline_access_on_logout,
            registration: settings.registration,
            geo_header: settings.geo_header,
            scope_claims,
            password_rules,
            passwords: PasswordSettings {
                memory_kib: settings.password_hash_memory_kib,
                iterations: settings.password_hash_iterations,
                parallelism: settings.password_hash_parallelism,
                concurrency: settings.password_hash_concurrency,
            },
            log: settings.log,
            log_format: settings.log_format,
            shutdown_delay: settings.shutdown_delay.into(),
            shutdown_timeout: settings.shutdown_timeout.into(),
            secrets,
            has_secret,
            warnings: Vec::new(),
        })
    }
}

impl Config {
    /// Makes the database's file, for its owner alone, and the data directory, if it is to be in it.
    ///
    /// # Errors
    /// [`ConfigError`] when one cannot be made.
    pub fn make_files(&self) -> Result<(), ConfigError> {
        let DatabaseUrl::SqliteFile(path) = &self.database else { return Ok(()) };
        let path = Path::new(path);
        let made = if path.starts_with(&self.data_dir) { secret_file::make_directory(&self.data_dir) } else { Ok(()) };
        made.and_then(|()| secret_file::make_empty(path)).map_err(|error| {
            bad("database_url", &path.to_string_lossy(), &format!("expected a file that can be written: {error}"))
        })
    }
}

fn bad(key: &str, received: &str, expected: &str) -> ConfigError {
    ConfigError::new(key, format!("{expected}; received '{received}'"))
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
