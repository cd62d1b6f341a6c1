//! The export of a user's data, and the deletion of their account: what the file contains and what it does not, and what remains
//! in the tables.

use diesel::{Connection, QueryableByName, RunQueryDsl, sql_types::Text};
use serde_json::Value;
use symbolon::testing::protocol::account::activity::Activity;

use super::{
    FIREFOX, OFFLINE, SESSION, act, assert_inactive, end, happened, is_signed_in, newest_grant, session_of, signed_in, tokens,
};
use crate::harness::{Browser, Database, PASSWORD, Server, both, databases, is_localhost};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Every row of every table, as text.
fn dump(database: &Database) -> Vec<(String, String)> {
    let tables = include_str!("../../../src/store/schema.rs").split("diesel::table! {").skip(1);
    let mut all = Vec::new();
    for table in tables {
        let (name, rest) = table.split_once(" (").unwrap();
        let (_, rest) = rest.split_once(") {").unwrap();
        let columns: Vec<_> = rest.split("->").filter_map(|part| part.split_whitespace().last()).collect();
        let columns = &columns[..columns.len() - 1];
        let text = |sqlite: bool| {
            let of = |column: &&str| {
                let quoted = format!("\"{column}\"");
                if sqlite {
                    format!("CASE typeof({quoted}) WHEN 'blob' THEN hex({quoted}) ELSE coalesce({quoted}, '') END")
                } else {
                    format!("coalesce(CAST({quoted} AS text), '')")
                }
            };
            let joined = columns.iter().map(of).collect::<Vec<_>>().join(" || '|' || ");
            format!("SELECT {joined} AS line FROM {}", name.trim())
        };
        let lines: Vec<Line> = if let Some(path) = database.url.strip_prefix("sqlite:") {
            let mut connection = diesel::SqliteConnection::establish(path).unwrap();
            diesel::sql_query(text(true)).load(&mut connection).unwrap()
        } else {
            let mut connection = diesel::PgConnection::establish(&database.url).unwrap();
            diesel::sql_query(text(false)).load(&mut connection).unwrap()
        };
        all.extend(lines.into_iter().map(|line| (name.trim().to_owned(), line.line.to_lowercase())));
    }
    all
}

#[test]
fn the_file_holds_everything_and_no_secret() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice"), server.add_web("web"));
        server.add_user("bob");
        let id = alice.claims.id;
        let mut browser = signed_in(server);
        let tokens = tokens(server, &mut browser, &web, OFFLINE);
        let session = session_of(server, &browser).to_string();
        act(&mut browser, "/account", "/account/name", &[("what", "session"), ("id", &session), ("name", "Work laptop")]);
        let page = browser.get("/account/export");
        assert_eq!((page.status, page.header("content-type")), (200, Some("application/json")), "{page:?}");
        assert_eq!(page.header("content-disposition"), Some("attachment; filename=\"account.json\""));
        assert_eq!((page.header("cache-control"), page.header("x-content-type-options")), (Some("no-store"), Some("nosniff")));
        let file: Value = serde_json::from_str(&page.body).unwrap();
        for (path, value) in [
            ("/account/username", "alice"),
            ("/account/email", "alice@example.com"),
            ("/account/display_name", "alice Example"),
            ("/account/id", &id.to_string()),
            ("/browsers/0/user_agent", FIREFOX),
            ("/browsers/0/name", "Work laptop"),
            ("/allowed_apps/0/app", "App web"),
            ("/access_of_apps/0/app", "App web"),
            ("/access_of_apps/0/scope", OFFLINE),
            ("/access_of_apps/0/history/0/what", "code_issued"),
            ("/access_of_apps/0/history/1/what", "redeemed"),
            ("/activity/0/what", "app_allowed"),
            ("/known_devices/0/name", "Work laptop"),
        ] {
            assert_eq!(file.pointer(path).and_then(Value::as_str), Some(value), "{path} in {}", page.body);
        }
        let address = file.pointer("/browsers/0/address").and_then(Value::as_str);
        assert!(address.is_some_and(is_localhost), "{address:?}");
        let device = browser.cookies["symbolon_device"].split_once('.').unwrap().0;
        let hash = alice.password_hash.unwrap();
        for secret in
            [&hash, PASSWORD, "argon2", "sym_", &tokens.refresh, &tokens.access, &browser.cookies[SESSION], device, "bob"]
        {
            assert!(!page.body.contains(secret), "{secret}");
        }
        assert_eq!(happened(server, id, Activity::Exported), 1);
    });
}

