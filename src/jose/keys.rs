//! The server's signing keys. Which key of an algorithm signs follows from the rows and the time alone, so that several processes
//! on one database agree without communicating: the key with the latest `signs_from` that is not in the future. A new key is
//! published before it signs; an old one stays published until its last token has expired.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{JwsSigner, JwsVerifier},
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Error, algorithms, failed, seal};
use crate::{
    protocol::{
        secrets::{SecretRing, sensitive::Sensitive},
        values::{
            algorithm::Algorithm,
            time::{Span, Timestamp},
        },
    },
    store::signing_keys::SigningKeyRow,
};

/// How much longer than the lifetime of its tokens an old key stays published, for clock skew.
const MARGIN: Span = Span::from_seconds(120);

/// A key, ready to use.
pub struct Key {
    pub(super) kid: String,
    /// Its signing algorithm.
    pub(super) algorithm: Algorithm,
    /// `None` if the server secret that sealed it is no longer in the list: then it verifies, but does not sign.
    signer: Option<Box<dyn JwsSigner>>,
    pub(super) verifier: Box<dyn JwsVerifier>,
    /// The encoded header of an access token (RFC 9068 §2.1).
    pub(super) access_token_header: String,
    /// The encoded header of ID tokens and of signed `/userinfo` responses.
    pub(super) jwt_header: String,
    public_jwk: Value,
    signs_from: Timestamp,
}

/// Every key in the database, ordered by the time it starts to sign.
#[derive(Default)]
pub struct KeyRing {
    keys: Vec<Arc<Key>>,
}

/// The state of a key in its life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, but not signing yet.
    Upcoming,
    /// Signing.
    Signing,
    /// No longer signing, but still published, as its tokens may be valid.
    Retiring,
    /// No longer published.
    Retired,
}

impl KeyState {
    /// The state as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Signing => "signing",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

/// Generates a key that signs from `signs_from` on. Takes a while (RSA): not for a hot path.
///
/// # Errors
/// [`Error::Failed`].
pub fn generate(
    secrets: &SecretRing,
    algorithm: Algorithm,
    now: Timestamp,
    signs_from: Timestamp,
) -> Result<SigningKeyRow, Error> {
    let pair = algorithms::generate(algorithm)?;
    let public = pair.to_jwk_public_key();
    // RFC 7638 §3.2: the required members in lexical order; the thumbprint is the key id.
    let members: &[&str] = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => &["e", "kty", "n"],
        Algorithm::Es256 => &["crv", "kty", "x", "y"],
        Algorithm::EdDsa => &["crv", "kty", "x"],
    };
    let text = |name: &str| match public.parameter(name).and_then(Value::as_str) {
        Some(value) => Ok(value.to_owned()),
        None if name == "kty" => Ok(public.key_type().to_owned()),
        None => Err(failed(name)),
    };
    let pairs = members.iter().map(|name| Ok((*name, text(name)?))).collect::<Result<Vec<_>, Error>>()?;
    let required: Vec<_> = pairs.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{{{}}}", required.join(","))));
    let mut public_jwk: Map<String, Value> = Map::from_iter([("kty".to_owned(), Value::from(text("kty")?))]);
    for (name, value) in [("use", "sig"), ("alg", algorithm.as_str()), ("kid", &kid)] {
        public_jwk.insert(name.into(), value.into());
    }
    for (name, value) in pairs.into_iter().rev().filter(|(name, _)| *name != "kty") {
        public_jwk.insert(name.into(), value.into());
    }
    let sealed_key = seal::seal(secrets, &kid, &Sensitive::new(pair.to_der_private_key()))?;
    let public_jwk = Value::Object(public_jwk).to_string();
    Ok(SigningKeyRow { kid, algorithm, public_jwk, sealed_key, created_at: now, signs_from })
}

/// The state of each key; `rows` are ordered by the time they start to sign, `keep` is the longest token lifetime.
#[must_use]
pub fn states(rows: &[SigningKeyRow], now: Timestamp, keep: Span) -> Vec<KeyState> {
    rows.iter()
        .map(|row| {
            let own: Vec<_> = rows.iter().filter(|other| other.algorithm == row.algorithm).collect();
            let times: Vec<_> = own.iter().map(|other| other.signs_from).collect();
            let index = own.iter().position(|other| other.kid == row.kid);
            state(&times, index, now, keep)
        })
        .collect()
}

/// `index` is the key's position among those of its algorithm; `None` means it is not published.
fn state(times: &[Timestamp], index: Option<usize>, now: Timestamp, keep: Span) -> KeyState {
    let Some(index) = index else { return KeyState::Retired };
    let upcoming = times.get(index).is_some_and(|from| *from > now);
    match times.get(index + 1) {
        _ if upcoming => KeyState::Upcoming,
        Some(next) if now >= next.plus(keep).plus(MARGIN) => KeyState::Retired,
        Some(next) if now >= *next => KeyState::Retiring,
        _ => KeyState::Signing,
    }
}

