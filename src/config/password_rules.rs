//! The settings for new passwords: the minimum length, and a list of breached passwords. The other requirements are
//! `passwords::rules`.

use super::{BreachedFile, ConfigError, Settings};

/// The rules for new passwords.
#[derive(Clone, Debug)]
pub struct PasswordRules {
    /// The minimum number of characters.
    pub min_length: usize,
    /// The same for an account that a password alone does not sign in to.
    pub min_length_with_second_factor: usize,
    /// Passwords that were seen in breaches.
    pub breached_file: Option<BreachedFile>,
}

impl PasswordRules {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let file = settings.breached_passwords_file.as_deref().map(BreachedFile::open).transpose();
        Ok(Self {
            min_length: settings.password_min_length as usize,
            min_length_with_second_factor: settings.password_min_length_with_second_factor.min(settings.password_min_length)
                as usize,
            breached_file: file.map_err(|error| error.of_key("breached_passwords_file"))?,
        })
    }
}
