//! Why a new password is not taken (NIST SP 800-63B-4, 3.1.1.2); the words stand in `templates/password_words.html`. Finding it
//! out is the business of `passwords`. Holds no part of the password.

/// What is wrong with a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFlaw {
    /// It has too few characters.
    TooShort {
        /// How many it must have at least.
        expected: usize,
        /// How many it has.
        received: usize,
    },
    /// It has too many bytes.
    TooLong {
        /// How many it may have, in UTF-8.
        limit: usize,
    },
    /// It holds a line break or a NUL.
    NotOneLine,
    /// It is among the most common ones, or nearly.
    Common,
    /// It is on a list of passwords that were stolen somewhere.
    Breached,
    /// It is made of the user's names or the server's.
    Contextual,
    /// It is one short piece again and again, or a sequence.
    Repetitive,
}

#[cfg(test)]
pub(super) mod tests {
    use super::PasswordFlaw;

    /// Each flaw, under the name of its sample, with words that stand only where it is told.
    pub const FLAWS: [(&str, PasswordFlaw, &str); 7] = [
        ("too-short", PasswordFlaw::TooShort { expected: 15, received: 9 }, "It has 9 characters, but needs at least 15"),
        ("too-long", PasswordFlaw::TooLong { limit: 1024 }, "Use at most 1024 plain letters"),
        ("not-one-line", PasswordFlaw::NotOneLine, "has more than one line"),
        ("common", PasswordFlaw::Common, "too common"),
        ("breached", PasswordFlaw::Breached, "has been leaked"),
        ("contextual", PasswordFlaw::Contextual, "easy to guess"),
        ("repetitive", PasswordFlaw::Repetitive, "follows a pattern"),
    ];
}
