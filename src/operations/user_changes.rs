//! Changes of accounts by an operator: adding users, their details, disabling and enabling; passwords are `recovery`. Each change is a
//! transaction of `store::account`, which writes the activity and the e-mail, and ends links.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    Actor, Conflict, Context, NewPassword, OperationError, Resource,
    details::{self, DetailChanges},
    recovery::hash,
    users::{UserView, find, view},
};
use crate::{
    config::MailTransport,
    passwords,
    protocol::{
        account::{
            activity::Activity,
            link::LinkKind,
            login_name::LoginName,
            notification::{Notification, NotificationKind},
            subject::Kept,
            user,
        },
        error::Invalid,
        oauth::{registration::check_sector, scope::ScopeClaims},
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{self, account, links::Link, mail_requests, rate_limits, users},
};

/// A user of another system, checked.
pub use crate::store::account::ImportedUser;

/// What a user of another system has besides what any new user has.
#[derive(Clone, Debug, Default)]
pub struct FromElsewhere {
    /// The hash of the password there: a text, or an object as that system exports it.
    pub password_hash: Option<Value>,
    /// The subject there.
    pub subject: Option<String>,
    /// The pairwise subjects there, by sector.
    pub pairwise_subjects: BTreeMap<String, String>,
}

/// A user to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user name.
    pub username: String,
    /// The display name.
    pub display_name: Option<String>,
    /// The address; `None` if the operator says that they have none.
    pub email: Option<String>,
    /// Whether it is verified.
    pub email_verified: bool,
    /// Roles, groups and attributes.
    pub details: DetailChanges,
}

/// A change of a display name.
#[derive(Clone, Debug)]
pub enum NameChange {
    /// It is removed.
    Remove,
    /// It is replaced.
    Set(String),
}

/// Changes of the details of a user; `None` leaves a value.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    /// The display name.
    pub display_name: Option<NameChange>,
    /// The address, which is not verified unless `email_verified` says so.
    pub email: Option<String>,
    /// Whether the address is removed.
    pub removes_email: bool,
    /// Whether the address is verified.
    pub email_verified: Option<bool>,
    /// Roles, groups and attributes.
    pub details: DetailChanges,
}

/// The users that were imported.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Imported {
    /// How many.
    pub added: usize,
}

/// Checks the user to be added, as far as the password does not matter: nothing is written.
///
/// # Errors
/// [`OperationError::Invalid`], [`OperationError::Conflict`] if the name or address is taken, or the database's.
pub fn check_new(context: &mut Context<'_>, new: &NewUser) -> Result<user::User, OperationError> {
    let claims = checked(context, new)?;
    if users::find_by_login(context.connection, &LoginName::parse(&claims.username))?.is_some() {
        return Err(Conflict::UserName(claims.username).into());
    }
    if let Some(email) = claims.address()
        && users::find_by_login(context.connection, &LoginName::parse(email))?.is_some()
    {
        return Err(Conflict::EmailAddress(claims.email).into());
    }
    Ok(claims)
}

/// The data behind the claims of a new user.
fn checked(context: &Context<'_>, new: &NewUser) -> Result<user::User, Invalid> {
    let mut claims = user::User {
        id: random::id(context.now),
        subject: None,
        username: details::username(&new.username, new.email.as_deref())?,
        display_name: new.display_name.as_deref().map(details::display_name).transpose()?,
        email: new.email.as_deref().map(details::email).transpose()?.unwrap_or_default(),
        email_verified: new.email_verified && new.email.is_some(),
        roles: vec![],
        groups: vec![],
        attributes: serde_json::Map::new(),
        updated_at: context.now,
    };
    new.details.apply(&mut claims, &context.config.scope_claims)?;
    Ok(claims)
}

/// Adds a user whom [`check_new`] has checked.
///
/// # Errors
/// [`OperationError::Invalid`] if the password is refused, [`OperationError::Conflict`] if the name or address is taken, or the
/// database's.
pub fn add(
    context: &mut Context<'_>,
    actor: Actor<'_>,
    claims: user::User,
    password: &NewPassword<'_>,
) -> Result<UserView, OperationError> {
    let hash = hash(context, &claims, password)?;
    let user = with_hash(claims, Some(hash), context.now);
    match account::add(context.connection, &user, &actor.event(context.now, user.claims.id, Activity::Added)) {
        // Another operator added them meanwhile.
        Err(store::Error::Conflict(_)) => {
            Err(Conflict::UserNameOrAddress { username: user.claims.username, email: user.claims.email }.into())
        }
        added => added.map(|()| user.into()).map_err(OperationError::from),
    }
}

/// Sends a link to a user's address by which they confirm it: false if no e-mail can be sent, or there is nothing to confirm.
///
/// # Errors
/// The database's.
pub fn ask_to_confirm(context: &mut Context<'_>, actor: Actor<'_>, user: &UserView) -> Result<bool, OperationError> {
    let is_off = matches!(context.config.mail.transport, MailTransport::Off);
    let (Some(email), Ok(id), false) = (&user.email, Id::parse(&user.id), user.email_verified || is_off) else {
        return Ok(false);
    };
    let now = context.now;
    let link = Link { user_id: Some(id), email: Some(email.clone()), ..Link::new(random::id(now), LinkKind::ConfirmEmail, now) };
    let notice = Notification {
        kind: NotificationKind::ConfirmEmail,
        to: email.clone(),
        name: None,
        grant: None,
        at: now,
        origin: actor.origin.clone(),
        about: Some(user.username.clone()),
        link: Some(link.id),
    };
    mail_requests::ask_to_confirm(context.connection, id, &link, (random::id(now), &notice))?;
    Ok(true)
}

