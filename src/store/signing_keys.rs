//! The table `signing_keys`. Which key signs follows from the rows alone, so that every process on the database agrees:
//! `jose::keys` decides it.

use diesel::prelude::*;

use super::{
    AnyConnection, Result, dialect,
    error::Error,
    mapping::{Row, time},
    schema::signing_keys,
};
use crate::protocol::values::{algorithm::Algorithm, time::Timestamp};

/// A key as stored.
#[derive(Clone, Debug)]
pub struct SigningKeyRow {
    /// Key id: the thumbprint of the public key (RFC 7638).
    pub kid: String,
    /// JWS algorithm.
    pub algorithm: Algorithm,
    /// The public key, as published.
    pub public_jwk: String,
    /// The private key, sealed.
    pub sealed_key: Vec<u8>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it starts to sign, until a later one does.
    pub signs_from: Timestamp,
}

type Columns = (String, String, String, Vec<u8>, i64, i64);

fn to_value((kid, algorithm, public_jwk, sealed_key, created_at, signs_from): Columns) -> Result<SigningKeyRow> {
    let algorithm = Row { table: "signing_keys", name: &kid }.name("algorithm", Algorithm::from_name(&algorithm))?;
    Ok(SigningKeyRow { kid, algorithm, public_jwk, sealed_key, created_at: time(created_at), signs_from: time(signs_from) })
}

/// Every key, ordered by the time it starts to sign.
///
/// # Errors
/// Database errors.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<SigningKeyRow>> {
    let rows: Vec<Columns> = signing_keys::table.order((signing_keys::signs_from, signing_keys::kid)).load(connection)?;
    rows.into_iter().map(to_value).collect()
}

/// Whether there is no key.
///
/// # Errors
/// Database errors.
pub fn none(connection: &mut AnyConnection) -> Result<bool> {
    Ok(signing_keys::table.select(signing_keys::kid).first::<String>(connection).optional()?.is_none())
}

/// Inserts a key.
///
/// # Errors
/// Database errors.
pub fn insert(connection: &mut AnyConnection, key: &SigningKeyRow) -> Result<()> {
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&key.kid),
            signing_keys::algorithm.eq(key.algorithm.as_str()),
            signing_keys::public_jwk.eq(&key.public_jwk),
            signing_keys::sealed_key.eq(&key.sealed_key),
            signing_keys::created_at.eq(key.created_at.millis()),
            signing_keys::signs_from.eq(key.signs_from.millis()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Inserts the keys that `make` finds missing among the existing ones, while no other process does so.
///
/// # Errors
/// Errors of `make`, or of the database.
pub fn insert_missing<E: From<Error>>(
    connection: &mut AnyConnection,
    make: impl FnOnce(&[SigningKeyRow]) -> std::result::Result<Vec<SigningKeyRow>, E>,
) -> std::result::Result<(), E> {
    dialect::exclusively(connection, |connection| {
        let keys = make(&all(connection)?)?;
        keys.iter().try_for_each(|key| insert(connection, key))?;
        Ok(())
    })
}
