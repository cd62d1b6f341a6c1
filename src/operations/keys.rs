//! The keys that sign tokens, as an operator sees and creates them. Which key signs when is decided by `jose::keys`; a new one is
//! created early enough that every verifier has seen it before its first signature.

use serde::Serialize;

use super::{Conflict, Context, DateTime, OperationError};
use crate::{
    jose::{
        self, first_keys,
        keys::{self, KeyRing, KeyState},
    },
    protocol::values::{algorithm::Algorithm, time::Timestamp},
    store::signing_keys::{self, SigningKeyRow},
};

/// A key, without its private part.
#[derive(Clone, Debug, Serialize)]
pub struct KeyView {
    /// Its id.
    pub kid: String,
    /// The algorithm.
    pub algorithm: &'static str,
    /// Whether it is upcoming, signing, or retired.
    pub state: &'static str,
    /// When it was created.
    pub created: DateTime,
    /// When it starts to sign, until a later one does.
    pub signs_from: DateTime,
}

impl KeyView {
    /// Whether it signs only later.
    #[must_use]
    pub fn is_upcoming(&self) -> bool {
        self.state == KeyState::Upcoming.as_str()
    }
}

/// A key that was created.
pub struct CreatedKey {
    /// The key.
    pub key: KeyView,
    /// A key of the same algorithm that was to sign from a later time, and still does.
    pub upcoming: Option<KeyView>,
}

/// Whether there is a key that signs by an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// There is.
    Now,
    /// The first one signs from this time.
    From(DateTime),
    /// There is no key for it.
    Never,
}

/// The keys, by the time they start to sign.
///
/// # Errors
/// The database's.
pub fn list(context: &mut Context<'_>) -> Result<Vec<KeyView>, OperationError> {
    let rows = signing_keys::all(context.connection)?;
    Ok(views(context, &rows))
}

/// Creates the first key for an algorithm: published at once, and signing after the configured delay, or at once.
///
/// # Errors
/// [`OperationError::Conflict`] if there is one, [`OperationError::Keys`], or the database's.
pub fn add(context: &mut Context<'_>, algorithm: Algorithm, at_once: bool) -> Result<KeyView, OperationError> {
    let is_known = |rows: &[SigningKeyRow]| rows.iter().any(|row| row.algorithm == algorithm);
    let before = openable(context)?;
    if before.is_empty() {
        make_initial(context)?;
    }
    if is_known(&before) {
        return Err(Conflict::KeyExists(algorithm).into());
    }
    // Without any key there is no server yet that publishes others.
    let signs_from = if at_once || before.is_empty() { context.now } else { lead_from(context) };
    let (secrets, now) = (&context.config.secrets, context.now);
    signing_keys::insert_missing(context.connection, |rows| -> Result<Vec<SigningKeyRow>, OperationError> {
        if is_known(rows) {
            return Ok(Vec::new()); // another process was first, or every installation has it
        }
        Ok(vec![keys::generate(secrets, algorithm, now, signs_from)?])
    })?;
    let rows = signing_keys::all(context.connection)?;
    let row = rows.iter().find(|row| row.algorithm == algorithm);
    let kid = row.ok_or(Conflict::NoKey(algorithm))?.kid.clone();
    created(context, kid)
}

/// Creates a new key for an algorithm, which signs instead of the one before: after the configured delay, or at once.
///
/// # Errors
/// [`OperationError::Conflict`] if there is none, or another new one is published already; [`OperationError::Keys`], or the
/// database's.
pub fn rotate(context: &mut Context<'_>, algorithm: Algorithm, at_once: bool) -> Result<CreatedKey, OperationError> {
    let rows = openable(context)?;
    if !rows.iter().any(|row| row.algorithm == algorithm) {
        return Err(Conflict::NoKey(algorithm).into());
    }
    let upcoming = views(context, &rows).into_iter().find(|key| key.is_upcoming() && key.algorithm == algorithm.as_str());
    if let (Some(key), false) = (&upcoming, at_once) {
        return Err(Conflict::KeyUpcoming { kid: key.kid.clone(), signs_from: key.signs_from }.into());
    }
    let signs_from = if at_once { context.now } else { lead_from(context) };
    let key = keys::generate(&context.config.secrets, algorithm, context.now, signs_from)?;
    signing_keys::insert(context.connection, &key)?;
    Ok(CreatedKey { key: created(context, key.kid)?, upcoming })
}

/// Whether tokens can be signed by this algorithm now: resource servers that have not seen its key would refuse them.
///
/// # Errors
/// [`OperationError::Keys`], or the database's.
pub fn signing(context: &mut Context<'_>, algorithm: Algorithm) -> Result<Signing, OperationError> {
    if openable(context)?.is_empty() {
        make_initial(context)?;
    }
    let rows = signing_keys::all(context.connection)?;
    if first_keys::signs_yet(&rows, algorithm, context.now) {
        return Ok(Signing::Now);
    }
    let first = rows.iter().find(|row| row.algorithm == algorithm);
    Ok(first.map_or(Signing::Never, |key| Signing::From(DateTime(key.signs_from))))
}

/// The time from which a key created now signs.
fn lead_from(context: &Context<'_>) -> Timestamp {
    context.now.plus(context.config.lifetimes.signing_key_activation_delay)
}

/// Creates the keys of every installation, if this is the first operation on a fresh database.
fn make_initial(context: &mut Context<'_>) -> Result<(), OperationError> {
    let lead = context.config.lifetimes.signing_key_activation_delay;
    first_keys::make(context.connection, &context.config.secrets, context.now, lead)
}

/// Every key. A key sealed under a secret that the server does not have would stop the server: those that sign must be readable.
fn openable(context: &mut Context<'_>) -> Result<Vec<SigningKeyRow>, OperationError> {
    let rows = signing_keys::all(context.connection)?;
    let ring = KeyRing::open(&rows, &context.config.secrets, &KeyRing::default())?;
    match ring.check(context.now) {
        // The server creates a key for the default algorithm when it starts.
        Ok(()) | Err(jose::Error::NoKey(_)) => Ok(rows),
        Err(error) => Err(error.into()),
    }
}

fn created(context: &mut Context<'_>, kid: String) -> Result<KeyView, OperationError> {
    let rows = signing_keys::all(context.connection)?;
    let key = views(context, &rows).into_iter().find(|key| key.kid == kid);
    key.ok_or_else(|| Conflict::KeyDeleted(kid).into())
}

fn views(context: &Context<'_>, rows: &[SigningKeyRow]) -> Vec<KeyView> {
    let keep = context.config.lifetimes.access_token.max(context.config.lifetimes.id_token);
    let states = keys::states(rows, context.now, keep);
    let view = |(row, state): (&SigningKeyRow, KeyState)| KeyView {
        kid: row.kid.clone(),
        algorithm: row.algorithm.as_str(),
        state: state.as_str(),
        created: DateTime(row.created_at),
        signs_from: DateTime(row.signs_from),
    };
    rows.iter().zip(states).map(view).collect()
}
