//! Deletions: a deleted user or client is gone for every request and process at once, and what belonged to them is purged in bounded
//! batches, which whoever comes next continues after an interruption.

use std::{sync::mpsc, thread};

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use symbolon::testing::{
    protocol::{
        account::activity::{Activity, Origin},
        grant::{Grant, end_reason::EndReason},
        oauth::{
            client::{Client, ClientKind},
            next_step::{Allowed, ConsentGiver},
            scope::Scopes,
        },
        values::time::Span,
    },
    random,
    store::{
        DatabaseUrl, Error, account, clients, consents,
        deletion_stages::{self, ROWS},
        deletions::{self, Deleted},
        grants, sessions,
    },
};

use crate::{
    cli::Binary,
    harness::{Answer, Browser, Server, both, databases, grant_of, wait_until},
};

const OFFLINE: &str = "openid offline_access";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn count(server: &Server, of: &str) -> i64 {
    let query = format!("SELECT count(*) AS number FROM {of}");
    server.store(|connection| sql_query(query).get_result::<Number>(connection).map_err(Error::from)).number
}

fn run(server: &Server, sql: &str) {
    server.store(|connection| connection.batch_execute(sql).map_err(Error::from));
}

/// Tokens of a client, and as many more grants like theirs.
fn with_many(server: &Server, client: &Client, more: usize) -> (Answer, Grant) {
    let tokens = server.tokens(client, "alice", OFFLINE);
    server.flush();
    let pattern = server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant;
    run(server, "BEGIN");
    for _ in 0..more {
        let grant = Grant { id: random::id(server.now()), ..pattern.clone() };
        server.store(|connection| grants::insert(connection, &grant));
    }
    run(server, "COMMIT");
    (tokens, pattern)
}

/// Purges to the end; the number of rows of each batch.
fn purge(server: &Server, deleted: &Deleted, limit: u32) -> Vec<usize> {
    let mut batches = Vec::new();
    loop {
        let batch = server.store(|connection| deletion_stages::purge(connection, deleted, server.now(), limit));
        if batch.is_complete {
            return batches;
        }
        batches.push(batch.rows);
    }
}

fn is_pending(server: &Server, deleted: &Deleted) -> bool {
    server.store(|connection| deletions::is_pending(connection, deleted))
}

/// Runs rounds of housekeeping until nothing of a deletion is left.
fn tidy(server: &Server, deleted: &Deleted) {
    for _ in 0..100 {
        if !is_pending(server, deleted) {
            return;
        }
        server.tidy();
    }
    panic!("{deleted:?} is not complete");
}

#[test]
fn a_client_is_gone_at_once_and_its_thousands_of_grants_in_bounded_batches() {
    const MORE: usize = 2_100;
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |config| config.database_pool_size = 1); // BEGIN and COMMIT on one connection
        let other = server.sibling(&database);
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let (tokens, pattern) = with_many(&server, &spa, MORE);
        let (refresh, access) = (tokens.text("refresh_token"), tokens.text("access_token"));
        for one in [&server, &other] {
            assert_eq!(one.userinfo(access).status, 200, "{name}: both have the client in their cache");
        }
        let deleted = Deleted::Client(spa.id.clone());
        assert!(server.store(|connection| clients::delete(connection, &spa.id, server.now())), "{name}");
        assert_eq!(count(&server, "grants WHERE revoked_at IS NOT NULL"), 0, "{name}: the request was short");
        for one in [&server, &other] {
            let refused = one.refresh(&spa, refresh);
            assert_eq!((refused.status, refused.error()), (401, "invalid_client"), "{name}");
            assert_eq!(one.userinfo(access).status, 401, "{name}");
            let page = Browser::new(one).get(&Browser::request(&spa, OFFLINE, &[]));
            assert!(page.status == 400 && page.is("error"), "{name}: {page:?}");
        }
        let again = server.app.store.with(|connection| clients::insert(connection, &spa));
        assert!(matches!(again, Err(Error::Conflict(_))), "{name}: old grants still name it: {again:?}");
        let allowed = Allowed { scopes: Scopes::parse(OFFLINE).unwrap(), audiences: vec![] };
        let event = server.event(pattern.user_id, Activity::AppAllowed);
        server.store(|connection| consents::add(connection, "spa", &allowed, ConsentGiver::User, &event));
        assert_eq!(count(&server, "consents"), 1, "{name}: of before; none is added");

        let batches = purge(&server, &deleted, ROWS);
        assert!(batches.iter().all(|rows| *rows <= ROWS as usize), "{name}: {batches:?}");
        assert_eq!(batches.iter().sum::<usize>(), MORE + 2, "{name}: the grants and the consent: {batches:?}");
        assert_eq!(count(&server, "consents") + count(&server, "grants WHERE revoked_at IS NULL"), 0, "{name}");
        let grant = server.store(|connection| grants::find(connection, pattern.id)).unwrap().grant;
        assert_eq!(grant.end_reason, Some(EndReason::ClientDeleted), "{name}");
        server.store(|connection| clients::insert(connection, &spa));
        for one in [&server, &other] {
            assert_eq!(one.refresh(&spa, refresh).error(), "invalid_grant", "{name}: whoever has the id next gets none of them");
            assert_eq!(one.userinfo(access).status, 401, "{name}");
        }
    }
}

