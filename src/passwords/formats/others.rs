//! Hashes as other systems store them, each in a form of its own: Django, Werkzeug, Passlib, ASP.NET Identity, `WordPress`, crypt(3),
//! LDAP directories, and Firebase's as `exported` writes them.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use bcrypt::HashParts;

use super::{BcryptInput, Derived, Digest, Stored, phc, phpass};

/// How Firebase's hashes begin here.
pub const FIREBASE: &str = "$firebase-scrypt$";
/// base64 with or without its padding.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The rounds of sha512-crypt where the hash names none.
const SHA512_CRYPT_ROUNDS: u32 = 5_000;

pub fn read(text: &str) -> Option<Stored<'_>> {
    // LDAP: a scheme in braces; what is behind {CRYPT} is a hash of crypt(3).
    let scheme = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let (scheme, text) = scheme.map_or((String::new(), text), |(scheme, rest)| (scheme.to_ascii_uppercase(), rest));
    match scheme.as_str() {
        "SSHA" => return salted(text, Digest::Sha1),
        "SSHA256" => return salted(text, Digest::Sha256),
        "SSHA512" => return salted(text, Digest::Sha512),
        "" | "CRYPT" => {}
        _ => return None,
    }
    if scheme == "CRYPT" && text.starts_with("$2") {
        return bcrypt(text, BcryptInput::Password);
    }
    if let Some(rest) = text.strip_prefix("$wp") {
        return bcrypt(rest, BcryptInput::WordPress);
    }
    if let Some(rest) = text.strip_prefix("$6$") {
        return sha512_crypt(text, rest);
    }
    if let Some(rest) = text.strip_prefix(FIREBASE) {
        return firebase(rest);
    }
    phpass::read(text).or_else(|| django(text)).or_else(|| werkzeug(text)).or_else(|| passlib(text)).or_else(|| asp_net(text))
}

pub fn bcrypt(text: &str, input: BcryptInput) -> Option<Stored<'_>> {
    let parts: HashParts = text.parse().ok()?;
    Some(Stored::Bcrypt { text, cost: parts.get_cost(), input })
}

/// base64 of the digest and, behind it, the salt.
fn salted(text: &str, digest: Digest) -> Option<Stored<'static>> {
    let bytes = ANY_PADDING.decode(text).ok()?;
    let (output, salt) = bytes.split_at_checked(digest.length())?;
    (1..=64).contains(&salt.len()).then(|| Stored::Salted { derived: derived(salt, output), digest })
}

/// `$6$[rounds=N$]salt$hash`.
fn sha512_crypt<'a>(text: &'a str, rest: &str) -> Option<Stored<'a>> {
    let mut fields: Vec<_> = rest.split('$').collect();
    let mut rounds = SHA512_CRYPT_ROUNDS;
    if let Some(number) = fields.first().and_then(|field| field.strip_prefix("rounds=")) {
        rounds = decimal(number)?;
        fields.remove(0);
    }
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "./".contains(c);
    let [salt, hash] = fields.as_slice() else { return None };
    let is_good = (1..=16).contains(&salt.len()) && salt.chars().all(is_digit) && hash.len() == 86 && hash.chars().all(is_digit);
    is_good.then_some(Stored::Sha512Crypt { text, rounds })
}

/// `algorithm$…`, without a `$` at the start; the salt is text.
fn django(text: &str) -> Option<Stored<'_>> {
    let (algorithm, rest) = text.split_once('$')?;
    let fields: Vec<_> = rest.split('$').collect();
    match (algorithm, fields.as_slice()) {
        ("pbkdf2_sha256" | "pbkdf2_sha1", [iterations, salt, hash]) => {
            let digest = if algorithm == "pbkdf2_sha1" { Digest::Sha1 } else { Digest::Sha256 };
            pbkdf2(decimal(iterations)?, derived(salt.as_bytes(), &STANDARD.decode(hash).ok()?), digest)
        }
        ("scrypt", [n, salt, r, p, hash]) => {
            scrypt((decimal(n)?, decimal(r)?, decimal(p)?), derived(salt.as_bytes(), &STANDARD.decode(hash).ok()?))
        }
        ("argon2", _) => phc::read(text.strip_prefix("argon2")?),
        ("bcrypt_sha256", _) => bcrypt(rest, BcryptInput::Sha256),
        ("bcrypt", _) => bcrypt(rest, BcryptInput::Password),
        _ => None,
    }
}

