//! Configuration errors: the setting, as the operator wrote it, the expected value and the received one; and errors of files that the
//! configuration or the command line names.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::protocol::{error::Invalid, secrets::SecretError};

/// The reason why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {source}{}", file.as_ref().map(|file| format!(" (in {file})")).unwrap_or_default())]
pub struct ConfigError {
    key: String,
    source: SettingFlaw,
    file: Option<String>,
}

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub enum SettingFlaw {
    /// Its value.
    #[error(transparent)]
    Value(#[from] Invalid),
    /// The file that it names.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds no list of server secrets.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

impl From<String> for SettingFlaw {
    fn from(text: String) -> Self {
        Self::Value(text.into())
    }
}

impl From<&str> for SettingFlaw {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}

impl ConfigError {
    pub(super) fn new(key: impl Into<String>, flaw: impl Into<SettingFlaw>) -> Self {
        Self { key: key.into(), source: flaw.into(), file: None }
    }

    /// The key of the refused setting.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// With the setting named as written: a key in a file, or a variable.
    pub(super) fn written_as(self, name: &str, file: Option<&str>) -> Self {
        Self { key: name.to_owned(), file: file.map(str::to_owned), ..self }
    }
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
    #[error("{}", in_words(.0))]
    Io(#[from] io::Error),
    /// It holds something else than expected, or can be read by others.
    #[error(transparent)]
    Content(#[from] Invalid),
    /// It holds no list of server secrets.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

/// What is wrong, without the system's number for it.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "this user may not read it".into(),
        io::ErrorKind::IsADirectory => "expected a file, received a directory".into(),
        io::ErrorKind::NotADirectory => "there is no such file: part of its path is no directory".into(),
        _ => error.to_string(),
    }
}

impl FileError {
    pub(super) fn new(path: &Path, flaw: impl Into<FileFlaw>) -> Self {
        Self { path: path.to_owned(), source: flaw.into() }
    }

    /// The same, as what is wrong with the file of a key.
    pub(super) fn of_key(self, key: &str) -> ConfigError {
        ConfigError::new(key, self)
    }
}
