//! `symbolon migrate` and `check-config`, commands that run first on a fresh database, and invalid command lines.

use std::process::Stdio;

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use serde_json::json;
use symbolon::testing::store::{AnyConnection, Error};

use super::{Binary, Ran};
use crate::harness::{Database, databases};

#[test]
fn several_commands_work_at_once_on_a_database_that_was_just_migrated() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        let migrations: Vec<_> = (0..4).map(|_| symbolon.command(&["migrate"]).spawn().unwrap()).collect();
        let add = |id: &str| {
            let line = format!("client add --id {id} --name App --type spa --redirect-uri https://app.example.com/cb");
            symbolon.command(&line.split(' ').collect::<Vec<_>>()).spawn().unwrap()
        };
        let all = |children: Vec<std::process::Child>| {
            for child in children {
                let ran = Ran::from(child.wait_with_output().unwrap());
                assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
            }
        };
        all(migrations);
        all(["a", "b", "c", "d"].map(add).into_iter().collect());
        assert_eq!(symbolon.json("client list --json").as_array().unwrap().len(), 4, "{name}");
        assert_eq!(symbolon.text("migrate"), "the database is up to date\n", "{name}");
    }
}

/// Every command that works with a database, but `serve` and `migrate`.
const OTHERS: [&str; 9] = [
    "user list",
    "user add alice --email alice@example.com --password-stdin",
    "client list",
    "client add --name App --type spa --redirect-uri https://app.example.com/cb",
    "api list",
    "key rotate",
    "grant list",
    "consent list --user alice",
    "explain",
];

#[test]
fn only_serve_and_migrate_make_an_installation() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        for line in OTHERS {
            let refused = symbolon.refusal_with(line, "correct horse battery staple\n");
            assert!(refused.contains("no installation at ") && refused.contains("symbolon serve"), "{name}: {line}: {refused}");
            assert!(!symbolon.dir.path().join("data").exists(), "{name}: {line}: neither a secret nor a directory is made");
        }
        // Nor with a secret of its own, into a database without tables.
        let secret = ("SYMBOLON_SECRET", "a secret of at least thirty-two bytes".to_owned());
        let with_secret = Binary { variables: vec![secret], ..Binary::new(&database.url) };
        for line in OTHERS {
            let refused = with_secret.refusal_with(line, "correct horse battery staple\n");
            assert!(refused.contains("no installation at ") && refused.contains("symbolon serve"), "{name}: {line}: {refused}");
        }
        assert!(symbolon.text("migrate").starts_with("applied "), "{name}: and nothing of it was there before");
        assert_eq!(symbolon.json("user list --json"), json!([]), "{name}");
        // A file of a database in which nothing was ever made is not one either.
        if let Some(file) = database.url.strip_prefix("sqlite:") {
            let empty = format!("{file}.empty");
            std::fs::write(&empty, "").unwrap();
            let other = Binary { dir: symbolon.dir, ..Binary::new(&format!("sqlite:{empty}")) };
            assert!(other.refusal("user list").contains("there are no tables in it"), "{name}");
        }
    }
}

#[test]
fn other_commands_refuse_a_schema_that_is_older_or_newer() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let change = |statement: &str| {
            let changed = |connection: &mut AnyConnection| Ok::<_, Error>(sql_query(statement).execute(connection)?);
            assert_eq!(symbolon.store().with(changed).unwrap(), 1, "{name}: {statement}");
        };
        change("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)");
        for line in OTHERS {
            let refused = symbolon.refusal_with(line, "correct horse battery staple\n");
            assert!(refused.contains("older") && refused.contains("run `symbolon migrate`"), "{name}: {line}: {refused}");
        }
        change("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')");
        for line in OTHERS {
            let refused = symbolon.refusal_with(line, "correct horse battery staple\n");
            assert!(refused.contains("newer") && refused.contains("99991231235959"), "{name}: {line}: {refused}");
        }
    }
}

#[test]
fn the_configuration_is_told_without_secrets() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        let text = symbolon.text("check-config");
        assert!(
            text.lines().any(|line| line.starts_with("issuer ") && line.ends_with("http://localhost:8080")),
            "{name}: {text}"
        );
        let checked = symbolon.json("check-config --json");
        assert_eq!(
            (&checked["access_token_lifetime"], &checked["password_hash_memory_kib"]),
            (&json!("10m"), &json!(8)),
            "{name}: {checked}"
        );
        for (key, written) in [("refresh_absolute_lifetime", "1year"), ("history_retention", "180days"), ("shutdown_delay", "0s")]
        {
            assert_eq!(checked[key], written, "{name}: as people write it");
        }
        assert!(!symbolon.dir.path().join("data").exists(), "{name}: a check writes nothing");
        symbolon.text("migrate");
        let secret = std::fs::read_to_string(symbolon.dir.path().join("data/secret")).unwrap();
        let text = format!("{text}{}", symbolon.text("check-config"));
        let password =
            database.url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).and_then(|(user, _)| user.split_once(':'));
        for hidden in [Some(secret.trim()), password.map(|(_, password)| password)].into_iter().flatten() {
            assert!(!text.contains(hidden) && !checked.to_string().contains(hidden), "{name}: {text}");
        }
    }
}

