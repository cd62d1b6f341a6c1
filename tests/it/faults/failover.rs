//! The failover from a dead primary to its standby: with commits that waited for the standby nothing is lost; with commits that
//! did not, the database is at an earlier state, and grants are healed by their tokens.

use std::{thread, time::Duration};

use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};

use super::{Load, site};
use crate::harness::{Cluster, Database, wait_until};

/// Both, the one that takes writes first.
fn either(one: &Cluster, other: &Cluster) -> String {
    let (before, rest) = one.url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let other = other.url.split_once('@').unwrap().1.split_once('/').unwrap().0;
    format!("{before}@{host},{other}/{database}?target_session_attrs=read-write")
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(cluster: &Cluster, query: &str) -> i64 {
    let mut connection = diesel::PgConnection::establish(&cluster.url).unwrap();
    sql_query(format!("SELECT count(*) AS count FROM {query}")).get_result::<Count>(&mut connection).unwrap().count
}

/// How many grants were healed.
fn primary_dies(is_synchronous: bool) -> i64 {
    const APPS: usize = 6;
    let primary = Cluster::start_replicated();
    primary.execute("ALTER ROLE symbolon SET synchronous_commit = on");
    let standby = primary.standby();
    if is_synchronous {
        primary.set("synchronous_standby_names", "*");
    }
    let (site, client) = site(Database::at("postgres", &either(&primary, &standby)));
    let urls = [site.url.clone()];
    let _process = site.serve_quietly();
    Load::new(&urls, &client).run(&site, APPS, |load| {
        if !is_synchronous {
            // The standby has every grant, and falls behind from here on: nothing of what follows is on its way to it.
            let has_all = || count(&standby, "grants WHERE generation > 1") == i64::try_from(APPS).unwrap();
            wait_until(has_all, || "the standby does not follow".to_owned());
            standby.set("primary_conninfo", "");
            wait_until(|| count(&primary, "pg_stat_replication") == 0, || "the standby still follows".to_owned());
            load.wait_for(30);
        }
        primary.kill();
        thread::sleep(Duration::from_millis(200));
        standby.run("promote");
    });
    let healed = count(&standby, "grant_history WHERE event = 'healed'");
    eprintln!("  {healed} grants were healed");
    healed
}

#[test]
fn a_primary_dies_whose_standby_has_everything() {
    assert_eq!(primary_dies(true), 0, "nothing that was answered is missing");
}

#[test]
fn a_primary_dies_whose_standby_was_behind() {
    assert!(primary_dies(false) > 0, "the standby was not behind");
}
