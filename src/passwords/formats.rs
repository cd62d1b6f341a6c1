//! The formats of a stored hash: argon2 as made here, and the hashes of other systems as they store them. Each is parsed once, with
//! its cost; an import rejects an excessive cost (ASVS 15.2.2). How they are written is `phc` (the string format of the password
//! hashing competition), `others` and, for hashes exported as JSON, `exported`. bcrypt looks at the first 72 bytes of a password
//! alone: only the rehash with our algorithm fixes that.

mod exported;
mod others;
mod phc;
mod phpass;

use aes::cipher::{KeyIvInit, StreamCipher};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha_crypt::{PasswordVerifier, ShaCrypt};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::workers::Memory;
use crate::protocol::error::Invalid;

/// The maximum memory for one password, in KiB: 1 GiB.
const MAX_MEMORY: u64 = 1024 * 1024;
/// The maximum memory written for one password, in KiB: all of it four times.
const MAX_WORK: u64 = 4 * MAX_MEMORY;
const MAX_LANES: u32 = 64;
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=14;
/// How often PBKDF2 may run its function: the iterations for each block of the output.
const PBKDF2_WORK: std::ops::RangeInclusive<u64> = 1..=10_000_000;
/// A password of the maximum length takes some eight seconds with the last one.
const SHA512_CRYPT_ROUNDS: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
/// Powers of two.
const PHPASS_COST: std::ops::RangeInclusive<u32> = 7..=20;

/// A parsed hash.
enum Stored<'a> {
    Argon2 {
        derived: Derived,
        algorithm: Algorithm,
        version: Version,
        params: Params,
    },
    Bcrypt {
        text: &'a str,
        cost: u32,
        input: BcryptInput,
    },
    Pbkdf2 {
        derived: Derived,
        iterations: u32,
        digest: Digest,
    },
    Scrypt {
        derived: Derived,
        log_n: u8,
        r: u32,
        p: u32,
    },
    /// Firebase's: the key derived by scrypt encrypts a key of the project, and the ciphertext is the hash.
    FirebaseScrypt {
        derived: Derived,
        log_n: u8,
        r: u32,
        signer_key: Vec<u8>,
    },
    Sha512Crypt {
        text: &'a str,
        rounds: u32,
    },
    Phpass {
        derived: Derived,
        cost: u32,
    },
    /// One round of a digest over password and salt, as LDAP directories store it.
    Salted {
        derived: Derived,
        digest: Digest,
    },
}

/// What bcrypt is computed of.
#[derive(Clone, Copy)]
enum BcryptInput {
    /// The password.
    Password,
    /// Its SHA-256 in hexadecimal digits: Django.
    Sha256,
    /// Its HMAC under a fixed key, in base64: `WordPress`.
    WordPress,
}

