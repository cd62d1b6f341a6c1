//! Configuration: the only reader of environment and files. One TOML file, overridden by `SYMBOLON_*` variables; unknown keys and
//! invalid values are refused with the key, the received value and the expected one. Every key is documented with its default in
//! `docs/configuration.md`, which a test compares with `settings`.

mod breached_file;
mod checks;
mod environment;
mod error;
mod installation;
mod issuer;
mod lifetimes;
mod mail;
mod mail_settings;
mod minimums;
pub mod named_file;
mod outbound;
mod passkeys;
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
pub use installation::IssuerSource;
pub use issuer::Issuer;
pub use lifetimes::Lifetimes;
pub use mail_settings::{MailKind, MailSettings, MailTransport, Sender, SmtpPassword, SmtpSecurity, SmtpSettings};
pub use outbound::OutboundSettings;
pub use passkeys::{HardwarePasskeys, PasskeySettings};
pub use password_rules::PasswordRules;
pub use settings::{Hsts, LogFormat, Registration, Settings};

use environment::Environment;
use sources::Sources;

use crate::{
    protocol::{
        oauth::{required_class::Minimums, scope::ScopeClaims, web_origin::check_origin},
        secrets::{SecretRing, sensitive::Sensitive},
    },
    store::DatabaseUrl,
};

/// What `listen` begins with where it names the path of a Unix socket.
pub const UNIX_PREFIX: &str = "unix:";

/// How long a handler may run after the time for it to start has passed. Longer than the databases' own limits (`store::dialect`:
/// 10 s for a statement, 2 s for a lock): only a database that neither answers nor disconnects is given up on.
const BLOCKING_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);

/// A certificate chain and its key, in PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The limits on connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// The limit for all callers.
    pub in_all: u32,
    /// The limit per address; by default derived from the total limit.
    pub of_one_address: Option<u32>,
}

/// The parameters of password hashing.
#[derive(Clone, Copy, Debug)]
pub struct PasswordSettings {
    /// argon2id memory, in KiB.
    pub memory_kib: u32,
    /// argon2id passes.
    pub iterations: u32,
    /// argon2id lanes.
    pub parallelism: u32,
    /// The maximum number of concurrent hashes in this process.
    pub concurrency: u32,
}

/// The checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The issuer identifier of this server.
    pub issuer: Issuer,
    /// `host:port` to listen on.
    pub listen: String,
    /// `host:port` of the metrics endpoint.
    pub metrics_listen: Option<String>,
    /// The database.
    pub database: DatabaseUrl,
    /// The directory for the server's own files.
    pub data_dir: PathBuf,
    /// The certificate for HTTPS.
    pub tls: Option<TlsFiles>,
    /// The proxies whose forwarded headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether browsers are told that hosts below the issuer's have https as well.
    pub hsts_include_subdomains: Option<bool>,
    /// The limits on connections.
    pub connections: ConnectionSettings,
    /// CORS origins allowed besides those of the clients.
    pub cors_origins: Vec<String>,
    /// The settings for calls to URLs that clients registered.
    pub outbound: OutboundSettings,
    /// The file from which the root certificates for those calls were read.
    pub outbound_ca_file: Option<PathBuf>,
    /// How e-mails are sent, and the sender.
    pub mail: MailSettings,
    /// The file from which the root certificates for the SMTP server were read.
    pub smtp_ca_file: Option<PathBuf>,
    /// The maximum number of database connections.
    pub database_pool_size: u32,
    /// How long to wait for a connection.
    pub database_pool_timeout: std::time::Duration,
    /// How long a handler may run after the time for it to start has passed; not configurable.
    pub blocking_timeout: std::time::Duration,
    /// The lifetimes of tokens, grants and sessions.
    pub lifetimes: Lifetimes,
    /// Whether signing out also revokes grants with `offline_access` issued in the session.
    pub revoke_offline_access_on_logout: bool,
    /// Who may register.
    pub registration: Registration,
    /// The header in which a trusted proxy sends the caller's location.
    pub geo_header: Option<String>,
    /// Custom scopes, and the user attributes that each opens.
    pub scope_claims: ScopeClaims,
    /// How strong sign-ins of users must be.
    pub minimums: Minimums,
    /// The settings for passkeys.
    pub passkeys: PasskeySettings,
    /// The rules for new passwords.
    pub password_rules: PasswordRules,
    /// The parameters of password hashing.
    pub passwords: PasswordSettings,
    /// The log filter (`tracing` filter syntax).
    pub log: String,
    /// The log format.
    pub log_format: LogFormat,
    /// How long the server keeps serving after a stop signal, while it reports itself as not ready.
    pub shutdown_delay: std::time::Duration,
    /// How long requests in flight are waited for at shutdown.
    pub shutdown_timeout: std::time::Duration,
    /// The server secret.
    pub secrets: SecretRing,
    /// Whether the secret exists already: if not, the first start creates it.
    pub has_secret: bool,
    /// Where the issuer is from.
    pub issuer_source: IssuerSource,
    /// Whether consent is remembered for clients on loopback, too: in the demonstration, where they are of the same process.
    pub is_demo: bool,
    /// Warnings for the operator about settings that were accepted nevertheless.
    pub warnings: Vec<String>,
}

