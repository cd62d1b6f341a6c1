//! The revision: every change raises it, a failed one does not, concurrent ones never deadlock, and when the database was
//! restored to an earlier state, the cache is not trusted for long.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use diesel::{Connection, connection::SimpleConnection};
use symbolon::testing::{
    protocol::oauth::{
        api::Api,
        api_tokens::ApiTokens,
        client::{Client, ClientKind},
    },
    store::{AnyConnection, Error, Store, apis, clients, revisions},
};

use super::elsewhere;
use crate::harness::{API, Database, Server, databases};

fn revision(store: &Store) -> i64 {
    store.with(revisions::of_registrations).unwrap()
}

/// SQL that no code of ours has.
fn sql(database: &Database, statements: &str) {
    match database.url.strip_prefix("sqlite:") {
        Some(path) => diesel::SqliteConnection::establish(path).unwrap().batch_execute(statements).unwrap(),
        None => diesel::PgConnection::establish(&database.url).unwrap().batch_execute(statements).unwrap(),
    }
}

#[test]
fn every_change_raises_it_and_one_that_failed_does_not() {
    type Change = Box<dyn Fn(&mut AnyConnection) -> Result<(), Error>>;
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (store, now) = (elsewhere(&database), server.now());
        let client = |id: &str| Client::new(id, "App", ClientKind::Service, now);
        let api = Api {
            uri: API.into(),
            name: "Notes".into(),
            scopes: vec![],
            tokens: ApiTokens::default(),
            min_acr: None,
            created_at: now,
        };
        let (one, two, of_insert, of_change) = (client("one"), client("two"), api.clone(), api.clone());
        let changes: Vec<(&str, Change)> = vec![
            ("clients::insert", Box::new(move |connection| clients::insert(connection, &one))),
            (
                "clients::register",
                Box::new(move |connection| clients::register(connection, |_| Ok::<_, Error>(two.clone())).map(drop)),
            ),
            (
                "clients::update",
                Box::new(|connection| {
                    clients::update(connection, "one", |_, client| -> Result<(), Error> {
                        client.settings.client_name = "Another".into();
                        Ok(())
                    })
                    .map(drop)
                }),
            ),
            ("clients::set_disabled", Box::new(move |connection| clients::set_disabled(connection, "one", Some(now)).map(drop))),
            ("clients::set_disabled, on", Box::new(|connection| clients::set_disabled(connection, "one", None).map(drop))),
            ("clients::delete", Box::new(move |connection| clients::delete(connection, "one", now).map(drop))),
            ("apis::insert", Box::new(move |connection| apis::insert(connection, &of_insert))),
            (
                "apis::change",
                Box::new(|connection| {
                    apis::change(connection, API, |api| -> Result<(), Error> {
                        api.name = "Another".into();
                        Ok(())
                    })
                    .map(drop)
                }),
            ),
            ("apis::update", Box::new(move |connection| apis::update(connection, &of_change).map(drop))),
            ("apis::remove", Box::new(|connection| apis::remove(connection, API).map(drop))),
        ];
        for (name, change) in changes {
            let before = revision(&store);
            store.with(change).unwrap();
            assert!(revision(&store) > before, "{}: {name}", database.name);
        }

        let before = revision(&store);
        let two = client("two");
        assert!(matches!(store.with(|connection| clients::insert(connection, &two)), Err(Error::Conflict(_))));
        let refused = store.with(|connection| clients::update(connection, "two", |_, _| Err(Error::Failed("a test".into()))));
        assert_eq!(refused.unwrap_err(), Error::Failed("a test".into()));
        assert_eq!(revision(&store), before, "{}", database.name);
    }
}

#[test]
fn changes_at_once_are_all_made() {
    const TIMES: i64 = 60;
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_client("job", ClientKind::Service, |_| ());
        let stores = [elsewhere(&database), elsewhere(&database)];
        let (before, now) = (revision(&stores[0]), server.now());
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    stores[0].with(|connection| clients::set_disabled(connection, "job", Some(now))).unwrap();
                }
            });
            for _ in 0..TIMES {
                stores[1].with(|connection| clients::update(connection, "job", |_, _| Ok::<_, Error>(()))).unwrap();
            }
        });
        assert_eq!(revision(&stores[0]), before + 2 * TIMES, "{}", database.name);
    }
}

#[test]
fn however_many_ask_meanwhile_a_change_is_seen_at_once() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_client("job", ClientKind::Service, |_| ());
        let (store, over) = (elsewhere(&database), AtomicBool::new(false));
        let (now, status) = (server.now(), || server.serve("job", &[]).status);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        assert!([200, 401, 429].contains(&status()));
                    }
                });
            }
            for round in 0..80 {
                let at = (round % 2 == 0).then_some(now);
                let switched = store.with(|connection| clients::set_disabled(connection, "job", at));
                let seen = status();
                if switched != Ok(true) || (seen == 200) != at.is_none() {
                    over.store(true, Ordering::Relaxed);
                    panic!("{}, round {round}: {switched:?}, {seen}", database.name);
                }
            }
            over.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn a_database_that_was_taken_back_is_believed_soon() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        server.add_client("job", ClientKind::Service, |_| ());
        let works = || server.serve("job", &[]).status == 200;
        assert!(works() && works(), "{name}");

        // Taken back: another number, and seen at once.
        sql(&database, "UPDATE clients SET disabled_at = 1; UPDATE revisions SET number = number - 1");
        assert!(!works(), "{name}: the number went back");
        sql(&database, "UPDATE clients SET disabled_at = NULL; UPDATE revisions SET number = number + 1");
        assert!(works(), "{name}");

        // Taken back and changed again as often: the same number, of something else.
        sql(&database, "UPDATE clients SET disabled_at = 1");
        server.advance(20);
        assert!(!works(), "{name}: what was read 20 seconds ago is read again");
        sql(&database, "UPDATE clients SET disabled_at = NULL");
        server.advance(-60);
        assert!(works(), "{name}: also by a clock that was set back");
    }
}
