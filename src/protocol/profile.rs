//! What people may choose for themselves: a username, the name they are shown by, an e-mail address, a name for a device; how
//! each may look, and how it is kept. Which of them are taken, the database knows; the words for a flaw are those of who asks.

use super::registration::is_unsafe;

/// The most characters of a username.
pub const USERNAME_LIMIT: usize = 64;
/// The most characters of a display name.
pub const DISPLAY_NAME_LIMIT: usize = 100;
/// The most bytes of an e-mail address: RFC 5321 §4.5.3.1.3, less the angle brackets.
pub const EMAIL_LIMIT: usize = 254;
/// The most characters of a device's name.
pub const DEVICE_NAME_LIMIT: usize = 60;

/// Why a name cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// There is nothing in it.
    Empty,
    /// It has too many characters.
    TooLong,
    /// It holds a character that no name may have: one that controls, reorders or hides what stands beside it, and in a
    /// username also a space or '@'.
    Character,
}

/// A username as it is kept, in lower case. Without '@' it can be told from an e-mail address.
///
/// # Errors
/// What is wrong with it.
pub fn username(typed: &str) -> Result<String, Flaw> {
    let name = typed.to_lowercase();
    measure(&name, USERNAME_LIMIT)?;
    if name.contains(|c: char| is_unsafe(c) || c.is_whitespace() || c == '@') { Err(Flaw::Character) } else { Ok(name) }
}

/// A display name as it is kept.
///
/// # Errors
/// What is wrong with it.
pub fn display_name(typed: &str) -> Result<String, Flaw> {
    line(typed, DISPLAY_NAME_LIMIT)
}

/// The name of a device as it is kept.
///
/// # Errors
/// What is wrong with it.
pub fn device_name(typed: &str) -> Result<String, Flaw> {
    line(typed, DEVICE_NAME_LIMIT)
}

/// An e-mail address as it is kept, in lower case; `None` where it is not one.
#[must_use]
pub fn email(typed: &str) -> Option<String> {
    let lower = typed.to_lowercase();
    let is_good = lower.split('@').count() == 2
        && lower.split('@').all(|part| !part.is_empty())
        && lower.len() <= EMAIL_LIMIT
        && !lower.contains(|c: char| is_unsafe(c) || c.is_whitespace());
    is_good.then_some(lower)
}

fn line(typed: &str, limit: usize) -> Result<String, Flaw> {
    let name = typed.trim();
    measure(name, limit)?;
    if name.contains(is_unsafe) { Err(Flaw::Character) } else { Ok(name.to_owned()) }
}

fn measure(name: &str, limit: usize) -> Result<(), Flaw> {
    match name.chars().count() {
        0 => Err(Flaw::Empty),
        count if count > limit => Err(Flaw::TooLong),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_without_what_hides() {
        assert_eq!(display_name(" Alice B. ").as_deref(), Ok("Alice B."));
        assert_eq!(device_name("حاسوب ليلى 👩‍💻").as_deref(), Ok("حاسوب ليلى 👩‍💻"), "any alphabet, and joined signs");
        assert_eq!(device_name(&"ä".repeat(60)).map(|name| name.chars().count()), Ok(60));
        for (bad, flaw) in [
            ("", Flaw::Empty),
            (" \t ", Flaw::Empty),
            ("a\nb", Flaw::Character),
            ("a\0b", Flaw::Character),
            ("a\u{202e}b", Flaw::Character),
            ("a\u{2066}b", Flaw::Character),
            ("a\u{200b}b", Flaw::Character),
            (&"ä".repeat(101), Flaw::TooLong),
        ] {
            assert_eq!((device_name(bad), display_name(bad)), (Err(flaw), Err(flaw)), "{bad:?}");
        }
        assert_eq!((device_name(&"x".repeat(61)), display_name(&"x".repeat(61)).is_ok()), (Err(Flaw::TooLong), true));
    }

    #[test]
    fn usernames_and_addresses_can_be_told_apart() {
        assert_eq!(
            (username("ÉMILE").as_deref(), email("Alice@Example.com").as_deref()),
            (Ok("émile"), Some("alice@example.com"))
        );
        for (bad, flaw) in
            [("a@b", Flaw::Character), ("a b", Flaw::Character), ("", Flaw::Empty), (&"x".repeat(65), Flaw::TooLong)]
        {
            assert_eq!(username(bad), Err(flaw), "{bad:?}");
        }
        for bad in ["", "alice", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b", &format!("{}@example.com", "x".repeat(250))] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }
}
