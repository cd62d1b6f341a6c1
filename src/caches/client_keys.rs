//! The cache of clients' public keys in this process: inline keys are parsed once, those at a `jwks_uri` fetched (RFC 7517 §5,
//! OpenID Connect Core §10.1.1). It may be lost at any time, and is bounded. Keys of a client that rotates are fetched again, but
//! rate-limited, and by one request at a time. The fetch itself is `outbound`, and made by a caller that holds no connection.

use std::{
    collections::HashMap,
    error::Error,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use crate::{
    jose::client_keys::ClientKeys,
    protocol::{
        error::Invalid,
        oauth::client::{Client, ClientKeySource},
        values::time::{Span, Timestamp},
    },
};

/// The maximum number of clients: the most recently used are kept.
const ENTRIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);
/// How long fetched keys are used before they are fetched again.
const FRESH_FOR: Span = Span::from_seconds(600);
/// How long they are used when fetching fails.
const USED_FOR: Span = Span::from_seconds(3_600);
/// The minimum time between two fetches from a client, whether for an unknown key or after a failure.
const ASK_EVERY: Span = Span::from_seconds(10);

/// The cached keys.
pub struct ClientKeyCache {
    entries: Mutex<LruCache<String, Entry>>,
    fetch_locks: Mutex<HashMap<String, FetchLock>>,
}

impl Default for ClientKeyCache {
    fn default() -> Self {
        Self { entries: Mutex::new(LruCache::sparse(ENTRIES)), fetch_locks: Mutex::default() }
    }
}

/// The lock held while fetching a client's keys; other requests wait for it, and look into the cache again.
pub type FetchLock = Arc<tokio::sync::Mutex<()>>;

struct Entry {
    source: ClientKeySource,
    keys: Option<Arc<ClientKeys>>,
    /// When the keys were read.
    read_at: Timestamp,
    /// When the last fetch ended, successful or not.
    requested_at: Timestamp,
    /// The reason why there are no keys.
    failure: String,
}

/// Why a client's keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum KeysUnread {
    /// Its URL did not answer.
    #[error("jwks_uri: {0}")]
    Fetch(#[source] Box<dyn Error + Send + Sync>),
    /// What it answered is no set of keys.
    #[error(transparent)]
    Malformed(#[from] Invalid),
}

impl KeysUnread {
    /// Of a fetch that failed for this reason.
    pub fn fetch(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Fetch(Box::new(error))
    }
}

/// The keys to verify an assertion with.
pub enum Keys {
    /// The keys, ready for use.
    Ready(Arc<ClientKeys>),
    /// No keys until this URL is fetched and its response stored by [`ClientKeyCache::put`].
    Fetch(String),
    /// No keys, for this reason.
    Missing(String),
}

impl ClientKeyCache {
    /// The keys to verify this assertion of the client with.
    #[must_use]
    pub fn find(&self, client: &Client, assertion: &str, now: Timestamp) -> Keys {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&client.id).filter(|entry| entry.source == client.settings.keys());
        let url = match (client.settings.keys(), entry) {
            (ClientKeySource::None, _) => return Keys::Missing("the client has registered no keys".into()),
            (ClientKeySource::Inline(_), Some(Entry { keys: Some(keys), .. })) => return Keys::Ready(keys.clone()),
            (ClientKeySource::Inline(set), _) => {
                let keys = match ClientKeys::parse(&set) {
                    Ok(keys) => Arc::new(keys),
                    Err(why) => return Keys::Missing(format!("the client's keys: {why}")),
                };
                keep(&mut entries, client, Ok(keys.clone()), now);
                return Keys::Ready(keys);
            }
            (ClientKeySource::Url(url), _) => url,
        };
        let Some(entry) = entry else { return Keys::Fetch(url) };
        let may_ask = !now.age_of(entry.requested_at).is_below(ASK_EVERY);
        match &entry.keys {
            Some(keys) if now.age_of(entry.read_at).is_below(USED_FOR) => {
                let is_good = now.age_of(entry.read_at).is_below(FRESH_FOR) && keys.may_verify(assertion);
                if is_good || !may_ask { Keys::Ready(keys.clone()) } else { Keys::Fetch(url) }
            }
            _ if may_ask => Keys::Fetch(url),
            _ => Keys::Missing(entry.failure.clone()),
        }
    }

    /// The keys that were read recently enough, for a caller that could not fetch again.
    #[must_use]
    pub fn known(&self, client: &Client, now: Timestamp) -> Option<Arc<ClientKeys>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&client.id).filter(|entry| entry.source == client.settings.keys())?;
        entry.keys.clone().filter(|_| now.age_of(entry.read_at).is_below(USED_FOR))
    }

    /// Stores the response of the client's URL.
    pub fn put(&self, client: &Client, answered: Result<String, KeysUnread>, now: Timestamp) {
        let read = answered.and_then(|text| Ok(ClientKeys::parse(&text)?)).map(Arc::new);
        keep(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner), client, read, now);
    }

    /// The lock for fetching this client's keys. Only locks that are held or waited for are kept.
    #[must_use]
    pub fn fetch_lock(&self, client: &Client) -> FetchLock {
        let mut fetch_locks = self.fetch_locks.lock().unwrap_or_else(PoisonError::into_inner);
        fetch_locks.retain(|_, fetch_lock| Arc::strong_count(fetch_lock) > 1);
        fetch_locks.entry(client.id.clone()).or_default().clone()
    }
}

