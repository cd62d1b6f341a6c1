//! The cache of clients and APIs in this process. No entry is used without checking that it is current: each request reads one
//! number, the revision, along with its first query, and each change of a client or an API raises that number in its own
//! transaction. A disabled client is refused with the next request, in every process.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use crate::{
    protocol::{
        oauth::{
            api::{self, Api},
            api_tokens::ApiTokens,
            client::Client,
        },
        values::time::{Span, Timestamp},
    },
    store::{
        AnyConnection, Result, apis,
        clients::{self, ClientOrigin},
        revisions,
    },
};

/// The maximum age of the cache, for a database that was restored to an earlier state: its revision numbers repeat.
const KEPT_FOR: Span = Span::from_seconds(20);
/// The maximum number of clients, and of origins: the most recently used are kept.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// A value, the revision it was read at, and the time of the read.
#[derive(Clone, Copy)]
struct AsOf {
    revision: i64,
    since: Timestamp,
}

impl AsOf {
    fn holds(self, revision: i64, now: Timestamp) -> bool {
        let age = now.millis().abs_diff(self.since.millis()); // a clock that was set back makes it stale as well
        self.revision == revision && age < KEPT_FOR.millis().unsigned_abs()
    }
}

/// The cached clients and APIs, all of one revision.
struct Kept {
    as_of: Option<AsOf>,
    clients: LruCache<String, Arc<Client>>,
    apis: Option<Arc<[Api]>>,
}

impl Kept {
    fn new(as_of: Option<AsOf>) -> Self {
        Self { as_of, clients: LruCache::sparse(KEPT), apis: None }
    }

    fn holds(&self, revision: i64, now: Timestamp) -> bool {
        self.as_of.is_some_and(|as_of| as_of.holds(revision, now))
    }
}

/// The cache of clients and APIs.
pub struct Registrations {
    kept: Mutex<Kept>,
    /// Web origins found registered at their last lookup, of any age.
    origins: Mutex<LruCache<String, AsOf>>,
}

impl Default for Registrations {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept::new(None)), origins: Mutex::new(LruCache::sparse(KEPT)) }
    }
}

impl Registrations {
    /// The clients and APIs as of this revision, which was read just now.
    #[must_use]
    pub fn at(&self, revision: i64, now: Timestamp) -> Registered<'_> {
        Registered { registrations: self, revision, now }
    }

    /// Whether a client was registered with this web origin at the last lookup, of any age: for responses that only report a
    /// failure of the server.
    #[must_use]
    pub fn remember_origin(&self, origin: &str) -> bool {
        self.origins().contains(origin)
    }

    fn origins(&self) -> MutexGuard<'_, LruCache<String, AsOf>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clients and APIs at the current revision.
    ///
    /// # Errors
    /// When the database fails.
    pub fn now(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<Registered<'_>> {
        Ok(self.at(revisions::of_registrations(connection)?, now))
    }
}

/// The clients and APIs, for one request.
#[derive(Clone, Copy)]
pub struct Registered<'a> {
    registrations: &'a Registrations,
    revision: i64,
    now: Timestamp,
}

impl Registered<'_> {
    /// The client with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn client(&self, connection: &mut AnyConnection, id: &str) -> Result<Option<Arc<Client>>> {
        if let Some(client) = self.kept(|kept| kept.clients.get(id).cloned()) {
            return Ok(Some(client));
        }
        let Some((client, revision)) = clients::read(connection, id)? else { return Ok(None) };
        let client = Arc::new(client);
        self.keep(revision, |kept| drop(kept.clients.put(client.id.clone(), client.clone())));
        Ok(Some(client))
    }

    /// Every registered API.
    ///
    /// # Errors
    /// When the database fails.
    pub fn all_apis(&self, connection: &mut AnyConnection) -> Result<Arc<[Api]>> {
        match self.kept(|kept| kept.apis.clone()) {
            Some(all) => Ok(all),
            None => self.read_apis(connection),
        }
    }

    /// The registered ones among these APIs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn apis(&self, connection: &mut AnyConnection, uris: &[String]) -> Result<Vec<Api>> {
        if uris.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.all_apis(connection)?.iter().filter(|api| uris.contains(&api.uri)).cloned().collect())
    }

    /// What these APIs decide about a token that is for all of them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn api_tokens(&self, connection: &mut AnyConnection, uris: &[String]) -> Result<ApiTokens> {
        if uris.is_empty() {
            return Ok(ApiTokens::default());
        }
        Ok(api::tokens_for(uris, &self.all_apis(connection)?))
    }

    fn read_apis(&self, connection: &mut AnyConnection) -> Result<Arc<[Api]>> {
        let (apis, revisions): (Vec<_>, Vec<_>) = apis::read_all(connection)?.into_iter().unzip();
        let apis: Arc<[Api]> = apis.into();
        // Where there is none, that is kept as of the revision of this request, which is the same or an older one.
        let revision = revisions.first().copied().unwrap_or(Some(self.revision));
        self.keep(revision, |kept| kept.apis = Some(apis.clone()));
        Ok(apis)
    }

    /// Whether a client is registered with this web origin.
    ///
    /// # Errors
    /// When the database fails.
    pub fn has_origin(&self, connection: &mut AnyConnection, origin: &str) -> Result<bool> {
        let met = self.registrations.origins().get(origin).copied();
        if met.is_some_and(|as_of| as_of.holds(self.revision, self.now)) {
            return Ok(true);
        }
        let found = clients::read_origin(connection, origin)?;
        let mut origins = self.registrations.origins();
        match found {
            Some(ClientOrigin { revision: Some(revision) }) => {
                origins.put(origin.to_owned(), AsOf { revision, since: self.now });
            }
            Some(ClientOrigin { revision: None }) => {}
            None => {
                origins.pop(origin);
            }
        }
        Ok(found.is_some())
    }

    fn kept<T>(&self, find: impl FnOnce(&mut Kept) -> Option<T>) -> Option<T> {
        let mut kept = self.registrations.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.holds(self.revision, self.now).then(|| find(&mut kept)).flatten()
    }

    /// Caches a value read at this revision; values of another revision are dropped.
    fn keep(&self, revision: Option<i64>, put: impl FnOnce(&mut Kept)) {
        let Some(revision) = revision else { return };
        let mut kept = self.registrations.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.holds(revision, self.now) {
            *kept = Kept::new(Some(AsOf { revision, since: self.now }));
        }
        put(&mut kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::client::ClientKind;

    #[test]
    fn one_client_more_than_there_is_room_for_takes_the_place_of_one() {
        let (registrations, now) = (Registrations::default(), Timestamp::from_millis(0));
        let registered = registrations.at(1, now);
        let put = |number: usize| {
            let client = Arc::new(Client::new(format!("app-{number}"), "App", ClientKind::Web, now));
            registered.keep(Some(1), |kept| drop(kept.clients.put(client.id.clone(), client.clone())));
        };
        let has = |number: usize| registered.kept(|kept| kept.clients.get(&format!("app-{number}")).cloned()).is_some();
        (0..KEPT.get()).for_each(put);
        assert!(has(0), "it is used, and now the last that would leave");
        put(KEPT.get());
        assert_eq!(
            (1..=KEPT.get()).filter(|number| !has(*number)).collect::<Vec<_>>(),
            [1],
            "the one that was not used for longest"
        );
        assert!(has(0));
    }
}
