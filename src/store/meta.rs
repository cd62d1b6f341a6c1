//! The table `meta`: facts about the database as a whole.

use diesel::prelude::*;

use super::{AnyConnection, Result, dialect, error::Error, schema::meta};

/// The issuer this database was first started with.
const ISSUER: &str = "issuer";

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
