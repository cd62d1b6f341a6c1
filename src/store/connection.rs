//! The pool of database connections. A connection on which the database reported an error of its
//! own is discarded; if it turned out to be broken, every other connection made before that moment is tested before its next use.
//! So is one that was idle for a moment, as the database may have closed it meanwhile. Under load, no checkout costs a round trip.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{RunQueryDsl, sql_query};

use super::{
    any_connection::AnyConnection,
    database_url::DatabaseUrl,
    dialect,
    error::{Error, Outage, Result, TRANSACTION_POOLING},
    grants::rotation::Advances,
    progress::{self, Ending, Progress, Progressed, Stage},
    write_queue::{self, Writer},
};

/// The connection pool of a database.
#[derive(Clone)]
pub struct Store {
    pool: r2d2::Pool<Manager>,
    /// The write lock, if only one connection can write at a time.
    writer: Option<Writer>,
    advances: Arc<Advances>,
    url: DatabaseUrl,
}

/// How long a connection may be idle before it is tested: a restarted server, an idle time-out or a firewall may have closed it.
/// Long compared with a test's round trip, short compared with a restart.
const IDLE: Duration = Duration::from_millis(100);

struct Manager {
    url: DatabaseUrl,
    /// The number of outages seen; a connection not tested since the last one is suspect.
    outages: AtomicU64,
}

struct Pooled {
    connection: AnyConnection,
    /// PostgreSQL's backend process id.
    backend: Option<i32>,
    tried_at: u64,
    used_at: Instant,
    return_state: ReturnState,
}

/// What happens to a connection when it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReturnState {
    Reuse,
    /// Close it, as its state is unknown: a panic may have left a transaction open, or its file may be open read-only. Others are
    /// not affected.
    Close,
    /// Close it, as it no longer responds, and test the others: the cause may have closed them too.
    CloseAll,
}

