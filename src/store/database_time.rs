//! What the database's own clock says: that of PostgreSQL's machine; with SQLite, which has none, that of this one. For comparison
//! alone: the times that are written are made in Rust.

use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::{AnyConnection, Result, mapping::time};
use crate::protocol::time::Timestamp;

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    millis: i64,
}

/// The time by the database's clock.
///
/// # Errors
/// The database's.
pub fn now(connection: &mut AnyConnection) -> Result<Timestamp> {
    let expression = match connection {
        AnyConnection::Sqlite(_) => "ROUND((julianday('now') - 2440587.5) * 86400000)",
        AnyConnection::Postgres(_) => "EXTRACT(EPOCH FROM clock_timestamp()) * 1000",
    };
    let read = sql_query(format!("SELECT CAST({expression} AS BIGINT) AS millis")).get_result::<Now>(connection)?;
    Ok(time(read.millis))
}
