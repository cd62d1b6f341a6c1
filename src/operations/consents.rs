//! The consents that users gave to clients, and withdrawing them. The grants issued by a consent are `grants`.

use serde::Serialize;

use super::{
    Actor, Context, DateTime, OperationError, clients,
    page::{Page, Slice},
    users,
};
use crate::{
    protocol::account::activity::Activity,
    store::{
        account,
        activity::Event,
        consents::{self, Consent},
    },
};

/// A consent of a user.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentView {
    /// The client.
    pub client_id: String,
    /// The scopes it was allowed.
    pub scope: String,
    /// The APIs it was allowed.
    pub audiences: Vec<String>,
    /// Who gave it, the last time: the user, or the operator to a first-party client.
    pub given_by: &'static str,
    /// When it was last extended.
    pub granted: DateTime,
}

/// A consent that was withdrawn.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawnConsent {
    /// The user.
    pub username: String,
    /// The client.
    pub client_id: String,
    /// Always true.
    pub withdrawn: bool,
    /// How many grants were revoked.
    pub ended_grants: usize,
}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        Self {
            client_id: consent.client_id,
            scope: consent.allowed.scopes.to_string(),
            audiences: consent.allowed.audiences,
            given_by: consent.given_by.as_str(),
            granted: DateTime(consent.granted_at),
        }
    }
}

/// The consents of a user, ordered by client, which is the key.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn list(context: &mut Context<'_>, login: &str, slice: &Slice) -> Result<Page<ConsentView>, OperationError> {
    let user = users::find(context, login)?.claims.id;
    let (limit, rows) = slice.limits();
    let found = consents::page(context.connection, user, slice.after.as_deref(), rows)?;
    Ok(Page::of(found, limit, |consent| consent.client_id.clone()).map(ConsentView::from))
}

/// Withdraws a user's consent for a client: its grants are revoked, and it must ask again.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn withdraw(
    context: &mut Context<'_>,
    actor: Actor<'_>,
    login: &str,
    client: &str,
) -> Result<WithdrawnConsent, OperationError> {
    let user = users::find(context, login)?.claims;
    let client = clients::find(context, client)?;
    let event = Event { about: Some(&client.settings.client_name), ..actor.event(context.now, user.id, Activity::AppEnded) };
    let ended_grants = account::end_app(context.connection, &client.id, &event)?.unwrap_or_default();
    Ok(WithdrawnConsent { username: user.username, client_id: client.id, withdrawn: true, ended_grants })
}
