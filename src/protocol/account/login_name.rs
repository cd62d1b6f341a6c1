//! Login names: user names and e-mail addresses, in the one spelling in which both are stored. Looking up a user and counting
//! attempts both take this type, so that they cannot disagree about the spelling.

use super::{email_address::EmailAddress, profile::normal};

/// A login name as typed, in its one spelling. It need not belong to any user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoginName(String);

impl LoginName {
    /// Parses what was typed: an address by [`EmailAddress`], anything else as user names are stored
    /// ([`super::profile::username`]).
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        Self(EmailAddress::parse(typed).map_or_else(|| normal(typed), String::from))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::account::profile;

    #[test]
    fn a_name_is_looked_up_as_it_is_kept() {
        for typed in ["Alice", " ａlice ", "ALICE"] {
            assert_eq!(LoginName::parse(typed).as_str(), profile::username(typed).unwrap(), "{typed}");
        }
        for typed in ["e\u{301}mile@EXÄMPLE.com", "Émile@xn--exmple-cua.com", "émile＠exa\u{308}mple.com"] {
            assert_eq!(LoginName::parse(typed).as_str(), "émile@xn--exmple-cua.com", "{typed}");
        }
        assert_eq!(LoginName::parse(" A@B@c ").as_str(), "a@b@c", "what is no address is still one name");
        assert_eq!(LoginName::parse("").as_str(), "");
    }
}
