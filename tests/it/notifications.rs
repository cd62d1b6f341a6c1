//! E-mails in the queue: a mail server that is down, slow or refuses delays nobody and loses nothing; each e-mail is sent once,
//! whichever process sends it. Their content is `pages::messages`; their delivery is `mail`.

use std::time::{Duration, Instant};

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use symbolon::testing::{
    config::MailSettings,
    protocol::{account::notification::NotificationKind, values::id::Id},
    store::{
        Error,
        deliveries::{Content, Delivery},
    },
};

use crate::harness::{Behavior, Browser, Database, MailServer, Server, databases, wait_until};

const DAY: i64 = 86_400;
const ALICE: &str = "alice@example.com";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A server that sends by this one, and users who have signed in once, so that the next new browser of each is told.
fn stage(database: &Database, mail: &MailSettings, users: &[&str]) -> Server {
    eprintln!("on {}", database.name);
    let server = Server::start(database, |config| config.mail = mail.clone());
    for name in users {
        server.add_user(name);
        Browser::new(&server).sign_in(name);
    }
    server
}

/// Each of them signs in with a new browser.
fn anew(server: &Server, users: &[&str]) {
    server.advance(1);
    for name in users {
        Browser::new(server).sign_in(name);
    }
}

/// Waits until the only e-mail was tried so often, and put off.
#[track_caller]
fn put_off(server: &Server, attempts: u32) -> Delivery {
    let is_in_hand = |one: &Delivery| (500..=600).contains(&one.next_at.since(server.now()).seconds());
    let is_so = || matches!(&*server.waiting_messages(), [one] if one.attempts == attempts && !is_in_hand(one));
    wait_until(is_so, || format!("{attempts}: {:?}", server.waiting_messages()));
    server.waiting_messages().remove(0)
}

/// Moves the clock, and has the server look.
fn advance(server: &Server, seconds: i64) {
    server.advance(seconds);
    server.app.delivery_waker.wake();
}

#[test]
fn a_mail_server_that_hangs_delays_no_sign_in() {
    for database in databases() {
        let mail = MailServer::start(Behavior { manner: "hang", ..Behavior::WELL });
        let server = stage(&database, &mail.settings(), &["alice"]);
        let mut took = vec![];
        for _ in 0..12 {
            let mut browser = Browser::new(&server);
            let started = Instant::now();
            browser.sign_in("alice");
            took.push(started.elapsed());
        }
        took.sort();
        eprintln!("{}: sign-ins took {took:?}", database.name);
        assert!(took[11] < Duration::from_secs(9), "an answer of the mail server is waited for 10 seconds: {took:?}");
        assert_eq!(server.waiting_messages().len(), 12);
        assert!(mail.messages().is_empty());
    }
}

#[test]
fn what_could_not_be_sent_is_sent_later() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior::WELL);
        mail.stop();
        let server = stage(&database, &mail.settings(), &["alice"]);
        anew(&server, &["alice"]);
        let waiting = put_off(&server, 1);
        assert!(
            matches!(&waiting.content, Content::Notification(notice) if notice.kind == NotificationKind::NewDevice),
            "{waiting:?}"
        );
        assert!(waiting.next_at.since(server.now()).seconds() <= 5, "{waiting:?}");
        advance(&server, 6);
        put_off(&server, 2);
        mail.restart(Behavior { defer: &[ALICE], ..Behavior::WELL });
        advance(&server, 11);
        put_off(&server, 3);
        mail.restart(Behavior { manner: "close", ..Behavior::WELL });
        advance(&server, 21);
        put_off(&server, 4);
        mail.restart(Behavior::WELL);
        advance(&server, 41);
        let message = mail.wait_for(ALICE, 1).remove(0);
        let id = Id::try_from(waiting.id.clone()).unwrap();
        assert_eq!(message.header("Message-ID"), [format!("<{id}@id.example.com>")], "the same letter all along");
        assert_eq!(server.messages_to(&mail, ALICE), 1);
    }
}

