//! Connections and their pool. One enum serves both databases. A connection on which the database gave an error of its own is thrown
//! away; where it was found to be dead, every other one made before that moment is tried before it is used again; so is one that was not
//! used for a moment, as the database may have closed it meanwhile. While there is work, no checkout costs a round trip.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{RunQueryDsl, sql_query};

use super::{
    dialect::{self, DatabaseUrl},
    error::{Error, Outage, Result},
    grants::Advances,
    progress::{self, Ending, Progress, Progressed, Stage},
    write_queue::{self, Writer},
};

pub use any::AnyConnection;

mod any {
    /// A connection to either database.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        /// SQLite, inside the process.
        Sqlite(diesel::SqliteConnection),
        /// PostgreSQL, beside it.
        Postgres(diesel::PgConnection),
    }
}

/// The database: a pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: r2d2::Pool<Manager>,
    /// Where one can write at a time.
    writer: Option<Writer>,
    advances: Arc<Advances>,
    url: DatabaseUrl,
}

/// Whoever has not used a connection for as long cannot know that it is still there: a server was restarted, an idle time-out or a
/// firewall has ended it. Long beside the round trip of trying it, short beside a restart.
const IDLE: Duration = Duration::from_millis(100);

struct Manager {
    url: DatabaseUrl,
    /// Counts the outages seen; a connection that has not been tried since the last one is suspect.
    outages: AtomicU64,
}

struct Pooled {
    connection: AnyConnection,
    /// By what number PostgreSQL knows it.
    backend: Option<i32>,
    tried_at: u64,
    used_at: Instant,
    return_state: ReturnState,
}

/// What becomes of a connection that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReturnState {
    Reuse,
    /// What it can do is not known: a panic may have come in the middle of a transaction, its file may be open for reading alone.
    /// That says nothing of others.
    Close,
    /// It does not answer any more: what has ended it may have ended others.
    CloseAll,
}

impl ReturnState {
    /// Of one on which work came to an end.
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
        // SQLite's connections are to files: nobody ends them.
        let may_be_closed = matches!(pooled.connection, AnyConnection::Postgres(_)) && pooled.used_at.elapsed() >= IDLE;
        if pooled.tried_at != outages || may_be_closed {
            if let Err(error) = sql_query("SELECT 1").execute(&mut pooled.connection) {
                self.outages.fetch_add(1, Ordering::AcqRel); // whatever has ended this one may have ended others
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
    /// Opens the pool: connects once, the other connections follow when they are needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection can be made within `timeout`.
    pub fn open(url: &DatabaseUrl, pool_size: u32, timeout: Duration) -> Result<Self> {
        url.connect()?; // says why at once, where the pool would only say that it waited
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

    /// How many connections there can be at once.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.pool.max_size()
    }

    /// Rotations that wait for their turn to write.
    pub(super) fn advances(&self) -> &Advances {
        &self.advances
    }

    /// Has PostgreSQL answer a commit of this work, where it has kept it waiting for a standby for as long as this: `with` a connection
    /// of its own, made where there is none yet, as all others may be those that wait. For work that nobody waits for any more: the
    /// commit then counts without the standby, and whoever still waits for an answer would be told that it counts.
    ///
    /// # Errors
    /// The database's.
    pub fn end_waiting_commit(
        &self,
        with: &mut Option<AnyConnection>,
        progress: &Progress,
        waited: Duration,
    ) -> Result<Progressed> {
        // Held meanwhile, so that the connection is not another's when its commit is ended.
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

    /// Does `work` with a connection. Blocks: call it where blocking is allowed.
    ///
    /// # Errors
    /// What `work` says, or [`Error::Unavailable`] when no connection is to be had.
    pub fn with<T, E: From<Error> + Outage>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.with_progress(&Progress::default(), work)
    }

    /// As [`Store::with`], for a caller who may leave before its end.
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
        let ending = ending; // dropped before the connection is given back
        *progress.lock() = Stage::At { backend: pooled.backend, was_ended: false };
        pooled.return_state = ReturnState::Close; // also after a panic
        let result = progress::of(Some(progress), || write_queue::of(self.writer.as_ref(), || work(&mut pooled.connection)));
        let was_ended = ending.now(); // a cancellation that comes late must not hit another's statement
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
