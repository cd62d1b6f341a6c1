//! The authorization server's published keys as cached by a resource server: found through discovery (RFC 8414), and fetched again
//! when a token names an unknown key. Owns when to fetch and what a failure means; checking a token with the keys is
//! `jose::verify`. Blocking: call it off the event loop.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The minimum time between fetches for unknown key ids, so that forged tokens cannot cause a flood.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(10);
/// The same while there are no keys at all and no token can be checked: retry sooner.
const NO_KEYS_PAUSE: Duration = Duration::from_secs(1);
/// The age at which keys are fetched again, so that a withdrawn key stops being trusted.
const MAX_AGE: Duration = Duration::from_mins(10);
const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_BYTES: u64 = 256 * 1024;

/// The reason why there are no keys to check a token with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unavailable(String);

pub(super) struct PublishedKeys {
    issuer: String,
    http: ureq::Agent,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    keys: Option<(Arc<Value>, Instant)>,
    tried: Option<Instant>,
}

impl PublishedKeys {
    pub(super) fn new(issuer: String) -> Self {
        let config = ureq::Agent::config_builder().proxy(None).max_redirects(0).timeout_global(Some(TIMEOUT)).build();
        Self { issuer, http: config.into(), cache: Mutex::default() }
    }

    /// The key set for a token that names `kid`. One caller fetches, the others wait for its result.
    pub(super) fn for_key(&self, kid: Option<&str>) -> Result<Arc<Value>, Unavailable> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = cache.keys.as_ref().filter(|(_, at)| at.elapsed() < MAX_AGE).map(|(keys, _)| Arc::clone(keys));
        let pause = match &fresh {
            Some(keys) if knows(keys, kid) => return Ok(Arc::clone(keys)),
            Some(_) => UNKNOWN_KEY_PAUSE,
            None => NO_KEYS_PAUSE,
        };
        if cache.tried.is_some_and(|tried| tried.elapsed() < pause) {
            return fresh.ok_or_else(|| Unavailable("the keys could not be fetched a moment ago; not retrying yet".to_owned()));
        }
        cache.tried = Some(Instant::now());
        let keys = Arc::new(self.fetch()?);
        cache.keys = Some((Arc::clone(&keys), Instant::now()));
        Ok(keys)
    }

    /// Advances the time of the cache.
    #[cfg(test)]
    fn age(&self, by: Duration) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.tried = cache.tried.and_then(|at| at.checked_sub(by));
        cache.keys = cache.keys.take().and_then(|(keys, at)| Some((keys, at.checked_sub(by)?)));
    }

    fn fetch(&self) -> Result<Value, Unavailable> {
        let metadata = self.get(&format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/')))?;
        // RFC 8414 3.3: the issuer in the metadata must be the one it was requested for.
        if metadata.get("issuer").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(Unavailable(format!("the metadata is not from issuer {}", self.issuer)));
        }
        let jwks_uri = metadata
            .get("jwks_uri")
            .and_then(Value::as_str)
            .ok_or_else(|| Unavailable("the metadata has no jwks_uri".to_owned()))?;
        let keys = self.get(jwks_uri)?;
        if keys.get("keys").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            return Err(Unavailable(format!("{jwks_uri} contains no keys")));
        }
        Ok(keys)
    }

    fn get(&self, url: &str) -> Result<Value, Unavailable> {
        let failed = |error: &dyn fmt::Display| Unavailable(format!("GET {url}: {error}"));
        let mut answer = self.http.get(url).call().map_err(|error| failed(&error))?;
        let text = answer.body_mut().with_config().limit(MAX_BYTES).read_to_string().map_err(|error| failed(&error))?;
        serde_json::from_str(&text).map_err(|error| failed(&error))
    }
}

/// A token without a key id can be checked with any set; a token with one needs a set that has it.
fn knows(keys: &Value, kid: Option<&str>) -> bool {
    let Some(kid) = kid else { return true };
    let listed = keys.get("keys").and_then(Value::as_array);
    listed.is_some_and(|keys| keys.iter().any(|key| key.get("kid").and_then(Value::as_str) == Some(kid)))
}

#[cfg(test)]
#[path = "published_keys_tests.rs"]
mod tests;
