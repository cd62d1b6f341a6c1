//! A grant revoked after its credential was judged and before it advances: no token is issued. Races of many threads hardly ever
//! hit that moment, so it is held open here: the revocation is written but not committed while the request reads, and committed
//! once the request waits for the row.

use std::{thread, time::Duration};

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use symbolon::testing::{
    protocol::{
        account::activity::Activity,
        grant::end_reason::EndReason,
        oauth::client::ClientKind,
        values::{id::Id, time::Span},
    },
    store::grants::{self, Advance, Statement},
};

use crate::harness::{Answer, Database, Server, VERIFIER, behind_a_proxy, databases, from, grant_of};

const HERE: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// Revokes the grant in a transaction of its own, which ends when this request of another waits for it.
fn revoked_during(database: &Database, grant: Id, request: impl FnOnce() -> Answer + Send) -> Answer {
    let hex = grant.to_string();
    let revoke = |id: String| format!("UPDATE grants SET revoked_at = 1, end_reason = 'a test' WHERE id = {id}");
    if let Some(path) = database.url.strip_prefix("sqlite:") {
        let mut revoking = SqliteConnection::establish(path).unwrap();
        revoking.batch_execute(&format!("BEGIN IMMEDIATE; {}", revoke(format!("x'{hex}'")))).unwrap();
        return thread::scope(|scope| {
            let requesting = scope.spawn(request);
            thread::sleep(Duration::from_millis(1_500)); // it reads at once, and waits to write for five seconds
            assert!(!requesting.is_finished(), "it waits");
            revoking.batch_execute("COMMIT").unwrap();
            requesting.join().unwrap()
        });
    }
    let [mut revoking, mut watching] = [(); 2].map(|()| PgConnection::establish(&database.url).unwrap());
    revoking.batch_execute(&format!("BEGIN; {}", revoke(format!("'\\x{hex}'")))).unwrap();
    thread::scope(|scope| {
        let requesting = scope.spawn(request);
        let waiting =
            "SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while diesel::sql_query(waiting).get_result::<Count>(&mut watching).unwrap().count == 0 {
            assert!(!requesting.is_finished(), "it waits");
            thread::sleep(Duration::from_millis(5));
        }
        revoking.batch_execute("COMMIT").unwrap();
        requesting.join().unwrap()
    })
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.error()), (400, "invalid_grant"), "{answer:?}");
    assert!(answer.text("error_description").contains("revoked") && answer.json.get("access_token").is_none(), "{answer:?}");
}

#[test]
fn between_judging_and_advancing_nothing_is_issued() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let server = Server::start(&database, behind_a_proxy);
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = server.browser_from(HERE, "Firefox");
        let post = |address: &str, form: &[(&str, &str)]| {
            let headers = from(address, "Firefox");
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            server.token(&[&[("client_id", "spa")], form].concat(), &headers)
        };
        let redeem = |code: &str| {
            let redirect_uri = ("redirect_uri", spa.settings.redirect_uris[0].as_str());
            post(HERE, &[("grant_type", "authorization_code"), ("code", code), redirect_uri, ("code_verifier", VERIFIER)])
        };
        // A code, a refresh, and a refresh from another network, which the user is told of.
        let code = browser.code(&spa, "alice", "openid offline_access");
        let alice = server.store(|connection| grants::list(connection, &grants::Filter { user: None, client: None }, 10));
        refused(&revoked_during(&database, alice[0].id, || redeem(&code)));
        for address in [HERE, ELSEWHERE] {
            let tokens = redeem(&browser.code(&spa, "alice", "openid offline_access"));
            let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.text("refresh_token"))];
            refused(&revoked_during(&database, grant_of(&tokens), || post(address, &refresh)));
        }
        let user = alice[0].user_id;
        assert!(!server.activities(user).contains(&Activity::NewNetwork), "nothing was used elsewhere");
    }
}

#[test]
fn a_revoked_row_does_not_advance() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let judged = |is_revoked: bool| {
            let tokens = server.tokens(&spa, "alice", "openid offline_access");
            let grant = server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant;
            if is_revoked {
                server.store(|connection| grants::revoke(connection, grant.id, EndReason::Other, server.now()));
            }
            grant
        };
        for is_revoked in [false, true] {
            let (one, two, three) = (judged(is_revoked), judged(is_revoked), judged(is_revoked));
            let statement = Statement::after(server.now(), server.now(), Span::from_seconds(60));
            let advance = |grant: &_| {
                let symbolon::testing::protocol::grant::Grant { id, generation, seen, .. } = grant;
                Advance { grant: *id, generation: *generation, seen: seen.clone(), statement }
            };
            let event = server.event(three.user_id, Activity::NewNetwork);
            let advanced = server.store(|connection| {
                Ok([
                    grants::advance(connection, &advance(&one))?,
                    server.app.store.advance(connection, advance(&two))?,
                    grants::advance_elsewhere(connection, &three, statement, "203.0.0.0/16", &event)?,
                ])
            });
            assert_eq!(advanced, [!is_revoked; 3], "{}", database.name);
            for grant in [one, two, three] {
                let after = server.store(|connection| grants::find(connection, grant.id)).unwrap().grant;
                assert_eq!(after.generation, grant.generation + u32::from(!is_revoked), "{}", database.name);
            }
        }
    }
}
