//! Statements that the database executes long after they were sent: it was suspended, or their row was locked. A rotation counts
//! from when it was written, and one whose caller was answered that nothing was done is not written any more.

use std::{process::Command, thread, time::Duration};

use diesel::{Connection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Integer};
use symbolon::testing::{
    config::Config,
    protocol::{
        account::activity::Origin,
        grant::history::{GrantEvent, HistoryEntry},
        oauth::client::ClientKind,
        values::time::{Span, Timestamp},
    },
    random,
    store::{
        grant_history::Line,
        grants::{self, Advance, Statement},
    },
};

use crate::harness::{Database, Server, databases, grant_of};

/// Has the database stand still for this long: SQLite's one lock is held, PostgreSQL's processes are stopped.
fn stand_still(database: &Database, span: Duration, meanwhile: impl FnOnce()) {
    if let Some(path) = database.url.strip_prefix("sqlite:") {
        let mut one = diesel::SqliteConnection::establish(path).unwrap();
        one.batch_execute("BEGIN IMMEDIATE").unwrap();
        meanwhile();
        thread::sleep(span);
        return one.batch_execute("COMMIT").unwrap();
    }
    let mut one = diesel::PgConnection::establish(&database.url).unwrap();
    let theirs = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let pids: Vec<Backend> = sql_query(theirs).load(&mut one).unwrap();
    let signal = |name: &str| {
        for backend in &pids {
            let sent = Command::new("kill").arg(name).arg(backend.pid.to_string()).status().unwrap();
            assert!(sent.success(), "{name} {}", backend.pid);
        }
    };
    signal("-STOP");
    meanwhile();
    thread::sleep(span);
    signal("-CONT");
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

#[test]
fn a_rotation_counts_from_when_it_was_written() {
    const HELD: Duration = Duration::from_millis(300);
    for database in databases() {
        let server = Server::start(&database, |config| config.database_pool_size = 1); // its one connection is held
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid offline_access");
        server.advance(12_345); // the database does not know of this server's clock
        let token = tokens.text("refresh_token");
        let (requested_at, answer) = thread::scope(|scope| {
            let mut refresh = None;
            let requested_at = server.now();
            stand_still(&database, HELD, || refresh = Some(scope.spawn(|| server.refresh(&spa, token))));
            (requested_at, refresh.unwrap().join().unwrap())
        });
        assert_eq!(answer.status, 200, "{}: {answer:?}", database.name);
        let grant = server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant;
        let (written, late) = (grant.rotated_at.unwrap().since(requested_at), server.now().since(grant.rotated_at.unwrap()));
        assert!(written.millis() + 50 >= i64::try_from(HELD.as_millis()).unwrap(), "{}: {written:?} {late:?}", database.name);
        assert!(late <= Span::from_seconds(2), "{}: {late:?}", database.name);
    }
}

#[test]
fn a_rotation_that_comes_too_late_is_none() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid offline_access");
        let found = server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap();
        let advance = |until: Timestamp| {
            let statement = Statement { until, ..Statement::after(found.read_at, found.read_at, Span::ZERO) };
            let (grant, generation) = (&found.grant, found.grant.generation);
            let advance = Advance { grant: grant.id, generation, seen: Origin::default(), statement };
            let healing = Advance { generation: generation + 1, ..advance.clone() };
            let (address, place, user_agent, why) = (None, None, None, None);
            let (event, at) = (GrantEvent::Healed, server.now());
            let entry = HistoryEntry { event, at, generation: generation + 1, address, place, user_agent, why };
            let line = Line { grant: grant.id, id: random::id(at), entry };
            server.store(|connection| {
                Ok((grants::advance(connection, &advance)?, grants::heal(connection, (grant, &healing), &line, None)?))
            })
        };
        let second = |seconds: i64| Timestamp::from_millis(server.now().millis() + 1000 * seconds);
        assert_eq!(advance(second(-1)), (false, false), "{}", database.name);
        assert_eq!(server.entries(found.grant.id).iter().filter(|entry| entry.event == GrantEvent::Healed).count(), 0);
        assert_eq!(advance(second(5)), (true, false), "{}: it is not behind any more", database.name);
    }
}

#[test]
fn nothing_is_written_for_a_caller_who_was_told_503_however_late_the_row_was_read() {
    const WAITS: Duration = Duration::from_secs(1);
    for database in databases() {
        let change = |config: &mut Config| {
            (config.database_pool_size, config.database_pool_timeout, config.blocking_timeout) = (1, WAITS, WAITS);
        };
        let server = Server::start(&database, change);
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid offline_access");
        let token = tokens.text("refresh_token");
        let answer = thread::scope(|scope| {
            let mut refresh = None;
            stand_still(&database, WAITS * 3, || refresh = Some(scope.spawn(|| server.refresh(&spa, token))));
            refresh.unwrap().join().unwrap()
        });
        assert_eq!((answer.status, answer.error()), (503, "temporarily_unavailable"), "{}: {answer:?}", database.name);
        // The one connection is given back once what was begun has ended.
        let generation = || server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant.generation;
        assert_eq!(generation(), 1, "{}", database.name);
        let again = server.refresh(&spa, token);
        assert_eq!((again.status, generation()), (200, 2), "{}: {again:?}", database.name);
    }
}

#[test]
fn servers_whose_clocks_differ_agree_on_what_is_a_retry() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        one.advance(3_600); // the keys are older than the clocks differ
        one.add_user("alice");
        let spa = one.add_client("spa", ClientKind::Spa, |_| ());
        for ahead in [40, 5, -5, -40] {
            let other = one.sibling_ahead(&database, ahead);
            for (first, second) in [(&one, &other), (&other, &one)] {
                let tokens = one.tokens(&spa, "alice", "openid offline_access");
                let token = tokens.text("refresh_token");
                let received = first.refresh(&spa, token);
                let again = second.refresh(&spa, token);
                assert_eq!((received.status, again.status), (200, 200), "{}, {ahead} s ahead: {again:?}", database.name);
                assert_eq!(again.text("refresh_token"), received.text("refresh_token"), "its answer was lost");
                assert_eq!(
                    second.refresh(&spa, received.text("refresh_token")).status,
                    200,
                    "{}: nothing was revoked",
                    database.name
                );
            }
        }
        let tokens = one.tokens(&spa, "alice", "openid offline_access");
        assert_eq!(one.refresh(&spa, tokens.text("refresh_token")).status, 200);
        one.advance(31);
        assert_eq!(one.refresh(&spa, tokens.text("refresh_token")).error(), "invalid_grant", "time has passed by every clock");
    }
}
