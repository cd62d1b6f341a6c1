//! The table `revoked_tokens`: individually revoked access tokens (RFC 7009 §2.1), by `jti`, until they expire. Tokens that end
//! with their grant are not here: the grant's row tells.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect::delete_some, error::Error, schema::revoked_tokens, write_queue};
use crate::protocol::values::time::Timestamp;

/// Revokes a token; an already revoked one stays revoked.
///
/// # Errors
/// Database errors.
pub fn insert(connection: &mut AnyConnection, jti: &str, expires_at: Timestamp) -> Result<()> {
    let row = (revoked_tokens::jti.eq(jti), revoked_tokens::expires_at.eq(expires_at.millis()));
    match write_queue::alone(|| diesel::insert_into(revoked_tokens::table).values(row).execute(connection)).map_err(Error::from) {
        Ok(_) | Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a token was revoked individually.
///
/// # Errors
/// Database errors.
pub fn contains(connection: &mut AnyConnection, jti: &str) -> Result<bool> {
    Ok(revoked_tokens::table.find(jti).select(revoked_tokens::jti).get_result::<String>(connection).optional()?.is_some())
}

/// Deletes expired ones, at most `limit`; returns how many.
///
/// # Errors
/// Database errors.
pub fn forget(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    delete_some!(connection, revoked_tokens, (jti: String, expires_at), revoked_tokens::expires_at.lt(now.millis()), limit)
}
