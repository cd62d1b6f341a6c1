//! What the configuration says about new passwords: how long, and which list of breached ones they must not be in. What
//! else they must not be is `passwords::rules`.

use super::{BreachedFile, ConfigError, Settings};

/// What a new password must be.
#[derive(Clone, Debug)]
pub struct PasswordRules {
    /// The fewest characters.
    pub min_length: usize,
    /// Passwords that were seen in breaches.
    pub breached_file: Option<BreachedFile>,
}

impl PasswordRules {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let file = settings.breached_passwords_file.as_deref().map(BreachedFile::open).transpose();
        Ok(Self {
            min_length: settings.password_min_length as usize,
            breached_file: file.map_err(|error| error.of_key("breached_passwords_file"))?,
        })
    }
}
