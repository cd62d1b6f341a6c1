//! The server's keys. Which one signs follows from the rows and the time alone, so that several processes on
//! one database agree without talking: the key with the greatest `signs_from` that has come. A new key is
//! published before it signs; an old one stays published until its last token has expired.

use std::sync::{Arc, RwLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::{Jwk, KeyPair},
    jws::{
        RS256,
        alg::rsassa::{RsassaJwsSigner, RsassaJwsVerifier},
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Error, failed, seal};
use crate::{
    protocol::{
        secrets::SecretRing,
        time::{Span, Timestamp},
    },
    store::signing_keys::SigningKeyRow,
};

/// The algorithms the server signs with, as discovery lists them.
pub const ALGORITHMS: [&str; 1] = ["RS256"];
/// RFC 7518 §3.3: 2048 bits or more.
const RSA_BITS: u32 = 2048;
/// How long a process goes on with the keys it has read: well below the lead of a new key.
const REREAD_AFTER: Span = Span::from_seconds(20);
/// How much longer than its tokens live an old key stays published, for clocks that differ.
const MARGIN: Span = Span::from_seconds(120);

/// One key, ready to use.
pub struct Key {
    pub(super) kid: String,
    /// None where the server secret that sealed it is no longer in the list: it verifies, and signs no more.
    signer: Option<RsassaJwsSigner>,
    pub(super) verifier: RsassaJwsVerifier,
    /// The encoded header of an access token (RFC 9068 §2.1).
    pub(super) access_token_header: String,
    /// The encoded header of every other token.
    pub(super) jwt_header: String,
    public_jwk: Value,
    signs_from: Timestamp,
}

/// Every key of the database, by the time it signs from.
#[derive(Default)]
pub struct KeyRing {
    keys: Vec<Arc<Key>>,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, does not sign yet.
    Upcoming,
    /// Signs.
    Signing,
    /// Signs no more, but tokens it signed may still live: published.
    Retiring,
    /// No longer published.
    Retired,
}

impl KeyState {
    /// The state in a word.
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

/// Makes a key that signs from `signs_from` on. Takes a while (RSA): not for a hot path.
///
/// # Errors
/// [`Error::Failed`].
pub fn generate(secrets: &SecretRing, now: Timestamp, signs_from: Timestamp) -> Result<SigningKeyRow, Error> {
    let pair = RS256.generate_key_pair(RSA_BITS).map_err(failed)?;
    let public = pair.to_jwk_public_key();
    let member = |name: &str| public.parameter(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| failed(name));
    let (n, e) = (member("n")?, member("e")?);
    // RFC 7638 §3: the thumbprint of the required members in lexical order names the key.
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)));
    let public_jwk = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e});
    let sealed_key = seal::seal(secrets, &kid, &pair.to_der_private_key())?;
    Ok(SigningKeyRow {
        kid,
        algorithm: "RS256".into(),
        public_jwk: public_jwk.to_string(),
        sealed_key,
        created_at: now,
        signs_from,
    })
}

/// The state of each key; `rows` by the time they sign from, `keep` the life of the longest-lived token.
#[must_use]
pub fn states(rows: &[SigningKeyRow], now: Timestamp, keep: Span) -> Vec<KeyState> {
    let times: Vec<_> = rows.iter().map(|row| row.signs_from).collect();
    (0..times.len()).map(|index| state(&times, index, now, keep)).collect()
}

fn state(times: &[Timestamp], index: usize, now: Timestamp, keep: Span) -> KeyState {
    let upcoming = times.get(index).is_some_and(|from| *from > now);
    match times.get(index + 1) {
        _ if upcoming => KeyState::Upcoming,
        Some(next) if now >= next.plus(keep).plus(MARGIN) => KeyState::Retired,
        Some(next) if now >= *next => KeyState::Retiring,
        _ => KeyState::Signing,
    }
}

