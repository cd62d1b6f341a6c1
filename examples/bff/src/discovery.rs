//! What the authorization server says about itself, and its keys: fetched, kept, and fetched again when they are old or do not have a
//! key that something is signed with. All of it blocks.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use openidconnect::{
    AdditionalProviderMetadata, IssuerUrl, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};

use crate::{authorization::Failure, http};

/// How long metadata and keys are used, and how often they are fetched again at most for a key that is not among them: anybody can
/// send something with an invented one.
const MAX_AGE: Duration = Duration::from_secs(600);
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(10);
/// After an attempt that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// What this server reads in the metadata besides what OpenID Connect Discovery has.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Endpoints {
    pub revocation_endpoint: String,
    pub end_session_endpoint: String,
}

impl AdditionalProviderMetadata for Endpoints {}

pub type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

#[derive(Default)]
pub struct Discovery {
    known: Mutex<Known>,
    /// Held by whoever fetches. Those that do without what is fetched do not wait for it.
    fetching: Mutex<()>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, Instant)>,
    failed: Option<Instant>,
}

impl Known {
    fn within(&self, max_age: Duration) -> Option<Arc<Metadata>> {
        self.metadata.as_ref().filter(|(_, at)| at.elapsed() < max_age).map(|(metadata, _)| metadata.clone())
    }

    /// What is known is good for longer, if there is nothing newer.
    fn in_an_outage(&self) -> Option<Arc<Metadata>> {
        self.within(6 * MAX_AGE)
    }

    fn has_failed(&self) -> bool {
        self.failed > self.metadata.as_ref().map(|(_, at)| *at)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Discovery {
    pub fn metadata(&self, issuer: &str) -> Result<Arc<Metadata>, Failure> {
        self.newer_than(MAX_AGE, issuer)
    }

    /// For a key that was not among those that are known.
    pub fn with_new_keys(&self, issuer: &str) -> Result<Arc<Metadata>, Failure> {
        self.newer_than(UNKNOWN_KEY_PAUSE, issuer)
    }

    /// The keys, which have one with this ID if there is one.
    pub fn keys(&self, kid: &str, issuer: &str) -> Result<serde_json::Value, Failure> {
        let published = |metadata: &Metadata| serde_json::to_value(metadata.jwks()).unwrap_or_default();
        let has_it =
            |keys: &serde_json::Value| keys["keys"].as_array().is_some_and(|keys| keys.iter().any(|key| key["kid"] == kid));
        let keys = published(&*self.metadata(issuer)?);
        if has_it(&keys) {
            return Ok(keys);
        }
        let keys = published(&*self.with_new_keys(issuer)?);
        // If the last attempt to find out has failed, it may be a new key.
        if !has_it(&keys) && lock(&self.known).has_failed() {
            return Err(Failure::Unavailable("new keys could not be fetched".to_owned()));
        }
        Ok(keys)
    }

    fn newer_than(&self, max_age: Duration, issuer: &str) -> Result<Arc<Metadata>, Failure> {
        let unavailable = |why: String| Failure::Unavailable(format!("{issuer}: {why}"));
        if let Some(metadata) = lock(&self.known).within(max_age) {
            return Ok(metadata);
        }
        let _fetching = lock(&self.fetching);
        {
            let known = lock(&self.known);
            // Perhaps somebody has just fetched it.
            if let Some(metadata) = known.within(max_age) {
                return Ok(metadata);
            }
            if known.failed.is_some_and(|at| at.elapsed() < FAILURE_PAUSE) {
                return known.in_an_outage().ok_or_else(|| unavailable("the last attempt has just failed".to_owned()));
            }
        }
        let url = IssuerUrl::new(issuer.to_owned()).map_err(|error| unavailable(error.to_string()))?;
        let found = Metadata::discover(&url, &http::send);
        let mut known = lock(&self.known);
        match found {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                known.metadata = Some((metadata.clone(), Instant::now()));
                Ok(metadata)
            }
            Err(error) => {
                known.failed = Some(Instant::now());
                known.in_an_outage().ok_or_else(|| unavailable(error.to_string()))
            }
        }
    }
}
