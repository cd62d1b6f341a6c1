//! What can be wrong with a new password (NIST SP 800-63B-4 §3.1.1.2). Finding it out is the business of `passwords::rules`; the
//! words of the pages stand in `templates/password_words.html`.

/// What is wrong with a new password. Nothing of the password is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFlaw {
    /// Fewer characters (code points after NFC) than expected.
    TooShort {
        /// The fewest.
        expected: usize,
        /// How many there are.
        received: usize,
    },
    /// More bytes (of UTF-8, after NFC) than expected.
    TooLong {
        /// The most.
        expected: usize,
        /// How many there are.
        received: usize,
    },
    /// It holds a line break or NUL.
    NotOneLine,
    /// It repeats something short, or runs along an alphabet or a keyboard.
    Repetitive,
    /// It is among those used most, or one of them with digits and marks around it.
    Common,
    /// It is mostly made of names: the user's, or this server's.
    Contextual,
    /// It was seen in a breach.
    Breached,
}

/// For the command line.
impl std::fmt::Display for PasswordFlaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("password: ")?;
        match self {
            Self::TooShort { expected, received } => write!(f, "expected at least {expected} characters, received {received}"),
            Self::TooLong { expected, received } => write!(f, "expected at most {expected} bytes, received {received}"),
            Self::NotOneLine => f.write_str("expected one line without NUL"),
            Self::Repetitive => f.write_str("expected a password that is hard to guess, received a repetition or a sequence"),
            Self::Common => f.write_str("expected a password that is hard to guess, received a very common one"),
            Self::Contextual => f.write_str(
                "expected a password that is hard to guess, received one made of the names of the user or of this server",
            ),
            Self::Breached => f.write_str("expected a password that was never leaked, received one from breached_passwords_file"),
        }
    }
}
