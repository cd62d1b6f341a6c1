//! The recorded history of a grant, and of an account: which rows, how soon, for how long. Evidence of theft is written in the
//! transaction that acts on it, or not at all; routine events are written a little later, in batches, and none is lost.

use diesel::connection::SimpleConnection;
use symbolon::testing::{
    config::Config,
    protocol::{
        account::{activity::Activity, notification::NotificationKind},
        grant::history::GrantEvent::{CodeIssued, Redeemed, Refreshed, Repeated, Reused},
        values::time::Span,
    },
    store::{
        Error, clients,
        deliveries::{Content, Delivery},
        devices, grants,
    },
};

use crate::harness::{Answer, Browser, Server, VERIFIER, behind_a_proxy, both, both_with, from, grant_of};

const ALL: &str = "openid offline_access";
const DAY: i64 = 86_400;

/// `POST /token` of the client `spa`, from an address and by a program, a second later.
fn token(server: &Server, (address, program): (&str, &str), form: &[(&str, &str)]) -> Answer {
    server.advance(1);
    let headers = from(address, program);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.token(&[form, &[("client_id", "spa")]].concat(), &headers)
}

fn refresh(server: &Server, seen: (&str, &str), token_text: &str) -> Answer {
    token(server, seen, &[("grant_type", "refresh_token"), ("refresh_token", token_text)])
}

/// Does something with the tables themselves.
fn alter(server: &Server, sql: &str) {
    server.store(|connection| connection.batch_execute(sql).map_err(Error::from));
}

fn is_of_reuse(delivery: &Delivery) -> bool {
    matches!(&delivery.content, Content::Notification(notice) if notice.kind == NotificationKind::CredentialReused)
}

#[test]
fn each_entry_is_kept_with_its_generation_and_from_where() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        let code = server.browser_from("203.0.113.9", "Firefox").code(&spa, "alice", ALL);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", &spa.settings.redirect_uris[0]),
            ("code_verifier", VERIFIER),
        ];
        let first = token(server, ("198.51.100.7", "notes/2"), &form);
        let grant = grant_of(&first);
        let first = first.text("refresh_token");
        let second = refresh(server, ("198.51.100.8", "notes/2"), first);
        let second = second.text("refresh_token");
        assert_eq!(refresh(server, ("192.0.2.1", "notes/3"), first).text("refresh_token"), second, "told again");
        assert_eq!(refresh(server, ("198.51.100.8", "notes/2"), second).status, 200);
        server.flush();
        assert_eq!(refresh(server, ("192.0.2.66", "curl"), first).error(), "invalid_grant");

        // The last of them was not waited for.
        let received: Vec<_> = server.entries(grant);
        let received: Vec<_> = received
            .iter()
            .map(|one| (one.event, one.generation, one.address.as_deref().unwrap(), one.user_agent.as_deref().unwrap()))
            .collect();
        assert_eq!(
            received,
            [
                (CodeIssued, 0, "203.0.113.9", "Firefox"),
                (Redeemed, 0, "198.51.100.7", "notes/2"),
                (Refreshed, 1, "198.51.100.8", "notes/2"),
                (Repeated, 1, "192.0.2.1", "notes/3"),
                (Refreshed, 2, "198.51.100.8", "notes/2"),
                (Reused, 1, "192.0.2.66", "curl"),
            ]
        );
        let entry = server.happened(alice).remove(0);
        assert_eq!((entry.activity, entry.about.as_deref()), (Activity::CredentialReused, Some("App spa")));
        assert_eq!((entry.origin.address.as_deref(), entry.origin.user_agent.as_deref()), (Some("192.0.2.66"), Some("curl")));

        // What is refused, or is no use of it, is no moment.
        for _ in 0..3 {
            assert_eq!(refresh(server, ("192.0.2.66", "curl"), second).error(), "invalid_grant", "it is dead");
        }
        assert_eq!(server.happenings(grant).len(), 6);
        let row = server.store(|connection| grants::find(connection, grant)).unwrap().grant;
        assert_eq!(
            (row.seen.address.as_deref(), row.generation),
            (Some("198.51.100.8"), 3),
            "its last use, not that of the thief"
        );
    });
}