/// `scrypt:n:r:p$salt$hash` or `pbkdf2:digest:iterations$salt$hash`: the salt is text, the hash in hexadecimal digits.
fn werkzeug(text: &str) -> Option<Stored<'static>> {
    let fields: Vec<_> = text.split('$').collect();
    let [method, salt, hash] = fields.as_slice() else { return None };
    let derived = derived(salt.as_bytes(), &hexadecimal(hash)?);
    match method.split(':').collect::<Vec<_>>().as_slice() {
        ["scrypt", n, r, p] => scrypt((decimal(n)?, decimal(r)?, decimal(p)?), derived),
        ["pbkdf2", digest, iterations] => pbkdf2(decimal(iterations)?, derived, Digest::of_pbkdf2(&format!("pbkdf2-{digest}"))?),
        _ => None,
    }
}

/// `$pbkdf2-sha256$iterations$salt$hash`, in base64 with `.` instead of `+`.
fn passlib(text: &str) -> Option<Stored<'static>> {
    let fields: Vec<_> = text.strip_prefix('$')?.split('$').collect();
    let [algorithm, iterations, salt, hash] = fields.as_slice() else { return None };
    let digest = match *algorithm {
        "pbkdf2" => Digest::Sha1,
        name => Digest::of_pbkdf2(name)?,
    };
    let bytes = |text: &str| ANY_PADDING.decode(text.replace('.', "+")).ok();
    pbkdf2(decimal(iterations)?, derived(&bytes(salt)?, &bytes(hash)?), digest)
}

/// base64 of a version, and what that version has: 0 is PBKDF2 with SHA-1 and 1,000 iterations, 16 bytes of salt and 32 of hash; 1
/// has the digest, the iterations and the length of the salt as numbers of four bytes before both.
fn asp_net(text: &str) -> Option<Stored<'static>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (version, rest) = bytes.split_first()?;
    match version {
        0 => {
            let (salt, output) = rest.split_at_checked(16)?;
            (output.len() == 32).then_some(())?;
            pbkdf2(1_000, derived(salt, output), Digest::Sha1)
        }
        1 => {
            let (digest, rest) = number(rest)?;
            let (iterations, rest) = number(rest)?;
            let (length, rest) = number(rest)?;
            let (salt, output) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            let digest = match digest {
                0 => Digest::Sha1,
                1 => Digest::Sha256,
                2 => Digest::Sha512,
                _ => return None,
            };
            (salt.len() >= 16 && output.len() >= 16).then_some(())?; // what its own check requires
            pbkdf2(iterations, derived(salt, output), digest)
        }
        _ => None,
    }
}

/// As `exported` writes it: `ln=..,r=..$signer key$salt and separator$hash`.
fn firebase(rest: &str) -> Option<Stored<'static>> {
    let fields: Vec<_> = rest.split('$').collect();
    let [params, signer_key, salt, hash] = fields.as_slice() else { return None };
    let (log_n, r) = params.strip_prefix("ln=")?.split_once(",r=")?;
    let [signer_key, salt, output] = [signer_key, salt, hash].map(|text| STANDARD.decode(text).ok());
    let (signer_key, derived) = (signer_key?, derived(&salt?, &output?));
    let is_whole = signer_key.len() == derived.output.len() && (16..=128).contains(&signer_key.len());
    is_whole.then_some(())?;
    Some(Stored::FirebaseScrypt { derived, log_n: u8::try_from(decimal(log_n)?).ok()?, r: decimal(r)?, signer_key })
}

/// Bounds that every system keeps; less would match too much, and more would only cost.
fn pbkdf2(iterations: u32, derived: Derived, digest: Digest) -> Option<Stored<'static>> {
    let is_good = (10..=128).contains(&derived.output.len()) && (1..=128).contains(&derived.salt.len());
    is_good.then_some(Stored::Pbkdf2 { derived, iterations, digest })
}

/// The first number is a power of two.
fn scrypt((n, r, p): (u32, u32, u32), derived: Derived) -> Option<Stored<'static>> {
    let is_good = n.is_power_of_two() && (10..=128).contains(&derived.output.len()) && (1..=128).contains(&derived.salt.len());
    is_good.then_some(Stored::Scrypt { derived, log_n: u8::try_from(n.checked_ilog2()?).ok()?, r, p })
}

fn derived(salt: &[u8], output: &[u8]) -> Derived {
    Derived { salt: salt.to_vec(), output: output.to_vec() }
}

fn decimal(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|two| two.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// A number of four bytes, the first of which is the highest.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*first), rest))
}