#[test]
fn after_a_day_it_is_given_up() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior::WELL);
        mail.stop();
        let server = stage(&database, &mail.settings(), &["alice"]);
        anew(&server, &["alice"]);
        put_off(&server, 1);
        advance(&server, DAY - 120);
        put_off(&server, 2);
        advance(&server, 180);
        assert_eq!(server.messages_to(&mail, ALICE), 0);
        mail.restart(Behavior::WELL);
        advance(&server, DAY);
        anew(&server, &["alice"]);
        assert_eq!(server.messages_to(&mail, ALICE), 1, "the next one, and not that of the day before");
    }
}

#[test]
fn what_is_refused_for_good_is_not_tried_again_and_stops_nobody() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior { refuse: &[ALICE], ..Behavior::WELL });
        let server = stage(&database, &mail.settings(), &["alice", "bob"]);
        anew(&server, &["alice", "bob"]);
        assert_eq!((server.messages_to(&mail, "bob@example.com"), server.messages_to(&mail, ALICE)), (1, 0));
        mail.restart(Behavior::WELL);
        advance(&server, 3_600);
        anew(&server, &["bob"]);
        assert_eq!((server.messages_to(&mail, "bob@example.com"), server.messages_to(&mail, ALICE)), (2, 0));
    }
}

#[test]
fn without_mail_nothing_waits() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = stage(&database, &MailSettings::default(), &["alice"]);
        anew(&server, &["alice"]);
        server.app.delivery_waker.wake();
        wait_until(|| server.waiting_messages().is_empty(), || format!("{:?}", server.waiting_messages()));
        // What happened while mail was off is not sent when it is on.
        let server = server.restart(&database, |config| config.mail = mail.settings());
        anew(&server, &["alice"]);
        assert_eq!(server.messages_to(&mail, ALICE), 1);
    }
}

#[test]
fn of_two_processes_one_sends_it() {
    const USERS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = stage(&database, &mail.settings(), &USERS);
        let other = server.sibling_with(&database, |config| config.mail = mail.settings());
        for round in 1..=2 {
            anew(&server, &USERS[..6]);
            anew(&other, &USERS[6..]);
            for one in [&server, &other] {
                one.app.delivery_waker.wake();
            }
            for name in USERS {
                assert_eq!(server.messages_to(&mail, &format!("{name}@example.com")), round, "{name}");
            }
        }
        let messages = mail.messages();
        let mut ids: Vec<_> = messages.iter().map(|message| message.header("Message-ID")[0].to_owned()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), messages.len());
    }
}

#[test]
fn one_in_the_hands_of_a_process_that_died_is_taken_over() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior { manner: "hang", ..Behavior::WELL });
        let server = stage(&database, &mail.settings(), &["alice"]);
        anew(&server, &["alice"]);
        server.app.delivery_waker.wake();
        wait_until(|| matches!(&*server.waiting_messages(), [one] if one.attempts == 1), || "it was not taken".into());
        // The process dies in the midst of it: what it has in hand is not touched for ten minutes, then it is anyone's.
        let server = server.restart(&database, |config| config.mail = mail.settings());
        mail.restart(Behavior::WELL);
        advance(&server, 570);
        assert_eq!(server.waiting_messages().len(), 1);
        advance(&server, 40);
        assert_eq!(server.messages_to(&mail, ALICE), 1);
    }
}

#[test]
fn one_that_cannot_be_read_keeps_no_account_from_being_deleted() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let [alice, bob] = ["alice", "bob"].map(|name| server.add_user(name).claims.id);
        let later = server.now().millis() + 3_600_000;
        for (number, to) in ["bob@example.com", "bob", "carol@example.com"].into_iter().enumerate() {
            let insert = format!(
                "INSERT INTO deliveries (id, kind, client_id, content, attempts, next_at, created_at, address) \
                 VALUES ({}, 'notification', '', '{{\"of\":\"a newer program\"}}', 0, {later}, {number}, '{to}')",
                server.literal(symbolon::testing::random::id(server.now()))
            );
            server.store(|connection| connection.batch_execute(&insert).map_err(Error::from));
        }
        let left = || {
            let count = "SELECT count(*) AS number FROM deliveries";
            server.store(|connection| sql_query(count).get_result::<Number>(connection).map_err(Error::from)).number
        };
        server.delete(alice);
        assert_eq!(left(), 3, "on {}: none of them is hers", database.name);
        server.delete(bob);
        assert_eq!(left(), 1, "on {}: what names him is gone with him", database.name);
    }
}
