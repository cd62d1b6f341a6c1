//! The flaws of a new password (NIST SP 800-63B-4 §3.1.1.2). The rules that find them are `passwords::rules`; their texts on the pages
//! are in `templates/password_words.html`.

/// A flaw of a new password. It contains nothing of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)] // in words for the command line
pub enum PasswordFlaw {
    /// Fewer characters (code points after NFC) than required.
    #[error("password: expected at least {expected} characters, received {received}")]
    TooShort {
        /// The minimum.
        expected: usize,
        /// The actual number.
        received: usize,
    },
    /// More bytes (of UTF-8, after NFC) than allowed.
    #[error("password: expected at most {expected} bytes, received {received}")]
    TooLong {
        /// The maximum.
        expected: usize,
        /// The actual number.
        received: usize,
    },
    /// It contains a line break or NUL.
    #[error("password: expected one line without NUL")]
    NotOneLine,
    /// It repeats something short, or follows an alphabet or a keyboard row.
    #[error("password: expected a password that is hard to guess, received a repetition or a sequence")]
    Repetitive,
    /// It is one of the most common passwords, or one with digits and marks around it.
    #[error("password: expected a password that is hard to guess, received a very common one")]
    Common,
    /// It consists mostly of names: the user's, or this server's.
    #[error("password: expected a password that is hard to guess, received one made of the names of the user or of this server")]
    Contextual,
    /// It appeared in a breach.
    #[error("password: expected a password that was never leaked, received one from breached_passwords_file")]
    Breached,
}
