//! A separate PostgreSQL cluster, which may be stopped, killed, suspended, and followed by a standby.

use std::process::Command;

use diesel::{Connection, connection::SimpleConnection};
use tempfile::TempDir;

use super::wait_until;

/// A cluster; stopped and removed on drop.
pub struct Cluster {
    /// Its directory.
    pub directory: TempDir,
    /// A superuser's URL.
    pub url: String,
    variables: Vec<(&'static str, String)>,
}

impl Cluster {
    /// Starts a cluster whose commits do not wait for the disk.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`Cluster::start`], with these environment variables.
    pub fn start_with(variables: &[(&'static str, &str)]) -> Self {
        Self::start_by("start", &[], variables)
    }

    /// As [`Cluster::start`], with support for standbys and synchronous replication.
    pub fn start_replicated() -> Self {
        Self::start_by("replicated", &[], &[])
    }

    /// A standby that follows this cluster.
    pub fn standby(&self) -> Self {
        Self::start_by("standby", &[&self.directory.path().display().to_string()], &[])
    }

    fn start_by(verb: &str, more: &[&str], variables: &[(&'static str, &str)]) -> Self {
        let directory = tempfile::Builder::new().prefix("symbolon-cluster.").tempdir().unwrap();
        let mut cluster = Self {
            directory,
            url: String::new(),
            variables: variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        };
        cluster.url = cluster.script(verb, more);
        cluster
    }

    /// Runs a verb of `tests/setup/postgres.sh`; returns its output.
    pub fn run(&self, verb: &str) -> String {
        self.script(verb, &[])
    }

    fn script(&self, verb: &str, more: &[&str]) -> String {
        let script =
            std::env::var("SYMBOLON_TEST_POSTGRES_SCRIPT").expect("SYMBOLON_TEST_POSTGRES_SCRIPT is not set: use ./tests/run");
        let mut command = Command::new(script);
        command.arg(verb).arg(self.directory.path()).args(more).envs(self.variables.iter().map(|(name, value)| (*name, value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Executes a statement.
    pub fn execute(&self, statement: &str) {
        diesel::PgConnection::establish(&self.url).unwrap().batch_execute(statement).unwrap();
    }

    /// Sets a parameter of the whole cluster.
    pub fn set(&self, name: &str, value: &str) {
        let mut connection = diesel::PgConnection::establish(&self.url).unwrap();
        connection.batch_execute("SET default_transaction_read_only = off").unwrap();
        connection.batch_execute(&format!("ALTER SYSTEM SET {name} = '{value}'")).unwrap();
        connection.batch_execute("SELECT pg_reload_conf()").unwrap();
    }

    /// The process id of the postmaster.
    fn pid(&self) -> String {
        let file = self.directory.path().join("data/postmaster.pid");
        std::fs::read_to_string(file).unwrap().lines().next().unwrap().to_owned()
    }

    /// Kills it, like a power failure, except that what is on disk survives.
    pub fn kill(&self) {
        self.signal("-KILL");
        wait_until(
            || {
                !Command::new("pgrep")
                    .args(["-f", &self.directory.path().display().to_string()])
                    .output()
                    .unwrap()
                    .status
                    .success()
            },
            || "PostgreSQL does not end".to_owned(),
        );
        // A process that nobody waits for keeps its id, and PostgreSQL would take it for a running one.
        let locks = std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let locks = locks.filter(|path| path.extension().is_some_and(|extension| extension == "lock"));
        for file in locks.chain([self.directory.path().join("data/postmaster.pid")]) {
            std::fs::remove_file(file).unwrap();
        }
    }

    /// Sends a signal to all of its processes.
    pub fn signal(&self, name: &str) {
        let pid = self.pid();
        let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let sent = Command::new("kill").arg(name).arg(&pid).args(children.split_whitespace()).status().unwrap();
        assert!(sent.success() || name == "-KILL", "{name}"); // a child may have ended
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.directory.path().join("data/postmaster.pid").exists() {
            self.run("stop");
        }
    }
}
