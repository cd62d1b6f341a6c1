//! The grants that users gave to clients, as an operator sees and revokes them. Whether a grant is still active is decided by
//! `protocol::grant`; this module reads its input.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Actor, Context, DateTime, OperationError, Resource, clients as client_operations,
    grant_state::state,
    page::{Page, Slice},
    users as user_operations,
};
use crate::{
    protocol::{
        account::activity::Activity,
        error::Invalid,
        grant::{
            end_reason::{EndReason, Inactive},
            history::{self, Changes, HistoryEntry},
        },
        oauth::client::Client,
        values::id::Id,
    },
    store::{
        account,
        activity::Event,
        clients, grant_history,
        grants::{self, Filter, Found},
        users,
    },
};

/// The maximum number of events shown of one grant; the newest are kept.
const EVENTS: u32 = 10_000;

/// A grant.
#[derive(Clone, Debug, Serialize)]
pub struct GrantView {
    /// Its id.
    pub id: String,
    /// The client.
    pub client_id: String,
    /// The user.
    pub user_id: String,
    /// The user's name, if they still exist.
    pub username: Option<String>,
    /// The scopes.
    pub scope: String,
    /// The APIs.
    pub audiences: Vec<String>,
    /// `code` until the code is redeemed, then `active`, finally `ended`.
    pub state: &'static str,
    /// The reason why it has ended.
    pub reason: Option<Inactive>,
    /// Whether it ends with the browser session.
    pub ends_with_session: bool,
    /// When it was issued.
    pub created: DateTime,
    /// When it was last used.
    pub last_used: Option<DateTime>,
    /// Its absolute expiry.
    pub expires: DateTime,
    /// The name that the user gave to its device.
    pub device_name: Option<String>,
    /// The address it was last used from; until the code is redeemed, that of the user's browser.
    pub address: Option<String>,
    /// The place of that address.
    pub place: Option<String>,
    /// The program that used it.
    pub user_agent: Option<String>,
}

/// A grant with its history.
#[derive(Clone, Debug, Serialize)]
pub struct GrantDetails {
    /// The grant.
    #[serde(flatten)]
    pub grant: GrantView,
    /// The client's name, if it still exists.
    pub client_name: Option<String>,
    /// When the user signed in for it.
    pub auth_time: DateTime,
    /// How many times its credential was used.
    pub generation: u32,
    /// Its events, oldest first.
    pub history: Vec<GrantEventView>,
}

/// An event of a grant.
#[derive(Clone, Debug, Serialize)]
pub struct GrantEventView {
    /// What happened.
    pub event: &'static str,
    /// When.
    pub at: DateTime,
    /// The generation of the credential.
    pub generation: u32,
    /// The address it came from.
    pub address: Option<String>,
    /// The place.
    pub place: Option<String>,
    /// The program.
    pub user_agent: Option<String>,
    /// Why it was revoked.
    pub why: Option<EndReason>,
    /// Whether the address differs from that of the event before.
    pub new_address: bool,
    /// Whether the program differs from that of the event before.
    pub new_user_agent: bool,
}

/// A grant that was revoked.
#[derive(Clone, Debug, Serialize)]
pub struct RevokedGrant {
    /// Its id.
    pub id: String,
    /// Always true.
    pub revoked: bool,
    /// Whether it had been revoked before.
    #[serde(skip)]
    pub was_revoked: bool,
}

impl GrantEventView {
    /// An event, and what differs from the one before.
    #[must_use]
    pub fn new(entry: HistoryEntry, changes: Changes) -> Self {
        Self {
            event: entry.event.name(),
            at: DateTime(entry.at),
            generation: entry.generation,
            address: entry.address,
            place: entry.place,
            user_agent: entry.user_agent,
            why: entry.why,
            new_address: changes.address,
            new_user_agent: changes.user_agent,
        }
    }
}

/// Which grants to list.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    /// Only those of this user, by user name or e-mail address.
    pub user: Option<String>,
    /// Only those of this client.
    pub client: Option<String>,
}

