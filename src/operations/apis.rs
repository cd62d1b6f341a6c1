//! The APIs that tokens are for (RFC 8707), with their scopes. What may be registered is decided by
//! `protocol::oauth::api::Api::check`; what is removed from an API is removed from every client too, and reported.

use serde::Serialize;

use super::{
    Conflict, Context, DateTime, OperationError, Resource,
    page::{self, Page, Slice},
};
use crate::{
    protocol::{
        error::Invalid,
        oauth::{
            api::{Api, ApiScope},
            api_tokens::{self, ApiTokens, TokenTyp},
            client::Client,
        },
        oidc::authentication::{Class, by_word},
    },
    store::{self, apis, clients},
};

/// An API.
#[derive(Clone, Debug, Serialize)]
pub struct ApiView {
    /// Its identifier: the audience of its tokens.
    pub uri: String,
    /// The name shown to users.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<ApiScope>,
    /// The `typ` of its access tokens.
    pub token_typ: TokenTyp,
    /// The claims about the user that its access tokens have within the granted scopes.
    pub token_claims: Vec<String>,
    /// The weakest class of sign-in for its tokens, by its word.
    #[serde(skip_serializing_if = "Option::is_none", with = "by_word")]
    pub min_acr: Option<Class>,
    /// The clients that may request tokens for it.
    pub clients: Vec<String>,
    /// The clients that may introspect those tokens.
    pub introspected_by: Vec<String>,
    /// When it was registered.
    pub created: DateTime,
}

/// An API to be registered.
#[derive(Clone, Debug)]
pub struct NewApi {
    /// Its identifier.
    pub uri: String,
    /// The name shown to users.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<ApiScope>,
    /// What it decides about its access tokens.
    pub tokens: ApiTokens,
    /// The weakest class of sign-in for its tokens; `None` means any.
    pub min_acr: Option<Class>,
}

/// Another minimum of sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewMinimum {
    /// Any class is enough.
    Any,
    /// This one, or a stronger one.
    Class(Class),
}

/// Changes of an API.
#[derive(Clone, Debug, Default)]
pub struct ApiChanges {
    /// The name shown to users; `None` leaves it.
    pub name: Option<String>,
    /// The new list of scopes; `None` leaves it.
    pub scopes: Option<Vec<ApiScope>>,
    /// The names of scopes to remove.
    pub removed: Vec<String>,
    /// Scopes to add, or whose description changes.
    pub added: Vec<ApiScope>,
    /// The `typ` of its access tokens; `None` leaves it.
    pub token_typ: Option<TokenTyp>,
    /// The new list of claims in its access tokens; `None` leaves it.
    pub token_claims: Option<Vec<String>>,
    /// The weakest class of sign-in for its tokens; `None` leaves it.
    pub min_acr: Option<NewMinimum>,
}

/// What a client loses by a change.
#[derive(Clone, Debug, Serialize)]
pub struct Loss {
    /// The client.
    pub client_id: String,
    /// The APIs it loses.
    pub apis: Vec<String>,
    /// The scopes it loses.
    pub scopes: Vec<String>,
}

/// A changed API.
#[derive(Clone, Debug, Serialize)]
pub struct ChangedApi {
    /// The API.
    pub api: ApiView,
    /// What clients have lost.
    pub lost: Vec<Loss>,
}

/// An API that was removed.
#[derive(Clone, Debug, Serialize)]
pub struct RemovedApi {
    /// Its identifier.
    pub uri: String,
    /// Always true.
    pub removed: bool,
    /// What clients have lost.
    pub lost: Vec<Loss>,
}

impl ApiChanges {
    /// Applies the changes to the API.
    ///
    /// # Errors
    /// A scope to remove that the API does not have.
    pub fn apply(&self, api: &mut Api) -> Result<(), Invalid> {
        if let Some(name) = &self.name {
            name.trim().clone_into(&mut api.name);
        }
        if let Some(scopes) = &self.scopes {
            api.scopes.clone_from(scopes);
        }
        for name in &self.removed {
            let before = api.scopes.len();
            api.scopes.retain(|scope| scope.name != *name);
            if api.scopes.len() == before {
                return Err(format!("scope '{name}': the API has no such scope").into());
            }
        }
        for scope in &self.added {
            match api.scopes.iter_mut().find(|own| own.name == scope.name) {
                Some(own) => own.clone_from(scope),
                None => api.scopes.push(scope.clone()),
            }
        }
        api.tokens.typ = self.token_typ.unwrap_or(api.tokens.typ);
        if let Some(claims) = &self.token_claims {
            api.tokens.claims.clone_from(claims);
        }
        match self.min_acr {
            Some(NewMinimum::Class(class)) => api.min_acr = Some(class),
            Some(NewMinimum::Any) => api.min_acr = None,
            None => {}
        }
        Ok(())
    }
}

