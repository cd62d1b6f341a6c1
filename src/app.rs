//! What every request can reach: configuration, clock, database, keys, the password gate. Assembled once by
//! `server`; holds no state that another process would need.

mod abandoned;

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Notify, Semaphore, futures::Notified};

use abandoned::Abandoned;
pub use abandoned::{Caller, look_after};

use crate::{
    blocking_pool::BlockingPool,
    client_auth_failures::ClientAuthFailures,
    client_keys::ClientKeyCache,
    clock::{Clock, Stopwatch},
    config::{Config, Registration},
    history::History,
    jose::{
        self,
        keys::{KeyCache, KeyRing},
        verify,
    },
    mail::Mailer,
    metrics::Metrics,
    outbound::Outbound,
    password_attempts::Attempts,
    passwords::{Passwords, rules::Rules},
    protocol::{algorithm::Algorithm, clock_check::ClockCheck, id::Id, time::Timestamp},
    random,
    registrations::Registrations,
    store::{self, AnyConnection, Store, error::Outage, signing_keys},
    supervisor::Supervisor,
};

/// What every request can reach.
pub struct App {
    /// The checked configuration.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Tells this process from others on the same database.
    pub process: Id,
    /// Password hashing, behind its gate.
    pub passwords: Passwords,
    /// What a new password must be.
    pub password_rules: Rules,
    /// The threads on which handlers run, one for each database connection.
    pub blocking_pool: BlockingPool,
    /// What was begun on them and is not waited for any more.
    pub abandoned: Abandoned,
    /// Clients and APIs as they were last read.
    pub registrations: Registrations,
    /// The discovery document, once it was asked for: it depends on the configuration alone.
    pub discovery: OnceLock<String>,
    /// What was last found when someone asked whether the server is ready, and when that was begun.
    pub readiness: tokio::sync::Mutex<Option<Readiness>>,
    /// Set when the server is about to stop.
    pub draining: AtomicBool,
    /// Whether the clock may decide what cannot be undone.
    pub clock_check: Mutex<ClockCheck>,
    /// Keeps the loops running that run beside requests.
    pub supervisor: Supervisor,
    /// Held for each batch of housekeeping; true once no more are begun.
    pub housekeeping_is_over: Mutex<bool>,
    /// Attempts at passwords that are in hand.
    pub password_attempts: Attempts,
    /// Wrong client secrets.
    pub client_auth_failures: ClientAuthFailures,
    /// The public keys of clients.
    pub client_keys: ClientKeyCache,
    /// Calls to URLs that clients registered.
    pub outbound: Outbound,
    /// One permit for each such call that a request waits for.
    pub fetches: Arc<Semaphore>,
    /// Rung when something is to be told to others.
    pub bell: Bell,
    /// How e-mails leave.
    pub mailer: Mailer,
    /// One permit for each e-mail that is being dealt with.
    pub messages: Arc<Semaphore>,
    /// What is written a little later.
    pub history: History,
    /// What monitoring reads.
    pub metrics: Metrics,
    keys: KeyCache,
}

/// Rung when something is to be told to others. Each of the loops that do so hears it, also when it was at work just then.
#[derive(Default)]
pub struct Bell {
    clients: Notify,
    users: Notify,
}

impl Bell {
    /// Rings.
    pub fn notify_one(&self) {
        self.clients.notify_one();
        self.users.notify_one();
    }

    /// Until it is rung, for whoever tells clients.
    pub fn for_clients(&self) -> Notified<'_> {
        self.clients.notified()
    }

    /// Until it is rung, for whoever tells users.
    pub fn for_users(&self) -> Notified<'_> {
        self.users.notified()
    }
}

/// What was found when someone asked whether the server is ready.
pub struct Readiness {
    /// When it was begun.
    pub began: Stopwatch,
    /// When a write was last tried, since everything has been well.
    pub wrote: Option<Stopwatch>,
    /// Whether the last write that could be tried failed.
    pub is_unwritable: bool,
    /// What was found.
    pub found: Result<(), NotReady>,
}

/// Why the server is not ready.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// How many e-mails are dealt with at once.
pub const MESSAGES: usize = 8;
/// How many requests may wait at once for a client's keys.
const FETCHES: usize = 32;

/// Why the keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database's error.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The keys themselves.
    #[error(transparent)]
    Jose(#[from] jose::Error),
}

impl Outage for KeysError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        config: Config,
        clock: Clock,
        (store, blocking_pool): (Store, BlockingPool),
        (passwords, outbound, mailer): (Passwords, Outbound, Mailer),
    ) -> Self {
        Self {
            password_rules: Rules::new(&config),
            process: random::id(clock.now()),
            supervisor: Supervisor::new(clock.clone()),
            config,
            clock,
            store,
            passwords,
            blocking_pool,
            abandoned: Abandoned::default(),
            registrations: Registrations::default(),
            discovery: OnceLock::new(),
            readiness: tokio::sync::Mutex::default(),
            draining: AtomicBool::new(false),
            clock_check: Mutex::default(),
            housekeeping_is_over: Mutex::new(false),
            password_attempts: Attempts::default(),
            client_auth_failures: ClientAuthFailures::default(),
            client_keys: ClientKeyCache::default(),
            outbound,
            fetches: Arc::new(Semaphore::new(FETCHES)),
            bell: Bell::default(),
            mailer,
            messages: Arc::new(Semaphore::new(MESSAGES)),
            history: History::default(),
            metrics: Metrics::default(),
            keys: KeyCache::default(),
        }
    }

    /// The server's keys, read again when they are a few seconds old.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn keys(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<Arc<KeyRing>, KeysError> {
        if let Some(ring) = self.keys.fresh(now) {
            return Ok(ring);
        }
        self.read_keys(connection, now)
    }

    fn read_keys(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<Arc<KeyRing>, KeysError> {
        let rows = signing_keys::all(connection)?;
        Ok(self.keys.refresh(&rows, &self.config.secrets, now)?)
    }

    /// As [`App::keys`], with one that signs by this algorithm: another process may have made the first of them just now.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn keys_signing(
        &self,
        connection: &mut AnyConnection,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Arc<KeyRing>, KeysError> {
        let ring = self.keys(connection, now)?;
        if ring.has(algorithm) { Ok(ring) } else { self.read_keys(connection, now) }
    }

    /// As [`App::keys`], with the one that signed this token, if it is ours: another process may sign with a newer one
    /// already. Tokens of unknown callers do not have them read more than once a second.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn keys_verifying(&self, connection: &mut AnyConnection, token: &str, now: Timestamp) -> Result<Arc<KeyRing>, KeysError> {
        let ring = self.keys(connection, now)?;
        let is_known = verify::named_key(token).is_none_or(|kid| ring.find(&kid).is_some());
        if is_known || self.keys.just_read(now).is_some() { Ok(ring) } else { self.read_keys(connection, now) }
    }

    /// The keys, if they were read a few seconds ago: then no connection is needed.
    #[must_use]
    pub fn keys_at_hand(&self, now: Timestamp) -> Option<Arc<KeyRing>> {
        self.keys.fresh(now)
    }

    /// The keys as they were last read: what verified tokens a moment ago still does, though the database is down.
    #[must_use]
    pub fn keys_of_before(&self) -> Option<Arc<KeyRing>> {
        self.keys.last()
    }

    /// Whether everyone may register by themselves: by a link in an e-mail, so that without mail nobody can.
    #[must_use]
    pub fn is_registration_open(&self) -> bool {
        self.config.registration == Registration::Open && self.mailer.is_on()
    }

    /// Whether the server is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
