//! Addresses that a previous version stored in lower case only: the next start converts each to its canonical spelling, once, and
//! reports those that it cannot convert.

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use symbolon::testing::{
    protocol::{
        account::link::LinkKind,
        values::{id::Id, time::Span},
    },
    random,
    store::{
        link_actions,
        links::{self, Link},
        spellings::{self, Rewritten, Taken},
        users,
    },
};

use super::found;
use crate::harness::{Behavior, Browser, Database, MailServer, PASSWORD, Server, databases, settled};

/// How addresses were kept, how they are kept, and how users type them.
const ADDRESSES: [(&str, &str, &str); 5] = [
    ("alice@exämple.com", "alice@xn--exmple-cua.com", "alice@exämple.com"),
    ("e\u{301}mile@example.com", "émile@example.com", "Émile@Example.com"),
    ("ｚoe@example.com", "zoe@example.com", "zoe@example.com"),
    ("bob@exa\u{308}mple.com", "bob@xn--exmple-cua.com", "bob@xn--exmple-cua.com"),
    ("carol@ｅxample.com", "carol@example.com", "Carol@example.com"),
];

/// Keeps an address as a version before did.
fn keep(server: &Server, user: Id, email: &str) {
    let id = server.literal(user);
    let statement = format!("UPDATE users SET email = '{email}' WHERE id = {id}");
    assert_eq!(server.store(|connection| Ok(sql_query(&statement).execute(connection)?)), 1);
}

/// Whether the database was not looked through yet, as one that a version before served.
fn forget(server: &Server) {
    server.store(|connection| Ok(sql_query("DELETE FROM meta WHERE name = 'email_spellings'").execute(connection)?));
}

fn email(server: &Server, user: Id) -> String {
    server.store(|connection| users::find(connection, user)).unwrap().claims.email
}

fn rewrite(server: &Server) -> Rewritten {
    server.store(|connection| spellings::rewrite(connection, server.now()))
}

#[test]
fn users_sign_in_and_recover_by_the_spelling_of_today() {
    for database in databases() {
        let mail = MailServer::start(Behavior { utf8: true, ..Behavior::WELL });
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let users: Vec<_> = (0..ADDRESSES.len()).map(|number| server.add_user(&format!("person{number}")).claims.id).collect();
        for (user, (old, ..)) in users.iter().zip(ADDRESSES) {
            keep(&server, *user, old);
            assert_eq!(found(&server, old), None, "{}: {old}", database.name);
        }
        forget(&server);
        let server = server.restart(&database, |config| config.mail = mail.settings());
        for (user, (old, new, typed)) in users.iter().zip(ADDRESSES) {
            assert_eq!(email(&server, *user), new, "{}: {old}", database.name);
            assert_eq!(Browser::new(&server).sign_in_at("/login", typed, PASSWORD).status, 303, "{}: {typed}", database.name);
            Browser::new(&server).ask_by("/recover", ("login", typed));
            settled(&server);
            assert!(mail.wait_for(new, 1)[0].text.contains("/recover/password?"), "{}: {typed}", database.name);
            server.advance(3_700);
        }
    }
}

#[test]
fn a_link_that_went_to_an_old_spelling_still_works_and_is_found() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let alice = server.add_user("alice").claims.id;
        let (old, new, _) = ADDRESSES[0];
        keep(&server, alice, old);
        let now = server.now();
        let made = |kind, user_id, email: &str| {
            let link = Link { user_id, email: Some(email.into()), ..Link::new(random::id(now), kind, now) };
            server.store(|connection| links::insert(connection, &link));
            link.id
        };
        let reset = made(LinkKind::Reset, Some(alice), old);
        made(LinkKind::Invitation, None, ADDRESSES[1].0);
        forget(&server);
        let rewritten = rewrite(&server);
        assert_eq!((rewritten.users, rewritten.links, rewritten.taken), (1, 1, vec![]), "{}", database.name);
        let reset = server.store(|connection| links::find(connection, reset)).unwrap();
        assert_eq!(reset.email.as_deref(), Some(new));
        let event = server.event(alice, symbolon::testing::protocol::account::activity::Activity::PasswordReset);
        let browser = ("a browser", "192.0.0.0/16");
        let ended = server.store(|connection| link_actions::reset_password(connection, &reset, "a hash", browser, &event));
        assert!(ended.is_some(), "{}", database.name);
        assert_eq!(server.store(|connection| links::withdraw(connection, ADDRESSES[1].1, now)), 1, "{}", database.name);
    }
}

