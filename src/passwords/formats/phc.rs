//! Hashes in the string format of the password hashing competition: `$algorithm$v=..$parameters$salt$hash`.

use argon2::{Algorithm, Params, Version, password_hash::phc::PasswordHash};

use super::{Derived, Digest, Stored};

pub fn read(text: &str) -> Option<Stored<'_>> {
    let hash = PasswordHash::new(text).ok()?;
    let derived = Derived { salt: hash.salt.as_ref()?.to_vec(), output: hash.hash.as_ref()?.as_bytes().to_vec() };
    let has_only = |names: &[&str]| hash.params.iter().all(|(name, _)| names.contains(&name.as_str()));
    let number = |name: &str| hash.params.get_decimal(name);
    match hash.algorithm.as_str() {
        name @ ("argon2id" | "argon2i" | "argon2d") if has_only(&["m", "t", "p"]) => {
            let algorithm = Algorithm::new(name).ok()?;
            let version = Version::try_from(hash.version?).ok()?;
            Some(Stored::Argon2 { derived, algorithm, version, params: Params::try_from(&hash).ok()? })
        }
        algorithm if algorithm.starts_with("pbkdf2-") && has_only(&["i", "l"]) && hash.version.is_none() => {
            let length = number("l").is_none_or(|length| usize::try_from(length) == Ok(derived.output.len()));
            let digest = Digest::of_pbkdf2(algorithm)?;
            length.then_some(())?;
            Some(Stored::Pbkdf2 { iterations: number("i")?, derived, digest })
        }
        "scrypt" if has_only(&["ln", "r", "p"]) && hash.version.is_none() => {
            Some(Stored::Scrypt { log_n: u8::try_from(number("ln")?).ok()?, r: number("r")?, p: number("p")?, derived })
        }
        _ => None,
    }
}

impl Digest {
    /// The digest of PBKDF2 under this name.
    pub(super) fn of_pbkdf2(name: &str) -> Option<Self> {
        match name.strip_prefix("pbkdf2-")? {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}
