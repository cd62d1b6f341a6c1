//! A primary that dies, and its standby in its place: with commits that waited for the standby nothing is lost; with commits that did
//! not, the database goes back in time, and grants are healed by their tokens.

use std::{process::Command, thread, time::Duration};

use diesel::{Connection, connection::SimpleConnection};
use tempfile::TempDir;

use super::{Load, site};
use crate::harness::{Database, wait_until};

/// A cluster of its own.
pub struct Cluster {
    directory: TempDir,
    pub url: String,
}

impl Cluster {
    pub fn start() -> Self {
        Self::start_by(&["start"], &[])
    }

    fn start_by(verb: &[&str], more: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("symbolon-faults.").tempdir().unwrap();
        let mut cluster = Self { directory, url: String::new() };
        cluster.url = cluster.script(verb[0], more);
        cluster
    }

    /// A standby of this one, that follows it.
    fn standby(&self) -> Self {
        let primary = self.directory.path().display().to_string();
        Self::start_by(&["standby"], &[&primary])
    }

    pub fn run(&self, verb: &str) -> String {
        self.script(verb, &[])
    }

    fn script(&self, verb: &str, more: &[&str]) -> String {
        let script =
            std::env::var("SYMBOLON_TEST_POSTGRES_SCRIPT").expect("SYMBOLON_TEST_POSTGRES_SCRIPT is not set: use ./tests/run");
        let output = Command::new(script).arg(verb).arg(self.directory.path()).args(more).output().unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn execute(&self, statement: &str) {
        diesel::PgConnection::establish(&self.url).unwrap().batch_execute(statement).unwrap();
    }

    pub fn set(&self, name: &str, value: &str) {
        let mut connection = diesel::PgConnection::establish(&self.url).unwrap();
        connection.batch_execute("SET default_transaction_read_only = off").unwrap();
        connection.batch_execute(&format!("ALTER SYSTEM SET {name} = '{value}'")).unwrap();
        connection.batch_execute("SELECT pg_reload_conf()").unwrap();
    }

    /// The process that all others of it are children of.
    fn pid(&self) -> String {
        let file = self.directory.path().join("data/postmaster.pid");
        std::fs::read_to_string(file).unwrap().lines().next().unwrap().to_owned()
    }

    /// Kills it, as a machine that loses its power does, but for what is on disk.
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
        // Where nobody waits for its end its number stays taken, and PostgreSQL would take it for one that runs.
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

/// Both, the one that takes writes first.
fn either(one: &Cluster, other: &Cluster) -> String {
    let (before, rest) = one.url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let other = other.url.split_once('@').unwrap().1.split_once('/').unwrap().0;
    format!("{before}@{host},{other}/{database}?target_session_attrs=read-write")
}

fn primary_dies(is_synchronous: bool) {
    let primary = Cluster::start_by(&["replicated"], &[]);
    primary.execute("ALTER ROLE symbolon SET synchronous_commit = on");
    let standby = primary.standby();
    if is_synchronous {
        primary.set("synchronous_standby_names", "*");
    }
    let (site, client) = site(Database::at("postgres", &either(&primary, &standby)));
    let urls = [site.url.clone()];
    let _process = site.serve_quietly();
    Load::new(&urls, &client).run(&site, 6, |load| {
        if !is_synchronous {
            // The standby falls behind.
            standby.signal("-STOP");
            load.wait_for(30);
        }
        primary.kill();
        if !is_synchronous {
            standby.signal("-CONT");
        }
        thread::sleep(Duration::from_millis(200));
        standby.run("promote");
    });
}

#[test]
fn a_primary_dies_whose_standby_has_everything() {
    primary_dies(true);
}

#[test]
fn a_primary_dies_whose_standby_was_behind() {
    primary_dies(false);
}