impl KeyRing {
    /// Opens the keys of these rows; those already open in `before` are reused. A key whose server secret was removed still
    /// verifies.
    ///
    /// # Errors
    /// [`Error::Failed`] if a row is not a key.
    pub fn open(rows: &[SigningKeyRow], secrets: &SecretRing, before: &Self) -> Result<Self, Error> {
        let known = |row: &SigningKeyRow| before.find(&row.kid).filter(|key| key.signs_from == row.signs_from).cloned();
        let keys = rows.iter().map(|row| known(row).map_or_else(|| Key::open(row, secrets).map(Arc::new), Ok));
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// The key that signs by this algorithm now: the newest that has started to sign.
    ///
    /// # Errors
    /// [`Error::NoKey`], or [`Error::Sealed`] if the server secrets do not open it. An older key is no substitute: it may have been
    /// replaced because it leaked, and may soon be unpublished.
    pub fn signing(&self, algorithm: Algorithm, now: Timestamp) -> Result<&Key, Error> {
        let come = self.of(algorithm).rev().find(|key| key.signs_from <= now);
        let newest = come.or(self.of(algorithm).next()).ok_or(Error::NoKey(algorithm))?;
        newest.signer().map(|_| newest.as_ref())
    }

    fn of(&self, algorithm: Algorithm) -> impl DoubleEndedIterator<Item = &Arc<Key>> {
        self.keys.iter().filter(move |key| key.algorithm == algorithm)
    }

    /// Whether there is a key of this algorithm.
    #[must_use]
    pub fn has(&self, algorithm: Algorithm) -> bool {
        self.of(algorithm).next().is_some()
    }

    /// Whether a key of this algorithm has started to sign.
    #[must_use]
    pub fn signs(&self, algorithm: Algorithm, now: Timestamp) -> bool {
        self.of(algorithm).any(|key| key.signs_from <= now)
    }

    /// The algorithms by which a key signs now: the default one always, any other once its first key has started to.
    #[must_use]
    pub fn signing_algorithms(&self, now: Timestamp) -> Vec<Algorithm> {
        Algorithm::ALL.iter().copied().filter(|one| *one == Algorithm::default() || self.signs(*one, now)).collect()
    }

    /// Checks that every key that signs now or later can be opened.
    ///
    /// # Errors
    /// [`Error::NoKey`] or [`Error::Sealed`].
    pub fn check(&self, now: Timestamp) -> Result<(), Error> {
        let in_use = Algorithm::ALL.iter().filter(|algorithm| self.has(**algorithm));
        in_use.chain([&Algorithm::default()]).try_for_each(|algorithm| self.signing(*algorithm, now).map(|_| ()))?;
        self.keys.iter().filter(|key| key.signs_from > now).try_for_each(|key| key.signer().map(|_| ()))
    }

    /// The key with this id, whether published or not: an ID token hint may be old.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&Arc<Key>> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// Whether the key with this id is published: signatures by it are still valid.
    #[must_use]
    pub fn publishes(&self, kid: &str, now: Timestamp, keep: Span) -> bool {
        self.find(kid).is_some_and(|key| self.state(key, now, keep) != KeyState::Retired)
    }

    fn state(&self, key: &Key, now: Timestamp, keep: Span) -> KeyState {
        let times: Vec<_> = self.of(key.algorithm).map(|other| other.signs_from).collect();
        let index = self.of(key.algorithm).position(|other| other.kid == key.kid);
        state(&times, index, now, keep)
    }

    /// The published key set (RFC 7517 §5), ordered by algorithm, the default one first: some clients take the first key. `keep` is
    /// the longest token lifetime.
    #[must_use]
    pub fn published(&self, now: Timestamp, keep: Span) -> Value {
        let is_published = |key: &&Arc<Key>| self.state(key, now, keep) != KeyState::Retired;
        let keys = Algorithm::ALL.iter().flat_map(|algorithm| self.of(*algorithm)).filter(is_published);
        json!({"keys": keys.map(|key| &key.public_jwk).collect::<Vec<_>>()})
    }
}

impl Key {
    /// Its signing algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The encoded header of a token of another type.
    pub(super) fn header(&self, typ: &str) -> String {
        header(self.algorithm, &self.kid, typ)
    }

    pub(super) fn signer(&self) -> Result<&dyn JwsSigner, Error> {
        self.signer.as_deref().ok_or_else(|| Error::Sealed { kid: self.kid.clone() })
    }

    fn open(row: &SigningKeyRow, secrets: &SecretRing) -> Result<Self, Error> {
        let kid = row.kid.clone();
        let private = seal::open(secrets, &kid, &row.sealed_key).ok();
        let jwk = Jwk::from_bytes(row.public_jwk.as_bytes()).map_err(failed)?;
        Ok(Self {
            signer: private.map(|private| algorithms::signer(row.algorithm, private.expose())).transpose()?,
            verifier: algorithms::verifier(row.algorithm, &jwk)?,
            access_token_header: header(row.algorithm, &kid, "at+jwt"),
            jwt_header: header(row.algorithm, &kid, "JWT"),
            algorithm: row.algorithm,
            public_jwk: serde_json::from_str(&row.public_jwk).map_err(failed)?,
            signs_from: row.signs_from,
            kid,
        })
    }
}

/// The header of a token, encoded (RFC 7515 §4).
fn header(algorithm: Algorithm, kid: &str, typ: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!({"alg": algorithm.as_str(), "typ": typ, "kid": kid}).to_string())
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
