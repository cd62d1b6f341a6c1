//! A steady load for days, by a clock that runs fast: after the retention periods no table grows any more.

use std::collections::BTreeMap;

use symbolon::testing::{
    config::Config,
    protocol::{
        account::link::LinkKind,
        oauth::{client::ClientKind, client_assertion::Assertion},
        values::time::{Span, Timestamp},
    },
    random,
    store::{
        clients,
        links::{self, Link},
        used_assertions,
    },
};

use super::{OFFLINE, count, revoke_expired};
use crate::harness::{Answer, Browser, Server, behind_a_proxy, both_with, from};

/// Every table that grows with use.
const TABLES: [&str; 12] = [
    "activity",
    "consents",
    "deliveries",
    "devices",
    "grant_history",
    "grants",
    "links",
    "users",
    "revoked_tokens",
    "sessions",
    "rate_limits",
    "used_assertions",
];
const SESSION: &str = "symbolon_session";
const HOUR: i64 = 3_600;

/// Everything is kept for hours, where the configuration says for how long.
fn hours(config: &mut Config) {
    behind_a_proxy(config);
    let hours = |hours: u32| Span::from_seconds(hours * 3_600);
    let lifetimes = &mut config.lifetimes;
    (lifetimes.refresh_idle, lifetimes.refresh_absolute) = (hours(3), hours(8));
    (lifetimes.session_idle, lifetimes.session_absolute) = (hours(2), hours(6));
    (lifetimes.purge_after, lifetimes.history, lifetimes.refresh_history) = (hours(5), hours(9), hours(4));
}

/// Who comes every hour: browsers that sign in anew, apps that go on.
struct Load<'a> {
    server: &'a Server,
    browsers: Vec<Browser>,
    apps: Vec<(Answer, i64)>,
}

impl Load<'_> {
    /// What happens in an hour.
    fn hour(&mut self, number: i64) {
        let server = self.server;
        let spa = server.store(|connection| clients::find(connection, "spa")).unwrap();
        for (place, browser) in self.browsers.iter_mut().enumerate() {
            browser.headers = from("203.0.113.7", "Firefox");
            browser.cookies.remove(SESSION);
            let name = ["alice", "bob"][place];
            // One app goes on for some hours, one until its session ends; one never comes for its code.
            for scope in [OFFLINE, "openid"] {
                let tokens = server.redeem(&spa, &browser.code(&spa, name, scope));
                assert_eq!(tokens.status, 200, "{tokens:?}");
                self.apps.push((tokens, number));
            }
            browser.code(&spa, name, OFFLINE);
            if place == 0 {
                let csrf = browser.get("/logout").csrf();
                assert_eq!(browser.send("POST", "/logout", Some(&[("csrf", &csrf)])).status, 303);
            }
        }
        self.apps.retain(|(_, since)| number - since < 3);
        for (tokens, _) in &mut self.apps {
            let next = server.refresh(&spa, tokens.text("refresh_token"));
            if next.status == 200 {
                *tokens = next;
            }
        }
        let mut outsider = server.browser_from(&format!("198.51.{number}.1"), "curl");
        outsider.sign_in_at("/login", &format!("nobody{number}"), "wrong");
        revoke_expired(server, &format!("{number}"));
        let key = [u8::try_from(number).unwrap(); 32];
        let assertion = Assertion { key, expires_at: server.now().plus(Span::from_seconds(60)) };
        assert!(server.store(|connection| used_assertions::insert(connection, &assertion)));
        // As old as if it had been made days ago: links are kept for a week.
        let made = Timestamp::from_millis(server.now().millis() - 7 * 86_400_000);
        let link = Link { expires_at: made, ..Link::new(random::id(made), LinkKind::Reset, made) };
        server.store(|connection| links::insert(connection, &link));
        server.flush();
    }
}

#[test]
fn no_table_grows_under_a_steady_load() {
    both_with(hours, |server| {
        // Users who signed in from a network are counted by weeks: all of this is in one, whenever the test is run.
        let week = 7 * 86_400;
        server.advance(week - server.now().seconds().rem_euclid(week));
        server.add_user("alice");
        server.add_user("bob");
        server.add_client("spa", ClientKind::Spa, |client| client.settings.refresh_retry_window = Some(Span::ZERO));
        let mut load = Load { server, browsers: vec![Browser::new(server), Browser::new(server)], apps: Vec::new() };
        let mut largest: BTreeMap<&str, [i64; 2]> = BTreeMap::new();
        // Counts of failed sign-ins are kept the longest: for 25 hours. Then ten hours, and ten more.
        for number in 0..48 {
            load.hour(number);
            server.advance(HOUR + 1);
            server.tidy();
            let window = match number {
                28..38 => 0,
                38.. => 1,
                _ => continue,
            };
            for table in TABLES {
                let most = &mut largest.entry(table).or_default()[window];
                *most = count(server, table).max(*most);
            }
        }
        for (table, [before, after]) in &largest {
            assert!(after <= before, "{table} grows: {largest:?}");
        }
        // Of what was made in 48 hours: six grants in each, three counts.
        let most = |table: &str| largest[table][1];
        assert!((10..100).contains(&most("grants")) && (20..100).contains(&most("rate_limits")), "{largest:?}");
        assert!((5..48).contains(&most("sessions")) && (10..100).contains(&most("activity")), "{largest:?}");
    });
}