#[test]
fn a_code_that_comes_again_is_told_as_well() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        let code = Browser::new(server).code(&spa, "alice", ALL);
        let grant = grant_of(&server.redeem(&spa, &code));
        server.advance(1);
        let wrong = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", "x".repeat(43).leak())];
        assert_eq!(token(server, ("192.0.2.66", "curl"), &wrong).error(), "invalid_grant");
        assert_eq!(server.happenings(grant), [CodeIssued, Redeemed], "who has not the verifier ends nothing");
        assert_eq!(server.redeem(&spa, &code).error(), "invalid_grant");
        assert_eq!(server.entries(grant).last().unwrap().event, Reused);
        assert_eq!(server.entries(grant).last().unwrap().generation, 0);
        assert_eq!(server.activities(alice)[0], Activity::CredentialReused);
    });
}

#[test]
fn a_theft_is_kept_whole_or_not_at_all() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_strict_client("spa");
        let first = server.tokens(&spa, "alice", ALL);
        let grant = grant_of(&first);
        let first = first.text("refresh_token");
        let second = server.refresh(&spa, first).text("refresh_token").to_owned();
        let before = server.happenings(grant);
        // Each of the tables that belong to it fails in turn; what was written to the others is undone.
        for table in ["grant_history", "activity", "links", "deliveries"] {
            alter(server, &format!("ALTER TABLE {table} RENAME TO {table}_away"));
            let failed = server.refresh(&spa, first);
            assert!(failed.status >= 500, "{table}: {failed:?}");
            alter(server, &format!("ALTER TABLE {table}_away RENAME TO {table}"));
            assert_eq!(server.entries(grant).len(), before.len(), "{table}");
            assert!(!server.activities(alice).contains(&Activity::CredentialReused), "{table}");
            assert!(!server.waiting_messages().iter().any(is_of_reuse), "{table}");
            let row = server.store(|connection| grants::find(connection, grant)).unwrap().grant;
            assert_eq!(row.revoked_at, None, "{table}");
        }
        assert_eq!(server.refresh(&spa, first).error(), "invalid_grant", "and it comes to all of that when the database is well");
        assert_eq!(server.entries(grant).last().unwrap().event, Reused);
        assert_eq!(server.activities(alice)[0], Activity::CredentialReused);
        assert_eq!(server.refresh(&spa, &second).error(), "invalid_grant");
    });
}

#[test]
fn what_could_not_be_written_waits_and_nobody_waits_for_it() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_strict_client("spa");
        let tokens = server.tokens(&spa, "alice", ALL);
        let grant = grant_of(&tokens);
        server.flush();
        alter(server, "ALTER TABLE grant_history RENAME TO history_away");
        let mut token = tokens.text("refresh_token").to_owned();
        for _ in 0..3 {
            server.advance(1);
            let answer = server.refresh(&spa, &token);
            assert_eq!(answer.status, 200, "{answer:?}");
            token = answer.text("refresh_token").into();
        }
        assert!(server.app.store.with(|connection| server.app.history.flush(connection)).is_err());
        assert!(!server.app.history.is_empty(), "it waits on");
        alter(server, "ALTER TABLE history_away RENAME TO grant_history");
        assert_eq!(server.happenings(grant), [CodeIssued, Redeemed, Refreshed, Refreshed, Refreshed]);
        let generations: Vec<_> = server.entries(grant).iter().map(|entry| entry.generation).collect();
        assert_eq!(generations, [0, 0, 1, 2, 3], "in order, each once");
    });
}

