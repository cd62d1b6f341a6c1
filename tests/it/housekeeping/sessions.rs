//! Sessions that end because nobody uses them, and are deleted some time after their end; none that is active, and none on which
//! a grant still depends.

use diesel::connection::SimpleConnection;
use symbolon::testing::{
    config::Config,
    protocol::{
        account::login_name::LoginName,
        oauth::client::{Client, ClientKind},
        values::{id::Id, time::Span},
    },
    store::{Error, deliveries, grants, sessions, users},
};

use super::{DAY, OFFLINE, count};
use crate::harness::{Answer, Browser, PASSWORD, Server, both, both_with, claims_of, grant_of};

const BACKCHANNEL: &str = "https://app.example.com/told";

/// An app that wants to be told.
fn add_app(server: &Server) -> Client {
    server.add_client("app", ClientKind::Spa, |client| {
        client.settings.backchannel_logout_uri = Some(BACKCHANNEL.into());
        client.settings.refresh_retry_window = Some(Span::ZERO);
    })
}

fn session_of(server: &Server, tokens: &Answer) -> Id {
    let grant = server.store(|connection| grants::find(connection, grant_of(tokens)));
    grant.unwrap().grant.sid
}

/// Whether the session is unended, ended, or gone.
fn state(server: &Server, session: Id) -> &'static str {
    match server.store(|connection| sessions::find(connection, session)) {
        None => "gone",
        Some(session) if session.ended_at.is_some() => "ended",
        Some(_) => "unended",
    }
}

/// How often the app is to be told.
fn received(server: &Server) -> usize {
    let later = server.now().plus(Span::from_seconds(366 * 86_400));
    server.store(|connection| deliveries::due(connection, "app", later, 100)).len()
}

#[test]
fn one_that_nobody_uses_ends_and_leaves_in_the_end() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server);
        let tokens = server.tokens(&app, "alice", "openid");
        let session = session_of(server, &tokens);
        server.advance(2 * DAY - 60);
        server.tidy();
        assert_eq!((state(server, session), received(server)), ("unended", 0));
        server.advance(3_700);
        server.tidy();
        assert_eq!((state(server, session), received(server)), ("ended", 1), "clients are told");
        server.advance(30 * DAY - 60);
        server.tidy();
        assert_eq!((state(server, session), count(server, "grants")), ("ended", 1), "people still see it");
        server.advance(3_700);
        server.tidy();
        assert_eq!((state(server, session), count(server, "grants")), ("gone", 0));
    });
}

#[test]
fn one_whose_app_is_used_goes_on() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server);
        let mut tokens = server.tokens(&app, "alice", "openid");
        let session = session_of(server, &tokens);
        for _ in 0..4 {
            server.advance(DAY);
            server.tidy();
            tokens = server.refresh(&app, tokens.text("refresh_token"));
            assert_eq!(tokens.status, 200, "{tokens:?}");
        }
        assert_eq!((state(server, session), received(server)), ("unended", 0));
        server.advance(2 * DAY);
        server.tidy();
        assert_eq!((state(server, session), received(server)), ("ended", 1));
        assert_eq!(server.refresh(&app, tokens.text("refresh_token")).error(), "invalid_grant");
    });
}

#[test]
fn one_that_is_remembered_may_be_idle_for_longer_and_one_in_use_stays() {
    both(|server| {
        server.add_user("alice");
        server.add_strict_client("spa");
        let mut remembered = Browser::new(server);
        let page = remembered.get("/login");
        let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
        let form = [("username", "alice"), ("password", PASSWORD), ("csrf", &csrf), ("remember", "yes")];
        assert_eq!(remembered.send("POST", &action, Some(&form)).status, 303);
        let mut used = Browser::new(server);
        used.sign_in("alice");
        let unended = || {
            let alice = server.store(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap();
            let all = server.store(|connection| sessions::unended_of(connection, alice.claims.id));
            (all.iter().filter(|one| one.remembered).count(), all.iter().filter(|one| !one.remembered).count())
        };
        assert_eq!(unended(), (1, 1));
        for _ in 0..13 {
            server.advance(DAY);
            assert_eq!(used.get("/account").status, 200);
            server.tidy();
            assert_eq!(unended(), (1, 1));
        }
        server.advance(DAY);
        server.tidy();
        assert_eq!(unended(), (0, 0), "two weeks are the idle time of the one, and the absolute end of the other");
    });
}

#[test]
fn none_leaves_while_a_grant_names_it() {
    let keep = |config: &mut Config| config.lifetimes.purge_after = Span::from_seconds(86_400);
    both_with(keep, |server| {
        server.add_user("alice");
        let app = add_app(server);
        let (bound, offline) = (server.tokens(&app, "alice", "openid"), server.tokens(&app, "alice", OFFLINE));
        let [bound_in, offline_in] = [&bound, &offline].map(|tokens| session_of(server, tokens));
        for session in [bound_in, offline_in] {
            server.end_session(session);
        }
        // As if the code had come to be while the session ended.
        let alive = format!("UPDATE grants SET revoked_at = NULL WHERE id = {}", server.literal(grant_of(&bound)));
        server.store(|connection| connection.batch_execute(&alive).map_err(Error::from));
        server.advance(2 * DAY);
        server.tidy();
        assert_eq!((state(server, bound_in), state(server, offline_in)), ("ended", "ended"));
        let session = server.store(|connection| sessions::find(connection, offline_in)).unwrap();
        assert!(session.origin.address.is_none() && session.origin.user_agent.is_none(), "it is not kept from where that was");
        assert!(session.device_id.is_some(), "but in which browser the app was allowed");
        assert_eq!(server.refresh(&app, bound.text("refresh_token")).error(), "invalid_grant", "its session says so");
        let rotated = server.refresh(&app, offline.text("refresh_token"));
        assert_eq!(rotated.status, 200, "{rotated:?}");
        assert!(claims_of(rotated.text("access_token"))["sub"].is_string());
        server.advance(13 * DAY + 3_700);
        server.tidy();
        server.advance(3_700);
        server.tidy();
        assert_eq!((state(server, bound_in), count(server, "grants")), ("gone", 1), "its end has come, and its session's");
        assert_eq!(state(server, offline_in), "ended", "its grant lives");
        server.advance(32 * DAY);
        server.tidy();
        server.advance(3_700);
        server.tidy();
        assert_eq!((state(server, offline_in), count(server, "grants")), ("gone", 0));
    });
}
