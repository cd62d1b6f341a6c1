//! The server secrets: a list, newest first, so that they can be rotated. One of them derives new values, all of them recognise
//! existing ones; a secret marked `next` derives nothing until every process knows it. All other keys are derived from a secret by
//! purpose: credentials, stamps (forms and links), pseudonyms, and the sealing of private keys. Reading the secrets from a file or
//! the environment is `config`.

pub mod sensitive;
pub mod stamp;

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::secrets::sensitive::Sensitive;

pub(super) type HmacSha256 = Hmac<Sha256>;

/// The minimum length of a secret in bytes: 32 random bytes, raw or as text.
pub const MIN_LENGTH: usize = 32;

/// The bytes of a fingerprint: enough that no two secrets share one.
const FINGERPRINT: usize = 16;

/// The mark of a secret with which no process may derive anything yet, because not every process may know it.
const NEXT: &[u8] = b"next";

/// The list of secrets; the first unmarked one derives new values, all of them recognise existing ones. There is always a deriving
/// one: without it a credential would be empty and a pseudonym the same for everyone.
#[derive(Clone)]
pub struct SecretRing {
    /// Secrets that only recognise so far.
    next: Vec<Secret>,
    /// The secret that derives new values.
    newest: Secret,
    /// Secrets that derived values before, newest first.
    older: Vec<Secret>,
}

/// The use of a secret of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretUse {
    /// It recognises values that other processes derive with it, and derives none yet.
    Next,
    /// It derives new values.
    Derives,
    /// It recognises values that it derived before.
    Older,
}

/// A secret and the keys derived from it.
#[derive(Clone)]
pub(super) struct Secret {
    /// The number that says which secret derived a credential: the first two bytes of its fingerprint, so that the order of the list
    /// does not matter.
    pub(super) number: [u8; 2],
    /// A hash of the secret.
    fingerprint: [u8; FINGERPRINT],
    pub(super) credentials: HmacSha256,
    pub(super) stamps: HmacSha256,
    pseudonyms: HmacSha256,
    sealing: Sensitive<[u8; 32]>,
}

/// Why a list of secrets is rejected.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is empty.
    #[error("expected at least one secret, received none")]
    Empty,
    /// All secrets are marked: none derives anything.
    #[error("expected at least one secret that is not marked 'next'")]
    NextAlone,
    /// A secret has a misspelt mark; its position in the list, from 1.
    #[error("secret {0} of the list: expected 'next' in lower case before a secret that is not in use yet")]
    Mark(usize),
    /// A secret is shorter than [`MIN_LENGTH`]; its position in the list, from 1.
    #[error("secret {0} of the list: expected at least {MIN_LENGTH} characters")]
    Short(usize),
    /// Two secrets have the same number; the position of the second, which has to be replaced.
    #[error("secret {0} of the list conflicts with an earlier one: generate another")]
    Collision(usize),
}

impl SecretRing {
    /// The ring of these secrets, newest first; a secret is marked by `next` and a space before it.
    ///
    /// # Errors
    /// [`SecretError`] if the list is empty or has only marked ones, or if one is too short or collides with another.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, SecretError> {
        let (mut next, mut in_use) = (Vec::new(), Vec::new());
        for (index, secret) in secrets.into_iter().enumerate() {
            let (secret, is_next) = unmarked(secret.as_ref());
            if unmarked(Sensitive::new(secret.to_ascii_lowercase()).expose()).1 {
                return Err(SecretError::Mark(index + 1)); // taken for a secret of its own, it would derive values at once
            }
            if secret.len() < MIN_LENGTH {
                return Err(SecretError::Short(index + 1));
            }
            let secret = Secret::new(secret).ok_or(SecretError::Short(index + 1))?;
            if next.iter().chain(&in_use).any(|other: &Secret| other.number == secret.number) {
                return Err(SecretError::Collision(index + 1));
            }
            if is_next { next.push(secret) } else { in_use.push(secret) }
        }
        let mut in_use = in_use.into_iter();
        match in_use.next() {
            Some(newest) => Ok(Self { next, newest, older: in_use.collect() }),
            None if next.is_empty() => Err(SecretError::Empty),
            None => Err(SecretError::NextAlone),
        }
    }

    /// The secret that derives new values.
    pub(super) fn deriving(&self) -> &Secret {
        &self.newest
    }

    /// The number of each secret, which every credential carries, and its use.
    #[must_use]
    pub fn uses(&self) -> Vec<(String, SecretUse)> {
        self.each().map(|(secret, used)| (hex(&secret.number), used)).collect()
    }

    /// The fingerprint of each secret, in a fixed order. It begins with the secret's number, and reveals nothing about it.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        let mut all: Vec<_> = self.each().map(|(secret, _)| hex(&secret.fingerprint)).collect();
        all.sort();
        all
    }

    /// The fingerprint of the secret that derives new values.
    #[must_use]
    pub fn deriving_fingerprint(&self) -> String {
        hex(&self.newest.fingerprint)
    }

    /// Every secret and its use: those marked `next` first, then newest first.
    fn each(&self) -> impl Iterator<Item = (&Secret, SecretUse)> {
        let next = self.next.iter().map(|secret| (secret, SecretUse::Next));
        let older = self.older.iter().map(|secret| (secret, SecretUse::Older));
        next.chain([(&self.newest, SecretUse::Derives)]).chain(older)
    }

    pub(super) fn numbered(&self, number: &[u8]) -> Option<(&Secret, SecretUse)> {
        self.each().find(|(secret, _)| secret.number == number)
    }

    /// A pseudonym for a counted value that must not be revealed: a keyed hash, different under each secret.
    #[must_use]
    pub fn pseudonym(&self, what: &str, value: &str) -> [u8; 32] {
        self.newest.pseudonym(what, value)
    }

    /// The pseudonyms of a value under each of the secrets, whichever of them a process used.
    pub fn pseudonyms(&self, what: &str, value: &str) -> impl Iterator<Item = [u8; 32]> {
        self.each().map(move |(secret, _)| secret.pseudonym(what, value))
    }

    /// The key that currently seals private keys, with the number to store beside the result.
    #[must_use]
    pub fn sealing_key(&self) -> ([u8; 2], &[u8; 32]) {
        (self.newest.number, self.newest.sealing.expose())
    }

    /// The key that sealed something, by the number stored beside it.
    #[must_use]
    pub fn unsealing_key(&self, number: &[u8]) -> Option<&[u8; 32]> {
        self.numbered(number).map(|(secret, _)| secret.sealing.expose())
    }
}

