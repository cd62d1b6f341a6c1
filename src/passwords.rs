//! Password hashing with argon2id (RFC 9106) and verification, with bounded concurrency, so that a flood of sign-ins can neither
//! exhaust memory nor take the cores from the token endpoint. The accepted formats of imported hashes are `formats`, the
//! requirements for new passwords `rules`. The only importer of argon2 and other password hashes.

mod formats;
pub mod rules;
mod workers;

use std::{sync::Arc, time::Duration};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

pub use formats::imported;
use workers::{Memory, Workers};

use crate::{config::PasswordSettings, protocol::secrets::sensitive::Sensitive, random};

/// The maximum number of waiting jobs per worker; more are refused.
const WAITING_FOR_EACH: usize = 32;

/// How long the hashing memory is kept when there is nothing to hash.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// The maximum length of a password, in bytes: a longer one costs us time before it costs the attacker.
pub const MAX_LENGTH: usize = 1024;

/// The workers and the parameters.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// The prefix of every hash of ours: algorithm, version and parameters.
    beginning: Arc<str>,
    inside: Workers,
    waiting: Arc<Semaphore>,
    /// Verified against when there is no such user, so that the response takes as long.
    decoy: Arc<str>,
}

/// The result of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password matches the hash.
    pub is_right: bool,
    /// Whether the password matches, and its hash should be replaced: its algorithm or parameters are not the configured ones.
    pub outdated: bool,
}

/// The reason why no password was verified.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many jobs are waiting: retry soon.
    #[error("too many passwords are being checked")]
    Busy,
    /// Hashing itself failed.
    #[error("{0}")]
    Failed(String),
}

impl Passwords {
    /// Starts the workers with these settings.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] when argon2 rejects the parameters.
    pub fn new(settings: &PasswordSettings) -> Result<Self, PasswordError> {
        let (memory, iterations, lanes) = (settings.memory_kib, settings.iterations, settings.parallelism);
        let params = Params::new(memory, iterations, lanes, None).map_err(|e| failed(&e))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let concurrency = settings.concurrency as usize;
        let beginning: Arc<str> = format!("$argon2id$v=19$m={memory},t={iterations},p={lanes}$").into();
        // Any tag will do for comparison; it need not be a real one.
        let decoy = phc(&beginning, random::bytes(), random::bytes()).into();
        Ok(Self {
            argon2,
            beginning,
            inside: Workers::start(settings.concurrency, KEPT_FOR).map_err(|e| failed(&e))?,
            waiting: Arc::new(Semaphore::new(concurrency * (1 + WAITING_FOR_EACH))),
            decoy,
        })
    }

    /// Hashes a new password on the caller's thread, for the command line: blocks for as long as argon2 takes.
    ///
    /// # Errors
    /// [`PasswordError::Failed`].
    pub fn hash(&self, password: &str) -> Result<String, PasswordError> {
        self.made().hash(password, &mut Memory::default())
    }

    /// How a hash is made with the current settings.
    fn made(&self) -> Made {
        Made { argon2: self.argon2.clone(), beginning: self.beginning.clone() }
    }

    /// Hashes a new password, or rehashes a verified one, on a worker.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when too many jobs are waiting, [`PasswordError::Failed`].
    pub async fn hash_within_gate(&self, password: Sensitive<String>) -> Result<String, PasswordError> {
        let made = self.made();
        self.within_gate(move |memory| made.hash(password.expose(), memory)).await?
    }

    /// Whether the password matches this hash, of any format that can be imported; without a hash it is wrong after the same time.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when too many jobs are waiting.
    pub async fn verify(&self, password: Sensitive<String>, hash: Option<String>) -> Result<Verified, PasswordError> {
        let (beginning, decoy) = (self.beginning.clone(), self.decoy.clone());
        self.within_gate(move |memory| {
            let password = normal(password.expose());
            let known = hash.is_some() && password.is_some();
            let hash = hash.unwrap_or_else(|| decoy.to_string());
            // The parameters of the stored hash apply, not the current ones.
            let is_right = formats::matches(&hash, password.unwrap_or_default().expose().as_bytes(), memory) && known;
            Verified { is_right, outdated: is_right && !hash.starts_with(&*beginning) }
        })
        .await
    }

    async fn within_gate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let done = self.inside.run(move |memory| {
            let _place = waiting; // held while the work runs, even if the caller has left
            work(memory)
        });
        done.await.ok_or_else(|| PasswordError::Failed("password hashing failed unexpectedly".into()))
    }
}

/// The normalised password that is hashed: equal characters are equal bytes, however a keyboard composes them (NIST SP 800-63B-4
/// §3.1.1.2: NFC). `None` if it is too long.
fn normal(password: &str) -> Option<Sensitive<String>> {
    let normal = composed(password);
    (normal.expose().len() <= MAX_LENGTH).then_some(normal)
}

/// The text in NFC, which makes no text more than three times as long in bytes (Unicode Annex #15 §9).
fn composed(password: &str) -> Sensitive<String> {
    let mut composed = Sensitive::new(String::with_capacity(3 * password.len()));
    composed.expose_mut().extend(password.nfc());
    composed
}

