//! A PostgreSQL with messages in another language: temporary failures are distinguished from errors by codes, not by words.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use diesel::{Connection, RunQueryDsl, connection::SimpleConnection, sql_query};
use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{generation, unavailable};
use crate::harness::{Cluster, Database, Server, not_tried};

/// Where the C library finds a German locale: that of no language under another name, as the language of messages goes by the name
/// alone. A German one is on few machines.
fn german() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap(); // PostgreSQL runs as another user
    let original = ["/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"].into_iter().find(|path| Path::new(path).exists());
    let original = original.expect("the C library has no locale C.UTF-8");
    for name in ["de_DE.UTF-8", "C.UTF-8"] {
        let copied = Command::new("cp").args(["-rL", original]).arg(directory.path().join(name)).status().unwrap();
        assert!(copied.success());
    }
    directory
}

/// Whether PostgreSQL's messages are there in German: some images of Debian leave all translations out.
fn has_translations() -> bool {
    let folder = fs::read_dir("/usr/share/locale/de/LC_MESSAGES").into_iter().flatten();
    folder.map_while(Result::ok).any(|file| file.file_name().to_string_lossy().starts_with("postgres-"))
}

#[test]
fn a_german_postgresql_that_is_held_up_is_unavailable_and_nothing_is_lost() {
    let locales = german();
    let cluster = Cluster::start_with(&[("LOCPATH", locales.path().to_str().unwrap()), ("LANGUAGE", "de")]);
    let mut operator = diesel::PgConnection::establish(&cluster.url).unwrap();
    operator.batch_execute("ALTER ROLE symbolon SET lc_messages = 'de_DE.UTF-8'").unwrap();
    let mut operator = diesel::PgConnection::establish(&cluster.url).unwrap();
    let words = sql_query("SELECT 1/0").execute(&mut operator).unwrap_err().to_string();
    if has_translations() {
        assert_eq!(words, "Division durch Null");
    } else {
        // The rest of the test is as good.
        not_tried("a PostgreSQL that speaks German", "its translations are not installed: /usr/share/locale/de has none");
    }
    let server = Server::start(&Database::at("postgres", &cluster.url), |_| ());
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let tokens = server.tokens(&spa, "alice", "openid offline_access");
    let form = format!("grant_type=refresh_token&client_id=spa&refresh_token={}", tokens.text("refresh_token"));

    operator.batch_execute("BEGIN; SELECT id FROM grants FOR UPDATE").unwrap();
    unavailable(&server.send("POST", "/token", &[], Some(&form)), "application/json"); // its lock timed out
    operator.batch_execute("COMMIT").unwrap();
    operator.batch_execute("ALTER SYSTEM SET default_transaction_read_only = on").unwrap();
    operator.batch_execute("SELECT pg_reload_conf()").unwrap();
    crate::harness::wait_until(
        || server.send("GET", "/readyz", &[], None).status == 503,
        || "a database that cannot be written to is called ready".to_owned(),
    );
    unavailable(&server.send("POST", "/token", &[], Some(&form)), "application/json");
    operator.batch_execute("SET default_transaction_read_only = off").unwrap();
    operator.batch_execute("ALTER SYSTEM RESET default_transaction_read_only").unwrap();
    operator.batch_execute("SELECT pg_reload_conf()").unwrap();
    crate::harness::wait_until(|| server.send("GET", "/readyz", &[], None).status == 200, || "it is not ready again".to_owned());
    let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
    assert_eq!((refreshed.status, generation(&server, &refreshed)), (200, 2), "{refreshed:?}");
}