#[test]
fn a_row_that_is_refused_for_good_is_dropped_and_holds_up_no_other() {
    both_with(behind_a_proxy, |server| {
        let alice = server.add_user("alice").claims.id;
        server.add_strict_client("spa");
        let spa = server.store(|connection| clients::find(connection, "spa")).unwrap();
        let tokens = server.tokens(&spa, "alice", ALL);
        let grant = grant_of(&tokens);
        server.flush();
        for table in ["grant_history", "activity"] {
            server.refuse("INSERT", table, "NEW.user_agent = 'poison'");
        }
        let mut token_text = tokens.text("refresh_token").to_owned();
        for program in ["notes/2", "poison", "notes/2", "poison", "notes/2", "notes/2", "notes/2"] {
            token_text = refresh(server, ("198.51.100.7", program), &token_text).text("refresh_token").into();
        }
        for (address, program) in [("198.51.100.1", "Firefox"), ("203.0.113.1", "poison"), ("192.0.2.1", "curl")] {
            let mut outsider = server.browser_from(address, program);
            outsider.sign_in_at("/login", "alice", "wrong");
        }
        server.flush();
        assert!(server.app.history.is_empty());
        let generations: Vec<_> = server.entries(grant).iter().map(|entry| entry.generation).collect();
        assert_eq!(generations, [0, 0, 1, 3, 5, 6, 7], "all but those two");
        let failed = server.happened(alice).into_iter().filter(|entry| entry.activity == Activity::SignInFailed);
        let programs: Vec<_> = failed.map(|entry| entry.origin.user_agent.unwrap()).collect();
        assert_eq!(programs, ["curl", "Firefox"]);
        assert_eq!(refresh(server, ("198.51.100.7", "notes/2"), &token_text).status, 200);
    });
}

#[test]
fn entries_are_written_by_the_server_itself() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_strict_client("spa");
        let tokens = server.tokens(&spa, "alice", ALL);
        let grant = grant_of(&tokens);
        crate::harness::wait_until(|| server.entries(grant).len() == 2, || format!("{:?}", server.entries(grant)));
        assert!(server.app.history.is_empty());
    });
}

#[test]
fn where_refreshes_are_not_kept_a_theft_still_is() {
    both_with(
        |config| config.lifetimes.refresh_history = Span::ZERO,
        |server| {
            server.add_user("alice");
            let spa = server.add_strict_client("spa");
            let first = server.tokens(&spa, "alice", ALL);
            let grant = grant_of(&first);
            assert_eq!(server.refresh(&spa, first.text("refresh_token")).status, 200);
            assert_eq!(server.happenings(grant), [CodeIssued], "its beginning is no everyday moment");
            server.refresh(&spa, first.text("refresh_token"));
            assert_eq!(server.happenings(grant), [CodeIssued, Reused]);
        },
    );
}

#[test]
fn it_is_forgotten_by_the_clock() {
    let keep = |config: &mut Config| config.lifetimes.purge_after = config.lifetimes.history;
    both_with(keep, |server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_strict_client("spa");
        let first = server.tokens(&spa, "alice", ALL);
        let grant = grant_of(&first);
        let second = server.refresh(&spa, first.text("refresh_token"));
        server.advance(20 * DAY);
        let third = server.refresh(&spa, second.text("refresh_token"));
        server.refresh(&spa, second.text("refresh_token"));
        assert_eq!(third.status, 200);
        assert_eq!(server.happenings(grant), [CodeIssued, Redeemed, Refreshed, Refreshed, Reused]);
        server.tidy();
        assert_eq!(server.entries(grant).len(), 5, "nothing is old yet");
        server.advance(10 * DAY + 60);
        server.tidy();
        assert_eq!(server.happenings(grant), [CodeIssued, Refreshed, Reused], "everyday moments after thirty days");
        server.advance(20 * DAY);
        server.tidy();
        assert_eq!(server.happenings(grant), [CodeIssued, Reused]);
        let kinds = server.activities(alice);
        assert!([Activity::SignedIn, Activity::AppAllowed, Activity::CredentialReused].iter().all(|kind| kinds.contains(kind)));
        server.advance(130 * DAY); // 180 days since the sign-in, 160 since the theft
        server.tidy();
        assert_eq!(server.happenings(grant), [Reused]);
        assert_eq!(server.activities(alice), [Activity::CredentialReused]);
        assert_eq!(server.store(|connection| devices::of(connection, alice)).len(), 1);
        server.advance(20 * DAY);
        server.tidy();
        assert!(server.entries(grant).is_empty() && server.activities(alice).is_empty());
        assert_eq!(server.store(|connection| devices::of(connection, alice)).len(), 1, "as long as its cookie lives");
        server.advance(167 * DAY);
        server.tidy();
        assert!(server.store(|connection| devices::of(connection, alice)).is_empty());
    });
}
