//! The table `used_assertions`: client assertions are good once (RFC 7523 §3), also after a restart. A row stays until
//! its assertion has expired, and a while longer, for clocks that differ or step back.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect::delete_some, error::Error, schema::used_assertions};
use crate::protocol::{
    client_assertion::Assertion,
    time::{Span, Timestamp},
};

/// How much longer than its assertion a row stays.
const MARGIN: Span = Span::from_seconds(600);

/// Uses an assertion; false when it was used before. The primary key decides.
///
/// # Errors
/// The database's.
pub fn insert(connection: &mut AnyConnection, assertion: &Assertion) -> Result<bool> {
    let row = (
        used_assertions::key.eq(assertion.key.as_slice()),
        used_assertions::expires_at.eq(assertion.expires_at.plus(MARGIN).millis()),
    );
    match diesel::insert_into(used_assertions::table).values(row).execute(connection).map_err(Error::from) {
        Ok(_) => Ok(true),
        Err(Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Forgets some of those that have expired, the margin later, at most `limit`; says how many.
///
/// # Errors
/// The database's.
pub fn forget(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    delete_some!(connection, used_assertions, (key: Vec<u8>, expires_at), used_assertions::expires_at.lt(now.millis()), limit)
}
