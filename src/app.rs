//! The state shared by all requests: configuration, clock, database, keys, password hashing. Assembled once by `server`; holds
//! nothing that another process would need.

mod abandoned;

use std::sync::{
    Arc, Mutex, RwLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Notify, Semaphore, futures::Notified};

use abandoned::Abandoned;
pub use abandoned::{Caller, look_after};

use crate::{
    caches::{client_keys::ClientKeyCache, registrations::Registrations},
    clock::{Clock, Stopwatch},
    config::{Config, Registration},
    jose::{self, key_cache::KeyCache, keys::KeyRing, verify},
    limits::{client_auth_failures::ClientAuthFailures, password_attempts::Attempts},
    mail::Mailer,
    metrics::Metrics,
    outbound::Outbound,
    passkeys::Passkeys,
    passwords::{Passwords, rules::Rules},
    protocol::values::{algorithm::Algorithm, clock_check::ClockCheck, id::Id, time::Timestamp},
    random,
    store::{self, AnyConnection, Store, error::Outage, signing_keys},
    workers::{blocking_pool::BlockingPool, history::History, refusals::Refusals, supervisor::Supervisor},
};

/// The state shared by all requests.
pub struct App {
    /// The checked configuration.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// The id of this process among those on the same database.
    pub process: Id,
    /// Password hashing, with bounded concurrency.
    pub passwords: Passwords,
    /// The rules for new passwords.
    pub password_rules: Rules,
    /// Passkeys; `None` where the issuer's host is an address.
    pub passkeys: Option<Passkeys>,
    /// The threads on which request handlers run, one per database connection.
    pub blocking_pool: BlockingPool,
    /// Jobs whose caller no longer waits for them.
    pub abandoned: Abandoned,
    /// The cached clients and APIs.
    pub registrations: Registrations,
    /// The discovery document as last rendered, and the algorithms it lists: besides them it depends on the configuration alone.
    pub discovery: RwLock<Option<(Vec<Algorithm>, String)>>,
    /// The result of the last readiness check.
    pub readiness: tokio::sync::Mutex<Option<Readiness>>,
    /// Set when the server is about to stop.
    pub draining: AtomicBool,
    /// Whether it was said that a proxy may be missing in `trusted_proxies`.
    pub suspected_proxy: AtomicBool,
    /// Whether it was said that a proxy does not name its callers.
    pub missed_caller: AtomicBool,
    /// Whether the clock may decide irreversible work.
    pub clock_check: Mutex<ClockCheck>,
    /// Keeps the background tasks running.
    pub supervisor: Supervisor,
    /// Locked during each batch of housekeeping; true once no more may start.
    pub housekeeping_is_over: Mutex<bool>,
    /// Password attempts in progress.
    pub password_attempts: Attempts,
    /// Wrong client secrets, counted.
    pub client_auth_failures: ClientAuthFailures,
    /// The cached public keys of clients.
    pub client_keys: ClientKeyCache,
    /// HTTP calls to URLs that clients registered.
    pub outbound: Outbound,
    /// One permit for each fetch of keys that a request waits for.
    pub fetches: Arc<Semaphore>,
    /// Wakes the delivery tasks.
    pub delivery_waker: DeliveryWaker,
    /// Sends e-mails.
    pub mailer: Mailer,
    /// One permit for each e-mail being sent.
    pub messages: Arc<Semaphore>,
    /// The history to be written asynchronously.
    pub history: History,
    /// The refusals of clients to be written asynchronously.
    pub refusals: Refusals,
    /// The counters for monitoring.
    pub metrics: Metrics,
    keys: KeyCache,
}

/// Wakes the delivery tasks. Each of them receives the wakeup, even if it was busy at that moment.
#[derive(Default)]
pub struct DeliveryWaker {
    clients: Notify,
    users: Notify,
}

impl DeliveryWaker {
    /// Wakes both tasks.
    pub fn wake(&self) {
        self.clients.notify_one();
        self.users.notify_one();
    }