#[test]
fn an_address_that_is_anothers_stays_and_is_told_of() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let [first, second, third, other] = ["first", "second", "third", "other"].map(|name| server.add_user(name).claims.id);
        let (old, new, _) = ADDRESSES[1];
        let another = "ｅ\u{301}mile@example.com";
        keep(&server, first, new);
        keep(&server, second, old);
        keep(&server, third, another);
        keep(&server, other, ADDRESSES[2].0);
        let reset = Link {
            user_id: Some(second),
            email: Some(old.into()),
            ..Link::new(random::id(server.now()), LinkKind::Reset, server.now())
        };
        server.store(|connection| links::insert(connection, &reset));
        forget(&server);
        let mut taken = [(second, "second"), (third, "third")];
        taken.sort(); // by their ids
        let taken = taken.map(|(user, username)| Taken { user, username: username.into(), holder: first }).to_vec();
        let received = rewrite(&server);
        assert_eq!(received, Rewritten { users: 1, links: 0, taken: taken.clone() }, "{}", database.name);
        assert_eq!([first, second, third, other].map(|user| email(&server, user)), [new, old, another, ADDRESSES[2].1]);
        let kept = server.store(|connection| links::find(connection, reset.id)).unwrap();
        assert_eq!(kept.email.as_deref(), Some(old), "{}: it works as long as the address is theirs", database.name);
        // As long as it is so, it is told, however much later.
        server.advance(10 * 86_400);
        assert_eq!(rewrite(&server), Rewritten { taken, ..Rewritten::default() }, "{}", database.name);
        assert_eq!(Browser::new(&server).sign_in_at("/login", "second", PASSWORD).status, 303, "{}", database.name);
        server.change_user(second, |user| user.claims.email = "second@example.com".into());
        server.change_user(third, |user| user.claims.email = "third@example.com".into());
        let received = rewrite(&server);
        assert_eq!((received.users, received.taken), (0, vec![]), "{}", database.name);
    }
}

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Text)]
    value: String,
}

#[test]
fn it_is_done_once_and_as_long_as_processes_of_the_version_before_may_write() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let alice = server.add_user("alice").claims.id;
        let (old, new, _) = ADDRESSES[0];
        let mark = || {
            let read = sql_query("SELECT value FROM meta WHERE name = 'email_spellings'");
            server.store(|connection| Ok(read.get_result::<Mark>(connection)?)).value
        };
        let begun = mark();
        keep(&server, alice, old); // by a process of the version before, which is replaced next
        server.advance(3_600);
        assert_eq!((rewrite(&server).users, email(&server, alice)), (1, new.to_owned()), "{}", database.name);
        assert_eq!(mark(), begun, "{}: the day is not counted anew", database.name);
        server.advance(86_400);
        keep(&server, alice, old);
        assert_eq!((rewrite(&server).users, email(&server, alice)), (0, old.to_owned()), "{}: nobody looks", database.name);
        let requested = server.store(|connection| spellings::rewrite_all(connection, server.now()));
        assert_eq!((requested.users, email(&server, alice)), (1, new.to_owned()), "{}: but for who asks", database.name);
        keep(&server, alice, old);
        // A mark of a clock that was wrong counts for nothing.
        let ahead = server.now().plus(Span::from_seconds(86_400)).millis();
        let set = format!("UPDATE meta SET value = '{ahead}' WHERE name = 'email_spellings'");
        server.store(|connection| Ok(sql_query(&set).execute(connection)?));
        assert_eq!(rewrite(&server).users, 1, "{}", database.name);
        let noted: i64 = mark().parse().unwrap();
        assert!(noted <= server.now().millis(), "{}: it is not ahead any more", database.name);
    }
}

#[test]
fn more_than_one_batch_is_rewritten() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        many(&server, &database, 2_300);
        forget(&server);
        assert_eq!(rewrite(&server).users, 2_300, "{}", database.name);
        assert_eq!(found(&server, "p2299@exämple.com").as_deref(), Some("p2299@xn--exmple-cua.com"), "{}", database.name);
        assert_eq!(rewrite(&server), Rewritten::default(), "{}", database.name);
    }
}

/// So many users whose addresses were kept by a version before.
fn many(server: &Server, database: &Database, number: u32) {
    let id = if database.name == "sqlite" { "randomblob(16)" } else { "decode(md5(n::text), 'hex')" };
    let numbers = format!("WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number} - 1)");
    let statement = format!(
        "{numbers} INSERT INTO users (id, username, email, email_verified, created_at, updated_at)
         SELECT {id}, 'p' || n, 'p' || n || '@exämple.com', TRUE, 1, 1 FROM numbers"
    );
    server.store(|connection| Ok(sql_query(&statement).execute(connection)?));
}
