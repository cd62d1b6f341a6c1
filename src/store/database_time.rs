//! What the database's own clock says: that of PostgreSQL's machine; with SQLite, which has none, that of this one. Here for
//! comparison; a time that a statement writes by it is `dialect::Clock`.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::{Clock, on_either},
    mapping::time,
};
use crate::protocol::time::Timestamp;

/// The time by the database's clock.
///
/// # Errors
/// The database's.
pub fn now(connection: &mut AnyConnection) -> Result<Timestamp> {
    let millis: i64 = on_either!(connection, one => diesel::select(Clock).get_result(one))?;
    Ok(time(millis))
}
