//! Connections and their pool. One enum serves both databases. A connection on which the database was found
//! to be down is thrown away, and every other one made before that moment is tried before it is used again; so is one that was not
//! used for a moment, as the database may have closed it meanwhile. While there is work, no checkout costs a round trip.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{RunQueryDsl, sql_query};

use super::{
    dialect::{self, DatabaseUrl},
    error::{Error, Outage, Result},
    grants::Advances,
    turns::{self, Writer},
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
    rescue: Arc<Mutex<()>>,
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
    tried_at: u64,
    used_at: Instant,
    broken: bool,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = Error;

    fn connect(&self) -> Result<Pooled> {
        let tried_at = self.outages.load(Ordering::Acquire);
        Ok(Pooled { connection: self.url.connect()?, tried_at, used_at: Instant::now(), broken: false })
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
        if pooled.broken {
            self.outages.fetch_add(1, Ordering::AcqRel);
        }
        pooled.broken
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
        let (url, rescue) = (url.clone(), Arc::default());
        Ok(Self { pool, advances, writer: url.has_one_writer().then_some(writer), url, rescue })
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

    /// Has PostgreSQL answer commits of ours that wait for a standby longer than a caller does: on a connection of its own, as all
    /// others may be those that wait. How many there were; where someone does so already, none.
    ///
    /// # Errors
    /// The database's.
    pub fn end_waiting_commits(&self) -> Result<usize> {
        let Ok(_one) = self.rescue.try_lock() else { return Ok(0) };
        dialect::end_waiting_commits(&mut self.url.connect()?)
    }

    /// Does `work` with a connection. Blocks: call it where blocking is allowed.
    ///
    /// # Errors
    /// What `work` says, or [`Error::Unavailable`] when no connection is to be had.
    pub fn with<T, E: From<Error> + Outage>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut pooled = self.pool.get().map_err(|error| Error::Unavailable(error.to_string()))?;
        pooled.broken = true; // a panic in the middle of a transaction must not hand it to the next
        let result = turns::of(self.writer.as_ref(), || work(&mut pooled.connection));
        pooled.broken = result.as_ref().is_err_and(Outage::is_outage);
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
