//! The public keys of the authorization server: fetched when the first token arrives, kept, and fetched again when they are old or
//! when a token names a key that is not among them. Anybody can send a token with an invented key ID, so the last of these happens
//! at most once in `UNKNOWN_KEY_PAUSE`, and tokens with a known key do not wait for it. If the authorization server is down, the keys
//! at hand are used for a while longer: it takes no part in checking a token.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use serde_json::Value;
use tokio::{sync::Mutex, task};

const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(10);
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// For a whole attempt.
const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_BYTES: u64 = 256 * 1024;

/// There are no keys to check a token with: the token may be good, and the caller should try again.
pub struct KeysUnavailable;

/// A key, and the one algorithm that it is for.
#[derive(Clone)]
pub struct Key {
    pub key: DecodingKey,
    pub algorithm: Algorithm,
}

/// Clones share their keys.
#[derive(Clone)]
pub struct PublishedKeys {
    issuer: String,
    max_age: Duration,
    cache: Arc<RwLock<Cache>>,
    // Whoever fetches holds it, and those that need what is fetched wait for it.
    fetching: Arc<Mutex<()>>,
}

#[derive(Default)]
struct Cache {
    keys: HashMap<String, Key>,
    fetched: Option<Instant>,
    failed: Option<Instant>,
    unknown_key: Option<Instant>,
}

impl PublishedKeys {
    /// After `max_age`, a key that was withdrawn is no longer trusted.
    pub fn new(issuer: String, max_age: Duration) -> Self {
        Self { issuer, max_age, cache: Arc::default(), fetching: Arc::default() }
    }

    /// The key with this ID.
    pub async fn find(&self, kid: &str) -> Result<Option<Key>, KeysUnavailable> {
        if let Some(key) = self.at_hand(kid) {
            return Ok(Some(key));
        }
        let fetching = self.fetching.clone().lock_owned().await;
        if self.has_to_fetch(kid) {
            let keys = self.clone();
            // It goes on if the caller does not wait: otherwise somebody who calls and hangs up could see to it that there are no new
            // keys.
            let fetch = task::spawn_blocking(move || {
                keys.fetch();
                drop(fetching);
            });
            let _ = fetch.await;
        }
        let cache = self.read();
        match cache.keys.get(kid) {
            _ if !is_within(cache.fetched, 6 * self.max_age) => Err(KeysUnavailable),
            // It may be a new key.
            None if cache.is_outage() => Err(KeysUnavailable),
            found => Ok(found.cloned()),
        }
    }

    /// A key that is used without waiting for anything.
    fn at_hand(&self, kid: &str) -> Option<Key> {
        let cache = self.read();
        // In an outage one request waits for the next attempt; meanwhile, the others use the keys at hand.
        let is_good_enough = is_within(cache.fetched, self.max_age)
            || cache.is_outage() && is_within(cache.fetched, 6 * self.max_age) && self.fetching.try_lock().is_err();
        cache.keys.get(kid).filter(|_| is_good_enough).cloned()
    }

    fn has_to_fetch(&self, kid: &str) -> bool {
        let mut cache = self.write();
        if !is_within(cache.fetched, self.max_age) {
            return !is_within(cache.failed, FAILURE_PAUSE);
        }
        let is_new = !cache.keys.contains_key(kid) && !is_within(cache.unknown_key, UNKNOWN_KEY_PAUSE);
        if is_new {
            cache.unknown_key = Some(Instant::now()); // before the attempt, which may fail
        }
        is_new
    }

    fn fetch(&self) {
        let found = published(&self.issuer);
        let mut cache = self.write();
        match found {
            Ok(keys) => (cache.keys, cache.fetched) = (keys, Some(Instant::now())),
            Err(error) => {
                eprintln!("the keys of {} could not be fetched: {error}", self.issuer);
                cache.failed = Some(Instant::now());
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Cache> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Cache> {
        self.cache.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Whether the last attempt has failed.
    fn is_outage(&self) -> bool {
        self.failed > self.fetched
    }
}

fn is_within(time: Option<Instant>, age: Duration) -> bool {
    time.is_some_and(|time| time.elapsed() < age)
}

/// What the authorization server publishes now. Keys of a kind that we do not know are left out.
fn published(issuer: &str) -> Result<HashMap<String, Key>, String> {
    let until = Instant::now() + TIMEOUT;
    let metadata = get(until, &format!("{issuer}/.well-known/openid-configuration"))?;
    // RFC 8414 §3.3: metadata of another issuer must not be used.
    if metadata["issuer"] != issuer {
        return Err(format!("expected metadata of {issuer}, received that of {}", metadata["issuer"]));
    }
    let published = get(until, metadata["jwks_uri"].as_str().ok_or("the metadata has no jwks_uri")?)?;
    let listed = published["keys"].as_array().ok_or("there are no keys")?;
    let keys: HashMap<_, _> = listed.iter().filter_map(key).collect();
    if keys.is_empty() { Err("there are no keys".to_owned()) } else { Ok(keys) }
}

fn key(listed: &Value) -> Option<(String, Key)> {
    let jwk: Jwk = serde_json::from_value(listed.clone()).ok()?;
    let algorithm = jwk.common.key_algorithm?.to_string().parse().ok()?;
    Some((jwk.common.key_id.clone()?, Key { key: DecodingKey::from_jwk(&jwk).ok()?, algorithm }))
}

fn get(until: Instant, url: &str) -> Result<Value, String> {
    let left = until.saturating_duration_since(Instant::now());
    let config = ureq::Agent::config_builder().max_redirects(0).timeout_global(Some(left)).build();
    let failed = |error: &dyn std::fmt::Display| format!("GET {url}: {error}");
    let mut response = ureq::Agent::new_with_config(config).get(url).call().map_err(|error| failed(&error))?;
    let text = response.body_mut().with_config().limit(MAX_BYTES).read_to_string().map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}
