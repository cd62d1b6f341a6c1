//! Clients as an operator finds, disables and deletes them, and their secrets: a client may have two active ones, so that it takes
//! over a new one without an outage. A secret is returned once, when it is created; only its hash is stored.

use super::{
    Conflict, Context, OperationError, Resource,
    page::{Page, Slice},
};
use crate::{
    protocol::{
        error::Invalid,
        oauth::{
            client::{AuthMethod, Client},
            client_auth::secret_hash,
            client_refusal::ClientRefusal,
        },
        secrets::sensitive::Sensitive,
    },
    random,
    store::{client_refusals, clients},
};

/// The client with this id.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn find(context: &mut Context<'_>, id: &str) -> Result<Client, OperationError> {
    clients::find(context.connection, id)?.ok_or_else(|| Resource::Client.missing(id))
}

/// Clients, ordered by id, which is the key.
///
/// # Errors
/// The database's.
pub fn list(context: &mut Context<'_>, slice: &Slice) -> Result<Page<Client>, OperationError> {
    let (limit, rows) = slice.limits();
    let found = clients::page(context.connection, slice.after.as_deref(), rows)?;
    Ok(Page::of(found, limit, |client| client.id.clone()))
}

/// Disables a client: it gets no tokens until it is enabled again. The time since when it is disabled stays unchanged.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn disable(context: &mut Context<'_>, id: &str) -> Result<Client, OperationError> {
    switch(context, id, false)
}

/// Enables a client again; its grants work again.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn enable(context: &mut Context<'_>, id: &str) -> Result<Client, OperationError> {
    switch(context, id, true)
}

fn switch(context: &mut Context<'_>, id: &str, on: bool) -> Result<Client, OperationError> {
    let before = find(context, id)?;
    let disabled_at = if on { None } else { before.disabled_at.or(Some(context.now)) };
    if !clients::set_disabled(context.connection, id, disabled_at)? {
        return Err(Resource::Client.missing(id));
    }
    Ok(Client { disabled_at, ..before })
}

/// A client with a new secret.
pub struct NewSecret {
    /// The client.
    pub client: Client,
    /// The secret, which is stored nowhere.
    pub secret: Sensitive<String>,
}

/// Creates a new secret; the old one stays active, unless it is to be revoked at once.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Invalid`] if it has no secret, [`OperationError::Conflict`] if it has two, or the
/// database's.
pub fn rotate_secret(context: &mut Context<'_>, id: &str, at_once: bool) -> Result<NewSecret, OperationError> {
    let secret = random::client_secret();
    let change = |client: &mut Client| -> Result<(), OperationError> {
        expect_secret(client)?;
        if client.previous_secret_hash.is_some() && !at_once {
            return Err(Conflict::TwoSecrets(client.id.clone()).into());
        }
        client.previous_secret_hash = client.secret_hash.replace(secret_hash(secret.expose())).filter(|_| !at_once);
        Ok(())
    };
    let changed = clients::update(context.connection, id, |_, client| change(client))?;
    let client = changed.ok_or_else(|| Resource::Client.missing(id))?;
    Ok(NewSecret { client, secret })
}

/// Revokes the older of two secrets; returns whether there were two.
///
/// # Errors
/// [`OperationError::NotFound`], [`OperationError::Invalid`] if it has no secret, or the database's.
pub fn retire_secret(context: &mut Context<'_>, id: &str) -> Result<(Client, bool), OperationError> {
    let mut had_two = false;
    let changed = clients::update(context.connection, id, |_, client| -> Result<(), OperationError> {
        expect_secret(client)?;
        had_two = client.previous_secret_hash.take().is_some();
        Ok(())
    })?;
    Ok((changed.ok_or_else(|| Resource::Client.missing(id))?, had_two))
}

/// The last refused requests that named a client, latest first: at most ten at each endpoint, of the last thirty days. Whether they
/// came from it is not known.
///
/// # Errors
/// The database's.
pub fn refusals(context: &mut Context<'_>, id: &str) -> Result<Vec<ClientRefusal>, OperationError> {
    Ok(client_refusals::of(context.connection, id)?)
}

fn expect_secret(client: &Client) -> Result<(), Invalid> {
    if client.settings.keeps_secret() {
        return Ok(());
    }
    let why = match client.settings.token_endpoint_auth_method {
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => return Ok(()),
        AuthMethod::None => format!("a {} client, which has no secret", client.settings.kind.as_str()),
        AuthMethod::PrivateKeyJwt => "one that uses private_key_jwt and has no secret".into(),
    };
    Err(format!("client '{}': expected a client with a secret, received {why}", client.id).into())
}
