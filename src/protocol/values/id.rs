//! 128-bit identifiers of grants, users and sessions. The first six bytes are the millisecond of creation, so that a new row is
//! appended at the end of its index; the rest is random. An identifier is a name, never a secret: what grants access is a
//! `credential`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::time::Timestamp;

/// A 128-bit identifier, displayed as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 16]);

/// The text or bytes are not an identifier.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 hexadecimal digits")]
pub struct NotAnId;

impl Id {
    /// An identifier created at `now` from ten random bytes.
    #[must_use]
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(now.millis().to_be_bytes().into_iter().skip(2).chain(random)) {
            *to = from;
        }
        Self(bytes)
    }

    /// The identifier of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes, as stored and as covered by a credential's MAC.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Parses 32 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`NotAnId`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NotAnId);
        }
        u128::from_str_radix(text, 16).map(|n| Self(n.to_be_bytes())).map_err(|_| NotAnId)
    }
}

impl TryFrom<Vec<u8>> for Id {
    type Error = NotAnId;

    fn try_from(bytes: Vec<u8>) -> Result<Self, NotAnId> {
        bytes.try_into().map(Self).map_err(|_| NotAnId)
    }
}

impl From<[u8; 16]> for Id {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_later_and_text_round_trips() {
        let early = Id::new(Timestamp::from_millis(1_700_000_000_000), [0xff; 10]);
        let late = Id::new(Timestamp::from_millis(1_700_000_000_001), [0; 10]);
        assert!(early < late);
        assert_eq!(Id::parse(&early.to_string()), Ok(early));
        assert_eq!(Id::parse("ABCDEF00000000000000000000000000"), Err(NotAnId));
        assert_eq!(Id::parse("+bcdef00000000000000000000000000"), Err(NotAnId));
        assert_eq!(Id::try_from(vec![1; 15]), Err(NotAnId));
    }
}