#[test]
fn a_user_is_gone_at_once_in_every_process() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let other = server.sibling(&database);
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(&server);
        let tokens = server.redeem(&spa, &browser.code(&spa, "alice", OFFLINE));
        let id = alice.claims.id;
        let before = server.store(|connection| sessions::unended_of(connection, id)).remove(0);
        server.mark_deleted(id);
        assert!(is_pending(&server, &Deleted::User(id)), "{name}");
        for one in [&server, &other] {
            assert_eq!(one.refresh(&spa, tokens.text("refresh_token")).error(), "invalid_grant", "{name}");
            assert_eq!(one.userinfo(tokens.text("access_token")).status, 401, "{name}");
        }
        assert_eq!(browser.get("/").state(), Some("signed-out"), "{name}");
        let silent = browser.get(&Browser::request(&spa, OFFLINE, &[("prompt", "none")]));
        assert!(silent.location().contains("error=login_required"), "{name}: {silent:?}");
        assert_eq!(Browser::new(&server).sign_in_at("/login", "alice", crate::harness::PASSWORD).status, 401, "{name}");
        // A request that had read the session before.
        let grant = server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant;
        let late = Grant { id: random::id(server.now()), created_at: server.now(), ..grant };
        server.store(|connection| grants::insert_in(connection, &late, &before, Span::from_seconds(60)));

        let again = server.add_user("alice").claims.id;
        assert_ne!(again, id, "{name}: the name is free, the subject is not");
        Browser::new(&server).sign_in("alice");
        purge(&server, &Deleted::User(id), ROWS);
        assert_eq!(count(&server, "grants WHERE revoked_at IS NULL"), 0, "{name}: nor is one left that came late");
        assert_eq!(count(&server, "sessions WHERE ended_at IS NULL"), 1, "{name}: that of the new account");
        assert!(!server.activities(again).is_empty(), "{name}");
    }
}

#[test]
fn an_interrupted_deletion_is_completed_by_housekeeping_and_holds_up_no_other() {
    both(|server| {
        server.add_apis();
        let (alice, bob) = (server.add_user("alice").claims.id, server.add_user("bob").claims.id);
        let web = server.add_web("web");
        let mut browser = Browser::new(server);
        browser.headers = vec![("User-Agent", "Mozilla/5.0".into())];
        let code = browser.code(&web, "alice", OFFLINE);
        let tokens = server.redeem_as(&web, &code, &[]);
        Browser::new(server).code(&web, "bob", OFFLINE);
        server.flush();
        let pattern = server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant;
        for _ in 0..20 {
            let grant = Grant { id: random::id(server.now()), ..pattern.clone() };
            server.store(|connection| grants::insert(connection, &grant));
        }
        server.mark_deleted(alice);
        server.advance(1);
        server.mark_deleted(bob);
        let (of_alice, of_bob) = (Deleted::User(alice), Deleted::User(bob));
        let batch = || server.app.store.with(|connection| deletion_stages::purge(connection, &of_alice, server.now(), 8));
        for _ in 0..3 {
            let done = batch().unwrap();
            assert!(done.rows <= 8 && !done.is_complete, "{done:?}");
        }
        // The next one meets a row that the database refuses to change, and is rolled back as a whole.
        let theirs = server.literal(alice);
        server.refuse("UPDATE", "grants", &format!("NEW.user_id = {theirs}"));
        let revoked = || count(server, &format!("grants WHERE revoked_at IS NOT NULL AND user_id = {theirs}"));
        let before = revoked();
        assert!(before > 0 && before < 20, "{before}");
        assert!(batch().is_err());
        tidy(server, &of_bob);
        assert!(is_pending(server, &of_alice) && revoked() == before, "{}", revoked());
        let is_postgres = matches!(server.app.config.database, DatabaseUrl::Postgres(_));
        run(server, if is_postgres { "DROP TRIGGER refuse_grants ON grants" } else { "DROP TRIGGER refuse_grants" });
        tidy(server, &of_alice);
        let left = ["consents", "devices", "activity", "links", "grant_history", "deletions"].map(|table| count(server, table));
        assert_eq!(left, [0; 6]);
        let ended = "grants WHERE revoked_at IS NULL OR address IS NOT NULL OR user_agent IS NOT NULL";
        assert_eq!(count(server, ended), 0);
        assert_eq!(count(server, "sessions WHERE ended_at IS NULL OR address IS NOT NULL OR device_id IS NOT NULL"), 0);
        let grant = server.store(|connection| grants::find(connection, pattern.id)).unwrap().grant;
        assert_eq!((grant.end_reason, grant.seen), (Some(EndReason::UserDeleted), Origin::default()));
    });
}

