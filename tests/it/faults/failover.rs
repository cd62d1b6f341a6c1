//! A primary that dies, and its standby in its place: with commits that waited for the standby nothing is lost; with commits that did
//! not, the database goes back in time, and grants are healed by their tokens.

use std::{thread, time::Duration};

use super::{Load, site};
use crate::harness::{Cluster, Database};

/// Both, the one that takes writes first.
fn either(one: &Cluster, other: &Cluster) -> String {
    let (before, rest) = one.url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let other = other.url.split_once('@').unwrap().1.split_once('/').unwrap().0;
    format!("{before}@{host},{other}/{database}?target_session_attrs=read-write")
}

fn primary_dies(is_synchronous: bool) {
    let primary = Cluster::start_replicated();
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