/// A user of another system, with the hash of the password and the subjects there.
///
/// # Errors
/// [`Invalid`].
pub fn imported(context: &Context<'_>, new: &NewUser, there: &FromElsewhere) -> Result<ImportedUser, Invalid> {
    let named = |what: &str, why: &Invalid| Invalid::from(format!("{what}: {why}"));
    let password_hash = there.password_hash.as_ref().map(passwords::imported).transpose();
    let password_hash = password_hash.map_err(|why| named("password_hash", &why))?;
    let mut claims = checked(context, new)?;
    match there.subject.as_deref().map(Kept::parse).transpose().map_err(|why| named("sub", &why))? {
        Some(Kept::Id(id)) => claims.id = id,
        Some(Kept::Text(subject)) => claims.subject = Some(subject),
        None => {}
    }
    for (sector, subject) in &there.pairwise_subjects {
        check_sector(sector).and_then(|()| Kept::parse(subject)).map_err(|why| named("pairwise_subs", &why)).and_then(
            |kept| match kept {
                Kept::Id(_) => {
                    Err("pairwise_subs: expected something that cannot be mistaken for a user's id: not 32 hexadecimal digits"
                        .into())
                }
                Kept::Text(_) => Ok(()),
            },
        )?;
    }
    let pairwise = there.pairwise_subjects.clone().into_iter().collect();
    Ok(ImportedUser { user: with_hash(claims, password_hash, context.now), pairwise })
}

fn with_hash(claims: user::User, password_hash: Option<String>, now: Timestamp) -> users::User {
    users::User { claims, password_hash, disabled_at: None, created_at: now, signed_in_at: None, sign_in_again_at: None }
}

/// Adds users that [`imported`] has checked: all or none.
///
/// # Errors
/// [`OperationError::Conflict`] if a name or address is taken, or the database's.
pub fn import(context: &mut Context<'_>, actor: Actor<'_>, everyone: &[ImportedUser]) -> Result<Imported, OperationError> {
    let now = context.now;
    let taken = account::import(context.connection, everyone, |user| actor.event(now, user, Activity::Added))?;
    match taken.and_then(|at| Some((at, everyone.get(at)?))) {
        Some((at, user)) => {
            let claims = &user.user.claims;
            let mut taken = vec![format!("user name '{}'", claims.username)];
            taken.extend(claims.address().map(|email| format!("e-mail address '{email}'")));
            let kept = claims.subject.iter().chain(user.pairwise.iter().map(|(_, subject)| subject));
            taken.extend(kept.map(|subject| format!("subject '{subject}'")));
            Err(Conflict::Imported { at, taken }.into())
        }
        None => Ok(Imported { added: everyone.len() }),
    }
}

/// Changes the details of a user. It ends no session and no grant: tokens and claims follow at the next refresh and the next request.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Invalid`], [`OperationError::Conflict`] if the address is another user's, or the
/// database's.
pub fn change(
    context: &mut Context<'_>,
    actor: Actor<'_>,
    login: &str,
    changes: &UserChanges,
) -> Result<UserView, OperationError> {
    let (id, custom, now) = (find(context, login)?.claims.id, &context.config.scope_claims, context.now);
    let event = |activity| actor.event(now, id, activity);
    let done = account::change_details(context.connection, id, event, |user| -> Result<(), OperationError> {
        Ok(changes.apply(&mut user.claims, custom)?)
    });
    match done {
        Err(OperationError::Store(store::Error::Conflict(_))) => {
            Err(Conflict::EmailAddress(changes.email.clone().unwrap_or_default()).into())
        }
        done => done?.map(UserView::from).ok_or_else(|| Resource::User.missing(login)),
    }
}

impl UserChanges {
    fn apply(&self, claims: &mut user::User, custom: &ScopeClaims) -> Result<(), Invalid> {
        if let Some(change) = &self.display_name {
            claims.display_name = match change {
                NameChange::Remove => None,
                NameChange::Set(name) => Some(details::display_name(name)?),
            };
        }
        if let Some(email) = &self.email {
            let email = details::email(email)?;
            claims.email_verified &= email == claims.email; // another address has to be verified anew
            claims.email = email;
        }
        if self.removes_email {
            if claims.username.contains('@') {
                return Err(format!("user '{}': expected an e-mail address, because it is the user name", claims.username).into());
            }
            (claims.email, claims.email_verified) = (String::new(), false);
        }
        claims.email_verified = self.email_verified.unwrap_or(claims.email_verified);
        if claims.email_verified && claims.address().is_none() {
            return Err(
                format!("user '{}': expected an e-mail address that can be verified, received none", claims.username).into()
            );
        }
        self.details.apply(claims, custom)
    }
}

/// Disables an account and ends its sessions, grants and links.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn disable(context: &mut Context<'_>, actor: Actor<'_>, login: &str) -> Result<UserView, OperationError> {
    let id = find(context, login)?.claims.id;
    account::disable(context.connection, &actor.event(context.now, id, Activity::Disabled))?;
    view(context, id, login)
}

/// Enables an account again; what has ended stays ended.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn enable(context: &mut Context<'_>, actor: Actor<'_>, login: &str) -> Result<UserView, OperationError> {
    let id = find(context, login)?.claims.id;
    account::enable(context.connection, &actor.event(context.now, id, Activity::Enabled))?;
    rate_limits::forget_user(context.connection, &context.config.secrets, id)?;
    view(context, id, login)
}
