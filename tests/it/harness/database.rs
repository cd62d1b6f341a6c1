//! A database of its own for each test: a file for SQLite, a new database in the cluster of `tests/run` for PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{Connection, RunQueryDsl};
use tempfile::TempDir;

/// A database, removed on drop.
pub struct Database {
    /// The kind of database.
    pub name: &'static str,
    /// Its URL.
    pub url: String,
    _directory: Option<TempDir>,
    /// For a database in the test cluster: the cluster's URL, and its name there.
    in_cluster: Option<(String, String)>,
}

/// One of each.
pub fn databases() -> Vec<Database> {
    symbolon::testing::jose::begin(); // as the program does, before anyone connects
    vec![Database::sqlite(), Database::postgres()]
}

impl Database {
    /// A file in a new directory.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        Self { name: "sqlite", url, _directory: Some(directory), in_cluster: None }
    }

    /// An existing database, which is not removed.
    pub fn at(name: &'static str, url: &str) -> Self {
        Self { name, url: url.to_owned(), _directory: None, in_cluster: None }
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
        let url = format!("{server}/{name}");
        Self { name: "postgres", url, _directory: None, in_cluster: Some((cluster, name)) }
    }
}

impl Drop for Database {
    /// Some thousand databases of all tests would fill a small disk. Remaining connections are terminated: they belong to a server
    /// that is about to end. Failures are ignored, as a test may be failing already.
    fn drop(&mut self) {
        let Some((cluster, name)) = &self.in_cluster else { return };
        let dropped = diesel::PgConnection::establish(cluster).map(|mut connection| {
            diesel::sql_query(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).execute(&mut connection)
        });
        if !matches!(dropped, Ok(Ok(_))) {
            eprintln!("the database {name} stays: {dropped:?}");
        }
    }
}
