//! The sources of settings: the TOML file, overridden by variables. A refused setting is named as it was written, with its file; a
//! value that may contain a secret is never shown.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::{
    ConfigError, FileError, Settings,
    environment::{Environment, variable},
    renamed::RENAMED,
    secret_file::is_open_to_others,
    written::{self, ReadError, Written},
};
use crate::protocol::error::Invalid;

/// Keys whose values may contain a secret, or be one by mistake.
const SECRET: [&str; 3] = ["database_url", "secret_file", "smtp_password_file"];

/// Keys not allowed in a file, which only names the files of secrets.
const OF_THE_ENVIRONMENT: [(&str, &str); 2] = [("secret", "secret_file"), ("smtp_password", "smtp_password_file")];

/// Every setting that was written.
#[derive(Debug)]
pub struct Sources {
    pub given: Layer,
    /// Warnings about settings with an old name.
    pub warnings: Vec<String>,
}

/// The settings of the file, or of the environment.
pub type Layer = BTreeMap<String, Given>;

/// One setting.
#[derive(Debug)]
pub struct Given {
    /// The name as written: a key, or a variable.
    name: String,
    /// The file of a key.
    file: Option<String>,
    value: Written,
}

impl Sources {
    /// The settings of the file, overridden by the variables.
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be read, or a variable is not text.
    pub fn read(file: Option<&Path>, environment: Environment) -> Result<Self, ConfigError> {
        let variables = environment.texts()?.into_iter();
        let variables = variables.map(|(key, text)| {
            let name = variable(&key);
            (key, Given { name, file: None, value: Written::Text(text) })
        });
        let mut sources = Self { given: Layer::new(), warnings: Vec::new() };
        for layer in [file.map_or_else(|| Ok(Layer::new()), of_file)?, variables.collect()] {
            let layer = sources.under_present_names(layer)?;
            sources.given.extend(layer);
        }
        Ok(sources)
    }

    /// Renames settings with an old name to the new one. Both at once are refused, as it is unclear which one is meant.
    fn under_present_names(&mut self, mut layer: Layer) -> Result<Layer, ConfigError> {
        for (old, present) in RENAMED {
            let Some(given) = layer.remove(old) else { continue };
            if let Some(other) = layer.get(present) {
                let why = format!("expected one of them: {old} was renamed to {present}");
                let names = format!("{} and {}", given.name, other.name);
                return Err(ConfigError::new(old, why).written_as(&names, given.file.as_deref()));
            }
            self.warnings.push(match &given.file {
                Some(file) => format!("{old} (in {file}) was renamed to {present}"),
                None => format!("{} was renamed to {}", given.name, variable(present)),
            });
            layer.insert(present.to_owned(), given);
        }
        Ok(layer)
    }

    /// The warning that everyone on this machine can read the file with the database's password, if they can.
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be examined.
    pub fn readable_password(&self) -> Result<Option<String>, ConfigError> {
        let Some(Given { file: Some(file), value: Written::Toml(toml::Value::String(url)), .. }) = self.given.get("database_url")
        else {
            return Ok(None);
        };
        if !has_password(url)
            || !is_open_to_others(Path::new(file)).map_err(|error| FileError::new(Path::new(file), error).of_key("config"))?
        {
            return Ok(None);
        }
        Ok(Some(format!(
            "database_url contains a password, and everyone on this machine can read '{file}': expected mode 0600, or 0640 where its group is meant to read it"
        )))
    }

    /// The settings, with defaults for those that were not written.
    ///
    /// # Errors
    /// [`ConfigError`] for the first that is unknown, or has the wrong type for its key.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let entries = self.given.iter().map(|(key, given)| (key.clone(), given.value.clone()));
        written::read(entries).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: ReadError) -> ConfigError {
        let (path, why) = match error {
            ReadError::Unknown { key, keys } => {
                let why = self.unknown(&key, keys);
                (vec![key], why)
            }
            ReadError::Wrong { path, expected, received } => {
                let is_secret = path.first().is_some_and(|key| SECRET.contains(&key.as_str()));
                let received = received.filter(|_| !is_secret).map(|value| format!("; received {value}"));
                (path, expected + &received.unwrap_or_default())
            }
        };
        self.locate(ConfigError::new(path.join("."), why))
    }

    fn unknown(&self, key: &str, keys: &[&str]) -> String {
        if let Some((_, file)) = OF_THE_ENVIRONMENT.iter().find(|(name, _)| *name == key) {
            return format!("expected {} or {file}: a secret has no place in this file", variable(key));
        }
        let similar = keys.iter().map(|known| (strsim::jaro_winkler(key, known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
        let is_variable = self.given.get(key).is_some_and(|given| given.file.is_none());
        let hint = similar.filter(|(likeness, _)| *likeness > 0.8).map(|(_, known)| {
            let name = if is_variable { variable(known) } else { (*known).to_owned() };
            format!("did you mean {name}? ")
        });
        format!("unknown setting; {}docs/configuration.md has all of them", hint.unwrap_or_default())
    }

    /// The error with the setting's name as it was written, and the file.
    pub fn locate(&self, error: ConfigError) -> ConfigError {
        let (key, below) = error.key().split_at(error.key().find('.').unwrap_or(error.key().len()));
        match self.given.get(key) {
            Some(given) => {
                let name = format!("{}{below}", given.name);
                error.written_as(&name, given.file.as_deref())
            }
            None => error,
        }
    }
}

/// Whether a database URL contains a password: after the user's name, or as a parameter.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let is_password = |pair: &str| pair.strip_prefix("password=").is_some_and(|value| !value.is_empty());
    login.split_once(':').is_some_and(|(_, password)| !password.is_empty()) || query.split('&').any(is_password)
}

fn of_file(path: &Path) -> Result<Layer, ConfigError> {
    let file = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(FileError::new(path, Invalid::from("expected text in UTF-8")))
        }
        read => read.map_err(|error| FileError::new(path, error)),
    };
    let text = text.map_err(|why| why.of_key("config"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text); // a byte order mark, with which some editors begin a file
    // For a TOML syntax error the position is reported, but nothing of the line: it may contain a password.
    let table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let (line, column) = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        let reason = error.message().lines().next().unwrap_or_default();
        let why = format!("expected TOML; line {line}, column {column}: {reason}");
        FileError::new(path, Invalid::from(why)).of_key("config")
    })?;
    let given = |(key, value): (String, toml::Value)| {
        (key.clone(), Given { name: key, file: Some(file.clone()), value: Written::Toml(value) })
    };
    Ok(table.into_iter().map(given).collect())
}

#[cfg(test)]
#[path = "sources_tests.rs"]
pub mod tests;
