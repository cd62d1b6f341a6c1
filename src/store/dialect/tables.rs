//! The catalogue of tables, which each database keeps in its own way.

use diesel::{
    QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::{BigInt, Text},
};

use super::super::{any_connection::AnyConnection, error::Error};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Whether a table of this name exists.
///
/// # Errors
/// The database's.
pub fn has_table(connection: &mut AnyConnection, name: &str) -> Result<bool, Error> {
    const SQLITE: &str = "SELECT count(*) AS count FROM sqlite_master WHERE type = 'table' AND name = ?";
    const POSTGRES: &str = "SELECT count(*) AS count FROM pg_class WHERE oid = to_regclass($1)";
    let found: Found = match connection {
        AnyConnection::Sqlite(sqlite) => sql_query(SQLITE).bind::<Text, _>(name).get_result(sqlite)?,
        AnyConnection::Postgres(postgres) => sql_query(POSTGRES).bind::<Text, _>(name).get_result(postgres)?,
    };
    Ok(found.count > 0)
}
