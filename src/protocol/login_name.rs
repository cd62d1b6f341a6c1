//! The names under which users sign in: user names and e-mail addresses, in the one spelling in which both are kept. Whoever
//! looks a user up, or counts attempts under a name, takes one of these: nobody can count under another spelling than they
//! look up.

use super::{email_address::EmailAddress, profile::normal};

/// What was typed as a name, in its one spelling. It need not be anybody's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoginName(String);

impl LoginName {
    /// Reads what was typed: an address by [`EmailAddress`], anything else as user names are kept ([`super::profile::username`]).
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        Self(EmailAddress::parse(typed).map_or_else(|| normal(typed), String::from))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::profile;

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
