//! PostgreSQL keeps commits waiting for a synchronous standby that is away: those who only read are served all the same, and nobody
//! is told that a commit counts which the standby does not have.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use symbolon::{config::Config, protocol::client::ClientKind};

use crate::harness::{Cluster, Database, Server, wait_until};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// One who looks on, and does not wait for a standby.
struct Operator(diesel::PgConnection);

impl Operator {
    /// Has all who connect from now on wait for standbys, once there are to be any.
    fn of(cluster: &Cluster) -> Self {
        let mut connection = diesel::PgConnection::establish(&cluster.url).unwrap();
        connection.batch_execute("ALTER ROLE symbolon SET synchronous_commit = on").unwrap();
        connection.batch_execute("SET synchronous_commit = off").unwrap();
        Self(connection)
    }

    /// The standbys that are waited for.
    fn standby(&mut self, names: &str) {
        self.0.batch_execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'")).unwrap();
        self.0.batch_execute("SELECT pg_reload_conf()").unwrap();
    }

    /// How many commits of rotations wait.
    fn waiting(&mut self) -> i64 {
        let waiting = "SELECT count(*) AS count FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE 'UPDATE grants SET generation%'";
        sql_query(waiting).get_result::<Count>(&mut self.0).unwrap().count
    }

    #[track_caller]
    fn wait_for(&mut self, is_enough: impl Fn(i64) -> bool) {
        let began = Instant::now();
        while !is_enough(self.waiting()) {
            assert!(began.elapsed() < Duration::from_secs(10), "{} commits wait", self.waiting());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn while_commits_wait_for_a_standby_tokens_are_checked() {
    let cluster = Cluster::start_replicated();
    let mut operator = Operator::of(&cluster);
    let server = Server::start(&Database::at("postgres", &cluster.url), |config| config.pool_size = 4);
    let server = &server;
    server.add_person("alice");
    server.add_apis();
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let web = server.add_web("web");
    let chains: Vec<_> = (0..6).map(|_| server.tokens(&spa, "alice", "openid offline_access")).collect();
    let tokens = server.tokens_as(&web, "alice", "openid offline_access");
    operator.standby("away");

    thread::scope(|scope| {
        let refreshes: Vec<_> =
            chains.iter().map(|chain| scope.spawn(|| server.refresh(&spa, chain.text("refresh_token")))).collect();
        operator.wait_for(|count| count >= 3);
        for _ in 0..20 {
            assert_eq!(server.userinfo(tokens.text("access_token")).status, 200);
            assert!(server.is_active("web", tokens.text("refresh_token")));
        }
        // A server that may still be asked, and the keys by which others check tokens.
        let began = Instant::now();
        for path in ["/readyz", "/readyz", "/.well-known/jwks.json"] {
            assert_eq!(server.send("GET", path, &[], None).status, 200, "{path}");
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert!(operator.waiting() >= 3, "they still wait");
        operator.standby("");
        for refresh in refreshes {
            let answer = refresh.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    });
}

/// A commit whose wait is ended is answered as if the standby had it: only those are whose callers have been told 503.
#[test]
fn whoever_is_told_that_a_commit_counts_is_told_so_because_the_standby_has_it() {
    const TO_BEGIN: Duration = Duration::from_millis(1_500);
    const TO_END: Duration = Duration::from_millis(1_000);
    let cluster = Cluster::start_replicated();
    let mut operator = Operator::of(&cluster);
    let database = Database::at("postgres", &cluster.url);
    let short = |config: &mut Config| (config.pool_size, config.database_timeout, config.story_time) = (3, TO_BEGIN, TO_END);
    let (patient, hasty) = (&Server::start(&database, |_| ()), &Server::start(&database, short));
    patient.add_person("alice");
    let spa = &patient.add_client("spa", ClientKind::Spa, |_| ());
    let waits = patient.tokens(spa, "alice", "openid offline_access");
    let chains: Vec<_> = (0..6).map(|_| patient.tokens(spa, "alice", "openid offline_access")).collect();
    operator.standby("away");

    let unavailable = AtomicUsize::new(0);
    thread::scope(|scope| {
        let waits = scope.spawn(|| patient.refresh(spa, waits.text("refresh_token")));
        operator.wait_for(|count| count >= 1);
        let refresh = |token: &str| {
            let began = Instant::now();
            let answer = hasty.refresh(spa, token);
            assert_eq!((answer.status, answer.error()), (503, "temporarily_unavailable"), "{answer:?}");
            unavailable.fetch_add(1, Ordering::SeqCst);
            began.elapsed()
        };
        let times: Vec<_> = chains.iter().map(|chain| scope.spawn(|| refresh(chain.text("refresh_token")))).collect();
        let times: Vec<_> = times.into_iter().map(|one| one.join().unwrap()).collect();
        let longest = times.iter().max().unwrap();
        assert!((TO_BEGIN + TO_END..TO_BEGIN + TO_END * 3).contains(longest), "what was begun has until then: {times:?}");
        assert_eq!(unavailable.load(Ordering::SeqCst), chains.len());
        // Their threads are free for others, and the one that is still waited for still waits.
        operator.wait_for(|count| count == 1);
        assert!(!waits.is_finished(), "nobody has told it that it counts");
        operator.standby("");
        let answer = waits.join().unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        for chain in &chains {
            assert_eq!(hasty.refresh(spa, chain.text("refresh_token")).status, 200, "an honest retry");
        }
    });
}
