//! Passwords that an operator sets or takes, and requiring a new sign-in. Each is a transaction of `store::account`, which writes the
//! activity and the e-mail, and ends links.

use serde::Serialize;

use super::{
    Actor, Conflict, Context, DateTime, NewPassword, OperationError,
    users::{UserView, find, view},
};
use crate::{
    config::MailTransport,
    passwords::{PasswordError, rules::Rules},
    paths,
    protocol::{
        account::{activity::Activity, link::LinkKind, user},
        error::Invalid,
        values::time::{Span, Timestamp},
    },
    store::{
        account::{self, Others, RemovalOfOthers},
        activity::Event,
        rate_limits, users,
    },
};

/// The number of users read at once.
const PAGE: u32 = 500;

/// How long a user has to object to the removal of what they sign in with besides the password.
pub const TIME_TO_OBJECT: Span = Span::from_seconds(86_400);
/// The longest such time: as long as the link in the e-mail about it works.
const LONGEST_TO_OBJECT: Span = LinkKind::NotMe.lifetime();

/// A password reset that only the user can finish.
#[derive(Clone, Debug, Serialize)]
pub struct ResetBegun {
    /// The user.
    pub id: String,
    /// Their name.
    pub username: String,
    /// How many sessions were ended.
    pub ended_sessions: usize,
    /// How many grants were revoked.
    pub ended_grants: usize,
    /// Whether passkeys, authenticator apps and recovery codes were removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub authenticators_removed: bool,
    /// When they are removed, if they are and the user does not object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticators_removed_at: Option<DateTime>,
    /// The address to which an e-mail is sent.
    #[serde(rename = "told")]
    pub notified: String,
    /// Where a new password can be requested.
    pub url: String,
}

/// The sessions and grants that ended because they began before a time.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct SignInsEnded {
    /// The number of users concerned.
    pub users: usize,
    /// The number of sessions.
    pub ended_sessions: usize,
    /// The number of grants.
    pub ended_grants: usize,
}

/// Sets a new password, and ends the user's sessions, grants and links.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Invalid`] if the password is refused, or the database's.
pub fn set_password(
    context: &mut Context<'_>,
    actor: Actor<'_>,
    login: &str,
    password: &NewPassword<'_>,
) -> Result<UserView, OperationError> {
    let claims = find(context, login)?.claims;
    let hash = hash(context, &claims, password)?;
    account::reset_password(context.connection, &hash, &actor.event(context.now, claims.id, Activity::PasswordReset))?;
    rate_limits::forget_user(context.connection, &context.config.secrets, claims.id)?;
    view(context, claims.id, login)
}

/// Begins a password reset that an operator cannot finish (ASVS 6.4.6): all sessions and grants end, the password is removed, and an
/// e-mail says where to request a new one. There is no link to pass on: a reset link works only for ten minutes and in the browser
/// that requested it, and an operator who had one could choose the password. What else the user has to sign in with is removed `after`
/// a time in which they can object: otherwise whoever talks an operator into a reset, and reads the e-mails, has the account.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Conflict`] if no e-mail would reach the user, [`OperationError::Invalid`] if the time
/// is too long, or the database's.
pub fn reset(context: &mut Context<'_>, actor: Actor<'_>, login: &str, after: Span) -> Result<ResetBegun, OperationError> {
    if after > LONGEST_TO_OBJECT {
        return Err(Invalid::from(format!("after: expected at most {LONGEST_TO_OBJECT}, received {after}")).into());
    }
    let user = find(context, login)?.claims;
    if matches!(context.config.mail.transport, MailTransport::Off) {
        return Err(Conflict::NoMailToRecover(user.username).into());
    }
    let event = |activity| actor.event(context.now, user.id, activity);
    let (requested, ended) = (event(Activity::ResetRequested), event(Activity::EverythingEnded));
    let due_at = context.now.plus(after);
    let at = DateTime(due_at).to_string();
    let planned = Event { about: Some(&at), ..event(Activity::ResetPlanned) };
    let others = RemovalOfOthers { due_at, planned: &planned, done: &event(Activity::AuthenticatorsReset) };
    let Some((ended, others)) = account::take_password(context.connection, (&requested, &ended), others)? else {
        return Err(Conflict::CannotRecover(user.username).into());
    };
    rate_limits::forget_user(context.connection, &context.config.secrets, user.id)?;
    Ok(ResetBegun {
        id: user.id.to_string(),
        username: user.username,
        ended_sessions: ended.sessions.len(),
        ended_grants: ended.grants.len(),
        authenticators_removed: others == Others::Removed,
        authenticators_removed_at: if let Others::RemovedAt(at) = others { Some(DateTime(at)) } else { None },
        notified: user.email,
        url: context.config.issuer.url(paths::RECOVER),
    })
}

/// Requires a user to sign in again; until then, their grants are refused, but not revoked.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn sign_in_again(context: &mut Context<'_>, actor: Actor<'_>, login: &str) -> Result<UserView, OperationError> {
    let id = find(context, login)?.claims.id;
    account::ask_to_sign_in_again(context.connection, &actor.event(context.now, id, Activity::SignInAgain))?;
    view(context, id, login)
}

/// Ends the sessions and grants of everyone who signed in before a time, one user per transaction: a user who signs in meanwhile
/// does so after that time.
///
/// # Errors
/// The database's.
pub fn end_sign_ins_before(
    context: &mut Context<'_>,
    actor: Actor<'_>,
    before: Timestamp,
) -> Result<SignInsEnded, OperationError> {
    let (mut last, mut all) = (None, SignInsEnded::default());
    loop {
        let page = users::ids_after(context.connection, last, PAGE)?;
        let Some(end) = page.last() else { return Ok(all) };
        last = Some(*end);
        for id in page {
            let event = actor.event(context.now, id, Activity::SignInAgain);
            let ended = account::end_before(context.connection, before, &event)?;
            all.users += usize::from(!ended.sessions.is_empty() || !ended.grants.is_empty());
            all.ended_sessions += ended.sessions.len();
            all.ended_grants += ended.grants.len();
        }
    }
}

/// The hash of a new password, which must be a good one.
pub(super) fn hash(context: &Context<'_>, user: &user::User, password: &NewPassword<'_>) -> Result<String, Invalid> {
    let words = [user.username.as_str(), &user.email, user.display_name.as_deref().unwrap_or_default()];
    let text = password.text.expose();
    Rules::new(context.config).check(text, &words).map_err(|flaw| Invalid::from(flaw.to_string()))?;
    password.passwords.hash(text).map_err(|error| match error {
        PasswordError::Failed(why) => format!("password: {why}").into(),
        PasswordError::Busy => "password: too many passwords are being hashed; try again".into(),
    })
}
