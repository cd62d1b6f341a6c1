//! The formats of a stored hash: argon2 as made here, and hashes imported from other systems (argon2, bcrypt, and PBKDF2 and scrypt
//! as PHC strings). Each is parsed once, with its cost; an import rejects an excessive cost (ASVS 15.2.2). bcrypt looks at the
//! first 72 bytes of a password alone: only the rehash with our algorithm fixes that.

use argon2::{Algorithm, Argon2, Params, Version, password_hash::phc::PasswordHash};
use bcrypt::HashParts;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::workers::Memory;
use crate::protocol::error::Invalid;

/// The maximum memory for one password, in KiB: 1 GiB.
const MAX_MEMORY: u64 = 1024 * 1024;
/// The maximum memory written for one password, in KiB: all of it four times.
const MAX_WORK: u64 = 4 * MAX_MEMORY;
const MAX_LANES: u32 = 64;
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=14;
const PBKDF2_ITERATIONS: std::ops::RangeInclusive<u32> = 1..=10_000_000;

/// A parsed hash.
enum Stored<'a> {
    Argon2 { derived: Derived, algorithm: Algorithm, version: Version, params: Params },
    Bcrypt { text: &'a str, cost: u32 },
    Pbkdf2 { derived: Derived, iterations: u32, digest: Digest },
    Scrypt { derived: Derived, log_n: u8, r: u32, p: u32 },
}

/// The bytes derived from a password, and their salt.
struct Derived {
    salt: Vec<u8>,
    output: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Digest {
    Sha256,
    Sha512,
}

/// Whether the password matches this hash; false where the hash cannot be parsed.
pub(super) fn matches(hash: &str, password: &[u8], memory: &mut Memory) -> bool {
    Stored::read(hash).is_some_and(|stored| stored.matches(password, memory))
}

/// Checks an imported hash before it is stored: it must be verifiable, at a bearable cost.
///
/// # Errors
/// The expected format. The hash is not repeated.
pub fn check_imported(hash: &str) -> Result<(), Invalid> {
    let Some(stored) = Stored::read(hash) else {
        return Err("expected argon2 ($argon2id$v=19$m=..,t=..,p=..$salt$hash, argon2i, argon2d), bcrypt ($2b$cost$.., 2a, 2y), PBKDF2 ($pbkdf2-sha256$i=..,l=..$salt$hash, sha512) or scrypt ($scrypt$ln=..,r=..,p=..$salt$hash), received a text that is none of them".into());
    };
    stored.check_cost()
}

impl<'a> Stored<'a> {
    fn read(text: &'a str) -> Option<Self> {
        if ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version)) {
            let parts: HashParts = text.parse().ok()?;
            return Some(Self::Bcrypt { text, cost: parts.get_cost() });
        }
        let hash = PasswordHash::new(text).ok()?;
        let derived = Derived { salt: hash.salt.as_ref()?.to_vec(), output: hash.hash.as_ref()?.as_bytes().to_vec() };
        let has_only = |names: &[&str]| hash.params.iter().all(|(name, _)| names.contains(&name.as_str()));
        let number = |name: &str| hash.params.get_decimal(name);
        match hash.algorithm.as_str() {
            name @ ("argon2id" | "argon2i" | "argon2d") if has_only(&["m", "t", "p"]) => {
                let algorithm = Algorithm::new(name).ok()?;
                let version = Version::try_from(hash.version?).ok()?;
                Some(Self::Argon2 { derived, algorithm, version, params: Params::try_from(&hash).ok()? })
            }
            algorithm @ ("pbkdf2-sha256" | "pbkdf2-sha512") if has_only(&["i", "l"]) && hash.version.is_none() => {
                let length = number("l").is_none_or(|length| usize::try_from(length) == Ok(derived.output.len()));
                let digest = if algorithm == "pbkdf2-sha512" { Digest::Sha512 } else { Digest::Sha256 };
                length.then_some(())?;
                Some(Self::Pbkdf2 { iterations: number("i")?, derived, digest })
            }
            "scrypt" if has_only(&["ln", "r", "p"]) && hash.version.is_none() => {
                Some(Self::Scrypt { log_n: u8::try_from(number("ln")?).ok()?, r: number("r")?, p: number("p")?, derived })
            }
            _ => None,
        }
    }

    fn matches(&self, password: &[u8], memory: &mut Memory) -> bool {
        match self {
            Self::Argon2 { derived, algorithm, version, params } => derived.is(|out| {
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                argon2.hash_password_into_with_memory(password, &derived.salt, out, memory.of(params)).is_ok()
            }),
            Self::Bcrypt { text, .. } => bcrypt::verify(password, text).unwrap_or(false),
            Self::Pbkdf2 { derived, iterations, digest } => derived.is(|out| {
                match digest {
                    Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, &derived.salt, *iterations, out),
                    Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, &derived.salt, *iterations, out),
                }
                true
            }),
            // A cost beyond the import limit is not tried: the memory is allocated before anything else is known.
            Self::Scrypt { derived, log_n, r, p } => {
                self.check_cost().is_ok()
                    && derived.is(|out| {
                        let params = scrypt::Params::new(*log_n, *r, *p).ok();
                        params.is_some_and(|params| scrypt::scrypt(password, &derived.salt, &params, out).is_ok())
                    })
            }
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
            Self::Pbkdf2 { iterations, .. } => {
                let (low, high) = (PBKDF2_ITERATIONS.start(), PBKDF2_ITERATIONS.end());
                let words = format!("expected PBKDF2 with i of {low} to {high}, received {iterations}");
                expected(PBKDF2_ITERATIONS.contains(iterations), words)
            }
            Self::Scrypt { log_n, r, p, .. } => {
                let memory = 1_u64.checked_shl(u32::from(*log_n)).and_then(|n| n.checked_mul(u64::from(*r)));
                let memory = memory.map_or(u64::MAX, |blocks| blocks.div_ceil(8)); // blocks of 128 bytes
                let words =
                    format!("expected scrypt with 128 * r * 2^ln of at most {MAX_MEMORY} KiB, received ln={log_n}, r={r}");
                expected(*log_n > 0 && *r > 0 && memory <= MAX_MEMORY, words)?;
                let work = memory.saturating_mul(u64::from(*p));
                let words = format!("expected scrypt with 128 * r * 2^ln * p of at most {MAX_WORK} KiB, received p={p}");
                expected(*p > 0 && work <= MAX_WORK, words)
            }
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
