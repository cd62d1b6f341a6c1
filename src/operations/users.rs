//! Users as an operator sees them: finding one, listing them, what is active of one, and the activity of an account. Changes are
//! `user_changes`, the deletion is `deletions`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Context, DateTime, OperationError, Resource,
    grant_state::state,
    page::{Page, Slice},
};
use crate::{
    protocol::{
        account::{
            activity::{Entry, Origin},
            login_name::LoginName,
            user,
        },
        oauth::client::Client,
        values::id::Id,
    },
    store::{
        activity, clients,
        grants::{self, Filter},
        links::{self, Link},
        sessions,
        users::{self, User},
    },
};

/// A user, with nothing of the password.
#[derive(Clone, Debug, Serialize)]
pub struct UserView {
    /// The id.
    pub id: String,
    /// The subject at clients that get no pairwise one: the id, or that of another provider.
    pub sub: String,
    /// The name.
    pub username: String,
    /// The address.
    pub email: Option<String>,
    /// Whether it is verified.
    pub email_verified: bool,
    /// The display name.
    pub name: Option<String>,
    /// The roles.
    pub roles: Vec<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// Other claims.
    pub attributes: Map<String, Value>,
    /// Whether the account is disabled.
    pub disabled: bool,
    /// When it was created.
    pub created: DateTime,
    /// When it was last changed.
    pub updated: DateTime,
    /// The last sign-in.
    pub signed_in: Option<DateTime>,
    /// The time since when a new sign-in is required; `None` if it is not.
    pub sign_in_again_since: Option<DateTime>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        let sign_in_again_since = user.must_sign_in_since().map(DateTime);
        let claims = user.claims;
        Self {
            id: claims.id.to_string(),
            email: claims.address().map(str::to_owned),
            sub: claims.sub(),
            username: claims.username,
            email_verified: claims.email_verified,
            name: claims.display_name,
            roles: claims.roles,
            groups: claims.groups,
            attributes: claims.attributes,
            disabled: user.disabled_at.is_some(),
            created: DateTime(user.created_at),
            updated: DateTime(claims.updated_at),
            signed_in: user.signed_in_at.map(DateTime),
            sign_in_again_since,
        }
    }
}

/// A user with what is active of theirs.
#[derive(Clone, Debug, Serialize)]
pub struct UserDetails {
    /// The user.
    #[serde(flatten)]
    pub user: UserView,
    /// The number of browsers signed in.
    pub active_sessions: usize,
    /// The number of grants in use, or whose code can still be redeemed.
    pub active_grants: usize,
    /// The unused links in e-mails.
    pub open_links: Vec<LinkView>,
}

/// An open link in an e-mail. Its token is not included: whoever has it can use the link.
#[derive(Clone, Debug, Serialize)]
pub struct LinkView {
    /// Its purpose.
    pub kind: &'static str,
    /// The address it was sent to.
    pub to: Option<String>,
    /// When it was created.
    pub created: DateTime,
    /// When it expires.
    pub expires: DateTime,
}

impl From<&Link> for LinkView {
    fn from(link: &Link) -> Self {
        Self {
            kind: link.kind.name(),
            to: link.email.clone(),
            created: DateTime(link.created_at),
            expires: DateTime(link.expires_at),
        }
    }
}

/// An entry of the activity of an account.
#[derive(Clone, Debug, Serialize)]
pub struct ActivityView {
    /// Its id.
    pub id: String,
    /// The kind of activity.
    pub activity: &'static str,
    /// When it happened; of repeated activities, the last time.
    pub at: DateTime,
    /// How often.
    pub count: u32,
    /// Its subject.
    pub about: Option<String>,
    /// The grant it is about: `symbolon grant show` tells its history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The address it came from.
    pub address: Option<String>,
    /// The place.
    pub place: Option<String>,
    /// The browser or program.
    pub user_agent: Option<String>,
}

