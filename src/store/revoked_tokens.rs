//! The table `revoked_tokens`: access tokens that were revoked by themselves (RFC 7009 §2.1), by `jti`, until they have
//! expired. What ends with its grant is not here: its grant tells.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect::delete_some, error::Error, schema::revoked_tokens, write_queue};
use crate::protocol::time::Timestamp;

/// Revokes a token; one that was revoked before stays so.
///
/// # Errors
/// The database's.
pub fn insert(connection: &mut AnyConnection, jti: &str, expires_at: Timestamp) -> Result<()> {
    let row = (revoked_tokens::jti.eq(jti), revoked_tokens::expires_at.eq(expires_at.millis()));
    match write_queue::alone(|| diesel::insert_into(revoked_tokens::table).values(row).execute(connection)).map_err(Error::from) {
        Ok(_) | Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a token was revoked by itself.
///
/// # Errors
/// The database's.
pub fn contains(connection: &mut AnyConnection, jti: &str) -> Result<bool> {
    Ok(revoked_tokens::table.find(jti).select(revoked_tokens::jti).get_result::<String>(connection).optional()?.is_some())
}

/// Forgets some of those that have expired, at most `limit`; says how many.
///
/// # Errors
/// The database's.
pub fn forget(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    delete_some!(connection, revoked_tokens, (jti: String, expires_at), revoked_tokens::expires_at.lt(now.millis()), limit)
}
