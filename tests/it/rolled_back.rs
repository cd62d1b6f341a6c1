//! A database at an earlier state: a restored backup, or a standby that was behind. Clients with a newer credential continue,
//! older ones end the grant as ever, and an operator can require everyone from that time to sign in again.

use std::{collections::BTreeSet, sync::Barrier, thread};

use diesel::{RunQueryDsl, sql_query};
use symbolon::testing::{
    protocol::{
        account::activity::{Activity, Origin},
        grant::{end_reason::EndReason, history::GrantEvent},
        oauth::client::ClientKind,
    },
    store::{Error, account, activity::Event, grants, sessions},
};

use crate::{
    cli::Binary,
    harness::{Answer, Browser, Server, both, databases, grant_of},
};

const SCOPE: &str = "openid offline_access notes:read";

/// Sets every row of a table back, or to what is given.
fn set(server: &Server, statement: &str) {
    server.store(|connection| sql_query(statement).execute(connection).map_err(Error::from));
}

fn generation(server: &Server, tokens: &Answer) -> u32 {
    server.store(|connection| grants::find(connection, grant_of(tokens))).unwrap().grant.generation
}

/// A grant that was refreshed some times since the backup: every answer, the newest last.
fn ahead(server: &Server, steps: usize) -> (symbolon::testing::protocol::oauth::client::Client, Vec<Answer>) {
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let mut answers = vec![server.tokens(&spa, "alice", SCOPE)];
    for _ in 0..steps {
        let next = server.refresh(&spa, answers.last().unwrap().text("refresh_token"));
        assert_eq!(next.status, 200, "{next:?}");
        answers.push(next);
    }
    set(server, "UPDATE grants SET generation = 2");
    (spa, answers)
}

#[test]
fn the_newest_token_goes_on_and_older_ones_end_the_grant() {
    both(|server| {
        let (spa, answers) = ahead(server, 5);
        let newest = answers.last().unwrap();
        let next = server.refresh(&spa, newest.text("refresh_token"));
        assert_eq!(next.status, 200, "{next:?}");
        assert_eq!(generation(server, newest), 7);
        assert_eq!(server.userinfo(next.text("access_token")).status, 200);
        server.flush();
        assert!(server.happenings(grant_of(newest)).contains(&GrantEvent::Healed));
        let again = server.refresh(&spa, newest.text("refresh_token"));
        assert_eq!(again.text("refresh_token"), next.text("refresh_token"), "a lost answer is told again");

        let thief = server.refresh(&spa, answers[2].text("refresh_token"));
        assert_eq!((thief.status, thief.error()), (400, "invalid_grant"));
        assert_eq!(server.refresh(&spa, next.text("refresh_token")).error(), "invalid_grant", "the thief has ended the grant");
    });
}

#[test]
fn a_thief_who_was_first_is_out_once_the_owner_comes() {
    both(|server| {
        let (spa, answers) = ahead(server, 5);
        let stolen = server.refresh(&spa, answers[1].text("refresh_token"));
        assert_eq!(stolen.status, 200, "the database does not know better: {stolen:?}");
        assert_eq!(server.refresh(&spa, answers[5].text("refresh_token")).status, 200);
        assert_eq!(server.refresh(&spa, stolen.text("refresh_token")).error(), "invalid_grant");
        assert_eq!(server.userinfo(stolen.text("access_token")).status, 401);
    });
}

#[test]
fn of_many_who_bring_the_newest_token_all_get_the_same() {
    both(|server| {
        let (spa, answers) = ahead(server, 3);
        let token = answers[3].text("refresh_token");
        let barrier = Barrier::new(12);
        let received: BTreeSet<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..12)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        server.refresh(&spa, token).text("refresh_token").to_owned()
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!((received.len(), generation(server, &answers[3])), (1, 5));
    });
}

#[test]
fn what_was_revoked_before_the_backup_stays_revoked_and_nobody_asks_for_more() {
    both(|server| {
        let (spa, answers) = ahead(server, 3);
        let token = answers[3].text("refresh_token");
        let wide = server.token(
            &[("grant_type", "refresh_token"), ("client_id", &spa.id), ("refresh_token", token), ("scope", "openid admin")],
            &[],
        );
        assert_eq!((wide.error(), generation(server, &answers[3])), ("invalid_scope", 2));
        set(server, "UPDATE grants SET revoked_at = 1");
        assert_eq!(server.refresh(&spa, token).error(), "invalid_grant");
        assert_eq!(generation(server, &answers[3]), 2);
    });
}

#[test]
fn its_client_is_told_that_a_newer_token_is_active_and_can_revoke_it() {
    both(|server| {
        server.add_apis();
        server.add_user("alice");
        let web = server.add_web("web");
        let tokens = server.tokens_as(&web, "alice", "openid offline_access");
        let next = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
        set(server, "UPDATE grants SET generation = 1");
        assert!(server.is_active("web", next.text("refresh_token")));
        assert_eq!(server.revoke("web", next.text("refresh_token")).status, 200);
        assert!(!server.is_active("web", next.text("refresh_token")));
    });
}