#[test]
fn a_former_name_of_a_setting_is_read_with_one_warning() {
    let mut symbolon = Binary::new("sqlite:unused");
    symbolon.variables = vec![("SYMBOLON_ENDED_RETENTION", "40days".into())];
    let ran = symbolon.run("check-config --json");
    let warning = "warning: SYMBOLON_ENDED_RETENTION was renamed to SYMBOLON_PURGE_AFTER\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), warning), "{}", ran.stdout);
    assert!(ran.stdout.contains("\"purge_after\": \"40days\""), "{}", ran.stdout);
    symbolon.variables.push(("SYMBOLON_PURGE_AFTER", "40days".into()));
    let refused = symbolon.refusal("check-config");
    assert!(refused.contains("SYMBOLON_ENDED_RETENTION and SYMBOLON_PURGE_AFTER: expected one of them"), "{refused}");
}

#[test]
fn an_empty_variable_counts_as_none_and_text_that_looks_like_a_number_is_text() {
    let mut symbolon = Binary::new("sqlite:unused");
    symbolon.variables = vec![("SYMBOLON_METRICS_LISTEN", String::new()), ("SYMBOLON_DATA_DIR", "12345".into())];
    let checked = symbolon.json("check-config --json");
    assert_eq!((&checked["metrics_listen"], &checked["data_dir"]), (&json!(null), &json!("12345")));
}

#[test]
fn what_each_server_secret_is_used_for_is_told_by_its_number() {
    let [old, new] = ["a secret of at least thirty-two bytes", "another one that is as long as it must be"];
    for database in databases() {
        let mut symbolon = Binary::new(&database.url);
        let received = |symbolon: &Binary| symbolon.json("check-config --json")["secret"].as_array().unwrap().clone();
        assert_eq!(received(&symbolon), ["generated at first start"]);
        symbolon.variables = vec![("SYMBOLON_SECRET", format!("next {new},{old}"))];
        let numbers: Vec<_> = received(&symbolon).iter().map(|one| one.as_str().unwrap()[..4].to_owned()).collect();
        let [next, current] = [&numbers[0], &numbers[1]];
        assert_eq!(
            received(&symbolon),
            [format!("{next} next: verification only, until it is no longer marked"), format!("{current} active")]
        );
        assert!(symbolon.text("check-config").contains(&format!("{current} active")));
        symbolon.variables = vec![("SYMBOLON_SECRET", format!("{new},{old}"))];
        let expected = [format!("{next} active"), format!("{current} old: verification only")];
        assert_eq!(received(&symbolon), expected);
        for list in [format!("next {new}"), format!("{old},next short")] {
            symbolon.variables = vec![("SYMBOLON_SECRET", list)];
            let refused = symbolon.refusal("check-config");
            assert!(refused.contains("SYMBOLON_SECRET: ") && !refused.contains(new), "{refused}");
        }
    }
}

#[test]
fn nothing_is_written_by_a_clock_that_is_not_the_databases() {
    let database = Database::postgres();
    let first = Binary::migrated(&database.url);
    first.add_user("alice");
    // The database's clock, as if it were two months behind.
    let store = Binary::new(&database.url).store();
    let clock = "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
                 $$ SELECT pg_catalog.clock_timestamp() - interval '62 days' $$";
    store.with(|connection| connection.batch_execute(clock).map_err(Error::from)).unwrap();
    let joint = if database.url.contains('?') { '&' } else { '?' };
    let symbolon =
        Binary { dir: first.dir, ..Binary::new(&format!("{}{joint}options=-csearch_path%3Dpublic%2Cpg_catalog", database.url)) };
    for line in ["user disable alice", "user sign-in-again alice", "key add --algorithm EdDSA", "user delete alice"] {
        let refused = symbolon.refusal(line);
        assert!(refused.contains(" s ahead of the database's") && refused.contains("nothing was changed"), "{line}: {refused}");
    }
    let ran = symbolon.run("user list --json");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("note: ") && ran.stdout.contains("\"disabled\": false"), "{} {}", ran.stderr, ran.stdout);
}