impl KeyRing {
    /// Opens the keys of these rows; those that `before` has open already are taken from there. A key whose server
    /// secret was dropped still verifies.
    ///
    /// # Errors
    /// [`Error::Failed`] when a row is not a key.
    pub fn open(rows: &[SigningKeyRow], secrets: &SecretRing, before: &Self) -> Result<Self, Error> {
        let known = |row: &SigningKeyRow| before.find(&row.kid).filter(|key| key.signs_from == row.signs_from).cloned();
        let keys = rows.iter().map(|row| known(row).map_or_else(|| Key::open(row, secrets).map(Arc::new), Ok));
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// The key that signs now: the newest whose time has come.
    ///
    /// # Errors
    /// [`Error::NoKey`], or [`Error::Sealed`] when the server's secrets do not open it. An older one does not stand
    /// in for it: it may have been replaced because it leaked, and is about to be published no more.
    pub fn signing(&self, now: Timestamp) -> Result<&Key, Error> {
        let come = self.keys.iter().rev().find(|key| key.signs_from <= now);
        let newest = come.or(self.keys.first()).ok_or(Error::NoKey)?;
        newest.signer().map(|_| newest.as_ref())
    }

    /// Whether every key that signs now or later can be opened.
    ///
    /// # Errors
    /// [`Error::NoKey`] or [`Error::Sealed`].
    pub fn check(&self, now: Timestamp) -> Result<(), Error> {
        self.signing(now)?;
        self.keys.iter().filter(|key| key.signs_from > now).try_for_each(|key| key.signer().map(|_| ()))
    }

    /// The key with this id, whether published or not: an ID token hint may be old.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&Arc<Key>> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The published key set (RFC 7517 §5); `keep` is the life of the longest-lived token.
    #[must_use]
    pub fn published(&self, now: Timestamp, keep: Span) -> Value {
        let times: Vec<_> = self.keys.iter().map(|key| key.signs_from).collect();
        let published = self.keys.iter().enumerate().filter(|(index, _)| state(&times, *index, now, keep) != KeyState::Retired);
        json!({"keys": published.map(|(_, key)| &key.public_jwk).collect::<Vec<_>>()})
    }
}

impl Key {
    pub(super) fn signer(&self) -> Result<&RsassaJwsSigner, Error> {
        self.signer.as_ref().ok_or_else(|| Error::Sealed { kid: self.kid.clone() })
    }

    fn open(row: &SigningKeyRow, secrets: &SecretRing) -> Result<Self, Error> {
        let kid = row.kid.clone();
        let private = seal::open(secrets, &kid, &row.sealed_key).ok();
        let jwk = Jwk::from_bytes(row.public_jwk.as_bytes()).map_err(failed)?;
        let header = |typ: &str| URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": typ, "kid": kid}).to_string());
        Ok(Self {
            signer: private.map(|private| RS256.signer_from_der(private)).transpose().map_err(failed)?,
            verifier: RS256.verifier_from_jwk(&jwk).map_err(failed)?,
            access_token_header: header("at+jwt"),
            jwt_header: header("JWT"),
            public_jwk: serde_json::from_str(&row.public_jwk).map_err(failed)?,
            signs_from: row.signs_from,
            kid,
        })
    }
}

/// The keys as this process last read them.
#[derive(Default)]
pub struct KeyCache(RwLock<Option<(Timestamp, Arc<KeyRing>)>>);

impl KeyCache {
    /// The keys, unless they should be read again.
    #[must_use]
    pub fn fresh(&self, now: Timestamp) -> Option<Arc<KeyRing>> {
        let cached = self.0.read().ok()?;
        let (read_at, ring) = cached.as_ref()?;
        let age = now.millis().abs_diff(read_at.millis()); // a clock that went back makes them stale as well
        (age < REREAD_AFTER.millis().unsigned_abs()).then(|| ring.clone())
    }

    /// The keys as they were last read, however long ago.
    #[must_use]
    pub fn last(&self) -> Option<Arc<KeyRing>> {
        self.0.read().ok()?.as_ref().map(|(_, ring)| ring.clone())
    }

    /// The keys of these rows, kept for the next request.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_key_is_published_first_signs_later_and_retires_last() {
        let times = [at(0), at(1000)];
        let keep = Span::from_seconds(600);
        let states = |now| [state(&times, 0, at(now), keep), state(&times, 1, at(now), keep)];
        assert_eq!(states(500), [KeyState::Signing, KeyState::Upcoming]);
        assert_eq!(states(1000), [KeyState::Retiring, KeyState::Signing]);
        assert_eq!(states(1719), [KeyState::Retiring, KeyState::Signing]);
        assert_eq!(states(1720), [KeyState::Retired, KeyState::Signing]);
    }

    #[test]
    fn rings_agree_on_the_signing_key_and_publish_public_members_only() {
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let rows = [generate(&secrets, at(0), at(0)).unwrap(), generate(&secrets, at(10), at(1000)).unwrap()];
        let ring = KeyRing::open(&rows, &secrets, &KeyRing::default()).unwrap();
        assert_eq!(ring.signing(at(999)).unwrap().kid, rows[0].kid);
        assert_eq!(ring.signing(at(1000)).unwrap().kid, rows[1].kid);
        let published = ring.published(at(1000), Span::from_seconds(600));
        let keys = published["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2);
        for key in keys {
            let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|private| !names.contains(private)), "{names:?}");
        }
        let other = SecretRing::new(["another secret of thirty-two bytes"]).unwrap();
        let sealed = KeyRing::open(&rows, &other, &KeyRing::default()).unwrap();
        assert_eq!(sealed.signing(at(0)).err(), Some(Error::Sealed { kid: rows[0].kid.clone() }));
        assert_eq!(sealed.published(at(0), Span::ZERO), ring.published(at(0), Span::ZERO), "what it signed is still verified");
    }
}
