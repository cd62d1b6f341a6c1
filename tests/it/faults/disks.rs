//! Disks that are full, or read-only for a while.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Load, not_tried, rounds, site};
use crate::harness::{Cluster, Database, try_send};

/// A file system in memory, with little room; unmounted with its value.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount one.
    fn mount() -> Option<Self> {
        let directory = std::env::temp_dir().join(format!("symbolon-disk-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let disk = Self(directory);
        disk.command("mount", &["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).then_some(disk)
    }

    fn command(&self, program: &str, args: &[&str]) -> bool {
        let mut command = Command::new(program);
        command.args(args).arg(&self.0).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.command("umount", &["-l"]);
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn sqlite_on_a_disk_that_is_full() {
    let Some(disk) = Disk::mount() else {
        return not_tried("a small disk that is full", "this user may not mount one");
    };
    let (site, client) = site(Database::at("sqlite", &format!("sqlite:{}", disk.0.join("symbolon.db").display())));
    let urls = [site.url.clone()];
    let process = site.serve_quietly();
    Load::new(&urls, &client).run(&site, 6, |load| {
        for _ in 0..rounds(2, 20) {
            let filler = disk.0.join("filler");
            let _ = fs::write(&filler, vec![0; 16 * 1024 * 1024]); // as much as fits
            thread::sleep(Duration::from_millis(300));
            fs::remove_file(&filler).unwrap();
            load.wait_for(6);
        }
    });
    drop(process);
}

/// Has the file of a database, and its log, open for reading alone from here on, or for writing again; not what is mapped into memory, as
/// a process that writes there would be killed by the attribute. False where this user cannot have it so: root may write what nobody
/// may, but not what nobody may change.
fn lock(database: &Path, is_locked: bool) -> bool {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let (program, how) = match (is_root, is_locked) {
        (true, true) => ("chattr", "+i"),
        (true, false) => ("chattr", "-i"),
        (false, true) => ("chmod", "a-w"),
        (false, false) => ("chmod", "u+w"),
    };
    ["", "-wal"].into_iter().all(|end| {
        let mut command = Command::new(program);
        command.arg(how).arg(format!("{}{end}", database.display())).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// What is open already cannot be written to either where the file system itself keeps to the attribute (ext4). Connections that are opened
/// meanwhile can only read, and SQLite does not say so before they write: none of them may stay.
#[test]
fn sqlite_that_is_read_only_for_a_while() {
    let (site, client) = site(Database::sqlite());
    let file = PathBuf::from(site.database.url.strip_prefix("sqlite:").unwrap());
    let urls = [site.url.clone()];
    let mut process = site.serve_quietly();
    if !(lock(&file, true) && lock(&file, false)) {
        return not_tried(
            "a SQLite file that is read-only for a while",
            "this user, or the file system of temporary files, does not let a file be locked (chattr +i)",
        );
    }
    let ready = || try_send("GET", &format!("{}/readyz", site.url), &[], None).map(|page| page.status).ok();
    Load::new(&urls, &client).run(&site, 6, |load| {
        for _ in 0..rounds(2, 20) {
            assert!(lock(&file, true));
            thread::sleep(Duration::from_millis(300));
            assert!(lock(&file, false));
            load.wait_for(12);

            process.kill();
            assert!(lock(&file, true));
            process = site.run(&["serve"]); // whose connections are all of that kind
            let began = Instant::now();
            while ready() != Some(503) && began.elapsed() < Duration::from_secs(20) {
                thread::sleep(Duration::from_millis(20));
            }
            let found = ready();
            assert!(lock(&file, false));
            assert_eq!(found, Some(503), "a database that cannot be written to");
            site.wait_until_ready();
            load.wait_for(60);
            let refused = load.refused();
            load.wait_for(60);
            assert!(load.refused() - refused < 6, "connections that can only read are used on and on");
        }
    });
    drop(process);
}

#[test]
fn postgresql_that_takes_no_writes_for_a_while() {
    let cluster = Cluster::start();
    let (site, client) = site(Database::at("postgres", &cluster.url));
    let urls = [site.url.clone()];
    let _process = site.serve_quietly();
    Load::new(&urls, &client).run(&site, 6, |load| {
        for _ in 0..rounds(1, 10) {
            cluster.set("default_transaction_read_only", "on");
            thread::sleep(Duration::from_millis(300));
            cluster.set("default_transaction_read_only", "off");
            load.wait_for(6);
        }
    });
}
