//! Our environment variables. An empty variable counts as unset, because compose files and unit files leave a setting out that way.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use super::ConfigError;

/// The prefix of our variables.
const PREFIX: &str = "SYMBOLON_";

/// The variables, by the key that each sets.
#[derive(Debug, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Selects our variables.
    ///
    /// # Errors
    /// [`ConfigError`] for a name that is not in capital letters.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, ConfigError> {
        let mut ours = BTreeMap::new();
        for (name, value) in variables {
            let name = name.to_string_lossy();
            let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !value.is_empty() && !is_service_link(rest, &value)) else {
                continue;
            };
            let key = rest.to_lowercase();
            if variable(&key) != name {
                return Err(ConfigError::new(name, "unknown setting; names of variables are written in capital letters"));
            }
            ours.insert(key, value);
        }
        Ok(Self(ours))
    }

    /// Removes the variable of a key that is not part of the settings.
    pub fn take(&mut self, key: &str) -> Option<OsString> {
        self.0.remove(key)
    }

    /// As [`Self::take`], for a value that must be text.
    ///
    /// # Errors
    /// [`ConfigError`], which never holds the value.
    pub fn take_text(&mut self, key: &str) -> Result<Option<String>, ConfigError> {
        self.take(key).map(|value| text(key, value)).transpose()
    }

    /// The keys with their texts.
    ///
    /// # Errors
    /// [`ConfigError`] where a value is not text.
    pub fn texts(self) -> Result<BTreeMap<String, String>, ConfigError> {
        self.0
            .into_iter()
            .map(|(key, value)| {
                let text = text(&key, value)?;
                Ok((key, text))
            })
            .collect()
    }
}

fn text(key: &str, value: OsString) -> Result<String, ConfigError> {
    value.into_string().map_err(|_| ConfigError::new(variable(key), "expected text, received bytes that are not UTF-8"))
}

/// The variable of a key.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase())
}

/// Kubernetes gives every container the addresses of its services in variables named after them: a service called `symbolon` would
/// set many unknown settings (<https://kubernetes.io/docs/concepts/services-networking/service/>).
fn is_service_link(rest: &str, value: &OsStr) -> bool {
    let words: Vec<&str> = rest.split('_').collect();
    let is_url = || ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.to_string_lossy().starts_with(scheme));
    let is_port = |number: &str, protocol: &str| number.parse::<u16>().is_ok() && ["TCP", "UDP", "SCTP"].contains(&protocol);
    words.windows(2).any(|two| matches!(two, ["SERVICE", "HOST" | "PORT"]))
        || words.windows(3).any(|three| matches!(three, ["PORT", number, protocol] if is_port(number, protocol)))
        || words.last() == Some(&"PORT") && is_url()
}