#[test]
fn mail_to_others_is_not_read_and_mail_to_the_user_is_not_sent() {
    both(|server| {
        let (alice, bob) = (server.add_user("alice").claims.id, server.add_user("bob").claims.id);
        let hash = server.app.passwords.hash("another good password").unwrap();
        // No attempt to send one succeeds, so that none is gone before this test looks.
        server.refuse("UPDATE", "deliveries", "NEW.attempts > OLD.attempts");
        run(server, "DELETE FROM deliveries");
        for user in [alice, bob] {
            server.reset_password(user, &hash);
        }
        run(server, "UPDATE deliveries SET content = 'unreadable' WHERE address = 'bob@example.com'");
        assert_eq!(count(server, "deliveries"), 2);
        server.mark_deleted(alice);
        assert_eq!(count(server, "deliveries"), 1);
        assert_eq!(count(server, "deliveries WHERE address = 'bob@example.com'"), 1);
        server.mark_deleted(bob);
        assert_eq!(count(server, "deliveries"), 0, "what cannot be read is found as well");
    });
}

#[test]
fn commands_purge_to_the_end() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        server.tokens(&spa, "alice", OFFLINE);
        let deleted = symbolon.json("client delete spa --json");
        assert_eq!(deleted, serde_json::json!({ "client_id": "spa", "deleted": true }), "{name}");
        let deleted = symbolon.json("user delete alice --json");
        assert_eq!((&deleted["deleted"], deleted.get("purge_pending")), (&true.into(), None), "{name}");
        assert_eq!(count(&server, "deletions") + count(&server, "consents") + count(&server, "activity"), 0, "{name}");
    }
}

#[test]
fn a_command_continues_what_was_interrupted() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        let (alice, spa) = (server.add_user("alice").claims.id, server.add_client("spa", ClientKind::Spa, |_| ()));
        server.tokens(&spa, "alice", OFFLINE);
        assert!(server.store(|connection| clients::delete(connection, "spa", server.now())));
        assert!(server.store(|connection| account::delete(connection, alice, server.now()).map(|()| true)));
        assert_eq!(count(&server, "deletions"), 2, "{name}");
        assert_eq!(
            symbolon.json("client delete spa --json"),
            serde_json::json!({ "client_id": "spa", "deleted": true }),
            "{name}"
        );
        let deleted = symbolon.json(&format!("user delete {alice} --json"));
        assert_eq!(deleted, serde_json::json!({ "id": alice.to_string(), "deleted": true }), "{name}");
        assert_eq!(count(&server, "deletions") + count(&server, "consents") + count(&server, "activity"), 0, "{name}");
        for again in ["client delete spa".to_owned(), format!("user delete {alice}")] {
            let refused = symbolon.refusal(&again);
            assert!(refused.contains("no "), "{name}: {again}: {refused}");
        }
    }
}

/// SQLite has one writer: there, nothing happens between what a batch reads and what it writes.
#[test]
fn a_grant_that_is_revoked_meanwhile_ends_no_stage() {
    let databases = databases();
    let database = databases.iter().find(|database| database.name == "postgres").unwrap();
    let server = Server::start(database, |_| ());
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    with_many(&server, &spa, 5);
    assert!(server.store(|connection| clients::delete(connection, "spa", server.now())));
    let deleted = Deleted::Client("spa".into());
    let (stage, active) = ("deletions WHERE stage = 1", "grants WHERE revoked_at IS NULL");
    while count(&server, stage) == 0 {
        server.store(|connection| deletion_stages::purge(connection, &deleted, server.now(), 2));
    }
    assert_eq!(count(&server, active), 6);
    // Those that the next batch of two finds, one of which another transaction is revoking.
    let first = "SELECT id FROM grants WHERE client_id = 'spa' AND revoked_at IS NULL LIMIT 1";
    let revoke = format!("BEGIN; UPDATE grants SET revoked_at = 1, end_reason = 'session_ended' WHERE id = ({first})");
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let (held, holds) = mpsc::channel();
    let (go, going) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let (server, deleted, revoke) = (&server, &deleted, &revoke);
        scope.spawn(move || {
            server.store(|connection| {
                connection.batch_execute(revoke).map_err(Error::from)?;
                held.send(()).unwrap();
                going.recv().unwrap();
                connection.batch_execute("COMMIT").map_err(Error::from)
            });
        });
        holds.recv().unwrap();
        let batch = scope.spawn(move || server.store(|connection| deletion_stages::purge(connection, deleted, server.now(), 2)));
        wait_until(|| count(server, waiting) > 0, || "the batch does not wait for the other transaction".into());
        go.send(()).unwrap();
        assert!(!batch.join().unwrap().is_complete);
    });
    purge(&server, &deleted, 2);
    assert_eq!(count(&server, active), 0, "the other grants are not left over");
}