impl ReturnState {
    /// The state of a connection whose work has finished.
    fn of(connection: &mut AnyConnection, is_outage: bool) -> Self {
        match is_outage {
            false => Self::Reuse,
            true if sql_query("SELECT 1").execute(connection).is_ok() => Self::Close,
            true => Self::CloseAll,
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = Error;

    fn connect(&self) -> Result<Pooled> {
        let tried_at = self.outages.load(Ordering::Acquire);
        let mut connection = self.url.connect()?;
        let backend = dialect::backend(&mut connection)?;
        Ok(Pooled { connection, backend, tried_at, used_at: Instant::now(), return_state: ReturnState::Reuse })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<()> {
        let outages = self.outages.load(Ordering::Acquire);
        // SQLite's connections are to files: nothing closes them.
        let may_be_closed = matches!(pooled.connection, AnyConnection::Postgres(_)) && pooled.used_at.elapsed() >= IDLE;
        if pooled.tried_at != outages || may_be_closed {
            if let Err(error) = sql_query("SELECT 1").execute(&mut pooled.connection) {
                self.outages.fetch_add(1, Ordering::AcqRel); // the cause may have closed other connections too
                return Err(error.into());
            }
            pooled.tried_at = outages;
        }
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        if pooled.return_state == ReturnState::CloseAll {
            self.outages.fetch_add(1, Ordering::AcqRel);
        }
        pooled.return_state != ReturnState::Reuse
    }
}

impl Store {
    /// Opens the pool: one connection is made at once, the others when needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection can be made within `timeout`; [`Error::Failed`] behind a pooler in transaction mode.
    pub fn open(url: &DatabaseUrl, pool_size: u32, timeout: Duration) -> Result<Self> {
        let mut first = url.connect()?; // reports the cause at once, where the pool would only report a time-out
        if matches!(first, AnyConnection::Postgres(_)) && dialect::share_a_backend(&mut first, &mut url.connect()?)? {
            return Err(Error::Failed(TRANSACTION_POOLING.to_owned()));
        }
        drop(first);
        let pool = r2d2::Pool::builder()
            .max_size(url.pool_size(pool_size))
            .min_idle(Some(1))
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(timeout)
            .test_on_check_out(true)
            .error_handler(Box::new(LogError))
            .build(Manager { url: url.clone(), outages: AtomicU64::new(0) })
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let writer = Writer::default();
        let advances = Arc::new(Advances::new(writer.clone()));
        let url = url.clone();
        Ok(Self { pool, advances, writer: url.has_one_writer().then_some(writer), url })
    }

    /// The maximum number of connections.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.pool.max_size()
    }

    /// Rotations queued for their turn to write.
    pub(super) fn advances(&self) -> &Advances {
        &self.advances
    }

    /// Ends a commit of this work in PostgreSQL that has waited for a standby for this long, using `with`, a connection of its own
    /// (opened if needed), as all pooled ones may be waiting too. Meant for work whose caller has given up: the commit then holds
    /// without the standby, and a caller that still waits would be told that it holds.
    ///
    /// # Errors
    /// Database errors.
    pub fn end_waiting_commit(
        &self,
        with: &mut Option<AnyConnection>,
        progress: &Progress,
        waited: Duration,
    ) -> Result<Progressed> {
        // Locked meanwhile, so that the connection is not reused before its commit is ended.
        let mut stage = progress.lock();
        let backend = match &*stage {
            Stage::Waits => return Ok(Progressed::GoesOn),
            Stage::At { backend: Some(backend), .. } => *backend,
            Stage::At { backend: None, .. } | Stage::IsOver => return Ok(Progressed::IsOver),
        };
        let connection = match with {
            Some(connection) => connection,
            None => with.insert(self.url.connect()?),
        };
        if !dialect::end_waiting_commit(connection, backend, waited)? {
            return Ok(Progressed::GoesOn);
        }
        *stage = Stage::At { backend: Some(backend), was_ended: true };
        Ok(Progressed::WasEnded)
    }

    /// Does `work` with a connection. A blocking call: use it only where blocking is allowed.
    ///
    /// # Errors
    /// Errors of `work`, or [`Error::Unavailable`] if no connection is available.
    pub fn with<T, E: From<Error> + Outage>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.with_progress(&Progress::default(), work)
    }

    /// As [`Store::with`], for a caller that may give up before the work ends.
    ///
    /// # Errors
    /// As [`Store::with`].
    pub fn with_progress<T, E: From<Error> + Outage>(
        &self,
        progress: &Progress,
        work: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let ending = Ending(progress);
        let mut pooled = self.pool.get().map_err(|error| Error::Unavailable(error.to_string()))?;
        let ending = ending; // dropped before the connection is returned
        *progress.lock() = Stage::At { backend: pooled.backend, was_ended: false };
        pooled.return_state = ReturnState::Close; // also after a panic
        let result = progress::of(Some(progress), || write_queue::of(self.writer.as_ref(), || work(&mut pooled.connection)));
        let was_ended = ending.now(); // a late cancellation must not hit another caller's statement
        if !was_ended {
            pooled.return_state = ReturnState::of(&mut pooled.connection, result.as_ref().is_err_and(Outage::is_outage));
        }
        pooled.used_at = Instant::now();
        result
    }
}

#[derive(Debug)]
struct LogError;

impl r2d2::HandleError<Error> for LogError {
    fn handle_error(&self, error: Error) {
        tracing::warn!(%error, "database connection");
    }
}

#[cfg(test)]
mod tests {
    use r2d2::ManageConnection;

    use super::*;

    #[test]
    fn an_error_of_one_statement_says_nothing_of_other_connections() {
        let manager = Manager { url: DatabaseUrl::SqliteMemory, outages: AtomicU64::new(0) };
        let mut pooled = manager.connect().unwrap();
        let error = Error::from(sql_query("SELECT 1 FROM nowhere").execute(&mut pooled.connection).unwrap_err());
        assert!(error.is_outage(), "it may be a moment's: {error:?}");
        pooled.return_state = ReturnState::of(&mut pooled.connection, error.is_outage());
        assert!(manager.has_broken(&mut pooled), "it goes");
        assert_eq!(manager.outages.load(Ordering::Relaxed), 0, "and no other is tried for it");
        pooled.return_state = ReturnState::CloseAll;
        assert!(manager.has_broken(&mut pooled));
        assert_eq!(manager.outages.load(Ordering::Relaxed), 1);
        pooled.return_state = ReturnState::of(&mut pooled.connection, false);
        assert!(!manager.has_broken(&mut pooled));
    }
}
