//! The public keys of the authorization server: fetched when the first token arrives, kept, and fetched again when they are old or
//! when a token names a key that is not among them. Anybody can send a token with an invented key ID, so the last of these happens
//! at most once in `UNKNOWN_KEY_PAUSE`. If the authorization server is down, the keys at hand are used for a while longer: it takes
//! no part in checking a token.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use serde_json::Value;
use tokio::{sync::Mutex, task};

const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(10);
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
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

pub struct PublishedKeys {
    issuer: String,
    max_age: Duration,
    // Whoever fetches holds it, and those that need keys as well wait for what is found.
    cache: Mutex<Cache>,
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
        Self { issuer, max_age, cache: Mutex::default() }
    }

    /// The key with this ID.
    pub async fn find(&self, kid: &str) -> Result<Option<Key>, KeysUnavailable> {
        let mut cache = self.cache.lock().await;
        if !is_within(cache.fetched, self.max_age)
            && self.fetch(&mut cache).await.is_err()
            && !is_within(cache.fetched, 6 * self.max_age)
        {
            return Err(KeysUnavailable);
        }
        if !cache.keys.contains_key(kid) && !is_within(cache.unknown_key, UNKNOWN_KEY_PAUSE) {
            self.fetch(&mut cache).await?;
            cache.unknown_key = Some(Instant::now());
        }
        Ok(cache.keys.get(kid).cloned())
    }

    async fn fetch(&self, cache: &mut Cache) -> Result<(), KeysUnavailable> {
        if is_within(cache.failed, FAILURE_PAUSE) {
            return Err(KeysUnavailable);
        }
        let issuer = self.issuer.clone();
        match task::spawn_blocking(move || published(&issuer)).await {
            Ok(Ok(keys)) => {
                (cache.keys, cache.fetched) = (keys, Some(Instant::now()));
                Ok(())
            }
            failure => {
                let error = failure.map_or_else(|error| error.to_string(), |answer| answer.err().unwrap_or_default());
                eprintln!("the keys of {} could not be fetched: {error}", self.issuer);
                cache.failed = Some(Instant::now());
                Err(KeysUnavailable)
            }
        }
    }
}

fn is_within(time: Option<Instant>, age: Duration) -> bool {
    time.is_some_and(|time| time.elapsed() < age)
}

/// What the authorization server publishes now. Keys of a kind that we do not know are left out.
fn published(issuer: &str) -> Result<HashMap<String, Key>, String> {
    let config = ureq::Agent::config_builder().max_redirects(0).timeout_global(Some(TIMEOUT)).build();
    let http = ureq::Agent::new_with_config(config);
    let metadata = get(&http, &format!("{issuer}/.well-known/openid-configuration"))?;
    // RFC 8414 §3.3: metadata of another issuer must not be used.
    if metadata["issuer"] != issuer {
        return Err(format!("expected metadata of {issuer}, received that of {}", metadata["issuer"]));
    }
    let published = get(&http, metadata["jwks_uri"].as_str().ok_or("the metadata has no jwks_uri")?)?;
    let listed = published["keys"].as_array().ok_or("there are no keys")?;
    let keys: HashMap<_, _> = listed.iter().filter_map(key).collect();
    if keys.is_empty() { Err("there are no keys".to_owned()) } else { Ok(keys) }
}

fn key(listed: &Value) -> Option<(String, Key)> {
    let jwk: Jwk = serde_json::from_value(listed.clone()).ok()?;
    let algorithm = jwk.common.key_algorithm?.to_string().parse().ok()?;
    Some((jwk.common.key_id.clone()?, Key { key: DecodingKey::from_jwk(&jwk).ok()?, algorithm }))
}

fn get(http: &ureq::Agent, url: &str) -> Result<Value, String> {
    let failed = |error: &dyn std::fmt::Display| format!("GET {url}: {error}");
    let mut response = http.get(url).call().map_err(|error| failed(&error))?;
    let text = response.body_mut().with_config().limit(MAX_BYTES).read_to_string().map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}
