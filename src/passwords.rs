//! Passwords: hashing and verifying with argon2id (RFC 9106), behind a gate of its own, so that a flood of
//! sign-ins can neither exhaust memory nor take the cores from the token endpoint. The only importer of
//! argon2.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::config::PasswordSettings;

/// How many may wait at the gate for each one inside; more are turned away.
const WAITING_FOR_EACH: usize = 32;

/// The shortest password taken when one is set.
pub const MIN_LENGTH: usize = 8;
/// The longest password hashed, in bytes: a longer one costs time before it costs the attacker.
pub const MAX_LENGTH: usize = 1024;

/// The gate and the parameters.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    inside: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Verified against when there is no such person, so that the answer takes as long.
    decoy: Arc<str>,
}

/// Why no password was looked at.
#[derive(Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// Too many are waiting: try again soon.
    Busy,
    /// Hashing itself failed.
    Failed(String),
}

impl std::fmt::Display for PasswordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("too many passwords are being checked"),
            Self::Failed(text) => f.write_str(text),
        }
    }
}

impl Passwords {
    /// The gate with these settings.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] when argon2 does not take them.
    pub fn new(settings: &PasswordSettings) -> Result<Self, PasswordError> {
        let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, None).map_err(|e| failed(&e))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let concurrency = settings.concurrency as usize;
        let decoy = hash_with(&argon2, &crate::random::text())?.into();
        Ok(Self {
            argon2,
            inside: Arc::new(Semaphore::new(concurrency)),
            waiting: Arc::new(Semaphore::new(concurrency * (1 + WAITING_FOR_EACH))),
            decoy,
        })
    }

    /// Hashes a new password. Blocks for as long as argon2 takes.
    ///
    /// # Errors
    /// [`PasswordError::Failed`].
    pub fn hash(&self, password: &str) -> Result<String, PasswordError> {
        hash_with(&self.argon2, password)
    }

    /// Whether the password is the one of this hash (a PHC string); without a hash, false after the same time.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when too many wait already.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let inside = self.inside.clone().acquire_owned().await.map_err(|e| failed(&e))?;
        let (argon2, decoy) = (self.argon2.clone(), self.decoy.clone());
        let verified = tokio::task::spawn_blocking(move || {
            let _places = (inside, waiting); // held as long as the work goes on, though the caller may have left
            let known = hash.is_some() && password.len() <= MAX_LENGTH;
            let hash = hash.unwrap_or_else(|| decoy.to_string());
            let password = if password.len() <= MAX_LENGTH { password } else { String::new() };
            // The parameters of the stored hash decide, not today's.
            let matches = PasswordHash::new(&hash).is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok());
            matches && known
        });
        verified.await.map_err(|e| failed(&e))
    }
}

/// Checks a password that is to be set.
///
/// # Errors
/// What is expected.
pub fn check_new(password: &str) -> Result<(), String> {
    let length = password.chars().count();
    if length < MIN_LENGTH {
        return Err(format!("password: expected at least {MIN_LENGTH} characters, received {length}"));
    }
    if password.len() > MAX_LENGTH {
        return Err(format!("password: expected at most {MAX_LENGTH} bytes, received {}", password.len()));
    }
    if password.contains(['\0', '\n', '\r']) {
        return Err("password: expected one line without NUL".into());
    }
    Ok(())
}

fn hash_with(argon2: &Argon2<'_>, password: &str) -> Result<String, PasswordError> {
    Ok(argon2.hash_password(password.as_bytes()).map_err(|e| failed(&e))?.to_string())
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

    fn passwords(concurrency: u32) -> Passwords {
        Passwords::new(&PasswordSettings { memory_kib: 8, iterations: 1, parallelism: 1, concurrency }).unwrap()
    }

    #[tokio::test]
    async fn the_right_password_passes_and_an_unknown_person_never_does() {
        let passwords = passwords(1);
        let hash = passwords.hash("open sesame").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_eq!(passwords.verify("open sesame".into(), Some(hash.clone())).await, Ok(true));
        assert_eq!(passwords.verify("open sesamE".into(), Some(hash.clone())).await, Ok(false));
        assert_eq!(passwords.verify(String::new(), None).await, Ok(false));
        assert_eq!(passwords.verify("x".repeat(MAX_LENGTH + 1), Some(hash)).await, Ok(false));
    }

    #[tokio::test]
    async fn a_flood_is_turned_away_at_the_gate() {
        let passwords = passwords(1);
        let all: Vec<_> = (0..200)
            .map(|_| {
                tokio::spawn({
                    let p = passwords.clone();
                    async move { p.verify("x".into(), None).await }
                })
            })
            .collect();
        let mut busy = 0;
        for one in all {
            busy += usize::from(one.await.unwrap() == Err(PasswordError::Busy));
        }
        assert!(busy > 0, "200 at once, 33 places");
        assert_eq!(passwords.verify("x".into(), None).await, Ok(false), "the places are free again");
    }

    #[test]
    fn new_passwords_are_checked() {
        assert!(check_new("1234567").is_err());
        assert!(check_new("12345678").is_ok());
        assert!(check_new(&"é".repeat(64)).is_ok());
        assert!(check_new(&"x".repeat(1025)).is_err());
        assert!(check_new("with a\nbreak").is_err());
    }
}