/// How to treat a server secret that is neither in the environment nor in its default file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSecret {
    /// Create the file: a first start.
    Make,
    /// Write nothing: a check.
    Leave,
}

impl Config {
    /// Loads the file (of `--config`, or of `SYMBOLON_CONFIG`), overridden by the environment. Writes nothing: a first start calls
    /// [`Self::make_secret`].
    ///
    /// # Errors
    /// [`ConfigError`] for the first key that is unknown or invalid.
    pub fn load(file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut environment = Environment::of(std::env::vars_os())?;
        let named = environment.take("config").map(PathBuf::from);
        let (secret, smtp_password) = (environment.take_text("secret")?, environment.take_text("smtp_password")?);
        let sources = Sources::read(file.or(named).as_deref(), environment)?;
        let mut settings = sources.settings()?;
        settings.smtp_password = smtp_password.map(SmtpPassword::new);
        let readable = sources.readable_password()?;
        let checked = Self::check(settings, secret, MissingSecret::Leave).map_err(|error| sources.locate(error))?;
        let mut warnings = sources.warnings;
        warnings.extend(readable);
        let is_given = sources.given.contains_key("issuer");
        let issuer_source = if is_given { IssuerSource::Given } else { IssuerSource::Default };
        Ok(Self { issuer_source, warnings, ..checked })
    }

    /// Checks settings; `secret` is a comma-separated list, newest first, with `next` before one that derives nothing yet; it takes
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
        checks::listen(&settings.listen, tls.is_some(), !trusted_proxies.is_empty())?;
        settings.metrics_listen.as_deref().map(|listen| checks::addresses("metrics_listen", listen)).transpose()?;
        checks::numbers(&settings)?;
        checks::log(&settings.log)?;
        checks::header("geo_header", settings.geo_header.as_deref())?;
        checks::together(&settings)?;
        let (password_rules, lifetimes) = (PasswordRules::read(&settings)?, Lifetimes::of(&settings));
        let minimums = minimums::read(&settings)?;
        let passkeys = PasskeySettings::read(&settings)?;
        let ring = |list: &Sensitive<String>| SecretRing::new(list.expose().split(',').map(str::trim));
        let (secrets, has_secret) = match secret {
            Some(list) => {
                (ring(&Sensitive::new(list)).map_err(|why| ConfigError::new(environment::variable("secret"), why))?, true)
            }
            None => secret_file::read(settings.secret_file.as_deref(), &settings.data_dir, missing)?,
        };
        Ok(Self {
            hsts_include_subdomains: settings.hsts_include_subdomains,
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
            minimums,
            passkeys,
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
            issuer_source: IssuerSource::Given,
            is_demo: false,
            warnings: Vec::new(),
        })
    }
}

impl Config {
    /// Says that a proxy is missing, if there must be one: nobody else could have the certificate of the issuer. `has_address` is
    /// whether the server listens on an address: whoever may open the path of a Unix socket is trusted anyway.
    #[must_use]
    pub fn proxy_hint(&self, has_address: bool) -> Option<&'static str> {
        let is_proxied = self.issuer.is_https() && self.tls.is_none() && has_address;
        (is_proxied && self.trusted_proxies.is_empty()).then_some(
            "trusted_proxies is empty, but the issuer is https and there is no tls_cert_file, so a proxy must be in front: without its address there, all users share one address and one limit for wrong passwords",
        )
    }

    /// What browsers are told about https.
    #[must_use]
    pub fn hsts(&self) -> Hsts {
        Hsts::of(&self.issuer, self.hsts_include_subdomains)
    }

    /// Creates the database's file, readable by its owner alone, and the data directory, if the database is in it.
    ///
    /// # Errors
    /// [`ConfigError`] when a file cannot be created.
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
