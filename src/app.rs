//! What every request can reach: configuration, clock, database, keys, the password gate. Assembled once by
//! `server`; holds no state that another process would need.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Semaphore;

use crate::{
    clock::Clock,
    config::Config,
    guesses::Guesses,
    jose::{
        self,
        keys::{KeyCache, KeyRing},
    },
    passwords::Passwords,
    protocol::time::Timestamp,
    store::{self, AnyConnection, Store, signing_keys},
};

/// What every request can reach.
pub struct App {
    /// The checked configuration.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Password hashing, behind its gate.
    pub passwords: Passwords,
    /// One permit for each database connection: who has none waits without a thread.
    pub connections: Arc<Semaphore>,
    /// Set when the server is about to stop.
    pub draining: AtomicBool,
    /// Wrong client secrets.
    pub guesses: Guesses,
    keys: KeyCache,
}

/// Why the keys cannot be had.
#[derive(Debug)]
pub enum KeysError {
    /// The database's error.
    Store(store::Error),
    /// The keys themselves.
    Jose(jose::Error),
}

impl std::fmt::Display for KeysError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Jose(error) => error.fmt(f),
        }
    }
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(config: Config, clock: Clock, store: Store, passwords: Passwords) -> Self {
        let connections = Arc::new(Semaphore::new(store.size() as usize));
        Self {
            config,
            clock,
            store,
            passwords,
            connections,
            draining: AtomicBool::new(false),
            guesses: Guesses::default(),
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
        let rows = signing_keys::all(connection).map_err(KeysError::Store)?;
        self.keys.refresh(&rows, &self.config.secrets, now).map_err(KeysError::Jose)
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

    /// Whether the server is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
