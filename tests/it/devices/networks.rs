//! Apps that continue from another network: the users of a public client, which runs on their device, are notified once for each
//! network; the servers of confidential clients move as they like.

use diesel::{RunQueryDsl, sql_query};
use symbolon::testing::{
    protocol::{
        account::activity::Activity::NewNetwork,
        grant::history::{GrantEvent, HistoryEntry},
        oauth::client::{Client, ClientKind},
        values::{id::Id, time::Span},
    },
    store::{Error, grants},
};

use super::{FIREFOX, HOME, stage, stage_with};
use crate::harness::{Answer, SECRET, Server, VERIFIER, basic, databases, from, grant_of};

const ALL: &str = "openid offline_access";

/// `POST /token` from an address, by a client of any kind, a second later.
fn token(server: &Server, client: &Client, address: &str, form: &[(&str, &str)]) -> Answer {
    server.advance(1);
    let mut headers = from(address, "notes/2");
    if client.settings.has_secret() {
        headers.push(("Authorization", basic(&client.id, SECRET)));
    }
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let own = if client.settings.has_secret() { vec![] } else { vec![("client_id", client.id.as_str())] };
    let answer = server.token(&[form, &own].concat(), &headers);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// A code given at home, redeemed from an address.
fn redeem(server: &Server, client: &Client, address: &str) -> Answer {
    let code = server.browser_from(HOME, FIREFOX).code(client, "alice", ALL);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &client.settings.redirect_uris[0]),
        ("code_verifier", VERIFIER),
    ];
    token(server, client, address, &form)
}

fn refresh(server: &Server, client: &Client, address: &str, tokens: &Answer) -> Answer {
    token(server, client, address, &[("grant_type", "refresh_token"), ("refresh_token", tokens.text("refresh_token"))])
}

/// How often alice was told that an app went on from elsewhere.
fn changes(server: &Server, user: Id) -> usize {
    server.activities(user).into_iter().filter(|activity| *activity == NewNetwork).count()
}

#[test]
fn its_user_is_told_once_for_each_network() {
    for database in databases() {
        let (mail, server, alice) = stage(&database);
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut tokens = redeem(&server, &spa, "198.51.100.7");
        assert_eq!(changes(&server, alice), 0, "where an app is need not be where the browser is");
        for (address, expected, what) in [
            ("198.51.7.9", 0, "the same network"),
            ("192.0.2.1", 1, "another"),
            ("192.0.77.3", 1, "still there"),
            ("203.0.113.200", 1, "where she signed in"),
            ("192.0.2.1", 1, "which she was told of"),
            ("2001:db8::1", 2, "one more"),
            ("192.0.2.1", 2, "and back"),
            ("2001:db8:7::1", 2, "and there again"),
        ] {
            tokens = refresh(&server, &spa, address, &tokens);
            assert_eq!(changes(&server, alice), expected, "{what}");
        }
        // Where one app of hers is known to be, another is no news.
        let native = server.add_client("native", ClientKind::Native, |_| ());
        let other = redeem(&server, &native, HOME);
        refresh(&server, &native, "192.0.2.50", &other);
        assert_eq!(changes(&server, alice), 2);

        let happened = server.happened(alice);
        let change = happened.iter().rev().find(|entry| entry.activity == NewNetwork).unwrap();
        assert_eq!((change.about.as_deref(), change.origin.address.as_deref()), (Some("App spa"), Some("192.0.2.1")));
        server.messages_to(&mail, "alice@example.com");
        let messages: Vec<_> =
            mail.messages().into_iter().filter(|message| message.subject.contains("another network")).collect();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages.iter().all(|message| message.text.replace('\n', " ").contains("the app \"App spa\"")), "{messages:?}");
        assert!(messages.iter().any(|message| message.text.contains("192.0.2.1")), "{messages:?}");
    }
}

#[test]
fn its_user_is_told_as_well_where_the_database_went_back_and_its_history_says_so() {
    for database in databases() {
        let (_mail, server, alice) = stage_with(&database, |config| config.lifetimes.refresh_history = Span::ZERO);
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let first = redeem(&server, &spa, "198.51.100.7");
        let second = refresh(&server, &spa, "198.51.100.7", &first);
        let third = refresh(&server, &spa, "198.51.100.7", &second);
        server.store(|connection| sql_query("UPDATE grants SET generation = 1").execute(connection).map_err(Error::from));
        refresh(&server, &spa, "192.0.2.1", &third);
        assert_eq!(changes(&server, alice), 1, "{}", database.name);
        let healed = |entry: &&HistoryEntry| entry.event == GrantEvent::Healed;
        let entries = server.entries(grant_of(&first));
        let healed: Vec<_> = entries.iter().filter(healed).collect();
        assert_eq!((healed.len(), healed[0].generation, healed[0].address.as_deref()), (1, 3, Some("192.0.2.1")));

        // All of it, or nothing.
        let other = redeem(&server, &spa, HOME);
        let next = refresh(&server, &spa, HOME, &other);
        server.store(|connection| sql_query("UPDATE grants SET generation = 1").execute(connection).map_err(Error::from));
        server.refuse("INSERT", "grant_history", "NEW.event = 'healed'");
        let form = [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", next.text("refresh_token"))];
        let headers = from(HOME, "notes/2");
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(server.token(&form, &headers).status, 503);
        let found = server.store(|connection| grants::find(connection, grant_of(&other))).unwrap();
        assert_eq!(found.grant.generation, 1, "{}", database.name);
    }
}

#[test]
fn the_servers_of_others_move_as_they_like() {
    for database in databases() {
        let (_mail, server, alice) = stage(&database);
        let web = server.add_client("web", ClientKind::Web, |_| ());
        let mut tokens = redeem(&server, &web, "198.51.100.7");
        for address in ["192.0.2.1", "10.9.8.7", "2001:db8::1", "198.51.100.7"] {
            tokens = refresh(&server, &web, address, &tokens);
        }
        assert_eq!(changes(&server, alice), 0);
    }
}

#[test]
fn who_is_refused_from_elsewhere_is_no_move() {
    for database in databases() {
        let (_mail, server, alice) = stage(&database);
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = redeem(&server, &spa, "198.51.100.7");
        let headers = from("192.0.2.1", "curl");
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refresh = tokens.text("refresh_token");
        let wide =
            [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", refresh), ("scope", "openid notes:write")];
        assert_eq!(server.token(&wide, &headers).error(), "invalid_scope");
        assert_eq!(changes(&server, alice), 0);
        server.disable(alice);
        assert_eq!(server.token(&wide[..3], &headers).error(), "invalid_grant");
        assert_eq!(changes(&server, alice), 0);
    }
}