/// Registers an API.
///
/// # Errors
/// [`OperationError::Invalid`], [`OperationError::Conflict`] if the identifier is registered, or the database's.
pub fn add(context: &mut Context<'_>, new: NewApi) -> Result<ApiView, OperationError> {
    let NewApi { uri, name, scopes, tokens, min_acr } = new;
    let api = Api { uri, name: name.trim().to_owned(), scopes, tokens, min_acr, created_at: context.now };
    api_tokens::check_claims(&api.tokens.claims, &context.config.scope_claims)?;
    api.check(context.config.scope_claims.scopes())?;
    match apis::insert(context.connection, &api) {
        Err(store::Error::Conflict(_)) => {
            let registered = apis::named(context.connection, &api.uri)?;
            Err(Conflict::Api(registered.map_or(api.uri, |registered| registered.uri)).into())
        }
        inserted => {
            inserted?;
            // A client in an older database may already name it.
            view(context, api)
        }
    }
}

/// APIs, ordered by identifier, which is the key.
///
/// # Errors
/// The database's.
pub fn list(context: &mut Context<'_>, slice: &Slice) -> Result<Page<ApiView>, OperationError> {
    let (limit, rows) = slice.limits();
    let found = apis::page(context.connection, slice.after.as_deref(), rows)?;
    let Page { items, next } = Page::of(found, limit, |api| api.uri.clone());
    Ok(Page { items: views(context, items)?, next })
}

/// An API, and the clients that can use it.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn show(context: &mut Context<'_>, uri: &str) -> Result<ApiView, OperationError> {
    let api = named(context, uri)?;
    view(context, api)
}

fn named(context: &mut Context<'_>, uri: &str) -> Result<Api, OperationError> {
    apis::named(context.connection, uri)?.ok_or_else(|| Resource::Api.missing(uri))
}

/// Changes an API; scopes that no longer belong to any API are removed from all clients.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Invalid`], or the database's.
pub fn change(context: &mut Context<'_>, uri: &str, changes: &ApiChanges) -> Result<ChangedApi, OperationError> {
    let (before, Api { uri, .. }) = (clients::all(context.connection)?, named(context, uri)?);
    let custom = &context.config.scope_claims;
    // Only a new list: a claim of the old one may have been taken out of the configuration since.
    api_tokens::check_claims(changes.token_claims.as_deref().unwrap_or_default(), custom)?;
    let found = apis::change(context.connection, &uri, |api| -> Result<(), OperationError> {
        changes.apply(api)?;
        Ok(api.check(custom.scopes())?)
    })?;
    let api = found.ok_or_else(|| Resource::Api.missing(uri))?;
    let lost = losses(&before, &clients::all(context.connection)?);
    Ok(ChangedApi { api: view(context, api)?, lost })
}

/// Removes an API, and removes it from all clients with the scopes that no other API has.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn remove(context: &mut Context<'_>, uri: &str) -> Result<RemovedApi, OperationError> {
    let (before, Api { uri, .. }) = (clients::all(context.connection)?, named(context, uri)?);
    if !apis::remove(context.connection, &uri)? {
        return Err(Resource::Api.missing(uri));
    }
    let lost = losses(&before, &clients::all(context.connection)?);
    Ok(RemovedApi { uri, removed: true, lost })
}

fn losses(before: &[Client], after: &[Client]) -> Vec<Loss> {
    let lost = |before: &Client| {
        let after = after.iter().find(|after| after.id == before.id)?;
        let had = before.settings.audiences.iter().chain(&before.settings.introspects);
        let mut apis: Vec<_> = had
            .filter(|uri| !after.settings.audiences.contains(uri) && !after.settings.introspects.contains(uri))
            .cloned()
            .collect();
        apis.dedup();
        let scopes: Vec<_> =
            before.settings.scope.iter().filter(|scope| !after.settings.scope.contains(scope)).map(str::to_owned).collect();
        (!apis.is_empty() || !scopes.is_empty()).then(|| Loss { client_id: before.id.clone(), apis, scopes })
    };
    before.iter().filter_map(lost).collect()
}

fn view(context: &mut Context<'_>, api: Api) -> Result<ApiView, OperationError> {
    let uri = api.uri.clone();
    views(context, vec![api])?.pop().ok_or_else(|| Resource::Api.missing(uri))
}

/// APIs with the clients that can use them, whom one sweep of the clients finds.
fn views(context: &mut Context<'_>, apis: Vec<Api>) -> Result<Vec<ApiView>, OperationError> {
    let new = |api: Api| ApiView {
        clients: vec![],
        introspected_by: vec![],
        uri: api.uri,
        name: api.name,
        scopes: api.scopes,
        token_typ: api.tokens.typ,
        token_claims: api.tokens.claims,
        min_acr: api.min_acr,
        created: DateTime(api.created_at),
    };
    let mut views: Vec<ApiView> = apis.into_iter().map(new).collect();
    let mut after: Option<String> = None;
    loop {
        let some = clients::page(context.connection, after.as_deref(), page::MOST)?;
        let Some(last) = some.last() else { return Ok(views) };
        after = Some(last.id.clone());
        for client in &some {
            for view in &mut views {
                view.clients.extend(client.settings.audiences.contains(&view.uri).then(|| client.id.clone()));
                view.introspected_by.extend(client.settings.introspects.contains(&view.uri).then(|| client.id.clone()));
            }
        }
    }
}
