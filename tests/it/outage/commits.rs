//! PostgreSQL waiting in commits for an absent synchronous standby: requests that only read are still served, and no commit that
//! the standby does not have is reported as done.

use std::{
    io::Write as _,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use symbolon::testing::{
    config::Config,
    protocol::{account::activity::Origin, oauth::client::ClientKind},
};

use crate::harness::{Cluster, Database, Server};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// One who looks on, and does not wait for a standby.
struct Operator(diesel::PgConnection, String);

impl Operator {
    /// Has all who connect from now on wait for standbys, once there are to be any.
    fn of(cluster: &Cluster) -> Self {
        let mut connection = diesel::PgConnection::establish(&cluster.url).unwrap();
        connection.batch_execute("ALTER ROLE symbolon SET synchronous_commit = on").unwrap();
        connection.batch_execute("SET synchronous_commit = off").unwrap();
        Self(connection, cluster.url.clone())
    }

    /// From here on commits wait for a standby that is not there.
    fn lose_standby(&mut self) {
        self.standby("away");
        let mut probe = diesel::PgConnection::establish(&self.1).unwrap();
        // It is known to whoever commits a moment after it is told.
        thread::spawn(move || while probe.batch_execute("SELECT pg_logical_emit_message(true, 'probe', '')").is_ok() {});
        self.wait_for("SELECT pg_logical%", |count| count == 1);
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_logical%'";
        sql_query(end).execute(&mut self.0).unwrap();
        self.wait_for("SELECT pg_logical%", |count| count == 0);
    }

    /// The standbys that are waited for.
    fn standby(&mut self, names: &str) {
        self.0.batch_execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'")).unwrap();
        self.0.batch_execute("SELECT pg_reload_conf()").unwrap();
    }

    /// How many commits wait, of what is like this.
    fn waiting(&mut self, like: &str) -> i64 {
        let waiting =
            format!("SELECT count(*) AS count FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '{like}'");
        sql_query(waiting).get_result::<Count>(&mut self.0).unwrap().count
    }

    #[track_caller]
    fn wait_for(&mut self, like: &str, is_enough: impl Fn(i64) -> bool) {
        let began = Instant::now();
        while !is_enough(self.waiting(like)) {
            assert!(began.elapsed() < Duration::from_secs(10), "{} commits wait", self.waiting(like));
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Rotations among what is committed; the others are of what the server does by itself.
const ROTATIONS: &str = "UPDATE grants SET generation%";

#[test]
fn while_commits_wait_for_a_standby_tokens_are_checked() {
    let cluster = Cluster::start_replicated();
    let mut operator = Operator::of(&cluster);
    let server = Server::start(&Database::at("postgres", &cluster.url), |config| config.database_pool_size = 4);
    let server = &server;
    server.add_user("alice");
    server.add_apis();
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let web = server.add_web("web");
    let chains: Vec<_> = (0..6).map(|_| server.tokens(&spa, "alice", "openid offline_access")).collect();
    let tokens = server.tokens_as(&web, "alice", "openid offline_access");
    operator.lose_standby();

    thread::scope(|scope| {
        let refreshes: Vec<_> =
            chains.iter().map(|chain| scope.spawn(|| server.refresh(&spa, chain.text("refresh_token")))).collect();
        operator.wait_for("%", |count| count >= 3);
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
        assert!(operator.waiting("%") >= 3, "they still wait");
        operator.standby("");
        for refresh in refreshes {
            let answer = refresh.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    });
}

/// Whoever is gone waits for no commit.
#[test]
fn commits_of_callers_who_hang_up_are_ended_too_and_the_end_of_the_server_waits_for_none() {
    let cluster = Cluster::start_replicated();
    let mut operator = Operator::of(&cluster);
    let server = Server::start(&Database::at("postgres", &cluster.url), |config| {
        config.database_pool_size = 4;
        (config.database_pool_timeout, config.blocking_timeout) = (Duration::from_secs(1), Duration::from_secs(1));
        config.shutdown_timeout = Duration::from_secs(1);
    });
    let alice = server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let chains: Vec<_> = (0..3).map(|_| server.tokens(&spa, "alice", "openid offline_access")).collect();
    operator.lose_standby();
    let connections: Vec<_> = chains.iter().map(|chain| sent(&server, chain.text("refresh_token"))).collect();
    operator.wait_for(ROTATIONS, |count| count >= 1);
    drop(connections);
    operator.wait_for(ROTATIONS, |count| count == 0);

    server.app.history.failure(alice.claims.id, Origin::default(), server.now());
    let app = server.app.clone().into_inner();
    let began = Instant::now();
    actix_web::rt::System::new().block_on(symbolon::testing::background::finish(&app));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    operator.standby("");
}

/// A connection on which a refresh was sent, and which is reset at its end: an answer before it is never read.
fn sent(server: &Server, token: &str) -> TcpStream {
    let host = server.url.split_once("://").unwrap().1;
    let body = format!("grant_type=refresh_token&client_id=spa&refresh_token={token}");
    let length = body.len();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\nPOST /token HTTP/1.1\r\nHost: {host}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream.peek(&mut [0]).unwrap();
    stream
}

/// A commit whose wait is ended is answered as if the standby had it: only those are whose callers have been told 503.
#[test]
fn whoever_is_told_that_a_commit_counts_is_told_so_because_the_standby_has_it() {
    const TO_BEGIN: Duration = Duration::from_millis(1_500);
    const TO_END: Duration = Duration::from_secs(1);
    let cluster = Cluster::start_replicated();
    let mut operator = Operator::of(&cluster);
    let database = Database::at("postgres", &cluster.url);
    let short = |config: &mut Config| {
        (config.database_pool_size, config.database_pool_timeout, config.blocking_timeout) = (3, TO_BEGIN, TO_END);
    };
    let patient = &Server::start(&database, |_| ());
    let hasty = &patient.sibling_with(&database, short);
    patient.add_user("alice");
    let spa = &patient.add_client("spa", ClientKind::Spa, |_| ());
    let waits = patient.tokens(spa, "alice", "openid offline_access");
    let chains: Vec<_> = (0..6).map(|_| patient.tokens(spa, "alice", "openid offline_access")).collect();
    operator.lose_standby();

    let refused_after = |token: &str| {
        let began = Instant::now();
        let answer = hasty.refresh(spa, token);
        assert_eq!((answer.status, answer.error()), (503, "temporarily_unavailable"), "{answer:?}");
        began.elapsed()
    };
    thread::scope(|scope| {
        let waits = scope.spawn(|| patient.refresh(spa, waits.text("refresh_token")));
        operator.wait_for(ROTATIONS, |count| count >= 1);
        let times: Vec<_> = chains.iter().map(|chain| scope.spawn(|| refused_after(chain.text("refresh_token")))).collect();
        let times: Vec<_> = times.into_iter().map(|one| one.join().unwrap()).collect();
        let longest = times.iter().max().unwrap();
        assert!((TO_BEGIN + TO_END..TO_BEGIN + TO_END * 3).contains(longest), "what was begun has until then: {times:?}");
        // Their threads are free for others, and the one that is still waited for still waits.
        operator.wait_for(ROTATIONS, |count| count == 1);
        assert!(!waits.is_finished(), "nobody has told it that it counts");
        operator.standby("");
        let answer = waits.join().unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        for chain in &chains {
            assert_eq!(hasty.refresh(spa, chain.text("refresh_token")).status, 200, "an honest retry");
        }
    });
}
