//! The installation that a configuration names: whether there is one, its server secret, and its issuer where none is configured.

use std::path::{Path, PathBuf};

use super::{Config, ConfigError, Issuer, MissingSecret, secret_file};
use crate::store::DatabaseUrl;

/// Where the issuer of a configuration is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerSource {
    /// It was configured.
    Given,
    /// It is the default, in the place of which that of the database is taken.
    Default,
}

impl Config {
    /// The reason why there is no installation: the database is a file that does not exist, or there is no server secret.
    #[must_use]
    pub fn missing_installation(&self) -> Option<String> {
        match &self.database {
            DatabaseUrl::SqliteFile(path) if !Path::new(path).exists() => {
                Some(format!("no installation at '{path}': there is no database"))
            }
            _ if !self.has_secret => {
                let (directory, path) = (self.data_dir.display(), self.secret_path());
                Some(format!("no installation at '{directory}': there is no server secret at '{}'", path.display()))
            }
            _ => None,
        }
    }

    /// The file of the server secret in the data directory.
    #[must_use]
    pub fn secret_path(&self) -> PathBuf {
        self.data_dir.join("secret")
    }

    /// Creates the server secret, unless another process has done so.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be created or read.
    pub fn make_secret(&mut self) -> Result<(), ConfigError> {
        (self.secrets, self.has_secret) = secret_file::read(None, &self.data_dir, MissingSecret::Make)?;
        Ok(())
    }

    /// Reads the server secret of the data directory, which another process may have created meanwhile; returns whether there is
    /// one.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read.
    pub fn find_secret(&mut self) -> Result<bool, ConfigError> {
        (self.secrets, self.has_secret) = secret_file::read(None, &self.data_dir, MissingSecret::Leave)?;
        Ok(self.has_secret)
    }

    /// Takes this issuer in the place of the default one; returns whether it could: a written one stays.
    pub fn take_issuer(&mut self, issuer: &str) -> bool {
        match Issuer::parse(issuer) {
            Ok(issuer) if self.issuer_source == IssuerSource::Default => {
                self.issuer = issuer;
                true
            }
            _ => false,
        }
    }
}
