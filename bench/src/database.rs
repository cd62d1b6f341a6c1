//! The databases of a run: a separate one for each number of grants, created, migrated by the program itself, filled (`fill`) and
//! removed. `Database` is a diesel connection to either kind, for statements that the server has no need of.

use std::path::{Path, PathBuf};

use diesel::{Connection as _, PgConnection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query, sql_types};

use crate::{
    process,
    trouble::{Result, Trouble},
};

/// The kind of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL, a separate server.
    Postgres,
    /// SQLite, inside the program.
    Sqlite,
}

impl Kind {
    /// The display name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

/// A connection for the benchmark's own statements.
pub enum Database {
    /// To PostgreSQL.
    Postgres(PgConnection),
    /// To a file.
    Sqlite(SqliteConnection),
}

#[derive(diesel::QueryableByName)]
struct TextRow {
    #[diesel(sql_type = sql_types::Text)]
    value: String,
}

impl Database {
    /// Connects to the database of a URL in the configuration's format.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn connect(url: &str) -> Result<Self> {
        Ok(match url.strip_prefix("sqlite:") {
            Some(path) => Self::Sqlite(SqliteConnection::establish(path)?),
            None => Self::Postgres(PgConnection::establish(url)?),
        })
    }

    /// The kind of the database.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Postgres(_) => Kind::Postgres,
            Self::Sqlite(_) => Kind::Sqlite,
        }
    }

    /// Runs statements.
    ///
    /// # Errors
    /// When the database fails.
    pub fn run(&mut self, statements: &str) -> Result<()> {
        let ran = match self {
            Self::Postgres(connection) => connection.batch_execute(statements),
            Self::Sqlite(connection) => connection.batch_execute(statements),
        };
        ran.map_err(|error| Trouble::while_doing(statements.lines().next().unwrap_or_default(), &error))
    }

    /// The texts that a statement selects as `value`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn texts(&mut self, statement: &str) -> Result<Vec<String>> {
        let rows: Vec<TextRow> = match self {
            Self::Postgres(connection) => sql_query(statement).load(connection)?,
            Self::Sqlite(connection) => sql_query(statement).load(connection)?,
        };
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// The first of these texts.
    ///
    /// # Errors
    /// When the database fails, or there is none.
    pub fn text(&mut self, statement: &str) -> Result<String> {
        self.texts(statement)?.into_iter().next().ok_or_else(|| Trouble::new(format!("no row: {statement}")))
    }
}

/// The location of new databases.
#[derive(Clone, Debug)]
pub struct Place {
    /// The URL of a superuser's database in a throwaway PostgreSQL.
    pub postgres: String,
    /// A directory on disk.
    pub folder: PathBuf,
}

impl Place {
    /// Creates an empty database of this kind; returns its URL.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn make(&self, kind: Kind, name: &str) -> Result<String> {
        match kind {
            Kind::Postgres => {
                Database::connect(&self.postgres)?.run(&format!("CREATE DATABASE {name}"))?;
                let (server, _) = self.postgres.rsplit_once('/').ok_or_else(|| Trouble::new("the URL names no database"))?;
                Ok(format!("{server}/{name}"))
            }
            Kind::Sqlite => Ok(format!("sqlite:{}", self.file(name).display())),
        }
    }

    /// Removes a database.
    ///
    /// # Errors
    /// When it is in use.
    pub fn remove(&self, kind: Kind, name: &str) -> Result<()> {
        match kind {
            Kind::Postgres => Database::connect(&self.postgres)?.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")),
            Kind::Sqlite => {
                for beside in ["", "-wal", "-shm"] {
                    remove(&PathBuf::from(format!("{}{beside}", self.file(name).display())))?;
                }
                Ok(())
            }
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.db"))
    }

    /// PostgreSQL's version, and the process id of its postmaster.
    ///
    /// # Errors
    /// When it cannot be queried.
    pub fn about_postgres(&self) -> Result<(String, u32)> {
        let mut database = Database::connect(&self.postgres)?;
        let version = database.text("SELECT split_part(current_setting('server_version'), ' ', 1) AS value")?;
        let ours: u32 = database.text("SELECT CAST(pg_backend_pid() AS TEXT) AS value")?.parse()?;
        let first = process::parent(ours).ok_or_else(|| Trouble::new("PostgreSQL runs elsewhere"))?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = database.text(&format!("SELECT current_setting('{setting}') AS value"))?;
            if value != "on" {
                return Err(Trouble::new(format!("PostgreSQL must be durable: expected {setting} = on, found {value}")));
            }
        }
        Ok((version, first))
    }
}

fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
