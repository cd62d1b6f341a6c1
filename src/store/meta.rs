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
/// The fingerprints of the server secrets with which a server was last started.
const SECRETS: &str = "server_secrets";
/// When all addresses were first found normalized, in milliseconds.
const SPELLINGS: &str = "email_spellings";

/// The issuer, if a server was started on this database before.
///
/// # Errors
/// Database errors.
pub fn issuer(connection: &mut AnyConnection) -> Result<Option<String>> {
    value(connection, ISSUER)
}

/// The fingerprints of the server secrets with which a server was last started, if they were recorded.
///
/// # Errors
/// Database errors.
pub fn secrets(connection: &mut AnyConnection) -> Result<Option<Vec<String>>> {
    Ok(value(connection, SECRETS)?.map(|text| text.split(' ').map(str::to_owned).collect()))
}

/// Records these fingerprints in the place of `before`, unless another process has changed them since; returns whether they were
/// recorded.
///
/// # Errors
/// Database errors.
pub fn record_secrets(connection: &mut AnyConnection, before: Option<&[String]>, fingerprints: &[String]) -> Result<bool> {
    let fingerprints = fingerprints.join(" ");
    let Some(before) = before else {
        let row = (meta::name.eq(SECRETS), meta::value.eq(&fingerprints));
        return match diesel::insert_into(meta::table).values(row).execute(connection).map_err(Error::from) {
            Ok(_) => Ok(true),
            Err(Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        };
    };
    let recorded = meta::table.find(SECRETS).filter(meta::value.eq(before.join(" ")));
    Ok(diesel::update(recorded).set(meta::value.eq(&fingerprints)).execute(connection)? == 1)
}

fn value(connection: &mut AnyConnection, name: &str) -> Result<Option<String>> {
    Ok(meta::table.find(name).select(meta::value).get_result::<String>(connection).optional()?)
}

/// Stores the issuer at the first start, and returns the stored one from then on.
///
/// # Errors
/// Database errors.
pub fn freeze_issuer(connection: &mut AnyConnection, issuer: &str) -> Result<String> {
    if let Some(frozen) = self::issuer(connection)? {
        return Ok(frozen);
    }
    let inserted = diesel::insert_into(meta::table).values((meta::name.eq(ISSUER), meta::value.eq(issuer))).execute(connection);
    match inserted.map_err(Error::from) {
        Ok(_) => Ok(issuer.to_owned()),
        // Another process was first.
        Err(Error::Conflict(_)) => self::issuer(connection)?.ok_or_else(|| Error::corrupt("meta", "value", ISSUER)),
        Err(error) => Err(error),
    }
}

/// When all e-mail addresses were first found normalized; `None` before. Written by `spellings`.
///
/// # Errors
/// Database errors.
pub(super) fn spellings_rewritten(connection: &mut AnyConnection) -> Result<Option<Timestamp>> {
    Ok(value(connection, SPELLINGS)?.and_then(|value| value.parse().ok()).map(time))
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