    /// Waits for a wakeup, in the task that notifies clients.
    pub fn for_clients(&self) -> Notified<'_> {
        self.clients.notified()
    }

    /// Waits for a wakeup, in the task that notifies users.
    pub fn for_users(&self) -> Notified<'_> {
        self.users.notified()
    }
}

/// The result of a readiness check.
pub struct Readiness {
    /// When the check began.
    pub began: Stopwatch,
    /// When a test write was last tried, if every check since has succeeded.
    pub wrote: Option<Stopwatch>,
    /// Whether the last test write that could be tried failed.
    pub is_unwritable: bool,
    /// The result.
    pub found: Result<(), NotReady>,
}

/// Why the server is not ready.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// The maximum number of e-mails being sent at once.
pub const MESSAGES: usize = 8;
/// The maximum number of requests waiting for a client's keys.
const FETCHES: usize = 32;

/// The reason why the keys are not available.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The keys cannot be used.
    #[error(transparent)]
    Jose(#[from] jose::Error),
}

impl Outage for KeysError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

impl App {
    /// Assembles the parts.
    #[must_use]
    pub fn new(
        config: Config,
        clock: Clock,
        (store, blocking_pool): (Store, BlockingPool),
        (passwords, passkeys): (Passwords, Option<Passkeys>),
        (outbound, mailer): (Outbound, Mailer),
    ) -> Self {
        Self {
            password_rules: Rules::new(&config),
            process: random::id(clock.now()),
            supervisor: Supervisor::new(clock.clone()),
            config,
            clock,
            store,
            passwords,
            passkeys,
            blocking_pool,
            abandoned: Abandoned::default(),
            registrations: Registrations::default(),
            discovery: RwLock::default(),
            readiness: tokio::sync::Mutex::default(),
            draining: AtomicBool::new(false),
            suspected_proxy: AtomicBool::new(false),
            missed_caller: AtomicBool::new(false),
            clock_check: Mutex::default(),
            housekeeping_is_over: Mutex::new(false),
            password_attempts: Attempts::default(),
            client_auth_failures: ClientAuthFailures::default(),
            client_keys: ClientKeyCache::default(),
            outbound,
            fetches: Arc::new(Semaphore::new(FETCHES)),
            delivery_waker: DeliveryWaker::default(),
            mailer,
            messages: Arc::new(Semaphore::new(MESSAGES)),
            history: History::default(),
            refusals: Refusals::default(),
            metrics: Metrics::default(),
            keys: KeyCache::default(),
        }
    }

    /// The server's keys, read again after a few seconds.
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

    /// As [`App::keys`], with a key that signs by this algorithm: another process may have just created the first one.
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
        // One that has not started to sign is no reason to read again at every request.
        let is_current = ring.signs(algorithm, now) || ring.has(algorithm) && self.keys.just_read(now).is_some();
        if is_current { Ok(ring) } else { self.read_keys(connection, now) }
    }

    /// As [`App::keys`], with the key that signed this token, if it is ours: another process may already sign with a newer key.
    /// Tokens of unknown callers cause at most one read per second.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn keys_verifying(&self, connection: &mut AnyConnection, token: &str, now: Timestamp) -> Result<Arc<KeyRing>, KeysError> {
        let ring = self.keys(connection, now)?;
        let is_known = verify::named_key(token).is_none_or(|kid| ring.find(&kid).is_some());
        if is_known || self.keys.just_read(now).is_some() { Ok(ring) } else { self.read_keys(connection, now) }
    }

    /// The keys, if they were read within the last few seconds: no connection is needed.
    #[must_use]
    pub fn keys_at_hand(&self, now: Timestamp) -> Option<Arc<KeyRing>> {
        self.keys.fresh(now)
    }

    /// The keys as last read: keys that verified tokens a moment ago still do while the database is down.
    #[must_use]
    pub fn keys_of_before(&self) -> Option<Arc<KeyRing>> {
        self.keys.last()
    }

    /// Whether anyone may register without an invitation: this takes a link in an e-mail, so it needs mail.
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
