//! PostgreSQL keeps commits waiting for a synchronous standby that is away: those who only read are served all the same.

use std::{
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use symbolon::protocol::client::ClientKind;

use crate::harness::{Cluster, Database, Server, wait_until};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[test]
fn while_commits_wait_for_a_standby_tokens_are_checked() {
    let cluster = Cluster::start_replicated();
    let server = Server::start(&Database::at("postgres", &cluster.url), |config| config.pool_size = 4);
    let server = &server;
    server.add_person("alice");
    server.add_apis();
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let web = server.add_web("web");
    let chains: Vec<_> = (0..6).map(|_| server.tokens(&spa, "alice", "openid offline_access")).collect();
    let tokens = server.tokens_as(&web, "alice", "openid offline_access");

    let mut operator = diesel::PgConnection::establish(&cluster.url).unwrap();
    let standby = |operator: &mut diesel::PgConnection, names: &str| {
        operator.batch_execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'")).unwrap();
        operator.batch_execute("SELECT pg_reload_conf()").unwrap();
    };
    // The connections of the server are there already: what they wait for is said by whoever commits.
    operator.batch_execute("ALTER ROLE symbolon SET synchronous_commit = on").unwrap();
    let kill =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql_query(kill).execute(&mut operator).unwrap();
    operator.batch_execute("SET synchronous_commit = off").unwrap();
    wait_until(|| server.send("GET", "/readyz", &[], None).status == 200, || "not ready again".to_owned());
    standby(&mut operator, "away");

    thread::scope(|scope| {
        let refreshes: Vec<_> =
            chains.iter().map(|chain| scope.spawn(|| server.refresh(&spa, chain.text("refresh_token")))).collect();
        let waiting = "SELECT count(*) AS count FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let mut count = || sql_query(waiting).get_result::<Count>(&mut operator).unwrap().count;
        let began = Instant::now();
        while count() < 3 {
            assert!(began.elapsed() < Duration::from_secs(10), "commits do not wait");
            thread::sleep(Duration::from_millis(20));
        }
        for _ in 0..20 {
            assert_eq!(server.userinfo(tokens.text("access_token")).status, 200);
            assert!(server.is_active("web", tokens.text("refresh_token")));
        }
        assert!(count() >= 3, "they still wait");
        standby(&mut operator, "");
        for refresh in refreshes {
            let answer = refresh.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    });
}
