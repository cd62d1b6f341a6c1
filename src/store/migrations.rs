//! The migrations inside the binary, run under a lock, so that several processes may start at once.

use diesel::{
    backend::Backend,
    migration::{self, MigrationSource, MigrationVersion},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    AnyConnection, dialect,
    error::{Error, Outage},
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Why the migrations could not be run.
#[derive(Debug)]
pub enum MigrationError {
    /// The database's error.
    Store(Error),
    /// A migration failed, or the database is newer than this binary.
    Failed(String),
}

impl From<Error> for MigrationError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Outage for MigrationError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

impl std::fmt::Display for MigrationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Failed(text) => f.write_str(text),
        }
    }
}

/// Runs what has not been run yet; returns the names of what it ran.
///
/// # Errors
/// [`MigrationError`]; nothing of the failed migration is kept.
pub fn run(connection: &mut AnyConnection) -> Result<Vec<String>, MigrationError> {
    dialect::exclusively(connection, |connection| {
        let ran = match connection {
            AnyConnection::Sqlite(sqlite) => run_pending(sqlite, SQLITE),
            AnyConnection::Postgres(postgres) => run_pending(postgres, POSTGRES),
        };
        ran.map_err(|error| MigrationError::Failed(error.to_string()))
    })
}

fn run_pending<DB: Backend>(
    connection: &mut impl MigrationHarness<DB>,
    ours: EmbeddedMigrations,
) -> migration::Result<Vec<String>> {
    let known = MigrationSource::<DB>::migrations(&ours)?;
    let is_unknown = |version: &MigrationVersion<'_>| known.iter().all(|known| known.name().version() != *version);
    if let Some(version) = connection.applied_migrations()?.into_iter().find(is_unknown) {
        return Err(format!("the database is newer than this program, which does not know its migration {version}").into());
    }
    Ok(connection.run_pending_migrations(ours)?.iter().map(ToString::to_string).collect())
}

/// Undoes every migration: an empty database again.
///
/// # Errors
/// [`MigrationError`].
pub fn revert_all(connection: &mut AnyConnection) -> Result<(), MigrationError> {
    dialect::exclusively(connection, |connection| {
        let reverted = match connection {
            AnyConnection::Sqlite(sqlite) => sqlite.revert_all_migrations(SQLITE).map(|_| ()),
            AnyConnection::Postgres(postgres) => postgres.revert_all_migrations(POSTGRES).map(|_| ()),
        };
        reverted.map_err(|error| MigrationError::Failed(error.to_string()))
    })
}
