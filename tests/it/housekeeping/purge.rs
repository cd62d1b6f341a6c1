//! The purge of grants: each at its time, with its history and the known networks of its app; and none that is active, or is used
//! meanwhile.

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt,
};
use symbolon::testing::{
    protocol::{
        account::activity::{Activity, Origin},
        grant::{
            Grant,
            history::{GrantEvent, HistoryEntry},
            retention::Retention,
        },
        oauth::client::ClientKind,
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    random,
    store::{
        Error,
        activity::Event,
        devices,
        grant_history::{self, Line},
        grants::{
            self, Advance, Statement,
            purge::{Purged, sweep},
        },
        sessions::{self, Offline},
        users,
    },
};

use super::{DAY, OFFLINE, another, count, is_there, pattern};
use crate::harness::{Browser, Cluster, Database, Server, both, databases, grant_of};

/// How old it is, what is different of it, and in how many seconds from now it leaves.
type Case = (i64, Box<dyn Fn(&mut Grant)>, i64);

const START: Id = Id::from_bytes([0; 16]);

/// By the rules of the configuration, so many seconds from now.
fn retention(server: &Server, seconds: i64) -> Retention {
    let lifetimes = &server.app.config.lifetimes;
    Retention {
        ended: lifetimes.purge_after,
        grant_idle: lifetimes.refresh_idle,
        session_idle: lifetimes.session_idle,
        remembered_session_idle: lifetimes.remembered_session_idle,
        now: Timestamp::from_millis(server.now().millis() + 1_000 * seconds),
    }
}

fn look(server: &Server, after: Id, slice: u32, retention: &Retention) -> Purged {
    server.store(|connection| sweep(connection, after, slice, retention))
}

/// Gives a grant so many lines of history.
fn write_lines(server: &Server, grant: &Grant, lines: usize) {
    let (address, place, user_agent, why) = (None, None, None, None);
    let at = grant.created_at;
    let entry = HistoryEntry { event: GrantEvent::Refreshed, at, generation: 1, address, place, user_agent, why };
    let lines: Vec<_> = (0..lines).map(|_| Line { grant: grant.id, id: random::id(at), entry: entry.clone() }).collect();
    server.store(|connection| lines.chunks(500).try_for_each(|lines| grant_history::append(connection, lines)));
}

#[test]
fn each_leaves_at_its_time_with_its_history_and_its_networks() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_strict_client("spa");
        let pattern = pattern(server, &spa);
        let session = Some(pattern.sid);
        let is_active = [
            another(server, &pattern, 29 * DAY, |_| ()),
            another(server, &pattern, 100 * DAY, |grant| grant.rotated_at = Some(server.now())),
            another(server, &pattern, 100 * DAY, |grant| grant.session_id = session),
        ];
        let revoked = |days: i64| {
            move |grant: &mut Grant| grant.revoked_at = Some(grant.created_at.plus(Span::from_millis(1_000 * days * DAY)))
        };
        let cases: [Case; 6] = [
            (50 * DAY, Box::new(|_| ()), 10 * DAY),
            (10 * DAY, Box::new(revoked(4)), 24 * DAY),
            (20 * DAY, Box::new(|grant| grant.expires_at = grant.created_at.plus(Span::from_seconds(100))), 10 * DAY + 100),
            (3_600, Box::new(|grant| (grant.generation, grant.rotated_at) = (0, None)), DAY - 3_600),
            (
                40 * DAY,
                Box::new(move |grant| (grant.session_id, grant.revoked_at) = (session, Some(grant.created_at))),
                -10 * DAY,
            ),
            (10 * DAY, Box::new(|grant| (grant.generation, grant.rotated_at) = (1, Some(grant.created_at))), 50 * DAY),
        ];
        let network = "203.0.113.0/24";
        for (number, (age, change, leaves)) in cases.iter().enumerate() {
            let grant = another(server, &pattern, *age, change);
            write_lines(server, &grant, 3);
            let seen = Grant { generation: grant.generation, ..grant.clone() };
            let event = Event { at: grant.created_at, ..server.event(alice, Activity::SignedIn) };
            server.store(|connection| grants::repeat_elsewhere(connection, &seen, network, &event));
            let app = grant.id.to_string();
            let is_known = || server.store(|connection| devices::is_known(connection, alice, &app));
            let (history, others) = (count(server, "grant_history"), count(server, "devices"));
            // A second for the time that the test itself takes.
            look(server, START, 1_000, &retention(server, leaves - 5));
            assert!(is_there(server, grant.id) && is_known(), "{number}: before its time");
            assert_eq!(server.entries(grant.id).len(), 3, "{number}");
            look(server, START, 1_000, &retention(server, *leaves));
            assert!(!is_there(server, grant.id) && !is_known(), "{number}");
            assert_eq!(
                (count(server, "grant_history"), count(server, "devices")),
                (history - 3, others - 1),
                "{number}: only its own"
            );
            for grant in &is_active {
                let is_due = retention(server, *leaves).now.since(grant.rotated_at.unwrap()).seconds() >= 60 * DAY;
                assert!(is_due || is_there(server, grant.id), "{number}: {grant:?}");
            }
        }
        assert!(is_there(server, is_active[1].id), "it was used just now");
    });
}

