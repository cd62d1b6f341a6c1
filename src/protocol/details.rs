//! How what is kept of a person may look: user name, e-mail address, display name. The same whoever gives it: the person, an
//! operator, a former system. Which claims there can be besides is `person`, what a password must be is `passwords::rules`.

use super::registration::is_unsafe;

/// The most characters of a user name.
pub const MAX_USERNAME: usize = 64;
/// The most characters of a display name.
pub const MAX_DISPLAY_NAME: usize = 100;
/// The most bytes of an address: RFC 5321 §4.5.3.1.3, less the angle brackets.
pub const MAX_EMAIL: usize = 254;

/// A user name as it is kept: in lower case. Without '@' it can be told from an e-mail address.
///
/// # Errors
/// What was expected.
pub fn check_username(name: &str) -> Result<String, String> {
    let name = name.to_lowercase();
    let good = (1..=MAX_USERNAME).contains(&name.chars().count())
        && !name.contains(|c: char| is_unsafe(c) || c.is_whitespace() || c == '@');
    if good {
        Ok(name)
    } else {
        Err(format!("user name '{name}': expected 1 to {MAX_USERNAME} characters without spaces, control characters and '@'"))
    }
}

/// An e-mail address as it is kept: in lower case.
///
/// # Errors
/// What was expected.
pub fn check_email(email: &str) -> Result<String, String> {
    let lower = email.to_lowercase();
    let parts: Vec<_> = lower.split('@').collect();
    let good = parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && lower.len() <= MAX_EMAIL
        && !lower.contains(|c: char| is_unsafe(c) || c.is_whitespace());
    if good {
        Ok(lower)
    } else {
        Err(format!("e-mail address '{email}': expected name@host of at most {MAX_EMAIL} characters, without spaces"))
    }
}

/// A display name as it is kept: without spaces around it.
///
/// # Errors
/// What was expected.
pub fn check_display_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    let good = (1..=MAX_DISPLAY_NAME).contains(&name.chars().count()) && !name.contains(is_unsafe);
    if good {
        Ok(name.to_owned())
    } else {
        Err(format!("name '{name}': expected 1 to {MAX_DISPLAY_NAME} characters, none of them a control character"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_checked_and_kept_in_lower_case() {
        for (good, kept) in
            [("alice", "alice"), ("Alice.B-1", "alice.b-1"), ("ÉMILE", "émile"), (&"x".repeat(64), &"x".repeat(64))]
        {
            assert_eq!(check_username(good).unwrap(), kept);
        }
        for bad in ["", " ", "a b", "a@b", "a\tb", "a\u{1b}[2J", "a\u{202e}b", "a\u{a0}b", &"x".repeat(65)] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_email("Alice@Example.com").unwrap(), "alice@example.com");
        for bad in ["", "alice", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b", "a\0@b", &format!("{}@example.com", "x".repeat(250))]
        {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_display_name(" Alice B. ").unwrap(), "Alice B.");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(101)] {
            assert!(check_display_name(bad).is_err(), "{bad:?}");
        }
    }
}
