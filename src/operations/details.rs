//! What an operator may say of a user besides the password: the name, the address, and the details that apps and APIs receive. The
//! syntax of names is `protocol::account::profile`, the possible attributes are `protocol::account::user`.

use serde_json::Value;

use crate::protocol::{
    account::{
        email_address::{EMAIL_LIMIT, EmailAddress},
        profile::{self, DISPLAY_NAME_LIMIT, USERNAME_LIMIT},
        user::{User, check_attribute},
    },
    error::Invalid,
    oauth::scope::ScopeClaims,
    values::plain_text::check_text,
};

/// The maximum number of roles, and of groups: they are in every token with their scope.
const MAX_NAMES: usize = 100;

/// Changes of what apps and APIs are told of a user. A list replaces the previous one; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct DetailChanges {
    /// The roles.
    pub roles: Option<Vec<String>>,
    /// The groups.
    pub groups: Option<Vec<String>>,
    /// Attributes by name; `None` removes one that the user has.
    pub attributes: Vec<(String, Option<Value>)>,
}

impl DetailChanges {
    /// Applies the changes to the user.
    ///
    /// # Errors
    /// The first value that is refused.
    pub fn apply(&self, user: &mut User, custom: &ScopeClaims) -> Result<(), Invalid> {
        for (what, given, list) in [("role", &self.roles, &mut user.roles), ("group", &self.groups, &mut user.groups)] {
            if let Some(given) = given {
                *list = names(what, given)?;
            }
        }
        for (name, value) in &self.attributes {
            match value {
                Some(value) => {
                    check_attribute(name, value, custom)?;
                    user.attributes.insert(name.clone(), value.clone());
                }
                None if user.attributes.remove(name).is_none() => {
                    return Err(format!("attribute '{name}': expected a value, or an attribute that the user has").into());
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Roles or groups as they are stored: each once.
///
/// # Errors
/// The first name that is refused, or their number.
pub fn names(what: &str, given: &[String]) -> Result<Vec<String>, Invalid> {
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for name in given.iter().map(|name| name.trim()) {
        check_text(&format!("{what} '{name}'"), name)?;
        if !kept.iter().any(|other| other == name) {
            kept.push(name.to_owned());
        }
    }
    if kept.len() > MAX_NAMES {
        return Err(format!("{what}s: expected at most {MAX_NAMES}, received {}", kept.len()).into());
    }
    Ok(kept)
}

/// The user name of a user with this address, as it is stored: with '@' only if it is the address, so that nobody can be found by the
/// address of another user.
///
/// # Errors
/// The expected form.
pub fn username(name: &str, email: Option<&str>) -> Result<String, Invalid> {
    let own = email.and_then(EmailAddress::parse);
    let address = EmailAddress::parse(name).filter(|address| own.as_ref() == Some(address));
    address.map_or_else(|| profile::username(name), |address| Ok(address.into())).map_err(|_| {
        let name = name.to_lowercase();
        format!("user name '{name}': expected 1 to {USERNAME_LIMIT} characters without spaces and control characters, and '@' only if it is the user's own e-mail address").into()
    })
}

/// An e-mail address as it is stored.
///
/// # Errors
/// The expected form.
pub fn email(email: &str) -> Result<String, Invalid> {
    EmailAddress::parse(email).map(String::from).ok_or_else(|| {
        format!("e-mail address '{email}': expected name@host of at most {EMAIL_LIMIT} characters, without spaces").into()
    })
}

/// A display name as it is stored.
///
/// # Errors
/// The expected form.
pub fn display_name(name: &str) -> Result<String, Invalid> {
    profile::display_name(name).map_err(|_| {
        let name = name.trim();
        format!("name '{name}': expected 1 to {DISPLAY_NAME_LIMIT} characters, without control characters").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_checked_and_kept_in_lower_case() {
        for (good, kept) in
            [("alice", "alice"), ("Alice.B-1", "alice.b-1"), ("ÉMILE", "émile"), (&"x".repeat(64), &"x".repeat(64))]
        {
            assert_eq!(username(good, Some("alice@example.com")).unwrap(), kept);
        }
        for bad in ["", " ", "a b", "a@b", "a\tb", "a\u{1b}[2J", "a\u{202e}b", "a\u{a0}b", &"x".repeat(65)] {
            assert!(username(bad, Some("alice@example.com")).is_err(), "{bad:?}");
        }
        assert_eq!(username("ALICE@example.com", Some(" alice@Example.com")).unwrap(), "alice@example.com");
        assert!(username("alice@example.com", Some("bob@example.com")).is_err() && username("alice@", Some("alice@")).is_err());
        assert!(username("alice@example.com", None).is_err() && username("alice", None).is_ok());
        assert_eq!(email("Alice@Example.com").unwrap(), "alice@example.com");
        for bad in ["", "alice", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b", "a\0@b", &format!("{}@example.com", "x".repeat(250))]
        {
            assert!(email(bad).is_err(), "{bad:?}");
        }
        assert_eq!(display_name(" Alice B. ").unwrap(), "Alice B.");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(101)] {
            assert!(display_name(bad).is_err(), "{bad:?}");
        }
    }
}
