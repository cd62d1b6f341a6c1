//! Processes killed while they work: the server, on both databases, and PostgreSQL.

use std::{thread, time::Duration};

use super::{Load, rounds, site};
use crate::harness::{Cluster, Database, databases, free_port};

#[test]
fn the_server_is_killed_again_and_again() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let (site, client) = site(database);
        let urls = [site.url.clone()];
        let mut process = site.serve_quietly();
        Load::new(&urls, &client).run(&site, 6, |load| {
            for _ in 0..rounds(4, 100) {
                thread::sleep(Duration::from_millis(100));
                process.kill();
                drop(std::mem::replace(&mut process, site.serve_quietly()));
                load.wait_for(6);
            }
        });
    }
}

#[test]
fn one_of_two_servers_is_killed_again_and_again() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let (site, client) = site(database);
        let port = free_port();
        let urls = [site.url.clone(), format!("http://localhost:{port}")];
        let _one = site.serve_quietly();
        let mut other = site.serve_at(port);
        Load::new(&urls, &client).run(&site, 6, |load| {
            for _ in 0..rounds(3, 50) {
                thread::sleep(Duration::from_millis(100));
                other.kill();
                drop(std::mem::replace(&mut other, site.serve_at(port)));
                load.wait_for(6);
            }
        });
    }
}

#[test]
fn postgresql_is_killed_again_and_again() {
    for is_durable in [true, false] {
        let cluster = Cluster::start();
        cluster.execute(&format!("ALTER ROLE symbolon SET synchronous_commit = {}", if is_durable { "on" } else { "off" }));
        let (site, client) = site(Database::at("postgres", &cluster.url));
        let urls = [site.url.clone()];
        let _process = site.serve_quietly();
        // Where commits do not wait for the disk, what was answered may be lost: the grants are healed by their tokens.
        eprintln!("with synchronous_commit {}", if is_durable { "on" } else { "off" });
        Load::new(&urls, &client).run(&site, 6, |load| {
            for _ in 0..rounds(2, 16) {
                thread::sleep(Duration::from_millis(200));
                cluster.kill();
                cluster.run("resume");
                load.wait_for(6);
            }
        });
    }
}
