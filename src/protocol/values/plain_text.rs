//! Text given by operators, users and programs that is shown to others: how long it may be, and which characters it may not contain.

use crate::protocol::error::Invalid;

/// Validates a text shown to users.
///
/// # Errors
/// The mistake and the expected value.
pub fn check_text(what: &str, text: &str) -> Result<(), Invalid> {
    if text.trim().is_empty() || text.chars().count() > 100 || text.contains(is_unsafe) {
        return Err(format!("{what}: expected 1 to 100 characters, without control or invisible characters").into());
    }
    Ok(())
}

/// The text in one line: a tab is a space, and other characters that are unsafe are shown by their number.
#[must_use]
pub fn one_line(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' => " ".to_owned(),
        c if is_unsafe(c) => format!("<U+{:04X}>", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}

/// The longest word of a message, and the longest message, that are shown whole.
const LONG_WORD: usize = 300;
const LONG_MESSAGE: usize = 2_000;

/// A message that may quote a value of any length: of a long word, and of a long message, the beginning and the end, where the message
/// says what was expected.
#[must_use]
pub fn shortened(message: &str) -> String {
    let words: String = message.split_inclusive(char::is_whitespace).map(|word| both_ends(word, LONG_WORD)).collect();
    both_ends(&words, LONG_MESSAGE)
}

fn both_ends(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let (start, end) = (limit / 2, limit / 4);
    text.chars().take(start).chain(['…']).chain(text.chars().skip(length - end)).collect()
}

/// Whether the character controls a terminal, reorders or hides adjacent text, or is invisible itself.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_long_both_ends_are_left() {
        for short in ["", "scope 'x': expected one", &"word ".repeat(399), &format!("'{}': no\n  such", "é".repeat(290))] {
            assert_eq!(shortened(short), short);
        }
        let word = shortened(&format!("user '{}': no such user\n", "é".repeat(5_000)));
        assert!(word.starts_with("user 'éé") && word.ends_with("éé': no such user\n") && word.contains("é…é"), "{word}");
        assert_eq!(word.chars().count(), 5 + 150 + 1 + 75 + 13);
        let several = shortened(&format!("user '{}': no such user", "word ".repeat(1_000)));
        assert!(several.starts_with("user 'word word") && several.ends_with("word ': no such user"), "{several}");
        assert_eq!(several.chars().count(), 1_000 + 1 + 500);
    }
}
