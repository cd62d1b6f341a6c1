//! The database's own clock: that of PostgreSQL's host; for SQLite, which has none, that of this one. It is read here for
//! comparison; for times written by a statement see `dialect::Clock`.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::{Clock, on_either},
    mapping::time,
};
use crate::protocol::values::time::Timestamp;

/// The current time by the database's clock.
///
/// # Errors
/// Database errors.
pub fn now(connection: &mut AnyConnection) -> Result<Timestamp> {
    let millis: i64 = on_either!(connection, one => diesel::select(Clock).get_result(one))?;
    Ok(time(millis))
}
