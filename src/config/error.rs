//! Why a configuration is refused, and why a file that it or the command line names cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::protocol::{error::Invalid, secrets::SecretError};

/// Why a configuration is refused: the key, what came, what is expected.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// In these words.
    #[error("{0}")]
    Refused(String),
    /// The value of a key.
    #[error("{key}: {source}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        source: Invalid,
    },
    /// The file that a key names.
    #[error("{key}: {source}")]
    File {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: FileError,
    },
    /// The server secret.
    #[error("secret: {0}")]
    Secret(#[from] SecretError),
}

/// Why a file cannot be used, with its name.
#[derive(Debug, thiserror::Error)]
#[error("'{}': {source}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: FileFlaw,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileFlaw {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It holds something else than expected, or can be read by others.
    #[error(transparent)]
    Content(#[from] Invalid),
    /// It holds no list of server secrets.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

impl FileError {
    pub(super) fn new(path: &Path, flaw: impl Into<FileFlaw>) -> Self {
        Self { path: path.to_owned(), source: flaw.into() }
    }

    /// The same, as what is wrong with the file of a key.
    pub(super) fn of_key(self, key: &str) -> ConfigError {
        ConfigError::File { key: key.to_owned(), source: self }
    }
}