#[test]
fn nobody_notices_that_one_has_left() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", OFFLINE);
        let tokens = server.redeem(&spa, &code);
        let (grant, refresh) = (grant_of(&tokens), tokens.text("refresh_token"));
        let unredeemed = browser.code(&spa, "alice", OFFLINE);
        let worth = || {
            let answers = [server.refresh(&spa, refresh), server.redeem(&spa, &code), server.redeem(&spa, &unredeemed)];
            let errors = answers.map(|answer| (answer.status, answer.error().to_owned()));
            (errors, server.userinfo(tokens.text("access_token")).status)
        };
        server.flush();
        server.advance(DAY - 60);
        server.tidy();
        assert_eq!(count(server, "grants"), 2);
        server.advance(3_700);
        server.tidy();
        assert_eq!(count(server, "grants"), 1, "nobody came for the other one");
        server.advance(30 * DAY);
        let before = worth();
        assert_eq!(before.0, [(); 3].map(|()| (400, "invalid_grant".to_owned())));
        assert_eq!(before.1, 401);
        server.advance(29 * DAY - 7_200);
        server.tidy();
        assert!(is_there(server, grant), "people still see it");
        assert!(server.entries(grant).iter().any(|entry| entry.event == GrantEvent::CodeIssued));
        server.advance(7_200);
        server.tidy();
        assert!(!is_there(server, grant));
        assert!(server.entries(grant).is_empty());
        assert_eq!(worth(), before);
        browser.sign_in("alice");
        for page in ["/account", "/account/activity", "/account/export"] {
            assert_eq!(browser.get(page).status, 200, "{page}");
        }
    });
}

#[test]
fn one_that_is_used_meanwhile_survives() {
    for database in databases().into_iter().filter(|database| database.name == "postgres") {
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let spa = server.add_strict_client("spa");
        let pattern = pattern(&server, &spa);
        let used = another(&server, &pattern, 61 * DAY, |_| ());
        let other = another(&server, &pattern, 61 * DAY, |_| ());
        write_lines(&server, &used, 1_500); // more than leave in one transaction
        let mut elsewhere = PgConnection::establish(&database.url).unwrap();
        let now = server.now().millis();
        let advance = format!(
            "BEGIN; UPDATE grants SET generation = generation + 1, rotated_at = {now} WHERE id = '\\x{}'::bytea",
            used.id
        );
        elsewhere.batch_execute(&advance).unwrap();
        let purged = look(&server, START, 100, &retention(&server, 0));
        assert_eq!((purged.at, purged.deleted), (None, 1), "nobody was waited for");
        assert!(!is_there(&server, other.id));
        elsewhere.batch_execute("COMMIT").unwrap();
        look(&server, START, 100, &retention(&server, 0));
        assert!(is_there(&server, used.id));
        let lines = server.store(|connection| grant_history::of(connection, used.id, 2_000));
        assert_eq!(lines.len(), 1_500, "with all of its history");
    }
}

#[test]
fn one_by_which_a_client_is_told_stays_until_its_session_has_ended() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_strict_client("spa");
        let pattern = pattern(server, &spa);
        let redeemed = another(server, &pattern, 61 * DAY, |grant| grant.sid = pattern.sid);
        let unredeemed = another(server, &pattern, 61 * DAY, |grant| {
            (grant.sid, grant.generation, grant.rotated_at) = (pattern.sid, 0, None);
        });
        write_lines(server, &redeemed, 2);
        look(server, START, 100, &retention(server, 0));
        assert!(is_there(server, redeemed.id) && !is_there(server, unredeemed.id));
        assert_eq!(server.entries(redeemed.id).len(), 2);
        let session = server.store(|connection| sessions::find(connection, pattern.sid)).unwrap();
        let event = server.event(alice, Activity::SignedOut);
        server.store(|connection| sessions::end(connection, &session, Offline::Keep, &event));
        look(server, START, 100, &retention(server, 0));
        assert!(!is_there(server, redeemed.id));
    });
}

