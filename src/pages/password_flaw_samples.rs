//! What can be wrong with a new password, as samples for the pages that say so.

use crate::protocol::password_flaw::PasswordFlaw;

/// Each flaw, under the name of its sample, with words that stand only where it is told.
pub const FLAWS: [(&str, PasswordFlaw, &str); 7] = [
    ("too-short", PasswordFlaw::TooShort { expected: 15, received: 9 }, "It has 9 characters, but needs at least 15"),
    ("too-long", PasswordFlaw::TooLong { expected: 1024, received: 1025 }, "Use at most 1024 plain letters"),
    ("not-one-line", PasswordFlaw::NotOneLine, "has more than one line"),
    ("common", PasswordFlaw::Common, "too common"),
    ("breached", PasswordFlaw::Breached, "has been leaked"),
    ("contextual", PasswordFlaw::Contextual, "easy to guess"),
    ("repetitive", PasswordFlaw::Repetitive, "follows a pattern"),
];
