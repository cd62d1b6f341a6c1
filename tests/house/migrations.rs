//! The rules of the twin migrations: both databases have the same steps, each with its reversal, and end with the same tables,
//! columns and indexes in the same order. That they run, and what Diesel reads back, is shown by the integration tests.

use super::source::{list, read, root};

/// How each database writes what is the same: what differs, and ours for comparing.
const SAME: [(&str, &str); 6] = [
    ("BYTEA", "BLOB"),
    (" COLLATE \"C\"", ""),
    ("to_json(", "json_quote("),
    (")::text", ")"),
    ("::json ->>", " ->>"),
    ("strpos(", "instr("),
];

fn steps(database: &str) -> Vec<String> {
    let mut steps: Vec<_> =
        list(&format!("migrations/{database}"), ".sql").iter().map(|path| path.split('/').nth(2).unwrap().to_owned()).collect();
    steps.dedup();
    steps
}

#[test]
fn both_databases_take_the_same_steps() {
    assert_eq!(steps("sqlite"), steps("postgres"), "migrations/: each step stands in both folders under the same name");
    for database in ["sqlite", "postgres"] {
        for step in steps(database) {
            for way in ["up.sql", "down.sql"] {
                let path = format!("migrations/{database}/{step}/{way}");
                assert!(root().join(&path).is_file(), "{path}: write it");
            }
        }
    }
}

/// Each statement on one line, comments and what differs by dialect taken out: `WITH (…)` at the end dropped, and statements that
/// only say how PostgreSQL stores a table.
fn statements(path: &str) -> Vec<String> {
    let mut text: String =
        read(path).lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    for (theirs, ours) in SAME {
        text = text.replace(theirs, ours);
    }
    let flat = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let without_storage = |statement: String| statement.split(" WITH (").next().unwrap_or_default().to_owned();
    let is_storage = |statement: &str| {
        let rest = statement.strip_prefix("ALTER TABLE ").and_then(|rest| rest.split_once(' '));
        rest.is_some_and(|(_, rest)| rest.starts_with("SET (") || rest.starts_with("RESET ("))
    };
    let all = text.split(';').map(flat).filter(|statement| !statement.is_empty() && !is_storage(statement));
    all.map(without_storage).collect()
}

/// Steps that change what SQLite cannot change: there, the table is made anew under another name.
const MADE_ANEW: [&str; 1] = ["2026-12-01-030100_users_without_address"];

#[test]
fn both_databases_end_with_the_same_tables() {
    for step in steps("sqlite").into_iter().filter(|step| !MADE_ANEW.contains(&step.as_str())) {
        for way in ["up.sql", "down.sql"] {
            let [sqlite, postgres] =
                ["sqlite", "postgres"].map(|database| statements(&format!("migrations/{database}/{step}/{way}")));
            for (sqlite, postgres) in sqlite.iter().zip(&postgres) {
                assert_eq!(sqlite, postgres, "migrations/*/{step}/{way}: the same columns in the same order, please");
            }
            assert_eq!(sqlite.len(), postgres.len(), "migrations/*/{step}/{way}: one has statements that the other lacks");
        }
    }
}

#[test]
fn what_a_step_makes_its_way_back_takes_away() {
    for step in steps("sqlite").into_iter().filter(|step| !MADE_ANEW.contains(&step.as_str())) {
        let made = |statement: &str| Some(statement.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next()?.to_owned());
        let dropped = |statement: &str| Some(statement.strip_prefix("DROP TABLE ")?.trim_start_matches("IF EXISTS ").to_owned());
        let mut up: Vec<_> = statements(&format!("migrations/sqlite/{step}/up.sql")).iter().filter_map(|s| made(s)).collect();
        let mut down: Vec<_> =
            statements(&format!("migrations/sqlite/{step}/down.sql")).iter().filter_map(|s| dropped(s)).collect();
        up.sort();
        down.sort();
        assert_eq!(up, down, "migrations/*/{step}: down.sql drops the tables that up.sql creates");
    }
}
