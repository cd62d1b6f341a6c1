//! A PostgreSQL that speaks another language than ours: what passes is told from what is a mistake by codes, not by words.

use diesel::{Connection, RunQueryDsl, connection::SimpleConnection, sql_query};
use symbolon::protocol::client::ClientKind;

use super::{generation, unavailable};
use crate::harness::{Cluster, Database, Server};

#[test]
fn a_german_postgresql_that_is_held_up_is_unavailable_and_nothing_is_lost() {
    let cluster = Cluster::start_with(&[("LANGUAGE", "de")]);
    let mut operator = diesel::PgConnection::establish(&cluster.url).unwrap();
    operator.batch_execute("ALTER ROLE symbolon SET lc_messages = 'C.UTF-8'").unwrap();
    let mut operator = diesel::PgConnection::establish(&cluster.url).unwrap();
    let words = sql_query("SELECT 1/0").execute(&mut operator).unwrap_err().to_string();
    if words != "Division durch Null" {
        // Where the C library takes no translation for C.UTF-8, the words are English, and the rest of the test is as good.
        eprintln!("this PostgreSQL does not speak German here, but: {words}");
    }
    let server = Server::start(&Database::at("postgres", &cluster.url), |_| ());
    server.add_person("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let tokens = server.tokens(&spa, "alice", "openid offline_access");
    let form = format!("grant_type=refresh_token&client_id=spa&refresh_token={}", tokens.text("refresh_token"));

    operator.batch_execute("BEGIN; SELECT id FROM grants FOR UPDATE").unwrap();
    unavailable(&server.send("POST", "/token", &[], Some(&form)), "application/json"); // its lock timed out
    operator.batch_execute("COMMIT").unwrap();
    operator.batch_execute("ALTER SYSTEM SET default_transaction_read_only = on").unwrap();
    operator.batch_execute("SELECT pg_reload_conf()").unwrap();
    crate::harness::wait_until(
        || server.send("GET", "/readyz", &[], None).status == 503,
        || "a database that cannot be written to is called ready".to_owned(),
    );
    unavailable(&server.send("POST", "/token", &[], Some(&form)), "application/json");
    operator.batch_execute("SET default_transaction_read_only = off").unwrap();
    operator.batch_execute("ALTER SYSTEM RESET default_transaction_read_only").unwrap();
    operator.batch_execute("SELECT pg_reload_conf()").unwrap();
    crate::harness::wait_until(|| server.send("GET", "/readyz", &[], None).status == 200, || "it is not ready again".to_owned());
    let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
    assert_eq!((refreshed.status, generation(&server, &refreshed)), (200, 2), "{refreshed:?}");
}
