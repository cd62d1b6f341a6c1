//! The installation that a database belongs to: its issuer and its server secret. Both are recorded in the database by the first
//! start, and compared by every later one and by every command: with another secret or issuer a command would print links that lead
//! nowhere. Of secrets only fingerprints are recorded: those of the list with which a server was last started. A list that has one of
//! them is the installation's, so that secrets can be rotated, and a rotation taken back.

use crate::{
    config::{Config, ConfigError, IssuerSource},
    jose::keys::KeyRing,
    protocol::values::time::Timestamp,
    store::{self, AnyConnection, error::Outage, meta, migrations, signing_keys},
};

/// Why a configuration is not that of the installation in the database.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// Its issuer is another one.
    #[error(
        "issuer: expected '{frozen}', which this database belongs to and which is in all of its tokens and clients, received '{received}'; use that issuer, or another database"
    )]
    OtherIssuer {
        /// The one it belongs to.
        frozen: String,
        /// The one of the configuration.
        received: String,
    },
    /// Its server secret is another one.
    #[error(
        "server secret: this database belongs to an installation with another one: expected secret {expected} (as check-config numbers them), received {received}; name the configuration of that installation, or keep its secret in the list while it is rotated"
    )]
    OtherSecret {
        /// The numbers of those it belongs to.
        expected: String,
        /// The numbers of those of the configuration.
        received: String,
    },
    /// The first of its server secrets is not one that a server was started with.
    #[error(
        "server secret: no server was started with secret {0} yet (as check-config numbers them), which is the first of the list, so a link made with it would not work: start the servers with this list first"
    )]
    NotInUse(String),
    /// The database has no issuer yet, and a link is to be made.
    #[error(
        "issuer: no server was started with this database yet, so a link could lead nowhere: start the server first, or run symbolon migrate with the issuer configured"
    )]
    NoIssuer,
    /// It has no server secret.
    #[error(
        "server secret: this database belongs to an installation, and there is no server secret at '{0}'; name the configuration of that installation"
    )]
    NoSecret(String),
    /// A new server secret could not be made.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database failed.
    #[error("database: {0}")]
    Store(#[from] store::Error),
    /// Its schema could not be read.
    #[error("migrations: {0}")]
    Migrations(#[from] migrations::MigrationError),
}

impl Outage for InstallationError {
    fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Migrations(error) => error.is_outage(),
            _ => false,
        }
    }
}

/// Before a start, or a migration: the server secret is that of the database, if one has been used with it, and is made otherwise.
///
/// # Errors
/// [`InstallationError`].
pub fn prepare_secret(connection: &mut AnyConnection, config: &mut Config) -> Result<(), InstallationError> {
    let takes_any = takes_any_secret(connection)?;
    if !config.has_secret && takes_any {
        config.make_secret()?;
    }
    if !config.has_secret && !config.find_secret()? {
        return Err(InstallationError::NoSecret(config.secret_path().display().to_string()));
    }
    if takes_any { Ok(()) } else { compare_secrets(connection, config) }
}

/// Whether nothing was made with a server secret yet; or its operator replaces a leaked one outright, and so has removed all keys.
fn takes_any_secret(connection: &mut AnyConnection) -> Result<bool, InstallationError> {
    if migrations::is_empty(connection)? {
        return Ok(true);
    }
    Ok(signing_keys::none(connection)? && (meta::secrets(connection)?.is_none() || meta::issuer(connection)?.is_some()))
}

/// Records the secrets of a server that starts, which has found that they open its keys.
///
/// # Errors
/// [`InstallationError`], if another process has recorded other ones.
pub fn record_secrets(connection: &mut AnyConnection, config: &Config) -> Result<(), InstallationError> {
    let (recorded, ours) = (meta::secrets(connection)?, config.secrets.fingerprints());
    if recorded.as_ref() == Some(&ours) || meta::record_secrets(connection, recorded.as_deref(), &ours)? {
        return Ok(());
    }
    compare_secrets(connection, config)
}

/// As [`record_secrets`], after a migration: only where none are recorded, and if they open the keys that an earlier version has
/// left.
///
/// # Errors
/// [`InstallationError`].
pub fn record_first_secrets(connection: &mut AnyConnection, config: &Config, now: Timestamp) -> Result<(), InstallationError> {
    if meta::secrets(connection)?.is_some() {
        return Ok(());
    }
    let rows = signing_keys::all(connection)?;
    let opens = || KeyRing::open(&rows, &config.secrets, &KeyRing::default()).is_ok_and(|ring| ring.check(now).is_ok());
    if rows.is_empty() || opens() { record_secrets(connection, config) } else { Ok(()) }
}

/// Whether one of the recorded secrets is in the list.
///
/// # Errors
/// [`InstallationError`].
pub fn compare_secrets(connection: &mut AnyConnection, config: &Config) -> Result<(), InstallationError> {
    let (recorded, ours) = (meta::secrets(connection)?, config.secrets.fingerprints());
    match recorded {
        Some(recorded) if !recorded.iter().any(|one| ours.contains(one)) => {
            let numbers =
                |all: &[String]| all.iter().map(|one| one.chars().take(4).collect()).collect::<Vec<String>>().join(", ");
            Err(InstallationError::OtherSecret { expected: numbers(&recorded), received: numbers(&ours) })
        }
        _ => Ok(()),
    }
}

/// Records the issuer after a migration, if none is recorded and one is configured: the default may not be that of the first start.
///
/// # Errors
/// [`InstallationError`].
pub fn record_issuer(connection: &mut AnyConnection, config: &Config) -> Result<(), InstallationError> {
    if config.issuer_source == IssuerSource::Given {
        meta::freeze_issuer(connection, config.issuer.as_str())?;
    }
    Ok(())
}

/// Before a link is shown: it begins with the issuer, which must be recorded, or the first start may make it another; and it is derived
/// from the first secret, which must be one that a server was started with.
///
/// # Errors
/// [`InstallationError`].
pub fn expect_working_links(connection: &mut AnyConnection, config: &Config) -> Result<(), InstallationError> {
    let deriving = config.secrets.deriving_fingerprint();
    match (meta::issuer(connection)?, meta::secrets(connection)?) {
        (None, _) => Err(InstallationError::NoIssuer),
        (_, Some(recorded)) if !recorded.contains(&deriving) => {
            Err(InstallationError::NotInUse(deriving.chars().take(4).collect()))
        }
        _ => Ok(()),
    }
}

/// The issuer that a command works for: that of the database. It need not be in the configuration; if it is, it must be the same.
///
/// # Errors
/// [`InstallationError`].
pub fn use_issuer(connection: &mut AnyConnection, config: &mut Config) -> Result<(), InstallationError> {
    match meta::issuer(connection)? {
        Some(frozen) if frozen != config.issuer.as_str() && !config.take_issuer(&frozen) => {
            Err(InstallationError::OtherIssuer { frozen, received: config.issuer.as_str().to_owned() })
        }
        _ => Ok(()),
    }
}
