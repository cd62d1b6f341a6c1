//! The embedded migrations: applied and reverted on both databases, with the same tables, and run by several processes at once.

use std::{collections::BTreeMap, sync::Barrier, thread, time::Duration};

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};
use symbolon::testing::{
    protocol::{account::activity::Activity, grant::end_reason::EndReason, oauth::client::ClientKind},
    store::{AnyConnection, DatabaseUrl, Error, Store, activity, migrations},
};

use crate::harness::{Database, Server, databases};

fn store(database: &Database) -> Store {
    Store::open(&DatabaseUrl::parse(&database.url).unwrap(), 2, Duration::from_secs(10)).unwrap()
}

/// A column, or an index: of which table, and what it is.
#[derive(QueryableByName, Debug)]
struct Part {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    what: String,
}

/// Every table but Diesel's own, with its columns in order: name, type, whether it may be null, place in the primary key.
const COLUMNS: [&str; 2] = [
    "SELECT t.name AS of, c.name || ' ' || c.type || CASE c.\"notnull\" WHEN 1 THEN ' NOT NULL' ELSE '' END || ' ' || c.pk AS what
     FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY t.name, c.cid",
    "SELECT c.table_name::text AS of, c.column_name || ' ' || CASE c.data_type WHEN 'bytea' THEN 'BLOB' ELSE upper(c.data_type) END
       || CASE c.is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END || ' ' || coalesce(k.ordinal_position, 0) AS what
     FROM information_schema.columns c
     LEFT JOIN (information_schema.key_column_usage k JOIN information_schema.table_constraints p
       ON p.constraint_name = k.constraint_name AND p.constraint_type = 'PRIMARY KEY') ON k.table_name = c.table_name AND k.column_name = c.column_name
     WHERE c.table_schema = 'public' AND c.table_name NOT LIKE '\\_\\_%' ORDER BY c.table_name, c.ordinal_position",
];

/// The indexes that the migrations name, and what is unique.
const INDEXES: [&str; 2] = [
    "SELECT m.tbl_name AS of, CASE l.\"unique\" WHEN 1 THEN 'unique' ELSE m.name END || ' ' || (SELECT group_concat(name) FROM pragma_index_info(m.name)) AS what
     FROM sqlite_master m JOIN pragma_index_list(m.tbl_name) l ON l.name = m.name WHERE m.type = 'index' AND l.origin <> 'pk' AND m.tbl_name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY 1, 2",
    "SELECT t.relname::text AS of, CASE WHEN i.indisunique THEN 'unique' ELSE x.relname::text END || ' ' || (SELECT string_agg(pg_get_indexdef(x.oid, a.attnum, true), ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = x.oid) AS what
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE n.nspname = 'public' AND NOT i.indisprimary AND t.relname NOT LIKE '\\_\\_%' ORDER BY 1, 2",
];

fn parts(connection: &mut AnyConnection, queries: [&str; 2]) -> BTreeMap<String, Vec<String>> {
    let query = queries[usize::from(matches!(connection, AnyConnection::Postgres(_)))];
    let rows: Vec<Part> = sql_query(query).load(connection).unwrap();
    let mut tables = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        tables.entry(row.of).or_default().push(row.what);
    }
    tables
}

fn shape(database: &Database) -> [BTreeMap<String, Vec<String>>; 2] {
    store(database).with(|connection| Ok::<_, Error>([COLUMNS, INDEXES].map(|queries| parts(connection, queries)))).unwrap()
}

#[test]
fn up_down_and_up_again_with_the_same_tables_on_both() {
    let shapes = databases().into_iter().map(|database| {
        let store = store(&database);
        let ran = store.with(migrations::run).unwrap();
        assert!(!ran.is_empty());
        assert!(store.with(migrations::run).unwrap().is_empty(), "{}: nothing to do the second time", database.name);
        let up = shape(&database);
        store.with(migrations::revert_all).unwrap();
        assert!(shape(&database).iter().all(BTreeMap::is_empty), "{}: {:?}", database.name, shape(&database));
        assert_eq!(store.with(migrations::run).unwrap(), ran);
        assert_eq!(shape(&database), up);
        drop(store);
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        up
    });
    let [sqlite, postgres]: [_; 2] = shapes.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(sqlite, postgres);
    let [tables, indexes] = sqlite;
    let names: Vec<_> = tables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "activity",
            "apis",
            "authenticators",
            "client_origins",
            "client_refusals",
            "clients",
            "consents",
            "deletions",
            "deliveries",
            "devices",
            "grant_history",
            "grants",
            "leases",
            "links",
            "meta",
            "rate_limits",
            "resets",
            "revisions",
            "revoked_tokens",
            "sessions",
            "signing_keys",
            "subjects",
            "sweep_cursors",
            "used_assertions",
            "users",
        ]
    );
    assert_eq!(tables["meta"], ["name TEXT NOT NULL 1", "value TEXT NOT NULL 0"]);
    assert_eq!(indexes["users"], ["unique email", "unique user_handle", "unique username"]);
}

