//! The differences between SQLite and PostgreSQL in the statements, and nothing else: transactions, locks that other processes
//! respect, and what only one of the two can do. How each is opened is `database_url`.

mod clock;
mod tables;

use std::time::Duration;

use diesel::{
    RunQueryDsl as _,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    sql_types::{BigInt, Integer, Text},
};

pub(super) use clock::Clock;
pub use tables::has_table;

use super::{any_connection::AnyConnection, error::Error, progress, write_queue};

/// The key of the advisory lock for exclusive work: "symbolon" in ASCII.
const ADVISORY_LOCK: i64 = 0x7379_6d62_6f6c_6f6e;

/// Does the same with either database's own connection, for what Diesel does only with a concrete one: many rows in one statement.
macro_rules! on_either {
    ($connection:expr, $one:ident => $work:expr) => {
        match $connection {
            $crate::store::AnyConnection::Sqlite($one) => $work,
            $crate::store::AnyConnection::Postgres($one) => $work,
        }
    };
}
pub(super) use on_either;

/// Loads rows and locks them until the transaction ends, skipping rows locked by another transaction, so that the caller waits for
/// none. SQLite has one writer, which locks everything.
macro_rules! load_free {
    ($connection:expr, $query:expr) => {
        match $connection {
            $crate::store::AnyConnection::Sqlite(one) => $query.load(one),
            $crate::store::AnyConnection::Postgres(one) => $query.for_update().skip_locked().load(one),
        }
    };
}
pub(super) use load_free;

/// Deletes rows that match a condition, those with the least `$by` first, at most `$limit`, skipping locked ones; evaluates to the
/// number of rows. By primary key, in a transaction of its own; if there is nothing to delete there is none.
macro_rules! delete_some {
    ($connection:expr, $table:ident, ($key:ident: $type:ty, $by:ident), $over:expr, $limit:expr) => {{
        let some = |limit: u32| $table::table.filter($over).order($table::$by).limit(i64::from(limit)).select($table::$key);
        if some(1).first::<$type>($connection).optional()?.is_none() {
            return Ok(0);
        }
        $crate::store::dialect::together($connection, |connection| {
            let keys: Vec<$type> = $crate::store::dialect::load_free!(connection, some($limit))?;
            Ok(diesel::delete($table::table.filter($table::$key.eq_any(keys))).execute(connection)?)
        })
    }};
}
pub(super) use delete_some;

/// Does `work` in one transaction, which is rolled back if the caller has given up before its end. On SQLite it takes the single
/// write lock at its start, so that it cannot fail half-way because another process writes.
///
/// # Errors
/// Errors of `work`, or of the database.
pub(super) fn together<T, E: From<Error>>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    write_queue::alone(|| transaction(connection, work))
}

fn transaction<T, E: From<Error>>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    match connection {
        AnyConnection::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE"),
        AnyConnection::Postgres(postgres) => AnsiTransactionManager::begin_transaction_sql(postgres, "BEGIN"),
    }
    .map_err(Error::from)?;
    let result = work(connection).and_then(|value| progress::expect_caller().map(|()| value).map_err(E::from));
    let ending = match (&result, connection) {
        (Ok(_), AnyConnection::Sqlite(sqlite)) => AnsiTransactionManager::commit_transaction(sqlite),
        (Ok(_), AnyConnection::Postgres(postgres)) => AnsiTransactionManager::commit_transaction(postgres),
        (Err(_), AnyConnection::Sqlite(sqlite)) => AnsiTransactionManager::rollback_transaction(sqlite),
        (Err(_), AnyConnection::Postgres(postgres)) => AnsiTransactionManager::rollback_transaction(postgres),
    };
    let value = result?; // the first error is the one to report
    ending.map_err(Error::from)?;
    Ok(value)
}

/// Does `work` in one transaction while no other process does exclusive work.
///
/// # Errors
/// Errors of `work`, or of the database.
pub(super) fn exclusively<T, E: From<Error>>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    together(connection, |connection| {
        if let AnyConnection::Postgres(postgres) = connection {
            // Waiting for another process's migrations may take longer than a statement may.
            let lock = format!(
                "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"
            );
            postgres.batch_execute(&lock).map_err(Error::from)?;
        }
        work(connection)
    })
}

/// The commit of this transaction is answered once it is on the database's own disk, whatever synchronous standbys are configured.
///
/// # Errors
/// Database errors.
pub(super) fn wait_for_no_standby(connection: &mut AnyConnection) -> Result<(), Error> {
    let AnyConnection::Postgres(postgres) = connection else { return Ok(()) };
    Ok(postgres.batch_execute("SET LOCAL synchronous_commit = local")?)
}

/// PostgreSQL's backend process id of this connection.
///
/// # Errors
/// Database errors.
pub(super) fn backend(connection: &mut AnyConnection) -> Result<Option<i32>, Error> {
    let AnyConnection::Postgres(postgres) = connection else { return Ok(None) };
    Ok(Some(diesel::select(pg_backend_pid()).get_result(postgres)?))
}

/// Whether this connection works and may write: one to a standby may not.
pub(super) fn takes_writes(connection: &mut AnyConnection) -> bool {
    let AnyConnection::Postgres(postgres) = connection else { return true };
    let writable = "SELECT 1 WHERE current_setting('transaction_read_only') = 'off'";
    diesel::sql_query(writable).execute(postgres).is_ok_and(|rows| rows == 1)
}

/// Whether two open connections are one of PostgreSQL's: a pooler gives both the same while neither is in a transaction. Several
/// servers of a URL may have processes of the same id, which did not begin at the same time. Without a statement that is prepared by
/// name, which such a pooler may refuse.
///
/// # Errors
/// Database errors.
pub(super) fn share_a_backend(one: &mut AnyConnection, other: &mut AnyConnection) -> Result<bool, Error> {
    #[derive(diesel::QueryableByName, PartialEq, Eq)]
    struct Backend {
        #[diesel(sql_type = Integer)]
        pid: i32,
        #[diesel(sql_type = Text)]
        began: String,
    }
    let backend = |connection: &mut AnyConnection| -> Result<Option<Backend>, Error> {
        let AnyConnection::Postgres(postgres) = connection else { return Ok(None) };
        let own = "SELECT pid, COALESCE(CAST(EXTRACT(EPOCH FROM backend_start) AS TEXT), '') AS began \
                   FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        Ok(Some(diesel::sql_query(own).get_result(postgres)?))
    };
    // Asked more than once: meanwhile another process may have one of the pooler's connections for a moment.
    for _ in 0..3 {
        let first = backend(one)?;
        if first.is_some() && first == backend(other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// The backend process id of this connection.
    fn pg_backend_pid() -> Integer;
}

/// Makes PostgreSQL answer a commit of this backend that has waited for a standby for this long: it then holds as if the standby
/// had answered. Returns whether there was one.
///
/// # Errors
/// Database errors.
pub(super) fn end_waiting_commit(connection: &mut AnyConnection, backend: i32, waited: Duration) -> Result<bool, Error> {
    let AnyConnection::Postgres(postgres) = connection else { return Ok(false) };
    let waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep' \
                   AND usename = current_user AND datname = current_database() \
                   AND state_change < clock_timestamp() - $2 * interval '1 millisecond'";
    let millis = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
    Ok(diesel::sql_query(waiting).bind::<Integer, _>(backend).bind::<BigInt, _>(millis).execute(postgres)? == 1)
}
