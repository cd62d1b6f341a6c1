//! What users can sign in with: of one user, and how many users have what.

use serde::Serialize;

use super::{Actor, Context, DateTime, OperationError, Resource, users::find};
use crate::{
    codes,
    protocol::{
        account::{
            activity::Activity,
            authenticator::{AuthenticatorKind, Owned, RECOVERY_CODES},
        },
        secrets::SecretRing,
        values::id::Id,
    },
    store::{
        AnyConnection, Result as Stored, account,
        activity::Event,
        authenticators::{self, Authenticator},
        resets,
        users::User,
    },
};

/// Seals the secrets of some TOTP apps and recovery codes again, after this id, that were sealed under an older server secret, so that it
/// can be retired. Returns where to continue; `None` at the end. One that cannot be opened is reported and left.
///
/// # Errors
/// Database errors.
pub fn reseal(connection: &mut AnyConnection, secrets: &SecretRing, after: Id, limit: u32) -> Stored<Option<Id>> {
    let sealed = authenticators::sealed_after(connection, after, limit)?;
    let mut count = 0_u32;
    for (id, content) in &sealed {
        match codes::resealed(secrets, *id, content) {
            Ok(None) => {}
            Ok(Some(again)) => count += u32::from(authenticators::reseal(connection, *id, (content, &again))?),
            Err(error) => {
                tracing::error!(%error, authenticator = %id, "an authenticator cannot be opened with any server secret");
            }
        }
    }
    if count > 0 {
        tracing::info!(count, "authenticators were sealed again, under the current server secret");
    }
    Ok(sealed.last().map(|(id, _)| *id).filter(|_| sealed.len() >= limit as usize))
}

/// What this user has.
///
/// # Errors
/// Database errors.
pub fn owned(connection: &mut AnyConnection, user: &User) -> Stored<Owned> {
    Ok(summary(user, &authenticators::of_user(connection, user.claims.id)?))
}

/// What a user with these authenticators has.
#[must_use]
pub fn summary(user: &User, authenticators: &[Authenticator]) -> Owned {
    let of_kind = |kind| authenticators.iter().filter(move |one| one.kind == kind);
    Owned {
        password: user.password_hash.is_some(),
        passkeys: of_kind(AuthenticatorKind::Passkey).count(),
        hardware: of_kind(AuthenticatorKind::Passkey).any(|one| one.attested),
        totp: of_kind(AuthenticatorKind::Totp).count(),
        recovery_codes: of_kind(AuthenticatorKind::RecoveryCodes).map(codes_left).sum(),
    }
}

/// How many codes of a set are left.
fn codes_left(set: &Authenticator) -> u32 {
    RECOVERY_CODES.saturating_sub(set.counter.count_ones())
}

/// What a user can sign in with, with nothing secret.
#[derive(Clone, Debug, Serialize)]
pub struct UserAuthenticators {
    /// The user's id.
    pub id: String,
    /// Their name.
    pub username: String,
    /// Whether there is a password.
    pub password: bool,
    /// Everything else, oldest first.
    pub authenticators: Vec<AuthenticatorView>,
    /// When all of these are removed, if an operator has requested it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<DateTime>,
}

/// An authenticator.
#[derive(Clone, Debug, Serialize)]
pub struct AuthenticatorView {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: AuthenticatorKind,
    /// The name that its owner gave it.
    pub name: Option<String>,
    /// A passkey's model, as an AAGUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether a passkey is kept by a provider on several devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced: Option<bool>,
    /// The number of recovery codes that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes_left: Option<u32>,
    /// When it was added.
    pub added: DateTime,
    /// When it was last used.
    pub last_used: Option<DateTime>,
}

impl From<Authenticator> for AuthenticatorView {
    fn from(one: Authenticator) -> Self {
        let is = |kind| one.kind == kind;
        Self {
            id: one.id.to_string(),
            synced: is(AuthenticatorKind::Passkey).then_some(one.synced),
            codes_left: is(AuthenticatorKind::RecoveryCodes).then(|| codes_left(&one)),
            kind: one.kind,
            name: one.name,
            model: one.model,
            added: DateTime(one.created_at),
            last_used: one.last_used_at.map(DateTime),
        }
    }
}

