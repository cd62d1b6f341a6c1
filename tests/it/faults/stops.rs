//! Suspended processes, and statements that fail.

use std::{thread, time::Duration};

use diesel::{RunQueryDsl, sql_query};
use symbolon::testing::store::{AnyConnection, Error};

use super::{Load, rounds, site};
use crate::harness::{Cluster, Database, databases};

#[test]
fn the_server_stands_still() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let (site, client) = site(database);
        let urls = [site.url.clone()];
        let process = site.serve_quietly();
        Load::new(&urls, &client).run(&site, 6, |load| {
            for _ in 0..rounds(1, 10) {
                process.signal("STOP");
                thread::sleep(Duration::from_millis(rounds(500, 6000) as u64));
                process.signal("CONT");
                load.wait_for(6);
            }
        });
    }
}

/// Longer than the retry window, with clients that come again at once: what was sent before is executed when it goes on, and dated then.
#[test]
fn postgresql_stands_still_for_longer_than_the_retry_window() {
    let cluster = Cluster::start();
    let (site, client) = site(Database::at("postgres", &cluster.url));
    let (window, still) = (rounds(2, 30) as u64, rounds(3, 33) as u64);
    let site = site.with("SYMBOLON_REFRESH_RETRY_WINDOW", format!("{window}s"));
    let urls = [site.url.clone()];
    let _process = site.serve_quietly();
    Load::new(&urls, &client).run(&site, 6, |_| {
        cluster.signal("-STOP");
        thread::sleep(Duration::from_secs(still));
        cluster.signal("-CONT");
    });
}

#[test]
fn one_statement_in_three_fails() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let is_sqlite = database.name == "sqlite";
        let (site, client) = site(database);
        let urls = [site.url.clone()];
        let _process = site.serve_quietly();
        let execute = |statements: &[&str]| {
            site.store()
                .with(|connection: &mut AnyConnection| -> Result<(), Error> {
                    for statement in statements {
                        sql_query(*statement).execute(connection)?;
                    }
                    Ok(())
                })
                .unwrap();
        };
        Load::new(&urls, &client).run(&site, 6, |load| {
            if is_sqlite {
                execute(&["CREATE TRIGGER fails AFTER UPDATE ON grants WHEN abs(random()) % 3 = 0 BEGIN SELECT RAISE(ABORT, 'a test'); END"]);
            } else {
                execute(&[
                    "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF random() < 0.3 THEN RAISE EXCEPTION 'a test'; END IF; RETURN NEW; END $$",
                    "CREATE CONSTRAINT TRIGGER fails AFTER UPDATE ON grants DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fails()",
                ]);
            }
            load.wait_for(rounds(30, 1000));
            if is_sqlite { execute(&["DROP TRIGGER fails"]) } else { execute(&["DROP TRIGGER fails ON grants"]) }
        });
    }
}