impl From<(Id, Entry)> for ActivityView {
    fn from((id, Entry { activity, at, origin, about, grant, count }): (Id, Entry)) -> Self {
        let (id, activity, at) = (id.to_string(), activity.name(), DateTime(at));
        let (grant, Origin { address, place, user_agent }) = (grant.map(|grant| grant.to_string()), origin);
        Self { id, activity, at, count, about, grant, address, place, user_agent }
    }
}

/// The user with this user name or e-mail address.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub(super) fn find(context: &mut Context<'_>, login: &str) -> Result<User, OperationError> {
    users::find_by_login(context.connection, &LoginName::parse(login))?.ok_or_else(|| Resource::User.missing(login))
}

/// The data behind the claims of a user.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn claims(context: &mut Context<'_>, login: &str) -> Result<user::User, OperationError> {
    Ok(find(context, login)?.claims)
}

/// Users, ordered by name; the key is the name.
///
/// # Errors
/// The database's.
pub fn list(context: &mut Context<'_>, slice: &Slice) -> Result<Page<UserView>, OperationError> {
    let (limit, rows) = slice.limits();
    // User names are stored, and ordered, in lower case.
    let after = slice.after.as_deref().map(LoginName::parse);
    let found = users::page(context.connection, after.as_ref().map(LoginName::as_str), rows)?;
    Ok(Page::of(found, limit, |user| user.claims.username.clone()).map(UserView::from))
}

/// A user with what is active of theirs.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn show(context: &mut Context<'_>, login: &str) -> Result<UserDetails, OperationError> {
    let user = find(context, login)?;
    let (id, now) = (user.claims.id, context.now);
    let (mut active_sessions, mut open_links) = (0, Vec::new());
    if user.disabled_at.is_none() {
        let lifetimes = &context.config.lifetimes;
        let sessions = sessions::unended_of(context.connection, id)?;
        active_sessions = sessions.iter().filter(|session| !session.is_over(now, lifetimes.idle(session.remembered))).count();
        open_links = links::open_of(context.connection, id, now)?.iter().map(LinkView::from).collect();
    }
    let active_grants = active_grants(context, id)?;
    Ok(UserDetails { user: user.into(), active_sessions, active_grants, open_links })
}

/// The number of a user's active grants; read page by page, and each client once.
fn active_grants(context: &mut Context<'_>, user: Id) -> Result<usize, OperationError> {
    const PAGE: u32 = 500;
    let filter = Filter { user: Some(user), client: None };
    let mut known: BTreeMap<String, Option<Client>> = BTreeMap::new();
    let (mut active, mut before) = (0, None);
    loop {
        let page = grants::list_found(context.connection, &filter, before, PAGE)?;
        let Some(last) = page.last() else { return Ok(active) };
        before = Some(last.grant.id);
        for found in page.iter().filter(|found| found.grant.revoked_at.is_none() && found.grant.expires_at > context.now) {
            let id = &found.grant.client_id;
            if !known.contains_key(id) {
                known.insert(id.clone(), clients::find(context.connection, id)?);
            }
            let client = known.get(id).and_then(Option::as_ref);
            active += usize::from(state(context, found, client).1.is_none());
        }
    }
}

/// The activity of an account, newest first; the key is the id.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Invalid`] if the key is no id, or the database's.
pub fn activity(context: &mut Context<'_>, login: &str, slice: &Slice) -> Result<Page<ActivityView>, OperationError> {
    let user = find(context, login)?.claims.id;
    let (limit, rows) = slice.limits();
    let found = activity::of(context.connection, user, slice.after_id()?, rows)?;
    Ok(Page::of(found, limit, |(id, _)| id.to_string()).map(ActivityView::from))
}

/// A user as changed, who was found by this name.
pub(super) fn view(context: &mut Context<'_>, id: Id, login: &str) -> Result<UserView, OperationError> {
    users::find(context.connection, id)?.map(UserView::from).ok_or_else(|| Resource::User.missing(login))
}
