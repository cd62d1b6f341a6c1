//! Names that users choose: a user name, a display name, a device's name; their syntax, and the form in which they are stored.
//! E-mail addresses are `email_address`. Uniqueness is checked by the database; the wording of a flaw is left to the caller.

use unicode_normalization::UnicodeNormalization;

use crate::protocol::values::plain_text::is_unsafe;

/// The maximum length of a user name in characters.
pub const USERNAME_LIMIT: usize = 64;
/// The maximum length of a display name in characters.
pub const DISPLAY_NAME_LIMIT: usize = 100;
/// The maximum length of a device's name in characters.
pub const DEVICE_NAME_LIMIT: usize = 60;

/// Why a name is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is empty.
    Empty,
    /// It has too many characters.
    TooLong,
    /// It contains a forbidden character: one that controls, reorders or hides adjacent text, and in a user name also a space or
    /// '@'.
    Character,
}

/// A user name in its stored form, in lower case. Without '@' it is never mistaken for an e-mail address.
///
/// # Errors
/// The flaw.
pub fn username(typed: &str) -> Result<String, Flaw> {
    let name = normal(typed);
    measure(&name, USERNAME_LIMIT)?;
    let is_bad = |c: char| is_unsafe(c) || is_invisible(c) || c.is_whitespace() || c == '@';
    if name.contains(is_bad) { Err(Flaw::Character) } else { Ok(name) }
}

/// The spelling of typed text that is stored and looked up: compatible characters are equal (Unicode NFKC, as in RFC 8265 §3.3), in
/// lower case.
pub(in crate::protocol) fn normal(typed: &str) -> String {
    typed.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// Whether a character is invisible, or only changes how others look (default-ignorable, Unicode §5.21).
pub(in crate::protocol) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A display name in its stored form.
///
/// # Errors
/// The flaw.
pub fn display_name(typed: &str) -> Result<String, Flaw> {
    line(typed, DISPLAY_NAME_LIMIT)
}

/// The name of a device in its stored form.
///
/// # Errors
/// The flaw.
pub fn device_name(typed: &str) -> Result<String, Flaw> {
    line(typed, DEVICE_NAME_LIMIT)
}

fn line(typed: &str, limit: usize) -> Result<String, Flaw> {
    let name = typed.trim();
    measure(name, limit)?;
    let is_seen = name.chars().any(|c| !is_invisible(c) && !c.is_whitespace());
    if name.contains(is_unsafe) || !is_seen { Err(Flaw::Character) } else { Ok(name.to_owned()) }
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
    fn usernames_can_be_told_from_addresses() {
        assert_eq!(username("ÉMILE").as_deref(), Ok("émile"));
        for (bad, flaw) in
            [("a@b", Flaw::Character), ("a b", Flaw::Character), ("", Flaw::Empty), (&"x".repeat(65), Flaw::TooLong)]
        {
            assert_eq!(username(bad), Err(flaw), "{bad:?}");
        }
    }

    #[test]
    fn names_that_look_the_same_are_the_same_or_none() {
        assert_eq!(username("e\u{301}mile"), username("émile"));
        assert_eq!(username("ａｌｉｃｅ").as_deref(), Ok("alice"));
        for hidden in ["alice\u{200d}", "al\u{34f}ice", "\u{180e}alice", "alice\u{fe0f}", "\u{3164}", "\u{e0041}"] {
            assert_eq!(username(hidden), Err(Flaw::Character), "{hidden:?}");
        }
        for unseen in ["\u{200d}\u{200d}", "\u{3164}", "\u{e0041}"] {
            assert_eq!(display_name(unseen), Err(Flaw::Character), "{unseen:?}");
        }
    }
}
