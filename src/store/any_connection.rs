//! One connection type for both databases.

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// SQLite, in this process.
    Sqlite(diesel::SqliteConnection),
    /// PostgreSQL, a separate server.
    Postgres(diesel::PgConnection),
}
