//! Errors of the benchmark: a text for the notes of the rows that could not be measured. Nothing here is recovered from.

use std::fmt;

/// An error message.
#[derive(Debug)]
pub struct Trouble(String);

/// The result type of most functions here.
pub type Result<T> = std::result::Result<T, Trouble>;

impl Trouble {
    /// An error with this message.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// The error of a step that failed while `doing`.
    pub fn while_doing(doing: &str, error: &dyn fmt::Display) -> Self {
        Self(format!("{doing}: {error}"))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for Trouble {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })*
    };
}

from!(
    std::io::Error,
    diesel::result::Error,
    diesel::ConnectionError,
    serde_json::Error,
    httparse::Error,
    hdrhistogram::RecordError,
    std::num::ParseIntError,
    std::num::ParseFloatError
);
