//! A configuration error: the setting, as the operator wrote it, the expected value and the received one.

/// The reason why a configuration is refused.
#[derive(Debug)]
pub struct ConfigError {
    key: String,
    why: String,
    file: Option<String>,
}

impl ConfigError {
    pub(super) fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into(), file: None }
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

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.why)?;
        match &self.file {
            Some(file) => write!(f, " (in {file})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}
