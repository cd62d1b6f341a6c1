//! Processes of the previous version during a rolling upgrade: they continue to run after the migrations of this version, read
//! and write the tables that they know, and must neither fail nor undo for good what this version has ended.
//!
//! With each release, [`TABLES`] is set to the release's `store::schema`, and the statements below to those it sends.

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use symbolon::testing::{
    protocol::{
        account::{activity::Activity, link::LinkKind},
        values::id::Id,
    },
    random,
    store::{
        AnyConnection, Error, account, activity, grant_history, link_actions,
        links::{self, Link},
    },
};

use crate::harness::{Database, Server, both, databases, grant_of};

/// The tables of the version before, with their keys and columns.
const TABLES: [(&str, &str, &str); 21] = [
    ("meta", "name", "name text, value text"),
    ("signing_keys", "kid", "kid text, algorithm text, public_jwk text, sealed_key blob, created_at number, signs_from number"),
    (
        "users",
        "id",
        "id blob, username text, email text, email_verified flag, display_name text, password_hash text, disabled_at \
         number, created_at number, updated_at number, roles text, groups text, attributes text, signed_in_at \
         number, sign_in_again_at number",
    ),
    (
        "clients",
        "id",
        "id text, name text, secret_hash blob, disabled_at number, created_at number, previous_secret_hash blob, \
         backchannel_logout_uri text, settings text",
    ),
    ("client_origins", "origin, client_id", "origin text, client_id text"),
    (
        "sessions",
        "id",
        "id blob, user_id blob, generation number, auth_time number, created_at number, last_seen_at number, \
         expires_at number, ended_at number, user_agent text, address text, amr text, remembered flag, device_id text, \
         place text",
    ),
    ("consents", "user_id, client_id", "user_id blob, client_id text, scopes text, audiences text, granted_at number"),
    (
        "grants",
        "id",
        "id blob, client_id text, user_id blob, session_id blob, sid blob, generation number, scopes text, audiences \
         text, redirect_uri text, code_challenge text, nonce text, dpop_jkt text, auth_time number, created_at number, \
         rotated_at number, expires_at number, revoked_at number, end_reason text, subject text, amr text, claims \
         text, device_name text, address text, place text, user_agent text",
    ),
    ("rate_limits", "key", "key blob, amount number, updated_at number, next_at number, expires_at number"),
    ("apis", "uri", "uri text, name text, scopes text, created_at number"),
    ("revisions", "name", "name text, number number"),
    ("subjects", "subject", "subject text, user_id blob, sector text"),
    ("used_assertions", "key", "key blob, expires_at number"),
    ("revoked_tokens", "jti", "jti text, expires_at number"),
    ("deliveries", "id", "id blob, kind text, client_id text, content text, attempts number, next_at number, created_at number"),
    ("devices", "user_id, id", "user_id blob, id text, name text, networks text, first_seen_at number, last_seen_at number"),
    (
        "grant_history",
        "grant_id, id",
        "grant_id blob, id blob, event text, at number, generation number, address text, place text, user_agent \
         text, routine flag",
    ),
    (
        "activity",
        "user_id, id",
        "user_id blob, id blob, kind text, at number, address text, place text, user_agent text, about text, count \
         number",
    ),
    (
        "links",
        "id",
        "id blob, kind text, user_id blob, email text, browser blob, content text, created_at number, expires_at \
         number, used_at number, ended_at number",
    ),
    ("leases", "name", "name text, holder blob, until number"),
    ("sweep_cursors", "name", "name text, position blob, begun_at number"),
];

/// A value of each type, as both databases write it.
fn value(kind: &str, database: &Database) -> &'static str {
    match (kind, database.name) {
        ("blob", "sqlite") => "x'000102030405060708090a0b0c0d0e0f'",
        ("blob", _) => "'\\x000102030405060708090a0b0c0d0e0f'",
        ("text", _) => "'a text'",
        ("number", _) => "1",
        _ => "TRUE",
    }
}

fn execute(connection: &mut AnyConnection, database: &Database, statement: &str) -> usize {
    sql_query(statement).execute(connection).unwrap_or_else(|error| panic!("{}: {statement}: {error}", database.name))
}

#[test]
fn every_table_of_the_version_before_takes_its_statements() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        for (table, key, columns) in TABLES {
            let columns: Vec<_> = columns.split(", ").map(|column| column.split_once(' ').unwrap()).collect();
            let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
            let values: Vec<_> = columns.iter().map(|(_, kind)| value(kind, &database)).collect();
            let set: Vec<_> = names.iter().zip(&values).map(|(name, value)| format!("{name} = {value}")).collect();
            let at: Vec<_> = set.iter().filter(|set| key.split(", ").any(|key| set.starts_with(&format!("{key} =")))).collect();
            assert_eq!(at.len(), key.split(", ").count(), "{table}");
            let [list, values, set] = [names.join(", "), values.join(", "), set.join(", ")];
            let at = at.into_iter().cloned().collect::<Vec<_>>().join(" AND ");
            let rows = server.store(|connection| {
                Ok([
                    format!("INSERT INTO {table} ({list}) VALUES ({values})"),
                    format!("UPDATE {table} SET {set} WHERE {at}"),
                    format!("SELECT {list} FROM {table} WHERE {set}", set = set.replace(", ", " AND ")),
                    format!("DELETE FROM {table} WHERE {at}"),
                ]
                .map(|statement| execute(connection, &database, &statement)))
            });
            assert_eq!([rows[0], rows[1], rows[3]], [1; 3], "{}: {table}", database.name);
        }
    }
}

