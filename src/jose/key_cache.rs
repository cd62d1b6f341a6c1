//! The server's keys as one process has last read them. Every process reads them again after some seconds, so that it knows a new
//! key long before one signs. When and by whom they are read is left to `app`.

use std::sync::{Arc, RwLock};

use super::{Error, keys::KeyRing};
use crate::{
    protocol::{
        secrets::SecretRing,
        values::time::{Span, Timestamp},
    },
    store::signing_keys::SigningKeyRow,
};

/// How long a process uses the keys it has read: well below the time for which a new key is published before it signs.
const REREAD_AFTER: Span = Span::from_seconds(20);

/// The keys as last read by this process.
#[derive(Default)]
pub struct KeyCache(RwLock<Option<(Timestamp, Arc<KeyRing>)>>);

impl KeyCache {
    /// The cached keys, unless they are due to be read again.
    #[must_use]
    pub fn fresh(&self, now: Timestamp) -> Option<Arc<KeyRing>> {
        self.read_within(now, REREAD_AFTER)
    }

    fn read_within(&self, now: Timestamp, span: Span) -> Option<Arc<KeyRing>> {
        let cached = self.0.read().ok()?;
        let (read_at, ring) = cached.as_ref()?;
        let age = now.millis().abs_diff(read_at.millis()); // a clock that was set back makes them stale too
        (age < span.millis().unsigned_abs()).then(|| ring.clone())
    }

    /// The cached keys, if they were read within this second: reading them again would bring nothing new.
    #[must_use]
    pub fn just_read(&self, now: Timestamp) -> Option<Arc<KeyRing>> {
        self.read_within(now, Span::from_seconds(1))
    }

    /// The cached keys, however old.
    #[must_use]
    pub fn last(&self) -> Option<Arc<KeyRing>> {
        self.0.read().ok()?.as_ref().map(|(_, ring)| ring.clone())
    }

    /// Opens the keys of these rows and caches them.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn refresh(&self, rows: &[SigningKeyRow], secrets: &SecretRing, now: Timestamp) -> Result<Arc<KeyRing>, Error> {
        let before = self.last().unwrap_or_default();
        let ring = Arc::new(KeyRing::open(rows, secrets, &before)?);
        if let Ok(mut cached) = self.0.write() {
            *cached = Some((now, ring.clone()));
        }
        Ok(ring)
    }
}
