//! The table `used_assertions`: client assertions are valid once (RFC 7523 §3), also across restarts, and so are the challenges of
//! passkeys (Web Authentication Level 3 §13.4.3). A row is kept until its assertion has expired, plus a margin for clocks that differ or are set back.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect::delete_some, error::Error, schema::used_assertions};
use crate::protocol::{
    oauth::client_assertion::Assertion,
    values::time::{Span, Timestamp},
};

/// How much longer than its assertion a row is kept.
const MARGIN: Span = Span::from_seconds(600);

/// Uses an assertion; false if it was used before. The primary key decides.
///
/// # Errors
/// Database errors.
pub fn insert(connection: &mut AnyConnection, assertion: &Assertion) -> Result<bool> {
    use_up(connection, &assertion.key, assertion.expires_at)
}

/// Uses up what has this key and expires then; false if it was used before.
///
/// # Errors
/// Database errors.
pub fn use_up(connection: &mut AnyConnection, key: &[u8], expires_at: Timestamp) -> Result<bool> {
    let row = (used_assertions::key.eq(key), used_assertions::expires_at.eq(expires_at.plus(MARGIN).millis()));
    match diesel::insert_into(used_assertions::table).values(row).execute(connection).map_err(Error::from) {
        Ok(_) => Ok(true),
        Err(Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes rows whose assertion expired longer ago than the margin, at most `limit`; returns how many.
///
/// # Errors
/// Database errors.
pub fn forget(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    delete_some!(connection, used_assertions, (key: Vec<u8>, expires_at), used_assertions::expires_at.lt(now.millis()), limit)
}
