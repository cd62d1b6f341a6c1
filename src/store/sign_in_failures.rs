//! The table `sign_in_failures`: attempts that did not succeed (yet), by account and by address. An attempt
//! is counted before the password is looked at, by a compare-and-swap, so that parallel ones do not slip by;
//! success takes it back. The keys are hashes made by `people::throttle`, which also says how long to wait.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect::delete_some, error::Error, schema::sign_in_failures};
use crate::protocol::time::{Span, Timestamp};

/// For how long a count that does not change is kept: beyond what `people::throttle` remembers by any of its slopes, and its
/// longest wait.
pub const KEPT: Span = Span::from_seconds(86_400 + 3_600);

/// What has been counted under one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Attempts without success.
    pub failures: i64,
    /// When the last one was, in milliseconds.
    pub last_at: i64,
    /// Before when no other is taken, in milliseconds.
    pub next_at: i64,
}

/// The count under `key`; none is zero.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut AnyConnection, key: &[u8]) -> Result<Option<Count>> {
    let found = sign_in_failures::table
        .find(key)
        .select((sign_in_failures::failures, sign_in_failures::last_at, sign_in_failures::next_at))
        .get_result::<(i64, i64, i64)>(connection)
        .optional()?;
    Ok(found.map(|(failures, last_at, next_at)| Count { failures, last_at, next_at }))
}

/// Replaces the count `before` (none: no row) by `after`; false when it was changed meanwhile.
///
/// # Errors
/// The database's.
pub fn replace(connection: &mut AnyConnection, key: &[u8], before: Option<Count>, after: Count) -> Result<bool> {
    let values = (
        sign_in_failures::failures.eq(after.failures),
        sign_in_failures::last_at.eq(after.last_at),
        sign_in_failures::next_at.eq(after.next_at),
    );
    let Some(before) = before else {
        let row = (sign_in_failures::key.eq(key), values.0, values.1, values.2);
        return match diesel::insert_into(sign_in_failures::table).values(row).execute(connection).map_err(Error::from) {
            Ok(_) => Ok(true),
            Err(Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        };
    };
    let row = sign_in_failures::table
        .find(key)
        .filter(sign_in_failures::failures.eq(before.failures))
        .filter(sign_in_failures::last_at.eq(before.last_at));
    Ok(diesel::update(row).set(values).execute(connection)? == 1)
}

/// Forgets the count under `key`.
///
/// # Errors
/// The database's.
pub fn clear(connection: &mut AnyConnection, key: &[u8]) -> Result<()> {
    diesel::delete(sign_in_failures::table.find(key)).execute(connection)?;
    Ok(())
}

/// Takes one attempt back, after it succeeded.
///
/// # Errors
/// The database's.
pub fn take_back(connection: &mut AnyConnection, key: &[u8], now: Timestamp) -> Result<()> {
    diesel::update(sign_in_failures::table.find(key).filter(sign_in_failures::failures.gt(0)))
        .set((sign_in_failures::failures.eq(sign_in_failures::failures - 1), sign_in_failures::next_at.eq(now.millis())))
        .execute(connection)?;
    Ok(())
}

/// Forgets some of the counts that have not changed for longer than [`KEPT`], at most `limit`; says how many.
///
/// # Errors
/// The database's.
pub fn forget(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    let before = now.millis() - KEPT.millis();
    delete_some!(connection, sign_in_failures, (key: Vec<u8>, last_at), sign_in_failures::last_at.lt(before), limit)
}