#[test]
fn a_session_follows_its_newer_cookie() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let older = browser.cookies.clone();
        browser.sign_in("alice");
        set(server, "UPDATE sessions SET generation = 0");
        assert!(browser.get("/").state() == Some("signed-in"));
        let mut former = Browser::new(server);
        former.cookies = older;
        assert!(former.get("/").state() == Some("signed-out"), "the cookie of before is over again");
        assert!(server.app.metrics.text().unwrap().contains("symbolon_sessions_healed_total 1\n"));
        set(server, "UPDATE sessions SET generation = 0, ended_at = 1");
        assert!(browser.get("/").state() == Some("signed-out"), "what had ended has ended");
    });
}

#[test]
fn of_many_requests_with_the_newer_cookie_all_are_signed_in() {
    both(|server| {
        server.add_user("alice");
        let spa = &server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.code(spa, "alice", SCOPE);
        browser.sign_in("alice");
        let request = Browser::request(spa, SCOPE, &[("prompt", "none")]);
        for _ in 0..10 {
            set(server, "UPDATE sessions SET generation = 0");
            let barrier = Barrier::new(12);
            thread::scope(|scope| {
                for number in 0..12 {
                    let (mut browser, barrier, request) = (browser.clone(), &barrier, &request);
                    scope.spawn(move || {
                        barrier.wait();
                        if number % 2 == 0 {
                            assert!(browser.get("/").state() == Some("signed-in"));
                        } else {
                            let answer = browser.get(request);
                            assert!(answer.location().contains("code="), "{answer:?}");
                        }
                    });
                }
            });
        }
    });
}

#[test]
fn everyone_of_before_signs_in_again_and_nobody_else() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        for name in ["alice", "bob", "carol"] {
            server.add_user(name);
        }
        let (mut of_alice, mut of_bob) = (Browser::new(&server), Browser::new(&server));
        let alice = server.redeem(&spa, &of_alice.code(&spa, "alice", SCOPE));
        server.advance(-3600); // bob was there an hour before
        let bob = server.redeem(&spa, &of_bob.code(&spa, "bob", SCOPE));
        server.advance(3600);
        let entry = server.now().millis() / 1000 - 1800;
        let entry =
            humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + std::time::Duration::from_secs(entry.cast_unsigned()));
        let received = symbolon.json(&format!("user sign-in-again --before {entry} --json"));
        let expected = serde_json::json!({ "users": 1, "ended_sessions": 1, "ended_grants": 1 });
        assert_eq!(received, expected, "{}", database.name);
        assert_eq!(server.refresh(&spa, bob.text("refresh_token")).error(), "invalid_grant");
        assert!(of_bob.get("/").state() == Some("signed-out"));
        assert_eq!(server.refresh(&spa, alice.text("refresh_token")).status, 200);
        assert!(of_alice.get("/").state() == Some("signed-in"));
        assert!(symbolon.refusal("user sign-in-again --before 2199-01-01T00:00:00Z").contains("a time in the past"));
        assert!(symbolon.refusal("user sign-in-again --before yesterday").contains("2026-11-30T09:00:00Z"));
    }
}

#[test]
fn a_session_follows_no_cookie_that_is_older_and_none_after_its_end() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        Browser::new(server).sign_in("alice");
        let session = || server.store(|connection| sessions::unended_of(connection, alice)).remove(0);
        let heal = |generation| server.store(|connection| sessions::heal(connection, session().id, generation));
        assert!(heal(5) && !heal(3) && !heal(5), "of two requests with newer cookies the newest counts");
        assert_eq!(session().generation, 5);
        let id = session().id;
        set(server, "UPDATE sessions SET ended_at = 1");
        assert!(!server.store(|connection| sessions::heal(connection, id, 9)));
    });
}

#[test]
fn what_has_ended_keeps_its_reason_and_its_time() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let grant = grant_of(&server.tokens(&spa, "alice", SCOPE));
        let origin = Origin::default();
        let event = |activity| Event {
            id: symbolon::testing::random::id(server.now()),
            user: alice,
            activity,
            origin: &origin,
            about: None,
            grant: None,
            at: server.now(),
        };
        let ended = || {
            let grant = server.store(|connection| grants::find(connection, grant)).unwrap().grant;
            (grant.end_reason, grant.revoked_at)
        };
        assert!(server.store(|connection| account::end_grant(connection, grant, &event(Activity::AppEnded))));
        let first = ended();
        assert_eq!(first.0, Some(EndReason::RevokedByUser));
        server.advance(60);
        server.store(|connection| account::end_everything(connection, None, &event(Activity::EverythingEnded)));
        server.store(|connection| account::end_app(connection, "spa", &event(Activity::AppEnded)));
        assert_eq!(ended(), first);
    });
}
