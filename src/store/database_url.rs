//! The location of the database: how a URL names it, and how a connection to it is opened and set up.

mod parameters;

use std::{fmt, time::Duration};

use diesel::{Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection};

use super::{any_connection::AnyConnection, error::Error};
use crate::protocol::error::Invalid;

/// The location of the database.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    SqliteFile(String),
    /// In memory, lost with the process; for tests and trials.
    SqliteMemory,
    /// A libpq connection URL, with one or more hosts.
    Postgres(String),
}

/// The application name of our connections in PostgreSQL.
const APPLICATION: &str = "symbolon";

impl DatabaseUrl {
    /// Parses `sqlite:PATH`, `sqlite::memory:` or `postgres://…`.
    ///
    /// # Errors
    /// The expected form. The text is not quoted: it may contain a password.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text == "sqlite::memory:" {
            return Ok(Self::SqliteMemory);
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::SqliteFile(path.to_owned())),
            None if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                if !is_well_formed(text) {
                    return Err("expected postgres://user:password@host/database with every character of the password but letters, digits, '-', '.', '_' and '~' percent-encoded, as %40 for '@'".into());
                }
                let query = text.split_once('?').map_or("", |(_, query)| query);
                parameters::check(query, !query.contains('@'))?;
                Ok(Self::Postgres(text.to_owned()))
            }
            _ => Err("expected sqlite:PATH, sqlite::memory: or postgres://user:password@host/database".into()),
        }
    }

    /// Opens a connection and sets it up.
    ///
    /// # Errors
    /// [`Error::Unavailable`], with the database's message.
    pub(super) fn connect(&self) -> Result<AnyConnection, Error> {
        let unavailable = |error: &dyn fmt::Display| Error::Unavailable(error.to_string());
        match self {
            Self::SqliteFile(path) => connect_sqlite(path).map_err(|e| unavailable(&e)),
            Self::SqliteMemory => connect_sqlite(":memory:").map_err(|e| unavailable(&e)),
            Self::Postgres(url) => {
                let mut connection = PgConnection::establish(&with_timeouts(url)).map_err(|e| unavailable(&e))?;
                // None of our statements takes long: one that does is waiting for a failing disk. Locks are held for milliseconds;
                // a statement that waits for one has read the clock before (`Clock`), and that reading must not be old.
                connection
                    .batch_execute("SET statement_timeout = '10s'; SET lock_timeout = '2s'; SET client_min_messages = warning")?;
                Ok(AnyConnection::Postgres(connection))
            }
        }
    }

    /// Whether only one connection can write at a time.
    pub(super) fn has_one_writer(&self) -> bool {
        !matches!(self, Self::Postgres(_))
    }

    /// The effective pool size: a database in memory has a single connection.
    pub(super) fn pool_size(&self, configured: u32) -> u32 {
        if *self == Self::SqliteMemory { 1 } else { configured }
    }
}

