//! The portable hashes of phpass, which `WordPress`, phpBB and others used: MD5 over salt and password, and then again and again over
//! the result and the password. Written here, because the one library for it is no longer maintained.

use md5::{Digest, Md5};

use super::{Derived, Stored};

/// The digits of its own base64, which is little-endian.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Reads `$P$` or `$H$`, a digit with the cost, eight characters of salt, and twenty-two digits.
pub fn read(text: &str) -> Option<Stored<'static>> {
    let rest = text.strip_prefix("$P$").or_else(|| text.strip_prefix("$H$"))?.as_bytes();
    let (cost, rest) = rest.split_first()?;
    let (salt, hash) = rest.split_at_checked(8)?;
    let output = decode(hash)?;
    let is_plain = salt.iter().all(u8::is_ascii_graphic) && hash.len() == 22 && output.len() == 16;
    is_plain.then_some(Stored::Phpass { derived: Derived { salt: salt.to_vec(), output }, cost: digit(*cost)? })
}

/// The hash of a password, with two to the power of `cost` rounds.
pub fn hash(password: &[u8], salt: &[u8], cost: u32) -> [u8; 16] {
    let mut hash = Md5::new().chain_update(salt).chain_update(password).finalize();
    for _ in 0..1_u64.checked_shl(cost).unwrap_or_default() {
        hash = Md5::new().chain_update(hash).chain_update(password).finalize();
    }
    hash.into()
}

fn digit(byte: u8) -> Option<u32> {
    DIGITS.iter().position(|digit| *digit == byte).and_then(|at| u32::try_from(at).ok())
}

/// Four digits are three bytes; of the last group, two are one byte. Bits beyond the bytes must be zero.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in text.chunks(4) {
        let mut value = 0_u32;
        for (at, byte) in group.iter().enumerate() {
            value |= digit(*byte)? << (6 * at);
        }
        let count = group.len() * 6 / 8;
        let (kept, rest) = value.to_le_bytes().split_at_checked(count).map(|(kept, rest)| (kept.to_vec(), rest.to_vec()))?;
        rest.iter().all(|byte| *byte == 0).then_some(())?;
        bytes.extend(kept);
    }
    Some(bytes)
}
