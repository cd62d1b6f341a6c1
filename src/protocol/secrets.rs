//! The server secret: a list, newest first, so that it rotates. Every other key is derived from it by
//! purpose: credentials, stamps (forms and links), pseudonyms, and the sealing of private keys. Reading it
//! from a file or the environment is `config`.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub(super) type HmacSha256 = Hmac<Sha256>;

/// How long a secret must at least be, in bytes: what 32 random bytes need as text or raw.
pub const MIN_LENGTH: usize = 32;

/// The list of secrets; the first one derives what is new, all of them recognise what exists.
#[derive(Clone)]
pub struct SecretRing {
    secrets: Vec<Secret>,
}

/// One secret and the keys derived from it.
#[derive(Clone)]
pub(super) struct Secret {
    /// Tells which secret made a credential: the first two bytes of a hash of the secret, so that the order
    /// of the list does not matter.
    pub(super) number: [u8; 2],
    pub(super) credentials: HmacSha256,
    pub(super) stamps: HmacSha256,
    pseudonyms: HmacSha256,
    sealing: [u8; 32],
}

/// Why a list of secrets is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum SecretError {
    /// There is none.
    Empty,
    /// One is shorter than [`MIN_LENGTH`]; its position in the list, from 1.
    Short(usize),
    /// Two of them have the same number; the position of the second. Make another one.
    Collision(usize),
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "expected at least one secret, received none"),
            Self::Short(at) => write!(f, "secret {at} of the list: expected at least {MIN_LENGTH} characters"),
            Self::Collision(at) => write!(f, "secret {at} of the list cannot stand beside an earlier one: make another"),
        }
    }
}

impl SecretRing {
    /// The ring of these secrets, newest first.
    ///
    /// # Errors
    /// [`SecretError`] when the list is empty, or one is too short or collides with another.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, SecretError> {
        let mut ring: Vec<Secret> = Vec::new();
        for (index, secret) in secrets.into_iter().enumerate() {
            let secret = secret.as_ref();
            if secret.len() < MIN_LENGTH {
                return Err(SecretError::Short(index + 1));
            }
            let secret = Secret::new(secret).ok_or(SecretError::Short(index + 1))?;
            if ring.iter().any(|other| other.number == secret.number) {
                return Err(SecretError::Collision(index + 1));
            }
            ring.push(secret);
        }
        if ring.is_empty() {
            return Err(SecretError::Empty);
        }
        Ok(Self { secrets: ring })
    }

    pub(super) fn newest(&self) -> Option<&Secret> {
        self.secrets.first()
    }

    pub(super) fn numbered(&self, number: &[u8]) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.number == number)
    }

    /// A name for something that is counted and must not be told: a keyed hash, another one under another secret.
    #[must_use]
    pub fn pseudonym(&self, what: &str, value: &str) -> [u8; 32] {
        let named = self.newest().map(|secret| {
            let mut mac = secret.pseudonyms.clone();
            mac.update(what.as_bytes());
            mac.update(&[0]); // no two pairs spell the same bytes
            mac.update(value.as_bytes());
            mac.finalize().into_bytes().into()
        });
        named.unwrap_or_default()
    }

    /// The key that seals private keys now, with the number to store beside what it sealed.
    #[must_use]
    pub fn sealing_key(&self) -> Option<([u8; 2], &[u8; 32])> {
        self.newest().map(|secret| (secret.number, &secret.sealing))
    }

    /// The key that sealed something, by the number stored beside it.
    #[must_use]
    pub fn unsealing_key(&self, number: &[u8]) -> Option<&[u8; 32]> {
        self.numbered(number).map(|secret| &secret.sealing)
    }
}

impl Secret {
    fn new(secret: &[u8]) -> Option<Self> {
        let derive = |purpose: &str| -> Option<[u8; 32]> {
            let mut mac = HmacSha256::new_from_slice(secret).ok()?;
            mac.update(purpose.as_bytes());
            Some(mac.finalize().into_bytes().into())
        };
        let number = Sha256::digest(derive("symbolon number 1")?);
        Some(Self {
            number: [*number.first()?, *number.get(1)?],
            credentials: HmacSha256::new_from_slice(&derive("symbolon credentials 1")?).ok()?,
            stamps: HmacSha256::new_from_slice(&derive("symbolon stamps 1")?).ok()?,
            pseudonyms: HmacSha256::new_from_slice(&derive("symbolon pseudonyms 1")?).ok()?,
            sealing: derive("symbolon sealing 1")?,
        })
    }
}

impl fmt::Debug for SecretRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretRing({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_missing_and_doubled_secrets_are_refused() {
        let good = "0123456789abcdef0123456789abcdef";
        assert_eq!(SecretRing::new(Vec::<&str>::new()).err(), Some(SecretError::Empty));
        assert_eq!(SecretRing::new([good, "short"]).err(), Some(SecretError::Short(2)));
        assert_eq!(SecretRing::new([good, good]).err(), Some(SecretError::Collision(2)));
        assert!(!format!("{:?}", SecretRing::new([good]).unwrap()).contains("0123"));
    }

    #[test]
    fn a_pseudonym_is_of_one_secret_one_kind_and_one_value() {
        let [one, two] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"]
            .map(|secret| SecretRing::new([secret]).unwrap());
        assert_eq!(one.pseudonym("name", "alice"), one.pseudonym("name", "alice"));
        for other in [two.pseudonym("name", "alice"), one.pseudonym("name", "bob"), one.pseudonym("address", "alice")] {
            assert_ne!(other, one.pseudonym("name", "alice"));
        }
    }
}