/// The bytes derived from a password, and their salt.
struct Derived {
    salt: Vec<u8>,
    output: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// Whether the password matches this hash; false where the hash cannot be parsed.
pub(super) fn matches(hash: &str, password: &[u8], memory: &mut Memory) -> bool {
    Stored::read(hash).is_some_and(|stored| stored.matches(password, memory))
}

/// An imported hash as it is stored: a text as it is, or an object as another system exports it. It must be verifiable, at a bearable
/// cost.
///
/// # Errors
/// The expected format. The hash is not repeated.
pub fn imported(hash: &Value) -> Result<String, Invalid> {
    let text = exported::text_of(hash)?;
    check_imported(&text).map(|()| text)
}

fn check_imported(hash: &str) -> Result<(), Invalid> {
    let Some(stored) = Stored::read(hash) else {
        return Err("expected argon2 ($argon2id$v=19$m=..,t=..,p=..$salt$hash, argon2i, argon2d), bcrypt ($2b$cost$.., 2a, 2y), PBKDF2 ($pbkdf2-sha256$i=..,l=..$salt$hash, sha1, sha512), scrypt ($scrypt$ln=..,r=..,p=..$salt$hash), sha512-crypt ($6$..), phpass ($P$.., $H$..), {SSHA}.., or the hash as Django, ASP.NET Identity, WordPress or Werkzeug stores it, received a text that is none of them".into());
    };
    stored.check_cost()
}

impl<'a> Stored<'a> {
    fn read(text: &'a str) -> Option<Self> {
        if ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version)) {
            return others::bcrypt(text, BcryptInput::Password);
        }
        others::read(text).or_else(|| phc::read(text))
    }

    fn matches(&self, password: &[u8], memory: &mut Memory) -> bool {
        match self {
            Self::Argon2 { derived, algorithm, version, params } => derived.is(|out| {
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                argon2.hash_password_into_with_memory(password, &derived.salt, out, memory.of(params)).is_ok()
            }),
            Self::Bcrypt { text, input, .. } => bcrypt::verify(input.of(password), text).unwrap_or(false),
            Self::Pbkdf2 { derived, iterations, digest } => derived.is(|out| {
                match digest {
                    Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, &derived.salt, *iterations, out),
                    Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, &derived.salt, *iterations, out),
                    Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, &derived.salt, *iterations, out),
                }
                true
            }),
            // A cost beyond the import limit is not tried: the memory is allocated before anything else is known.
            Self::Scrypt { derived, log_n, r, p } => {
                self.check_cost().is_ok() && derived.is(|out| scrypt(password, &derived.salt, (*log_n, *r, *p), out))
            }
            Self::FirebaseScrypt { derived, log_n, r, signer_key } => {
                let mut key = [0; 32];
                self.check_cost().is_ok()
                    && scrypt(password, &derived.salt, (*log_n, *r, 1), &mut key)
                    && derived.is(|out| {
                        out.copy_from_slice(signer_key); // of the same length, as it was parsed
                        ctr::Ctr128BE::<aes::Aes256>::new(&key.into(), &[0; 16].into()).apply_keystream(out);
                        true
                    })
            }
            Self::Sha512Crypt { text, .. } => ShaCrypt::SHA512.verify_password(password, *text).is_ok(),
            Self::Phpass { derived, cost } => derived.is(|out| {
                out.copy_from_slice(&phpass::hash(password, &derived.salt, *cost));
                true
            }),
            Self::Salted { derived, digest } => derived.is(|out| {
                let hash = match digest {
                    Digest::Sha1 => Sha1::new().chain_update(password).chain_update(&derived.salt).finalize().to_vec(),
                    Digest::Sha256 => Sha256::new().chain_update(password).chain_update(&derived.salt).finalize().to_vec(),
                    Digest::Sha512 => Sha512::new().chain_update(password).chain_update(&derived.salt).finalize().to_vec(),
                };
                out.copy_from_slice(&hash); // of the same length, as it was parsed
                true
            }),
        }
    }

    fn check_cost(&self) -> Result<(), Invalid> {
        let expected = |is_good: bool, words: String| if is_good { Ok(()) } else { Err(Invalid::from(words)) };
        match self {
            Self::Argon2 { params, .. } => {
                let (memory, times, lanes) = (u64::from(params.m_cost()), u64::from(params.t_cost()), params.p_cost());
                expected(memory <= MAX_MEMORY, format!("expected argon2 with m of at most {MAX_MEMORY} KiB, received {memory}"))?;
                let work = memory.saturating_mul(times);
                expected(work <= MAX_WORK, format!("expected argon2 with m times t of at most {MAX_WORK}, received {work}"))?;
                expected(lanes <= MAX_LANES, format!("expected argon2 with p of at most {MAX_LANES}, received {lanes}"))
            }
            Self::Bcrypt { cost, .. } => {
                let (low, high) = (BCRYPT_COST.start(), BCRYPT_COST.end());
                expected(BCRYPT_COST.contains(cost), format!("expected bcrypt with a cost of {low} to {high}, received {cost}"))
            }
            Self::Pbkdf2 { derived, iterations, digest } => {
                let (low, high) = (PBKDF2_WORK.start(), PBKDF2_WORK.end());
                let blocks = derived.output.len().div_ceil(digest.length()) as u64;
                let work = u64::from(*iterations).saturating_mul(blocks);
                let each = if blocks > 1 { format!(" for each of {blocks} blocks of the hash") } else { String::new() };
                let words = format!("expected PBKDF2 with i of {low} to {}, received {iterations}{each}", high / blocks.max(1));
                expected(PBKDF2_WORK.contains(&work), words)
            }
            Self::Scrypt { log_n, r, p, .. } => check_scrypt(*log_n, *r, *p),
            Self::FirebaseScrypt { log_n, r, .. } => check_scrypt(*log_n, *r, 1),
            Self::Sha512Crypt { rounds, .. } => {
                let (low, high) = (SHA512_CRYPT_ROUNDS.start(), SHA512_CRYPT_ROUNDS.end());
                let words = format!("expected sha512-crypt with rounds of {low} to {high}, received {rounds}");
                expected(SHA512_CRYPT_ROUNDS.contains(rounds), words)
            }
            Self::Phpass { cost, .. } => {
                let (low, high) = (PHPASS_COST.start(), PHPASS_COST.end());
                expected(
                    PHPASS_COST.contains(cost),
                    format!("expected phpass with 2^{low} to 2^{high} rounds, received 2^{cost}"),
                )
            }
            Self::Salted { .. } => Ok(()),
        }
    }
}

fn scrypt(password: &[u8], salt: &[u8], (log_n, r, p): (u8, u32, u32), out: &mut [u8]) -> bool {
    scrypt::Params::new(log_n, r, p).is_ok_and(|params| scrypt::scrypt(password, salt, &params, out).is_ok())
}

fn check_scrypt(log_n: u8, r: u32, p: u32) -> Result<(), Invalid> {
    let memory = 1_u64.checked_shl(u32::from(log_n)).and_then(|n| n.checked_mul(u64::from(r)));
    let memory = memory.map_or(u64::MAX, |blocks| blocks.div_ceil(8)); // blocks of 128 bytes
    if log_n == 0 || r == 0 || memory > MAX_MEMORY {
        let words = format!("expected scrypt with 128 * r * 2^ln of at most {MAX_MEMORY} KiB, received ln={log_n}, r={r}");
        return Err(words.into());
    }
    if p == 0 || memory.saturating_mul(u64::from(p)) > MAX_WORK {
        return Err(format!("expected scrypt with 128 * r * 2^ln * p of at most {MAX_WORK} KiB, received p={p}").into());
    }
    Ok(())
}

impl BcryptInput {
    fn of(self, password: &[u8]) -> Vec<u8> {
        match self {
            Self::Password => password.to_vec(),
            Self::Sha256 => Sha256::digest(password).iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            Self::WordPress => {
                let Ok(mac) = Hmac::<Sha384>::new_from_slice(b"wp-sha384") else { return Vec::new() }; // of any length
                STANDARD.encode(mac.chain_update(password.trim_ascii()).finalize().into_bytes()).into_bytes()
            }
        }
    }
}

impl Digest {
    const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Derived {
    /// Whether `derive`, which returns whether it succeeded, produces the same bytes.
    fn is(&self, derive: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let mut out = vec![0; self.output.len()];
        derive(&mut out) && bool::from(out.ct_eq(&self.output))
    }
}

#[cfg(test)]
#[path = "formats_tests.rs"]
pub(super) mod tests;
