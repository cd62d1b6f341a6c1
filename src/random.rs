//! The only source of randomness: identifiers, client secrets, cookies of unknown browsers. From the thread's cryptographically
//! secure generator, which the operating system seeds.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::protocol::{
    secrets::sensitive::Sensitive,
    values::{id::Id, time::Timestamp},
};

/// `N` random bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    rand::random()
}

/// A uniformly distributed number below `limit`, which is not zero.
#[must_use]
pub fn below(limit: usize) -> usize {
    rand::random_range(0..limit.max(1))
}

/// A new identifier.
#[must_use]
pub fn id(now: Timestamp) -> Id {
    Id::new(now, bytes())
}

/// 256 random bits as 43 base64url characters.
#[must_use]
pub fn text() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// A pairwise subject (OpenID Connect Core §8.1): 256 random bits, with a prefix that distinguishes it from a user's id.
#[must_use]
pub fn subject() -> String {
    format!("p.{}", text())
}

/// A client secret: 256 random bits, with a prefix for secret scanners.
#[must_use]
pub fn client_secret() -> Sensitive<String> {
    Sensitive::new(format!("sym_cs_{}", text()))
}