/// Grants, newest first; the key is the id.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Invalid`] if the key is no id, or the database's.
pub fn list(context: &mut Context<'_>, filter: &GrantFilter, slice: &Slice) -> Result<Page<GrantView>, OperationError> {
    let user = filter.user.as_ref().map(|login| user_operations::find(context, login)).transpose()?;
    let filter = Filter { user: user.map(|user| user.claims.id), client: filter.client.clone() };
    let (limit, rows) = slice.limits();
    let found = grants::list_found(context.connection, &filter, slice.after_id()?, rows)?;
    if let (Some(client), true) = (&filter.client, found.is_empty()) {
        client_operations::find(context, client)?;
    }
    let Page { items, next } = Page::of(found, limit, |found| found.grant.id.to_string());
    Ok(Page { items: views(context, items)?, next })
}

/// Grants as they are shown, with the clients and the names of the users that they need.
fn views(context: &mut Context<'_>, all: Vec<Found>) -> Result<Vec<GrantView>, OperationError> {
    let ids: Vec<_> = all.iter().map(|found| found.grant.client_id.clone()).collect();
    let clients: BTreeMap<_, _> =
        clients::among(context.connection, ids)?.into_iter().map(|client| (client.id.clone(), client)).collect();
    let names: BTreeMap<_, _> =
        users::names(context.connection, all.iter().map(|found| found.grant.user_id).collect())?.into_iter().collect();
    let view =
        |found: Found| view(context, &found, clients.get(&found.grant.client_id), names.get(&found.grant.user_id).cloned());
    Ok(all.into_iter().map(view).collect())
}

fn view(context: &Context<'_>, found: &Found, client: Option<&Client>, username: Option<String>) -> GrantView {
    let (state, reason) = state(context, found, client);
    let grant = found.grant.clone();
    GrantView {
        id: grant.id.to_string(),
        client_id: grant.client_id,
        user_id: grant.user_id.to_string(),
        username,
        scope: grant.scopes.to_string(),
        audiences: grant.audiences,
        state,
        reason,
        ends_with_session: grant.session_id.is_some(),
        created: DateTime(grant.created_at),
        last_used: grant.rotated_at.map(DateTime),
        expires: DateTime(grant.expires_at),
        device_name: grant.device_name,
        address: grant.seen.address,
        place: grant.seen.place,
        user_agent: grant.seen.user_agent,
    }
}

/// A grant with its history.
///
/// # Errors
/// [`OperationError::Invalid`] if this is no id, [`OperationError::NotFound`], or the database's.
pub fn show(context: &mut Context<'_>, id: &str) -> Result<GrantDetails, OperationError> {
    let found = find(context, id)?;
    let entries = history::life(&found.grant, grant_history::of(context.connection, found.grant.id, EVENTS)?);
    let client = clients::find(context.connection, &found.grant.client_id)?;
    let username = users::find(context.connection, found.grant.user_id)?.map(|user| user.claims.username);
    let changes = history::changes(&entries);
    Ok(GrantDetails {
        client_name: client.as_ref().map(|client| client.settings.client_name.clone()),
        auth_time: DateTime(found.grant.auth_time),
        generation: found.grant.generation,
        history: entries.into_iter().zip(changes).map(|(entry, changes)| GrantEventView::new(entry, changes)).collect(),
        grant: view(context, &found, client.as_ref(), username),
    })
}

/// Revokes a grant: its refresh token stops working at once.
///
/// # Errors
/// [`OperationError::Invalid`] if this is no id, [`OperationError::NotFound`], or the database's.
pub fn revoke(context: &mut Context<'_>, actor: Actor<'_>, id: &str) -> Result<RevokedGrant, OperationError> {
    let grant = find(context, id)?.grant;
    let client =
        clients::find(context.connection, &grant.client_id)?.map_or(grant.client_id, |client| client.settings.client_name);
    let event =
        Event { about: Some(&client), grant: Some(grant.id), ..actor.event(context.now, grant.user_id, Activity::AppEnded) };
    let is_first = account::revoke_grant(context.connection, grant.id, EndReason::RevokedByOperator, &event)?;
    Ok(RevokedGrant { id: grant.id.to_string(), revoked: true, was_revoked: !is_first })
}

fn find(context: &mut Context<'_>, text: &str) -> Result<Found, OperationError> {
    let id = Id::parse(text).map_err(|_| Invalid::from(format!("grant '{text}': expected 32 hexadecimal digits")))?;
    grants::find(context.connection, id)?.ok_or_else(|| Resource::Grant.missing(id.to_string()))
}
