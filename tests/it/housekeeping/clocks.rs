//! A wrong clock, contradicted by others: nothing is deleted, ended or given up by it, for however short a time; and everything
//! continues when it is right again.

use symbolon::testing::{
    config::OutboundSettings,
    protocol::{
        account::{
            activity::UNKNOWN_ORIGIN,
            link::LinkKind,
            notification::{Notification, NotificationKind},
        },
        oauth::client::ClientKind,
        values::time::Span,
    },
    random,
    store::{
        deliveries::{self, Content},
        leases,
        links::{self, Link},
        sweep_cursors,
    },
};

use super::{DAY, OFFLINE, count, is_kept, revoke_expired};
use crate::harness::{Behavior, Listener, MailServer, Server, both, both_with, databases, wait_until};

/// Everything from which something could be missing.
const TABLES: [&str; 6] = ["grants", "sessions", "grant_history", "activity", "devices", "revoked_tokens"];
const AHEAD: i64 = 62 * DAY;

/// A user with grants of every kind, and a row that leaves whenever someone tidies up.
fn inhabited(server: &Server) {
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    for scope in [OFFLINE, "openid"] {
        server.tokens(&spa, "alice", scope);
    }
    server.flush();
    revoke_expired(server, "a");
}

/// What there is: rows, and sessions that have ended.
fn rows(server: &Server) -> Vec<i64> {
    TABLES.iter().map(|table| count(server, table)).chain([count(server, "sessions WHERE ended_at IS NOT NULL")]).collect()
}

#[test]
fn a_clock_that_is_wrong_for_a_moment_deletes_nothing() {
    // The server's machine alone, and one on which the database runs as well.
    for step in [Server::step_clock as fn(&Server, i64), Server::step_machine] {
        both(|server| {
            server.tidy(); // by now it knows its clock
            inhabited(server);
            let before = rows(server);
            step(server, AHEAD);
            for _ in 0..3 {
                server.tidy();
                assert_eq!(rows(server), before);
            }
            step(server, -AHEAD);
            assert_eq!(rows(server), before);
            server.tidy();
            assert!(!is_kept(server, "a"), "it goes on");
            assert_eq!(count(server, "grants"), 2);
        });
    }
}

#[test]
fn a_process_that_starts_with_a_wrong_clock_leaves_the_work_to_others() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        one.tidy();
        inhabited(&one);
        let wrong = one.sibling_ahead(&database, AHEAD);
        let before = rows(&one);
        for _ in 0..3 {
            wrong.tidy();
            assert_eq!(rows(&one), before, "on {}", database.name);
        }
        let (begun, now) = (one.store(sweep_cursors::last_begun).unwrap(), one.now());
        assert!(begun <= now, "nor is a walk begun in the future");
        let taken =
            one.store(|connection| leases::take(connection, "housekeeping", random::id(now), now, Span::from_seconds(90)));
        assert!(!taken, "the lease is the first one's");
        one.tidy();
        assert!(!is_kept(&one, "a"), "it goes on");
        wrong.step_clock(-AHEAD);
        wrong.tidy();
    }
}

#[test]
fn a_machine_that_was_suspended_goes_on_after_some_hours() {
    both(|server| {
        server.tidy();
        inhabited(server);
        server.step_machine(DAY);
        server.tidy();
        server.advance(5 * 3_600);
        server.tidy();
        assert!(is_kept(server, "a"), "nobody knows yet that it is the right time");
        server.advance(3_601);
        server.tidy();
        assert!(!is_kept(server, "a"));
    });
}

#[test]
fn a_server_that_was_off_for_long_goes_on_after_some_hours() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        inhabited(&server);
        server.tidy();
        revoke_expired(&server, "b");
        server.advance(3 * DAY);
        let server = server.restart(&database, |_| ());
        server.tidy();
        assert!(is_kept(&server, "b"), "on {}", database.name);
        server.advance(6 * 3_600 + 1);
        server.tidy();
        assert!(!is_kept(&server, "b"), "on {}", database.name);
    }
}

#[test]
fn no_message_is_given_up_or_put_off_for_months() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| config.mail = mail.settings());
        mail.stop();
        let made = server.now();
        let link = Link::new(random::id(made), LinkKind::ConfirmEmail, made);
        server.store(|connection| links::insert(connection, &link));
        let notice = |kind, link| Notification {
            kind,
            to: "alice@example.com".into(),
            name: None,
            at: made,
            origin: UNKNOWN_ORIGIN.clone(),
            about: None,
            link,
            grant: None,
        };
        server.step_clock(AHEAD);
        // By that clock a day is over since it was to be sent, and the time of its link.
        for notice in [notice(NotificationKind::AlreadyRegistered, None), notice(NotificationKind::ConfirmEmail, Some(link.id))] {
            server.store(|connection| deliveries::enqueue(connection, random::id(made), &Content::Notification(notice), made));
        }
        server.app.delivery_waker.wake();
        let tried = || server.waiting_messages().iter().filter(|kind| kind.attempts > 0).count() == 2;
        wait_until(tried, || format!("{:?}", server.waiting_messages()));
        server.step_clock(-AHEAD);
        mail.restart(Behavior::WELL);
        server.advance(700); // they may be in hand
        assert_eq!(server.messages_to(&mail, "alice@example.com"), 2, "on {}", database.name);
    }
}

#[test]
fn a_client_is_still_told_that_a_session_has_ended() {
    both_with(
        |config| config.outbound = OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ca_pem: None },
        |server| {
            let alice = server.add_user("alice").claims.id;
            let listener = Listener::with("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
            let app = server.add_client("app", ClientKind::Spa, |client| {
                client.settings.backchannel_logout_uri = Some(format!("{}/told", listener.url));
            });
            server.tokens(&app, "alice", "openid");
            server.disable(alice);
            server.step_clock(AHEAD);
            server.app.delivery_waker.wake();
            listener.wait_for(1);
            let far = server.now().plus(Span::from_seconds(400 * 86_400));
            let waiting = || server.store(|connection| deliveries::due(connection, "app", far, 10));
            let put_off = || waiting().first().is_some_and(|one| one.next_at.since(server.now()).seconds() < 20);
            wait_until(put_off, || format!("{:?}", waiting()));
            listener.answers("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            server.step_clock(-AHEAD);
            server.app.delivery_waker.wake();
            listener.wait_for(2);
            wait_until(|| waiting().is_empty(), || format!("{:?}", waiting()));
        },
    );
}
