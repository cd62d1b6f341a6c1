//! Samples of every flaw of a new password, for the pages that report them.

use crate::protocol::account::password_flaw::PasswordFlaw;

/// Each flaw, with the name of its sample and words that occur only where it is shown.
pub const FLAWS: [(&str, PasswordFlaw, &str); 7] = [
    ("too-short", PasswordFlaw::TooShort { expected: 15, received: 9 }, "It has 9 characters, but needs at least 15"),
    ("too-long", PasswordFlaw::TooLong { expected: 1024, received: 1025 }, "Use at most 1024 plain letters"),
    ("not-one-line", PasswordFlaw::NotOneLine, "has more than one line"),
    ("common", PasswordFlaw::Common, "too common"),
    ("breached", PasswordFlaw::Breached, "has been leaked"),
    ("contextual", PasswordFlaw::Contextual, "easy to guess"),
    ("repetitive", PasswordFlaw::Repetitive, "follows a pattern"),
];