#[test]
fn migrations_are_run_once_and_told() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        let text = symbolon.text("migrate");
        assert!(text.starts_with("applied 2026"), "{name}: {text}");
        let nothing = json!({ "ran": [], "addresses_rewritten": 0, "addresses_taken": [] });
        assert_eq!(symbolon.json("migrate --json"), nothing, "{name}");
    }
}

#[test]
fn addresses_that_a_version_before_kept_are_rewritten_and_told() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        for who in ["alice", "bob", "carol"] {
            symbolon.add_user(who);
        }
        let addresses = [("alice", "x@xn--exmple-cua.com"), ("bob", "x@exämple.com"), ("carol", "e\u{301}mile@example.com")];
        let keep = |connection: &mut AnyConnection| {
            let texts = addresses.map(|(who, email)| format!("UPDATE users SET email = '{email}' WHERE username = '{who}'"));
            let forget = "DELETE FROM meta WHERE name = 'email_spellings'".to_owned();
            texts.into_iter().chain([forget]).try_for_each(|text| sql_query(text).execute(connection).map(drop))?;
            Ok::<_, Error>(())
        };
        symbolon.store().with(keep).unwrap();
        let ids = symbolon.json("user list --json");
        let id = |who: &str| ids.as_array().unwrap().iter().find(|user| user["username"] == who).unwrap()["id"].clone();
        let taken = json!([{ "id": id("bob"), "username": "bob", "taken_by": id("alice") }]);
        let received = symbolon.json("migrate --json");
        assert_eq!(received, json!({ "ran": [], "addresses_rewritten": 1, "addresses_taken": taken }), "{name}");
        assert!(symbolon.text("user show émile@example.com").contains("carol"), "{name}");
        let text = symbolon.text("migrate");
        let bob = format!("user bob ({}): the e-mail address was not normalised", id("bob").as_str().unwrap());
        assert!(text.contains("up to date") && text.contains(&bob) && !text.contains("normalised e-mail"), "{name}: {text}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let memory = Binary::new("sqlite::memory:");
    assert!(memory.refusal("user list").contains("cannot be used by other commands"));
    let absent = Binary::new("sqlite:/nonexistent/symbolon.db");
    assert!(absent.refusal("migrate").contains("database_url: expected a file that can be written"));
    assert!(absent.refusal("user list").contains("no installation at '/nonexistent/symbolon.db': there is no database"));
    let nonsense = Binary::new("mysql://x");
    assert!(nonsense.refusal("check-config").contains("SYMBOLON_DATABASE_URL: expected"));
    assert!(nonsense.refusal("check-config --config absent.toml").contains("absent.toml"));
    assert!(nonsense.refusal("demo --config absent.toml").contains("no --config"));
    for line in ["user", "user add alice", "client add --name App --type fridge", "grant revoke", "frobnicate"] {
        let ran = memory.run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{line}: a mistake in the line itself");
        assert!(ran.stderr.contains("--help"), "{line}: {}", ran.stderr);
    }
    let ran = memory.run("--version");
    assert_eq!((ran.code, ran.stdout), (Some(0), format!("symbolon {}\n", env!("CARGO_PKG_VERSION"))));
    // A database in the data directory, which no one has made yet.
    let symbolon = Binary::new("sqlite:unused");
    let in_data_directory = |args: &[&str]| {
        let mut command = symbolon.command(args);
        command.env_remove("SYMBOLON_DATABASE_URL").env("SYMBOLON_SECRET", "a secret of at least thirty-two bytes");
        Ran::from(command.output().unwrap())
    };
    assert_eq!(in_data_directory(&["user", "list", "--json"]).code, Some(1));
    assert_eq!(in_data_directory(&["migrate"]).code, Some(0));
    let ran = in_data_directory(&["user", "list", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "[]\n", ""));
}

/// Runs a command whose output goes there: its status, and what it says on standard error.
fn printing_to(symbolon: &Binary, line: &str, output: Stdio) -> Ran {
    let child = symbolon.command(&line.split(' ').collect::<Vec<_>>()).stdout(output).spawn().unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn output_that_nobody_reads_ends_a_command_quietly() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::new(&database.url));
        symbolon.text("migrate");
        for line in ["client list", "check-config", "migrate --json", "--help", "client add --help"] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let ran = printing_to(&symbolon, line, writer.into());
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(141), ""), "{name}: {line}: as if by SIGPIPE");
            let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
            let ran = printing_to(&symbolon, line, full.into());
            assert_eq!(ran.code, Some(1), "{name}: {line}");
            assert!(ran.stderr.contains("could not be written: No space left"), "{name}: {line}: {}", ran.stderr);
        }
        // Nor does a standard error that is gone: what is refused is told by the status.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = symbolon.command(&["user", "show", "nobody"]).stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(1), "{name}");
    }
}
