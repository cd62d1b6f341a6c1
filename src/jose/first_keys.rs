//! The first key of an algorithm. Those of the algorithms that every installation has are made at its first start; that of any
//! other is published first and signs later, as every new key does: processes that have not read it yet, and whoever caches the
//! key set, would refuse what it signs. Which clients may be given which algorithm follows from `signs_yet`.

use super::{Error, keys};
use crate::{
    protocol::{
        algorithm::Algorithm,
        secrets::SecretRing,
        time::{Span, Timestamp},
    },
    store::{self, AnyConnection, signing_keys, signing_keys::SigningKeyRow},
};

/// The algorithms of which there are keys from the installation on: what every client understands, and the one that is many times
/// faster.
pub const OF_EVERY_INSTALLATION: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

/// Whether a key of this algorithm has come to sign: only then can a client be given it.
#[must_use]
pub fn signs_yet(rows: &[SigningKeyRow], algorithm: Algorithm, now: Timestamp) -> bool {
    rows.iter().any(|row| row.algorithm == algorithm && row.signs_from <= now)
}

/// Makes the keys of every installation that are missing. In a database without any key they sign at once, as nobody has a key set
/// without them. Otherwise the key of the default algorithm signs at once all the same, because there is no server without one;
/// others sign after `lead`.
///
/// # Errors
/// [`Error`], or the database's.
pub fn make<E: From<store::Error> + From<Error>>(
    connection: &mut AnyConnection,
    secrets: &SecretRing,
    now: Timestamp,
    lead: Span,
) -> Result<(), E> {
    if missing(&signing_keys::all(connection)?).next().is_none() {
        return Ok(()); // without waiting for others who look
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