#[test]
fn a_deleted_account_leaves_nothing_but_its_ids() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let server = Server::start(&database, |_| ());
        server.add_apis();
        let (alice, web) = (server.add_user("alice"), server.add_web("web"));
        let (mut here, mut there) = (signed_in(&server), signed_in(&server));
        let own = [tokens(&server, &mut here, &web, OFFLINE), tokens(&server, &mut there, &web, OFFLINE)];
        let (session, grant) = (session_of(&server, &here).to_string(), newest_grant(&server, alice.claims.id).to_string());
        for (what, id) in [("session", &session), ("grant", &grant)] {
            let fields = [("what", what), ("id", id.as_str()), ("name", "Wonderland")];
            assert_eq!(act(&mut here, "/account", "/account/name", &fields).status, 303);
        }
        assert_eq!(act(&mut here, "/account/data", "/account/delete", &[("password", "wrong")]).status, 401);
        let forged = here.send("POST", "/account/delete", Some(&[("password", PASSWORD)]));
        assert!(forged.status == 400 && forged.problem() == Some("form-expired"), "{forged:?}");
        assert!(
            dump(&database).iter().any(|(table, line)| table == "devices" && line.contains("wonderland")),
            "it is looked for"
        );
        let page = act(&mut here, "/account/data", "/account/delete", &[("password", PASSWORD)]);
        assert!(page.status == 200 && page.is("account-deleted"), "{page:?}");
        assert!(here.cookies.keys().all(|name| *name == here.cookies.name("symbolon_browser")), "{:?}", here.cookies);
        for tokens in &own {
            assert_inactive(&server, &web, tokens);
        }
        assert!(!is_signed_in(&mut there));
        assert_eq!(Browser::new(&server).sign_in_at("/login", "alice", PASSWORD).status, 401);
        let flushed = |connection: &mut _| server.app.history.flush(connection);
        server.store(flushed); // also what has just failed
        let id = alice.claims.id.to_string();
        for (table, line) in dump(&database) {
            for trace in ["alice", "wonderland", "mozilla", "127.0.0", "argon2"] {
                assert!(
                    !line.contains(trace) || matches!(table.as_str(), "clients" | "apis" | "meta"),
                    "{table}: {trace} in {line}"
                );
            }
            let keeps_ids = matches!(table.as_str(), "grants" | "sessions" | "subjects");
            assert!(!line.contains(&id) || keeps_ids, "{table}: {line}");
        }
        assert!(!dump(&database).iter().any(|(table, _)| table == "users"));
    }
}

#[test]
fn a_deleted_user_is_told_of_nothing_more() {
    both(|server| {
        let (_, web) = (server.add_user("alice"), server.add_web("web"));
        let mut browser = signed_in(server);
        browser.code(&web, "alice", OFFLINE);
        end(&mut browser, "app", "web");
        let page = act(&mut browser, "/account/data", "/account/delete", &[("password", PASSWORD)]);
        assert_eq!(page.status, 200, "{page:?}");
        let again = server.add_user("alice").claims.id;
        let mut other = Browser::new(server);
        other.sign_in("alice");
        assert_eq!(happened(server, again, Activity::AppEnded), 0, "whoever takes the name takes nothing else");
        assert!(other.get("/account").body.contains("No app has access."));
    });
}