/// The parameters of a hash.
struct Made {
    argon2: Argon2<'static>,
    beginning: Arc<str>,
}

impl Made {
    /// A PHC string, with its own salt (RFC 9106 §3.1: 16 bytes; a tag of 32).
    fn hash(&self, password: &str, memory: &mut Memory) -> Result<String, PasswordError> {
        let password = normal(password).ok_or_else(|| failed(&format!("expected at most {MAX_LENGTH} bytes")))?;
        let (salt, mut tag) = (random::bytes::<16>(), [0; 32]);
        let memory = memory.of(self.argon2.params());
        let hashed = self.argon2.hash_password_into_with_memory(password.expose().as_bytes(), &salt, &mut tag, memory);
        hashed.map_err(|e| failed(&e))?;
        Ok(phc(&self.beginning, salt, tag))
    }
}

/// A hash as it is stored: a PHC string.
fn phc(beginning: &str, salt: [u8; 16], tag: [u8; 32]) -> String {
    format!("{beginning}{}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(tag))
}

fn failed(error: &dyn std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: Verified = Verified { is_right: true, outdated: false };
    const OUTDATED: Verified = Verified { is_right: true, outdated: true };
    const WRONG: Verified = Verified { is_right: false, outdated: false };

    fn passwords(iterations: u32, concurrency: u32) -> Passwords {
        Passwords::new(&PasswordSettings { memory_kib: 8, iterations, parallelism: 1, concurrency }).unwrap()
    }

    #[tokio::test]
    async fn the_right_password_passes_and_an_unknown_user_never_does() {
        let passwords = passwords(1, 1);
        let hash = passwords.hash("open sesame").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_eq!(passwords.verify("open sesame".into(), Some(hash.clone())).await, Ok(RIGHT));
        assert_eq!(passwords.verify("open sesamE".into(), Some(hash.clone())).await, Ok(WRONG));
        assert_eq!(passwords.verify(Sensitive::default(), None).await, Ok(WRONG));
        assert_eq!(passwords.verify(Sensitive::new("x".repeat(MAX_LENGTH + 1)), Some(hash)).await, Ok(WRONG));
        let within = passwords.hash_within_gate("open sesame".into()).await.unwrap();
        assert_eq!(passwords.verify("open sesame".into(), Some(within)).await, Ok(RIGHT));
        assert!(passwords.hash(&"x".repeat(MAX_LENGTH + 1)).is_err(), "what could never be verified is not hashed");
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_outdated_once_the_password_is_right() {
        let (today, before) = (passwords(2, 1), passwords(1, 1));
        let hash = before.hash("open sesame").unwrap();
        assert_eq!(today.verify("open sesame".into(), Some(hash.clone())).await, Ok(OUTDATED));
        assert_eq!(today.verify("another".into(), Some(hash)).await, Ok(WRONG));
        // argon2 of the reference implementation, bcrypt, PBKDF2 and scrypt: all are to be rehashed.
        let others = formats::tests::OTHERS.into_iter();
        for (password, hash) in formats::tests::SAMPLES.into_iter().chain(others).map(|hash| (formats::tests::PASSWORD, hash)) {
            assert_eq!(today.verify(password.into(), Some(hash.into())).await, Ok(OUTDATED), "{hash}");
            assert_eq!(today.verify("another".into(), Some(hash.into())).await, Ok(WRONG), "{hash}");
        }
    }

    #[tokio::test]
    async fn the_same_characters_are_the_same_password_however_they_are_composed() {
        let passwords = passwords(1, 1);
        let (composed, decomposed) = ("caf\u{e9} cr\u{e8}me", "cafe\u{301} cre\u{300}me");
        for (set, typed) in [(composed, decomposed), (decomposed, composed)] {
            let hash = passwords.hash(set).unwrap();
            assert_eq!(passwords.verify(typed.into(), Some(hash)).await, Ok(RIGHT));
        }
        let hash = passwords.hash("\u{fb01}le").unwrap();
        assert_eq!(passwords.verify("file".into(), Some(hash)).await, Ok(WRONG), "a ligature is another character");
        let long = "e\u{301}".repeat(MAX_LENGTH / 2);
        let hash = passwords.hash(&long).unwrap();
        assert_eq!(passwords.verify(Sensitive::new(long), Some(hash)).await, Ok(RIGHT), "its length is counted once composed");
    }

    #[tokio::test]
    async fn a_flood_is_turned_away_at_the_gate() {
        let passwords = passwords(1, 1);
        let all: Vec<_> = (0..200)
            .map(|n| {
                tokio::spawn({
                    let p = passwords.clone();
                    async move {
                        // Hashing and verifying share the same limit.
                        if n % 2 == 0 {
                            p.verify("x".into(), None).await.err()
                        } else {
                            p.hash_within_gate("x".into()).await.err()
                        }
                    }
                })
            })
            .collect();
        let mut busy = 0;
        for one in all {
            busy += usize::from(one.await.unwrap() == Some(PasswordError::Busy));
        }
        assert!(busy > 0, "200 at once, 33 places");
        assert_eq!(passwords.verify("x".into(), None).await, Ok(WRONG), "the places are free again");
    }
}