impl Secret {
    fn new(secret: &[u8]) -> Option<Self> {
        let derive = |purpose: &str| -> Option<Sensitive<[u8; 32]>> {
            let mut mac = HmacSha256::new_from_slice(secret).ok()?;
            mac.update(purpose.as_bytes());
            Some(Sensitive::new(mac.finalize().into_bytes().into()))
        };
        let hash = Sha256::digest(derive("symbolon number 1")?.expose());
        let fingerprint = *hash.first_chunk::<FINGERPRINT>()?;
        Some(Self {
            number: *fingerprint.first_chunk()?,
            fingerprint,
            credentials: HmacSha256::new_from_slice(derive("symbolon credentials 1")?.expose()).ok()?,
            stamps: HmacSha256::new_from_slice(derive("symbolon stamps 1")?.expose()).ok()?,
            pseudonyms: HmacSha256::new_from_slice(derive("symbolon pseudonyms 1")?.expose()).ok()?,
            sealing: derive("symbolon sealing 1")?,
        })
    }

    fn pseudonym(&self, what: &str, value: &str) -> [u8; 32] {
        let mut mac = self.pseudonyms.clone();
        mac.update(what.as_bytes());
        mac.update(&[0]); // separates the fields: no two pairs give the same bytes
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// A secret without its mark, and whether it had one.
fn unmarked(text: &[u8]) -> (&[u8], bool) {
    match text.strip_prefix(NEXT) {
        Some(rest) if rest.first().is_some_and(u8::is_ascii_whitespace) => (rest.trim_ascii_start(), true),
        _ => (text, false),
    }
}

impl fmt::Debug for SecretRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretRing({} secrets)", self.each().count())
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
    fn one_that_is_marked_recognises_and_derives_nothing() {
        let [old, new] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
        let ring = |list: &[&str]| SecretRing::new(list).unwrap();
        let uses = |list: &[&str]| ring(list).uses().into_iter().map(|(_, of)| of).collect::<Vec<_>>();
        let next = format!("next  {new}");
        assert_eq!(uses(&[&next, old]), [SecretUse::Next, SecretUse::Derives]);
        assert_eq!(uses(&[old, &next]), [SecretUse::Next, SecretUse::Derives], "wherever it stands");
        assert_eq!(uses(&[new, old]), [SecretUse::Derives, SecretUse::Older]);
        assert_eq!(ring(&[&next, old]).pseudonym("name", "alice"), ring(&[old]).pseudonym("name", "alice"));
        let names: Vec<_> = ring(&[&next, old]).pseudonyms("name", "alice").collect();
        assert_eq!(names, [new, old].map(|secret| ring(&[secret]).pseudonym("name", "alice")), "it is the same secret");
        let numbers = |list: &[&str]| ring(list).uses().into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers(&[&next, old]), numbers(&[new, old]));
        assert_eq!(SecretRing::new([&next]).err(), Some(SecretError::NextAlone));
        assert_eq!(SecretRing::new([old, "next short"]).err(), Some(SecretError::Short(2)));
        let mistyped = format!("NEXT {new}");
        assert_eq!(SecretRing::new([old, &mistyped]).err(), Some(SecretError::Mark(2)));
        assert_eq!(SecretRing::new([old, "next"]).err(), Some(SecretError::Short(2)));
        assert_eq!(SecretRing::new([&next, new]).err(), Some(SecretError::Collision(2)), "the same, marked and not");
        assert_eq!(uses(&["next-0123456789abcdef0123456789abcdef"]), [SecretUse::Derives], "no mark without a space");
    }

    #[test]
    fn a_fingerprint_is_of_one_secret_whatever_it_is_used_for() {
        let [old, new] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
        let ring = |list: &[&str]| SecretRing::new(list).unwrap();
        let (of_old, next) = (ring(&[old]).fingerprints(), format!("next {new}"));
        assert!(of_old[0].len() == 32 && of_old[0].starts_with(&ring(&[old]).uses()[0].0), "{of_old:?}");
        assert_eq!(ring(&[&next, old]).fingerprints(), ring(&[new, old]).fingerprints());
        assert_eq!(ring(&[old, &next]).fingerprints(), ring(&[old, new]).fingerprints());
        assert!(ring(&[new, old]).fingerprints().contains(&of_old[0]) && ring(&[new]).fingerprints() != of_old);
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
