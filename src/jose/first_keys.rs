//! The first key of an algorithm. Those of the default algorithms are generated at an installation's first start; that of any other
//! is published first and signs later, as every new key does: processes that have not read it yet, and clients that cache the key
//! set, would reject what it signs. `signs_yet` tells which algorithms a client may be set to.

use super::{Error, keys};
use crate::{
    protocol::{
        secrets::SecretRing,
        values::{
            algorithm::Algorithm,
            time::{Span, Timestamp},
        },
    },
    store::{
        self, AnyConnection,
        signing_keys::{self, SigningKeyRow},
    },
};

/// The algorithms with keys in every installation: the one supported by every client, and the one that is many times faster.
pub const OF_EVERY_INSTALLATION: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

/// Whether a key of this algorithm is signing yet: only then may a client be set to it.
#[must_use]
pub fn signs_yet(rows: &[SigningKeyRow], algorithm: Algorithm, now: Timestamp) -> bool {
    rows.iter().any(|row| row.algorithm == algorithm && row.signs_from <= now)
}

/// Generates the missing keys of the default algorithms. In a database without any key they sign at once, as nobody has cached a
/// key set without them. Otherwise the key of the default algorithm signs at once nonetheless, because a server must have one;
/// others sign after `lead`.
///
/// # Errors
/// [`Error`], or database errors.
pub fn make<E: From<store::Error> + From<Error>>(
    connection: &mut AnyConnection,
    secrets: &SecretRing,
    now: Timestamp,
    lead: Span,
) -> Result<(), E> {
    if missing(&signing_keys::all(connection)?).next().is_none() {
        return Ok(()); // without waiting for other processes that check
    }
    signing_keys::insert_missing(connection, |rows| {
        let signs_from = |algorithm| match rows {
            _ if algorithm == Algorithm::default() => now,
            [] => now,
            _ => now.plus(lead),
        };
        let made = missing(rows).map(|algorithm| keys::generate(secrets, algorithm, now, signs_from(algorithm)));
        Ok(made.collect::<Result<_, _>>()?)
    })
}

fn missing(rows: &[SigningKeyRow]) -> impl Iterator<Item = Algorithm> {
    OF_EVERY_INSTALLATION.into_iter().filter(|algorithm| rows.iter().all(|row| row.algorithm != *algorithm))
}
