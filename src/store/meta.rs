//! The table `meta`: facts about the database as a whole.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::{self, on_either},
    error::Error,
    mapping::time,
    schema::meta,
};
use crate::protocol::time::Timestamp;

/// The issuer this database was first started with.
const ISSUER: &str = "issuer";
/// When every address was found in its one spelling for the first time, in milliseconds.
const SPELLINGS: &str = "email_spellings";

/// Freezes the issuer at the first start and returns the frozen one from then on.
///
/// # Errors
/// The database's.
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

/// When every e-mail address was found in its one spelling for the first time; `None` before. `spellings` writes it.
///
/// # Errors
/// The database's.
pub(super) fn spellings_rewritten(connection: &mut AnyConnection) -> Result<Option<Timestamp>> {
    let found = meta::table.find(SPELLINGS).select(meta::value).get_result::<String>(connection).optional()?;
    Ok(found.and_then(|value| value.parse().ok()).map(time))
}

/// Notes that it is so now, or that it is not.
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

/// Shows that the database takes writes, on its own disk: a standby that is away is not waited for.
///
/// # Errors
/// The database's.
pub fn write(connection: &mut AnyConnection) -> Result<()> {
    dialect::together(connection, |connection| {
        dialect::wait_for_no_standby(connection)?;
        diesel::update(meta::table.find(ISSUER)).set(meta::value.eq(meta::value)).execute(connection)?;
        Ok(())
    })
}

/// One round trip that shows that the database answers and has our tables.
///
/// # Errors
/// The database's.
pub fn ping(connection: &mut AnyConnection) -> Result<()> {
    meta::table.find(ISSUER).select(meta::name).get_result::<String>(connection).optional()?;
    Ok(())
}
