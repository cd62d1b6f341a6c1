//! Disks: full, and read-only for a while.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{Load, rounds, site};
use crate::harness::{Cluster, Database, wait_until};

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

    fn remount(&self, how: &str) {
        wait_until(|| self.command("mount", &["-o", &format!("remount,{how}")]), || format!("the disk is not remounted {how}"));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.command("umount", &["-l"]);
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn sqlite_on_a_disk_that_is_full_and_then_read_only() {
    let Some(disk) = Disk::mount() else {
        eprintln!("not tried: only root may mount a small disk");
        return;
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
            // Files are open for writing: a disk that becomes read-only all the same does so by force.
            if disk.command("mount", &["-o", "remount,ro"]) {
                thread::sleep(Duration::from_millis(300));
                disk.remount("rw");
            }
            load.wait_for(6);
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