/// Every way in which this version ends links: what it does to those of a user, or to those that were sent to an address.
type Way = (&'static str, fn(&Server, &mut AnyConnection, Id, &Link) -> Result<(), Error>);

const WAYS: [Way; 7] = [
    ("an operator ends them", |server, connection, user, _| {
        account::end_links(connection, &server.event(user, Activity::LinksEnded)).map(drop)
    }),
    ("the account is switched off", |server, connection, user, _| {
        account::disable(connection, &server.event(user, Activity::Disabled))
    }),
    ("an operator sets a password", |server, connection, user, _| {
        account::reset_password(connection, "a hash", &server.event(user, Activity::PasswordReset)).map(drop)
    }),
    ("this was not me", |server, connection, user, link| {
        link_actions::not_me(connection, link, &server.event(user, Activity::NotMe)).map(|done| assert!(done.is_some()))
    }),
    ("a password is set by one", |server, connection, user, _| {
        let reset = links::of_user(connection, user)?.into_iter().find(|link| link.kind == LinkKind::Reset).unwrap();
        let event = server.event(user, Activity::PasswordReset);
        link_actions::reset_password(connection, &reset, "a hash", ("a browser", "192.0.0.0/16"), &event)
            .map(|done| assert!(done.is_some()))
    }),
    ("an invitation is withdrawn", |server, connection, _, _| {
        links::withdraw(connection, "new@example.com", server.now()).map(|ended| assert_eq!(ended, 1))
    }),
    ("it was kept as ended", |server, connection, _, _| {
        let now = server.now();
        links::insert(connection, &Link { ended_at: Some(now), ..Link::new(random::id(now), LinkKind::Invitation, now) })
    }),
];

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[test]
fn no_process_of_the_version_before_takes_a_link_that_was_ended() {
    both(|server| {
        for (number, (way, end)) in WAYS.into_iter().enumerate() {
            let alice = server.add_user(&format!("alice{number}")).claims;
            server.store(|connection| {
                sql_query("DELETE FROM links").execute(connection)?;
                let now = server.now();
                let made = |kind, user_id, email: &str| Link {
                    user_id,
                    email: Some(email.into()),
                    ..Link::new(random::id(now), kind, now)
                };
                let not_me = made(LinkKind::NotMe, Some(alice.id), &alice.email);
                let others = [
                    made(LinkKind::NotMe, Some(alice.id), &alice.email),
                    made(LinkKind::Reset, Some(alice.id), &alice.email),
                    made(LinkKind::ConfirmEmail, Some(alice.id), "new@example.com"),
                    made(LinkKind::Invitation, None, "new@example.com"),
                ];
                for link in others.iter().chain([&not_me]) {
                    links::insert(connection, link)?;
                }
                end(server, connection, alice.id, &not_me)?;
                let ended: Number =
                    sql_query("SELECT count(*) AS number FROM links WHERE ended_at IS NOT NULL").get_result(connection)?;
                assert!(ended.number > 0, "{way}");
                // What such a process sends to use one up, by id and kind, and to count those that are open.
                let open = "used_at IS NULL AND expires_at > 0 AND ended_at IS NOT NULL";
                assert_eq!(sql_query(format!("UPDATE links SET used_at = 1 WHERE {open}")).execute(connection)?, 0, "{way}");
                let received: Vec<_> =
                    links::of_user(connection, alice.id)?.into_iter().filter(|link| link.ended_at.is_some()).collect();
                assert!(
                    received.iter().all(|link| link.used_at.is_none()),
                    "{way}: and this version tells it from one that was used"
                );
                Ok(())
            });
        }
    });
}

#[test]
fn what_only_a_later_version_has_a_name_for_is_left_out() {
    both(|server| {
        let spa = server.add_strict_client("spa");
        let alice = server.add_user("alice").claims.id;
        let tokens = server.tokens(&spa, "alice", "openid offline_access");
        server.refresh(&spa, tokens.text("refresh_token"));
        server.flush();
        let grant = grant_of(&tokens);
        let read = || {
            server.store(|connection| {
                let life = grant_history::of(connection, grant, 10)?.len();
                Ok((activity::of(connection, alice, None, 10)?.len(), life))
            })
        };
        let before = read();
        assert!(before.0 > 0 && before.1 > 0, "{before:?}");
        server.store(|connection| {
            for statement in [
                "UPDATE activity SET kind = 'of_later' WHERE id = (SELECT id FROM activity ORDER BY id DESC LIMIT 1)",
                "UPDATE grant_history SET event = 'of_later' WHERE id = (SELECT id FROM grant_history ORDER BY id DESC LIMIT 1)",
            ] {
                assert_eq!(sql_query(statement).execute(connection)?, 1, "{statement}");
            }
            Ok(())
        });
        assert_eq!(read(), (before.0 - 1, before.1 - 1));
    });
}