/// An authenticator that was removed.
#[derive(Clone, Debug, Serialize)]
pub struct RemovedAuthenticator {
    /// The user's name.
    pub username: String,
    /// What was removed.
    pub removed: AuthenticatorView,
    /// What is left.
    pub left: usize,
}

/// How many users have what.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AuthenticatorCounts {
    /// All users.
    pub users: i64,
    /// Those with a password.
    pub with_password: i64,
    /// Those with a passkey.
    pub with_passkey: i64,
    /// Those with an authenticator app.
    pub with_totp: i64,
    /// Those with recovery codes.
    pub with_recovery_codes: i64,
    /// Those without passkey and authenticator app.
    pub without_second_factor: i64,
}

/// What a user can sign in with.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn list(context: &mut Context<'_>, login: &str) -> Result<UserAuthenticators, OperationError> {
    let user = find(context, login)?;
    let id = user.claims.id;
    let removed_at = resets::find(context.connection, id)?.map(|reset| DateTime(reset.due_at));
    let authenticators = authenticators::of_user(context.connection, id)?.into_iter().map(Into::into).collect();
    let (password, username) = (user.password_hash.is_some(), user.claims.username);
    Ok(UserAuthenticators { id: id.to_string(), username, password, authenticators, removed_at })
}

/// Removes an authenticator of a user, who is told.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn remove(
    context: &mut Context<'_>,
    actor: Actor<'_>,
    login: &str,
    id: &str,
) -> Result<RemovedAuthenticator, OperationError> {
    let user = find(context, login)?.claims;
    let missing = || Resource::Authenticator.missing(id);
    let named = Id::parse(id).map_err(|_| missing())?;
    let found = authenticators::find(context.connection, named)?.filter(|one| one.user_id == user.id).ok_or_else(missing)?;
    let about = described(&found);
    let event = Event { about: Some(&about), ..actor.event(context.now, user.id, Activity::AuthenticatorRemoved) };
    if !account::take_authenticator(context.connection, named, &event)? {
        return Err(missing());
    }
    let left = authenticators::of_user(context.connection, user.id)?.len();
    Ok(RemovedAuthenticator { username: user.username, removed: found.into(), left })
}

/// Cancels the removal of everything that a user has besides the password.
///
/// # Errors
/// [`OperationError::NotFound`], also if none was requested, or the database's.
pub fn cancel_reset(context: &mut Context<'_>, actor: Actor<'_>, login: &str) -> Result<UserAuthenticators, OperationError> {
    let user = find(context, login)?.claims;
    if !account::cancel_reset(context.connection, &actor.event(context.now, user.id, Activity::ResetCancelled))? {
        return Err(Resource::Reset.missing(login));
    }
    list(context, login)
}

/// How many users have what.
///
/// # Errors
/// The database's.
pub fn counts(context: &mut Context<'_>) -> Result<AuthenticatorCounts, OperationError> {
    let counts = authenticators::counts(context.connection)?;
    let of = |kind| counts.of_kind.iter().find(|(counted, _)| *counted == kind).map_or(0, |(_, users)| *users);
    Ok(AuthenticatorCounts {
        users: counts.users,
        with_password: counts.with_password,
        with_passkey: of(AuthenticatorKind::Passkey),
        with_totp: of(AuthenticatorKind::Totp),
        with_recovery_codes: of(AuthenticatorKind::RecoveryCodes),
        without_second_factor: counts.users - counts.with_second_factor,
    })
}

/// Its kind and name, as its owner reads them.
fn described(one: &Authenticator) -> String {
    let kind = match one.kind {
        AuthenticatorKind::Passkey => "Passkey",
        AuthenticatorKind::Totp => "Authenticator app",
        AuthenticatorKind::RecoveryCodes => "Recovery codes",
    };
    one.name.as_ref().map_or_else(|| kind.to_owned(), |name| format!("{kind}: {name}"))
}
