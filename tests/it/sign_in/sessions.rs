//! Sessions (ASVS 7.2, 7.3): renewed when the same user signs in again, ended when another does, expired when idle for too long
//! or too old.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{SESSION, signed_in, silently};
use crate::harness::{Browser, both, claims_of};

const DAY: i64 = 86_400;
/// What a slow test may take, in seconds.
const MARGIN: i64 = 60;

#[test]
fn the_same_user_again_keeps_the_session_under_a_new_cookie() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let before = server.redeem(&spa, &code);
        let old = browser.cookies[SESSION].clone();
        server.advance(5);
        browser.sign_in("alice");
        let new = browser.cookies[SESSION].clone();
        assert_ne!(old, new);
        let code = silently(&mut browser, &spa).unwrap();
        let after = server.redeem(&spa, &code);
        let [first, second] = [&before, &after].map(|tokens| claims_of(tokens.text("access_token")));
        assert_eq!(first["sid"], second["sid"]);
        assert!(second["auth_time"].as_i64() >= first["auth_time"].as_i64().map(|time| time + 5));
        assert_eq!(server.refresh(&spa, before.text("refresh_token")).status, 200, "what was granted in it lives on");

        browser.cookies.insert(SESSION, old);
        assert_eq!(signed_in(&mut browser), "", "the old cookie is dead");
        assert_eq!(silently(&mut browser, &spa), Err("login_required".into()));
        browser.cookies.insert(SESSION, new);
        assert_eq!(signed_in(&mut browser), "alice Example", "and did no harm");
    });
}

#[test]
fn another_user_ends_the_session_before_theirs() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let tokens = |browser: &mut Browser, who, scope| {
            let code = browser.code(&spa, who, scope);
            server.redeem(&spa, &code)
        };
        let alices = tokens(&mut browser, "alice", "openid");
        let offline = tokens(&mut browser, "alice", "openid offline_access");
        let elsewhere = tokens(&mut Browser::new(server), "alice", "openid");
        let unredeemed = browser.code(&spa, "alice", "openid");
        let old = browser.cookies[SESSION].clone();

        browser.sign_in("bob");
        assert_eq!(signed_in(&mut browser), "bob Example");
        assert_eq!(server.refresh(&spa, alices.text("refresh_token")).error(), "invalid_grant");
        assert_eq!(server.userinfo(alices.text("access_token")).status, 401);
        assert_eq!(server.redeem(&spa, &unredeemed).error(), "invalid_grant");
        assert_eq!(server.refresh(&spa, offline.text("refresh_token")).status, 200, "offline access lives on");
        assert_eq!(server.refresh(&spa, elsewhere.text("refresh_token")).status, 200, "another browser's session, too");
        let bobs = tokens(&mut browser, "bob", "openid");
        let [first, second] = [&alices, &bobs].map(|tokens| claims_of(tokens.text("access_token"))["sid"].clone());
        assert_ne!(first, second);
        browser.cookies.insert(SESSION, old);
        assert_eq!(signed_in(&mut browser), "");
    });
}

#[test]
fn unused_for_two_days_it_is_over() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.code(&spa, "alice", "openid");
        server.advance(2 * DAY - MARGIN);
        assert_eq!(signed_in(&mut browser), "alice Example");
        silently(&mut browser, &spa).unwrap(); // a use
        server.advance(2 * DAY - MARGIN);
        assert_eq!(signed_in(&mut browser), "alice Example");
        server.advance(2 * MARGIN);
        assert_eq!(signed_in(&mut browser), "");
        assert_eq!(silently(&mut browser, &spa), Err("login_required".into()));
        let over = browser.cookies[SESSION].clone();
        browser.sign_in("alice");
        assert_eq!(signed_in(&mut browser), "alice Example");
        browser.cookies.insert(SESSION, over);
        assert_eq!(signed_in(&mut browser), "", "the old cookie is not revived");
    });
}

#[test]
fn after_two_weeks_it_is_over_however_much_it_is_used() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let mut token = server.redeem(&spa, &code).text("refresh_token").to_owned();
        for day in 1..=14 {
            server.advance(if day == 14 { DAY - MARGIN } else { DAY });
            silently(&mut browser, &spa).unwrap_or_else(|error| panic!("day {day}: {error}"));
            let answer = server.refresh(&spa, &token);
            assert_eq!(answer.status, 200, "day {day}");
            token = answer.text("refresh_token").into();
        }
        server.advance(2 * MARGIN);
        assert_eq!(silently(&mut browser, &spa), Err("login_required".into()));
        assert_eq!(signed_in(&mut browser), "");
        assert_eq!(server.refresh(&spa, &token).error(), "invalid_grant", "what was granted in it ends with it");
    });
}
