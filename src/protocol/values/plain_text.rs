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

/// Whether the character controls a terminal, reorders or hides adjacent text, or is invisible itself.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