#[test]
fn several_at_once_run_each_migration_once() {
    const PROCESSES: usize = 6;
    for database in databases() {
        let barrier = Barrier::new(PROCESSES);
        let ran: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..PROCESSES)
                .map(|_| {
                    let (barrier, database) = (&barrier, &database);
                    scope.spawn(move || {
                        barrier.wait();
                        store(database).with(migrations::run).unwrap_or_else(|error| panic!("{}: {error}", database.name))
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let worked: Vec<_> = ran.iter().filter(|names| !names.is_empty()).collect();
        assert_eq!(worked.len(), 1, "{}: {ran:?}", database.name);
    }
}

#[test]
fn a_role_that_may_create_nothing_serves_what_its_owner_has_migrated() {
    let database = Database::postgres();
    store(&database).with(migrations::run).unwrap();
    let role = format!("serves_{}", database.url.rsplit('/').next().unwrap());
    let rights = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'serves'; REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    );
    store(&database).with(|connection| connection.batch_execute(&rights).map_err(Error::from)).unwrap();
    let (_, place) = database.url.split_once('@').unwrap();
    let limited = Database::at("postgres", &format!("postgres://{role}:serves@{place}"));
    let refused = store(&limited).with(|connection| connection.batch_execute("CREATE TABLE x (y int)").map_err(Error::from));
    assert!(refused.is_err(), "it may not");
    let server = Server::start(&limited, |_| ());
    server.add_user("alice");
    let spa = server.add_strict_client("spa");
    let tokens = server.tokens(&spa, "alice", "openid offline_access");
    assert_eq!(server.refresh(&spa, tokens.text("refresh_token")).status, 200);
    server.flush();
    server.tidy();
    drop(server);
    let drop_role = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    store(&database).with(|connection| connection.batch_execute(&drop_role).map_err(Error::from)).unwrap();
}

#[test]
fn a_database_that_is_newer_than_the_program_is_refused() {
    for database in databases() {
        let store = store(&database);
        store.with(migrations::run).unwrap();
        let later = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')";
        store.with(|connection| sql_query(later).execute(connection).map_err(Error::from)).unwrap();
        let refused = store.with(migrations::run).unwrap_err().to_string();
        assert!(refused.contains("99991231235959") && refused.contains("newer"), "{refused}");
        let config = crate::harness::config(&database, crate::harness::free_port());
        let refused =
            symbolon::testing::server::prepare(config, symbolon::testing::clock::Clock::system()).err().unwrap().to_string();
        assert!(refused.starts_with("migrations: "), "{refused}");
    }
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Text)]
    end_reason: String,
}

#[test]
fn sentences_of_an_earlier_version_become_names() {
    const UP: &str = include_str!("../../migrations/postgres/2026-11-30-100000_end_reasons/up.sql");
    const DOWN: &str = include_str!("../../migrations/postgres/2026-11-30-100000_end_reasons/down.sql");
    assert_eq!(
        [UP, DOWN],
        [
            include_str!("../../migrations/sqlite/2026-11-30-100000_end_reasons/up.sql"),
            include_str!("../../migrations/sqlite/2026-11-30-100000_end_reasons/down.sql")
        ]
    );
    // A later migration renames the column.
    let of_today = |sql: &str| sql.replace("revoked_why", "end_reason");
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        server.tokens(&spa, "alice", "openid");
        let run = |sql: &str| server.store(|connection| Ok(connection.batch_execute(sql)?));
        let kept = || {
            let read = sql_query("SELECT end_reason FROM grants");
            server.store(|connection| Ok(read.get_result::<Kept>(connection)?)).end_reason
        };
        for reason in EndReason::ALL {
            run(&format!("UPDATE grants SET revoked_at = 1, end_reason = '{}'", reason.name()));
            run(&of_today(DOWN));
            let sentence = kept();
            assert!(sentence.contains(' '), "{}: {sentence}", database.name);
            run(&of_today(UP));
            assert_eq!(kept(), reason.name(), "{}: {sentence}", database.name);
        }
    }
}

#[test]
fn a_downgrade_deletes_activity_that_earlier_versions_have_no_name_for() {
    const DOWN: &str = include_str!("../../migrations/postgres/2026-11-30-190000_first_party/down.sql");
    assert_eq!(DOWN, include_str!("../../migrations/sqlite/2026-11-30-190000_first_party/down.sql"));
    let deletes: Vec<&str> = DOWN.lines().filter(|line| line.starts_with("DELETE FROM activity ")).collect();
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let alice = server.add_user("alice").claims.id;
        let kinds = || {
            let entries = server.store(|connection| activity::of(connection, alice, None, 10));
            entries.into_iter().map(|(_, entry)| entry.activity).collect::<Vec<_>>()
        };
        let before = kinds();
        for kind in [Activity::AppAllowedByOperator, Activity::SignedOutByApp] {
            server.store(|connection| activity::insert(connection, &server.event(alice, kind)));
        }
        assert_eq!(kinds().len(), before.len() + 2, "{}", database.name);
        for sql in &deletes {
            server.store(|connection| Ok(connection.batch_execute(sql)?));
        }
        assert_eq!(kinds(), before, "{}", database.name);
    }
}