#[test]
fn what_is_much_leaves_little_by_little() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_strict_client("spa");
        let pattern = pattern(server, &spa);
        let long = another(server, &pattern, 70 * DAY, |_| ());
        write_lines(server, &long, 2_500);
        for _ in 0..250 {
            another(server, &pattern, 65 * DAY, |_| ());
        }
        let retention = retention(server, 0);
        let (mut at, mut batches) = (START, Vec::new());
        loop {
            let purged = look(server, at, 200, &retention);
            assert!(purged.deleted <= 1_201, "{purged:?}");
            batches.push(purged.deleted);
            let Some(next) = purged.at else { break };
            at = next;
            assert!(batches.len() < 20, "{batches:?}");
        }
        assert_eq!(batches.iter().sum::<usize>(), 2_500 + 251);
        assert_eq!(count(server, "grants"), 1, "the pattern: {batches:?}");
        assert!(server.entries(long.id).is_empty() && !server.entries(pattern.id).is_empty());
        // The same in one round of the server, with as many rows of another kind.
        for number in 0..1_200 {
            super::revoke_expired(server, &number.to_string());
        }
        for _ in 0..250 {
            another(server, &pattern, 65 * DAY, |_| ());
        }
        super::revoke_expired(server, "x");
        for _ in 0..20 {
            server.tidy();
        }
        assert_eq!((count(server, "grants"), count(server, "revoked_tokens")), (1, 0));
    });
}

#[test]
fn a_deleted_user_is_forgotten_altogether_in_the_end() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_strict_client("spa");
        server.tokens(&spa, "alice", OFFLINE);
        server.tokens(&spa, "alice", "openid");
        server.flush();
        server.delete(alice);
        assert!(server.store(|connection| users::find(connection, alice)).is_none());
        server.advance(30 * DAY - 3_700);
        server.tidy();
        assert_eq!((count(server, "grants"), count(server, "sessions")), (2, 2));
        server.advance(3_800);
        server.tidy();
        server.advance(3_700);
        server.tidy();
        assert_eq!((count(server, "grants"), count(server, "sessions")), (0, 0));
        assert_eq!(count(server, "grant_history"), 0);
    });
}

/// Refreshing many times leaves no trace in any index: PostgreSQL rewrites the row within its page (HOT). In a cluster of its own:
/// a transaction that goes on anywhere in a cluster may keep pages from being tidied.
#[test]
fn rotation_stays_within_its_page() {
    #[derive(QueryableByName, Debug)]
    struct Updates {
        #[diesel(sql_type = BigInt)]
        updates: i64,
        #[diesel(sql_type = BigInt)]
        hot: i64,
    }

    let cluster = Cluster::start();
    let server = Server::start(&Database::at("postgres", &cluster.url), |_| ());
    server.add_user("alice");
    let spa = server.add_strict_client("spa");
    let pattern = pattern(&server, &spa);
    let all: Vec<_> = (0..100).map(|_| another(&server, &pattern, DAY, |_| ())).collect();
    let updates = || {
        server.store(|connection| {
            let force = "SELECT pg_stat_force_next_flush()";
            sql_query(force).execute(connection)?;
            let query = "SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'grants'";
            sql_query(query).get_result::<Updates>(connection).map_err(Error::from)
        })
    };
    server.store(|connection| {
        for round in 0..30 {
            for grant in &all {
                let seen = Origin {
                    address: Some(format!("203.0.113.{round}")),
                    user_agent: Some("notes/2".into()),
                    ..pattern.seen.clone()
                };
                let at = grant.created_at.plus(Span::from_seconds(600 * (round + 1)));
                let statement = Statement::after(at, at, Span::from_seconds(86_400 * 366));
                let advance = Advance { grant: grant.id, generation: grant.generation + round, seen: seen.clone(), statement };
                assert!(grants::advance(connection, &advance)?);
            }
        }
        Ok(())
    });
    crate::harness::wait_until(|| updates().updates >= 3_000, || format!("{:?}", updates()));
    let Updates { updates: all, hot } = updates();
    assert!(100 * hot >= 95 * all, "{hot} of {all}");
}