/// Whether libpq can parse the URL, but for its parameters. Its own error would quote parts of the URL, possibly the password.
fn is_well_formed(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let encoded = |text: &str| {
        let digits = |at: usize| text.get(at + 1..at + 3).is_some_and(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        text.match_indices('%').all(|(at, _)| digits(at))
    };
    // An '@' after the first '/' or '?' belongs to a password that was cut off there, or to a value of the query.
    let path = rest.get(authority.len()..).unwrap_or_default().split('?').next().unwrap_or_default();
    let balanced = hosts.matches('[').count() == hosts.matches(']').count();
    let ports = hosts.split(',').all(|host| {
        let port = host.rsplit_once(']').map_or(host, |(_, port)| port).rsplit_once(':').map_or("", |(_, port)| port);
        port.is_empty() || port.bytes().all(|b| b.is_ascii_digit()) && port.parse().is_ok_and(|port: u16| port > 0)
    });
    url.bytes().all(|b| matches!(b, 0x21..=0x7e))
        && encoded(url)
        && authority.matches('@').count() <= 1
        && !path.contains('@')
        && balanced
        && ports
}

/// Adds time-outs, so that an unresponsive host does not block a request forever, and the application name that identifies our
/// connections, unless the URL sets another.
fn with_timeouts(url: &str) -> String {
    const TIMEOUTS: [(&str, &str); 6] = [
        ("application_name", APPLICATION),
        ("connect_timeout", "3"),
        ("tcp_user_timeout", "10000"),
        ("keepalives_idle", "10"),
        ("keepalives_interval", "3"),
        ("keepalives_count", "3"),
    ];
    let mut url = url.to_owned();
    for (name, value) in TIMEOUTS {
        if !url.contains(&format!("{name}=")) {
            let joint = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{joint}{name}={value}");
        }
    }
    url
}

fn connect_sqlite(path: &str) -> Result<AnyConnection, diesel::ConnectionError> {
    let mut connection = SqliteConnection::establish(path)?;
    let bad = |error: diesel::result::Error| diesel::ConnectionError::BadConnection(error.to_string());
    connection.batch_execute("PRAGMA busy_timeout = 5000").map_err(bad)?;
    // Switching a new file to WAL does not wait for another process that does the same: it fails at once. A file that is read-only
    // for the moment, for whatever reason, cannot be switched either, and need not be.
    let mut attempts = 0;
    while journal_mode(&mut connection).map_err(bad)? != "wal"
        && let Err(error) = connection.batch_execute("PRAGMA journal_mode = WAL")
    {
        attempts += 1;
        if attempts == 100 {
            return Err(bad(error));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // FULL: a rotation is on disk before it is answered.
    connection.batch_execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").map_err(bad)?;
    Ok(AnyConnection::Sqlite(connection))
}

fn journal_mode(connection: &mut SqliteConnection) -> diesel::QueryResult<String> {
    #[derive(diesel::QueryableByName)]
    struct Mode {
        #[diesel(sql_type = diesel::sql_types::Text)]
        journal_mode: String,
    }
    diesel::sql_query("PRAGMA journal_mode").get_result::<Mode>(connection).map(|mode| mode.journal_mode)
}

impl fmt::Display for DatabaseUrl {
    /// Omits the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SqliteFile(path) => write!(f, "sqlite:{path}"),
            Self::SqliteMemory => f.write_str("sqlite::memory:"),
            Self::Postgres(url) => {
                let after =
                    url.rsplit_once('@').map_or_else(|| url.split_once("://").map_or("", |(_, rest)| rest), |(_, host)| host);
                write!(f, "postgres://{}", after.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_apart_and_passwords_kept_quiet() {
        assert_eq!(DatabaseUrl::parse("sqlite:/x/y.db").unwrap().to_string(), "sqlite:/x/y.db");
        assert_eq!(DatabaseUrl::parse("sqlite::memory:"), Ok(DatabaseUrl::SqliteMemory));
        let several =
            DatabaseUrl::parse("postgres://app:pa%40ss@a:5432,b:5433/symbolon?target_session_attrs=read-write&password=x")
                .unwrap();
        assert_eq!(several.to_string(), "postgres://a:5432,b:5433/symbolon");
        for good in ["postgres://u:p@[::1]:5432/x", "postgresql:///x?host=/run/postgresql", "postgres://localhost"] {
            assert!(DatabaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "sqlite:",
            "mysql://x",
            "symbolon.db",
            "postgres:/x",
            "postgres://h:99999/x",
            "postgres://h:0/x",
            "postgres://h/x?sslmode=bogus",
            "postgres://h/x?sslmod=require",
            "postgres://h?conect_timeout=3",
        ] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad}");
        }
        for password in ["SECRET%zzPW", "SECRET PW", "SECRET/PW", "SECRET@PW", "SECRET?PW", "SECRETé"] {
            let refused = DatabaseUrl::parse(&format!("postgres://u:{password}@127.0.0.1:5432/x")).unwrap_err();
            assert!(!refused.as_ref().contains("SECRET") && !refused.as_ref().contains("PW"), "{password}: {refused}");
        }
        assert!(DatabaseUrl::parse("postgresql://u:SECRETPW@[::1").is_err());
    }
}