fn keep(entries: &mut LruCache<String, Entry>, client: &Client, read: Result<Arc<ClientKeys>, KeysUnread>, now: Timestamp) {
    let entry = match read {
        Ok(keys) => {
            Entry { source: client.settings.keys(), keys: Some(keys), read_at: now, requested_at: now, failure: String::new() }
        }
        Err(failure) => {
            let before = entries.pop(&client.id).filter(|before| before.source == client.settings.keys());
            let (keys, read_at) = before.map_or((None, now), |before| (before.keys, before.read_at));
            Entry { source: client.settings.keys(), keys, read_at, requested_at: now, failure: failure.to_string() }
        }
    };
    entries.put(client.id.clone(), entry);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::client::{AuthMethod, ClientKind};

    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    /// A JWT whose header names the key `a`, and another JWT with an unknown key.
    const KNOWN: &str = "eyJraWQiOiJhIn0.e30.";
    const UNKNOWN: &str = "eyJraWQiOiJiIn0.e30.";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn client(keys: ClientKeySource) -> Client {
        let mut client = Client::new("app", "App", ClientKind::Web, at(0));
        client.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        client.settings.set_keys(keys);
        client
    }

    fn word(keys: &Keys) -> &'static str {
        match keys {
            Keys::Ready(_) => "ready",
            Keys::Fetch(_) => "fetch",
            Keys::Missing(_) => "missing",
        }
    }

    #[test]
    fn keys_at_a_url_are_fetched_kept_and_fetched_again() {
        let cache = ClientKeyCache::default();
        let app = client(ClientKeySource::Url("https://app.example.com/jwks".into()));
        let find = |assertion, seconds| word(&cache.find(&app, assertion, at(seconds)));
        assert_eq!(find(KNOWN, 0), "fetch");
        cache.put(&app, Ok(SET.into()), at(0));
        assert_eq!((find(KNOWN, 599), find(KNOWN, 600)), ("ready", "fetch"));
        assert_eq!((find(UNKNOWN, 9), find(UNKNOWN, 10)), ("ready", "fetch"), "an unknown key asks again, but not at once");
        assert!(cache.known(&app, at(3_599)).is_some() && cache.known(&app, at(3_600)).is_none());
        cache.put(&app, Err(KeysUnread::fetch(std::io::Error::other("down"))), at(700));
        assert_eq!((find(KNOWN, 705), find(KNOWN, 710)), ("ready", "fetch"), "the old keys hold while the client is down");
        cache.put(&app, Err(KeysUnread::fetch(std::io::Error::other("down"))), at(3_600));
        assert_eq!((find(KNOWN, 3_600), find(KNOWN, 3_610)), ("missing", "fetch"), "but not for ever");
        let moved = client(ClientKeySource::Url("https://app.example.com/other".into()));
        assert_eq!(word(&cache.find(&moved, KNOWN, at(1))), "fetch", "another URL has other keys");
    }

    #[test]
    fn keys_that_were_read_in_the_future_are_read_again() {
        let cache = ClientKeyCache::default();
        let app = client(ClientKeySource::Url("https://app.example.com/jwks".into()));
        cache.put(&app, Ok(SET.into()), at(3_600));
        assert_eq!(word(&cache.find(&app, KNOWN, at(3_595))), "ready", "a clock that is a little behind");
        assert_eq!(word(&cache.find(&app, KNOWN, at(0))), "fetch", "the clock was set back");
        assert!(cache.known(&app, at(0)).is_none());
    }

    #[test]
    fn inline_keys_are_read_once() {
        let cache = ClientKeyCache::default();
        assert_eq!(word(&cache.find(&client(ClientKeySource::Inline(SET.into())), KNOWN, at(0))), "ready");
        assert_eq!(word(&cache.find(&client(ClientKeySource::Inline("{}".into())), KNOWN, at(0))), "missing");
        assert_eq!(word(&cache.find(&client(ClientKeySource::None), KNOWN, at(0))), "missing");
    }

    #[test]
    fn one_client_more_than_there_is_room_for_takes_the_place_of_one() {
        let cache = ClientKeyCache::default();
        let app = |number: usize| Client {
            id: format!("app-{number}"),
            ..client(ClientKeySource::Url("https://app.example.com/".into()))
        };
        (0..ENTRIES.get()).for_each(|number| cache.put(&app(number), Ok(SET.into()), at(0)));
        assert_eq!(word(&cache.find(&app(0), KNOWN, at(1))), "ready", "it is used, and now the last that would leave");
        cache.put(&app(ENTRIES.get()), Ok(SET.into()), at(0));
        let missing = (0..=ENTRIES.get()).filter(|number| cache.known(&app(*number), at(1)).is_none());
        assert_eq!(missing.collect::<Vec<_>>(), [1], "the one that was not used for longest");
    }

    #[test]
    fn one_at_a_time_asks_a_client() {
        let cache = ClientKeyCache::default();
        let (one, two) = (client(ClientKeySource::None), Client { id: "two".into(), ..client(ClientKeySource::None) });
        let held = cache.fetch_lock(&one).try_lock_owned().unwrap();
        assert!(cache.fetch_lock(&one).try_lock().is_err());
        assert!(cache.fetch_lock(&two).try_lock().is_ok());
        drop(held);
        assert!(cache.fetch_lock(&one).try_lock().is_ok());
        assert_eq!(cache.fetch_locks.lock().unwrap().len(), 1, "those that nobody waits for are forgotten");
    }
}
