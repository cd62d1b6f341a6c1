//! A database of one's own for each test: a file for SQLite, a new database in the cluster of `tests/run` for
//! PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{Connection, RunQueryDsl};
use tempfile::TempDir;

/// A database, gone with its value.
pub struct Database {
    /// Which of the two.
    pub name: &'static str,
    /// Its URL.
    pub url: String,
    _directory: Option<TempDir>,
}

/// One of each.
pub fn databases() -> Vec<Database> {
    symbolon::jose::begin(); // as the program does, before anyone connects
    vec![Database::sqlite(), Database::postgres()]
}

impl Database {
    /// A file in a new directory.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        Self { name: "sqlite", url, _directory: Some(directory) }
    }

    /// One that is there already, and stays.
    pub fn at(name: &'static str, url: &str) -> Self {
        Self { name, url: url.to_owned(), _directory: None }
    }

    /// A new database in the test cluster.
    pub fn postgres() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let cluster = std::env::var("SYMBOLON_TEST_POSTGRES")
            .expect("SYMBOLON_TEST_POSTGRES is not set: run the tests by ./tests/run, which starts a PostgreSQL");
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = diesel::PgConnection::establish(&cluster).expect("the test cluster answers");
        diesel::sql_query(format!("CREATE DATABASE {name}")).execute(&mut connection).unwrap();
        let (server, _) = cluster.rsplit_once('/').unwrap();
        Self { name: "postgres", url: format!("{server}/{name}"), _directory: None }
    }
}
