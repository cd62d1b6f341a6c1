//! The table `meta`: facts about the database as a whole.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::{self, on_either},
    error::Error,
    mapping::time,
    schema::meta,
};
use crate::protocol::values::time::Timestamp;

/// The issuer this database was first started with.
const ISSUER: &str = "issuer";
/// When all addresses were first found normalized, in milliseconds.
const SPELLINGS: &str = "email_spellings";

/// Stores the issuer at the first start, and returns the stored one from then on.
///
/// # Errors
/// Database errors.
pub fn freeze_issuer(connection: &mut AnyConnection, issuer: &str) -> Result<String> {
    let frozen =
        |connection: &mut AnyConnection| meta::table.find(ISSUER).select(meta::value).get_result::<String>(connection).optional();
    if let Some(frozen) = frozen(connection)? {
        return Ok(frozen);
    }
    let inserted = diesel::insert_into(meta::table).values((meta::name.eq(ISSUER), meta::value.eq(issuer))).execute(connection);
    match inserted.map_err(Error::from) {
        Ok(_) => Ok(issuer.to_owned()),
        // Another process was first.
        Err(Error::Conflict(_)) => frozen(connection)?.ok_or_else(|| Error::corrupt("meta", "value", ISSUER)),
        Err(error) => Err(error),
    }
}

/// When all e-mail addresses were first found normalized; `None` before. Written by `spellings`.
///
/// # Errors
/// Database errors.
pub(super) fn spellings_rewritten(connection: &mut AnyConnection) -> Result<Option<Timestamp>> {
    let found = meta::table.find(SPELLINGS).select(meta::value).get_result::<String>(connection).optional()?;
    Ok(found.and_then(|value| value.parse().ok()).map(time))
}

/// Records that this is so since `at`, or that it is not.
pub(super) fn note_spellings_rewritten(connection: &mut AnyConnection, at: Option<Timestamp>) -> Result<()> {
    let Some(at) = at else {
        diesel::delete(meta::table.find(SPELLINGS)).execute(connection)?;
        return Ok(());
    };
    let value = at.millis().to_string();
    let row = (meta::name.eq(SPELLINGS), meta::value.eq(&value));
    on_either!(connection, one => {
        diesel::insert_into(meta::table).values(row).on_conflict(meta::name).do_update().set(meta::value.eq(&value)).execute(one)
    })?;
    Ok(())
}

/// Checks that the database accepts writes, on its own disk: without waiting for an absent standby.
///
/// # Errors
/// Database errors.
pub fn write(connection: &mut AnyConnection) -> Result<()> {
    dialect::together(connection, |connection| {
        dialect::wait_for_no_standby(connection)?;
        diesel::update(meta::table.find(ISSUER)).set(meta::value.eq(meta::value)).execute(connection)?;
        Ok(())
    })
}

/// Checks in one round trip that the database responds and has our tables.
///
/// # Errors
/// Database errors.
pub fn ping(connection: &mut AnyConnection) -> Result<()> {
    meta::table.find(ISSUER).select(meta::name).get_result::<String>(connection).optional()?;
    Ok(())
}
