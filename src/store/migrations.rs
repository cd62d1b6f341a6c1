//! The database migrations, embedded in the binary and run under a lock, so that several processes may start at once.

use diesel::{
    backend::Backend,
    migration::{self, MigrationSource},
    prelude::*,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    AnyConnection, dialect,
    error::{Error, Outage},
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Why the migrations could not be run.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database's error.
    #[error(transparent)]
    Store(#[from] Error),
    /// A migration failed, or the database is newer than this binary.
    #[error("{0}")]
    Failed(String),
}

impl MigrationError {
    /// The database is newer than this binary: it has this migration.
    #[must_use]
    pub fn newer(version: &str) -> Self {
        Self::Failed(format!("the database is newer than this version of symbolon: unknown migration {version}"))
    }
}

impl Outage for MigrationError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

/// Runs the pending migrations; returns their names. Without pending ones it only reads, so that a role that may neither create nor
/// alter tables can serve.
///
/// # Errors
/// [`MigrationError`]; a failed migration is rolled back.
pub fn run(connection: &mut AnyConnection) -> Result<Vec<String>, MigrationError> {
    if state(connection)? == SchemaState::Current {
        return Ok(Vec::new());
    }
    let ran = dialect::exclusively(connection, |connection| {
        // Another process may have run migrations before this one had the lock: its own, or those of a newer version.
        if let SchemaState::Newer(version) = state(connection)? {
            return Err(MigrationError::newer(&version));
        }
        let ran = match connection {
            AnyConnection::Sqlite(sqlite) => run_pending(sqlite, SQLITE),
            AnyConnection::Postgres(postgres) => run_pending(postgres, POSTGRES),
        };
        ran.map_err(|error| MigrationError::Failed(error.to_string()))
    });
    ran.map_err(|error| match error {
        // No fault of the migration: the connection is gone, or the database is a standby that is not promoted yet.
        MigrationError::Failed(why) if !dialect::takes_writes(connection) => Error::Unavailable(why).into(),
        error => error,
    })
}

/// Diesel's own table of applied migrations.
mod ran {
    diesel::table! {
        __diesel_schema_migrations (version) { version -> Text, }
    }
}

/// How the schema of a database stands to this binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// Exactly the migrations of this binary were run.
    Current,
    /// Some of them were not.
    Older,
    /// One was run that this binary does not know; its version.
    Newer(String),
    /// No migration was ever run: there is no installation in it.
    Empty,
}

/// Compares the schema with the migrations of this binary; only reads. The library's own check would create the table that lists the
/// migrations first, which a role may not be allowed to do even where the table exists.
///
/// # Errors
/// [`MigrationError`].
pub fn state(connection: &mut AnyConnection) -> Result<SchemaState, MigrationError> {
    use ran::__diesel_schema_migrations::dsl;
    if !dialect::has_table(connection, "__diesel_schema_migrations")? {
        return Ok(SchemaState::Empty);
    }
    let ran: Vec<String> = dsl::__diesel_schema_migrations.select(dsl::version).load(connection).map_err(Error::from)?;
    let known = match connection {
        AnyConnection::Sqlite(_) => names::<diesel::sqlite::Sqlite>(&SQLITE),
        AnyConnection::Postgres(_) => names::<diesel::pg::Pg>(&POSTGRES),
    };
    let known = known.map_err(|error| MigrationError::Failed(error.to_string()))?;
    Ok(match ran.iter().find(|version| !known.contains(version)) {
        Some(unknown) => SchemaState::Newer(unknown.clone()),
        None if ran.is_empty() => SchemaState::Empty,
        None if ran.len() < known.len() => SchemaState::Older,
        None => SchemaState::Current,
    })
}

/// Whether no migration was ever run.
///
/// # Errors
/// [`MigrationError`].
pub fn is_empty(connection: &mut AnyConnection) -> Result<bool, MigrationError> {
    Ok(state(connection)? == SchemaState::Empty)
}

fn names<DB: Backend>(ours: &EmbeddedMigrations) -> migration::Result<Vec<String>> {
    let known = MigrationSource::<DB>::migrations(ours)?;
    Ok(known.iter().map(|known| known.name().version().to_string()).collect())
}

fn run_pending<DB: Backend>(
    connection: &mut impl MigrationHarness<DB>,
    ours: EmbeddedMigrations,
) -> migration::Result<Vec<String>> {
    Ok(connection.run_pending_migrations(ours)?.iter().map(ToString::to_string).collect())
}

/// Reverts every migration: an empty database again.
///
/// # Errors
/// [`MigrationError`].
#[cfg(feature = "testing")]
pub fn revert_all(connection: &mut AnyConnection) -> Result<(), MigrationError> {
    dialect::exclusively(connection, |connection| {
        let reverted = match connection {
            AnyConnection::Sqlite(sqlite) => sqlite.revert_all_migrations(SQLITE).map(|_| ()),
            AnyConnection::Postgres(postgres) => postgres.revert_all_migrations(POSTGRES).map(|_| ()),
        };
        reverted.map_err(|error| MigrationError::Failed(error.to_string()))
    })
}
