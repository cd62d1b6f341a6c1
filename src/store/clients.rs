//! The tables `clients` and `client_origins`; the second is derived from the first and written with it.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::{self, on_either},
    error::Error,
    mapping::{Row, json, span, time, times},
    revisions::{self, revision},
    schema::{client_origins, clients, consents, grants},
};
use crate::protocol::{
    grant::end_reason::EndReason,
    oauth::client::{AuthMethod, Client, ClientKeySource, ClientKind, GrantType, PkceRule},
    values::{
        algorithm::Algorithm,
        time::{Span, Timestamp},
    },
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = clients)]
struct ClientRow {
    id: String,
    name: String,
    kind: String,
    auth_method: String,
    secret_hash: Option<Vec<u8>>,
    redirect_uris: String,
    scopes: String,
    audiences: String,
    grant_types: String,
    pkce_required: bool,
    retry_window_ms: Option<i64>,
    cors_origins: String,
    disabled_at: Option<i64>,
    created_at: i64,
    previous_secret_hash: Option<Vec<u8>>,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    default_audiences: Option<String>,
    introspects: String,
    signing_algorithm: String,
    userinfo_signed: bool,
    pairwise_sector: Option<String>,
    post_logout_redirect_uris: String,
    backchannel_logout_uri: Option<String>,
    max_auth_age_ms: Option<i64>,
}

fn to_value(columns: ClientRow) -> Result<Client> {
    let row = Row { table: "clients", name: &columns.id };
    let grant_types = row.list("grant_types", &columns.grant_types)?;
    let grant_types = grant_types.iter().map(|name| row.name("grant_types", GrantType::from_name(name)));
    Ok(Client {
        kind: row.name("kind", ClientKind::from_name(&columns.kind))?,
        auth_method: row.name("auth_method", AuthMethod::from_name(&columns.auth_method))?,
        redirect_uris: row.list("redirect_uris", &columns.redirect_uris)?,
        scopes: row.scopes("scopes", &columns.scopes)?,
        audiences: row.list("audiences", &columns.audiences)?,
        grant_types: grant_types.collect::<Result<_>>()?,
        pkce: if columns.pkce_required { PkceRule::Required } else { PkceRule::Optional },
        retry_window: span(columns.retry_window_ms),
        cors_origins: row.list("cors_origins", &columns.cors_origins)?,
        default_audiences: columns.default_audiences.map(|list| row.list("default_audiences", &list)).transpose()?,
        introspects: row.list("introspects", &columns.introspects)?,
        algorithm: row.name("signing_algorithm", Algorithm::from_name(&columns.signing_algorithm))?,
        post_logout_redirect_uris: row.list("post_logout_redirect_uris", &columns.post_logout_redirect_uris)?,
        userinfo_signed: columns.userinfo_signed,
        keys: match (columns.jwks, columns.jwks_uri) {
            (Some(keys), _) => ClientKeySource::Inline(keys),
            (None, Some(url)) => ClientKeySource::Url(url),
            (None, None) => ClientKeySource::None,
        },
        pairwise_sector: columns.pairwise_sector,
        backchannel_logout_uri: columns.backchannel_logout_uri,
        max_auth_age: span(columns.max_auth_age_ms),
        previous_secret_hash: columns.previous_secret_hash,
        disabled_at: times(columns.disabled_at),
        created_at: time(columns.created_at),
        name: columns.name,
        secret_hash: columns.secret_hash,
        id: columns.id,
    })
}

/// The maximum number of ids in one statement.
const TOGETHER: usize = 500;

/// The client with this id.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Client>> {
    Ok(read(connection, id)?.map(|(client, _)| client))
}

/// The client with this id, and the revision it was read at.
///
/// # Errors
/// Database errors.
pub fn read(connection: &mut AnyConnection, id: &str) -> Result<Option<(Client, Option<i64>)>> {
    let found: Option<(ClientRow, Option<i64>)> = on_either!(connection, one => {
        clients::table.find(id).select((ClientRow::as_select(), revision!())).get_result(one).optional()
    })?;
    found.map(|(columns, revision)| Ok((to_value(columns)?, revision))).transpose()
}

/// The names of the registered ones among these clients.
///
/// # Errors
/// Database errors.
pub fn names(connection: &mut AnyConnection, ids: &[String]) -> Result<Vec<(String, String)>> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(TOGETHER) {
        let rows = clients::table.filter(clients::id.eq_any(some)).select((clients::id, clients::name));
        found.extend(rows.load::<(String, String)>(connection)?);
    }
    Ok(found)
}

/// Every client, ordered by id.
///
/// # Errors
/// Database errors.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Client>> {
    clients::table.select(ClientRow::as_select()).order(clients::id).load(connection)?.into_iter().map(to_value).collect()
}

/// A web origin that some client has.
#[derive(Clone, Copy, Debug)]
pub struct ClientOrigin {
    /// The revision it was read at.
    pub revision: Option<i64>,
}

/// This web origin, if any client has it.
///
/// # Errors
/// Database errors.
pub fn read_origin(connection: &mut AnyConnection, origin: &str) -> Result<Option<ClientOrigin>> {
    let row = client_origins::table.filter(client_origins::origin.eq(origin)).select(revision!());
    let revision: Option<Option<i64>> = on_either!(connection, one => row.first(one).optional())?;
    Ok(revision.map(|revision| ClientOrigin { revision }))
}

/// The columns of a client, except its id and the times of registration and disabling.
macro_rules! columns {
    ($client:expr) => {{
        let client: &Client = $client;
        let grant_types: Vec<_> = client.grant_types.iter().map(|g| g.as_str().to_owned()).collect();
        let (jwks, jwks_uri) = match &client.keys {
            ClientKeySource::None => (None, None),
            ClientKeySource::Inline(keys) => (Some(keys.as_str()), None),
            ClientKeySource::Url(url) => (None, Some(url.as_str())),
        };
        (
            (
                clients::name.eq(&client.name),
                clients::kind.eq(client.kind.as_str()),
                clients::auth_method.eq(client.auth_method.as_str()),
                clients::secret_hash.eq(client.secret_hash.as_deref()),
                clients::previous_secret_hash.eq(client.previous_secret_hash.as_deref()),
                clients::jwks.eq(jwks),
                clients::jwks_uri.eq(jwks_uri),
                clients::redirect_uris.eq(json(&client.redirect_uris)),
            ),
            (
                clients::scopes.eq(client.scopes.to_string()),
                clients::audiences.eq(json(&client.audiences)),
                clients::default_audiences.eq(client.default_audiences.as_deref().map(json)),
                clients::introspects.eq(json(&client.introspects)),
                clients::grant_types.eq(json(&grant_types)),
                clients::pkce_required.eq(client.pkce == PkceRule::Required),
                clients::retry_window_ms.eq(client.retry_window.map(Span::millis)),
                clients::cors_origins.eq(json(&client.cors_origins)),
            ),
            (
                clients::signing_algorithm.eq(client.algorithm.as_str()),
                clients::userinfo_signed.eq(client.userinfo_signed),
                clients::pairwise_sector.eq(client.pairwise_sector.as_deref()),
                clients::post_logout_redirect_uris.eq(json(&client.post_logout_redirect_uris)),
                clients::backchannel_logout_uri.eq(client.backchannel_logout_uri.as_deref()),
                clients::max_auth_age_ms.eq(client.max_auth_age.map(Span::millis)),
            ),
        )
    }};
}

/// Inserts a client and its origins.
///
/// # Errors
/// [`super::Error::Conflict`] if the id already exists.
pub fn insert(connection: &mut AnyConnection, client: &Client) -> Result<()> {
    dialect::together(connection, |connection| insert_row(connection, client))
}

/// Inserts the client that `make` returns, with clients and APIs locked.
///
/// # Errors
/// Errors of `make`, or of the database: [`super::Error::Conflict`] if the id already exists.
pub fn register<E: From<Error>>(
    connection: &mut AnyConnection,
    make: impl FnOnce(&mut AnyConnection) -> std::result::Result<Client, E>,
) -> std::result::Result<Client, E> {
    dialect::exclusively(connection, |connection| {
        let client = make(connection)?;
        insert_row(connection, &client)?;
        Ok(client)
    })
}

fn insert_row(connection: &mut AnyConnection, client: &Client) -> Result<()> {
    let (one, two, three) = columns!(client);
    let own = (
        clients::id.eq(&client.id),
        clients::created_at.eq(client.created_at.millis()),
        clients::disabled_at.eq(client.disabled_at.map(Timestamp::millis)),
    );
    revisions::registrations_change(connection)?;
    diesel::insert_into(clients::table).values((own, one, two, three)).execute(connection)?;
    insert_origins(connection, client)
}

/// Updates a client: reads it, applies `change`, and writes it back, with clients and APIs locked. `None` if there is no such
/// client.
///
/// # Errors
/// Errors of `change`, or of the database.
pub fn update<E: From<Error>>(
    connection: &mut AnyConnection,
    id: &str,
    change: impl FnOnce(&mut AnyConnection, &mut Client) -> std::result::Result<(), E>,
) -> std::result::Result<Option<Client>, E> {
    dialect::exclusively(connection, |connection| {
        let Some(mut client) = find(connection, id)? else { return Ok(None) };
        change(connection, &mut client)?;
        replace(connection, &client)?;
        Ok(Some(client))
    })
}

/// Overwrites an existing client, except whether it is disabled. Part of an exclusive transaction.
pub(super) fn replace(connection: &mut AnyConnection, client: &Client) -> Result<()> {
    let (one, two, three) = columns!(client);
    revisions::registrations_change(connection)?;
    if diesel::update(clients::table.find(&client.id)).set((one, two, three)).execute(connection)? == 0 {
        return Ok(());
    }
    diesel::delete(client_origins::table.filter(client_origins::client_id.eq(&client.id))).execute(connection)?;
    insert_origins(connection, client)
}

fn insert_origins(connection: &mut AnyConnection, client: &Client) -> Result<()> {
    for origin in client.origins() {
        diesel::insert_into(client_origins::table)
            .values((client_origins::origin.eq(origin), client_origins::client_id.eq(&client.id)))
            .execute(connection)?;
    }
    Ok(())
}

/// Disables the client (at a time) or enables it (`None`); false if there is no such client.
///
/// # Errors
/// Database errors.
pub fn set_disabled(connection: &mut AnyConnection, id: &str, at: Option<Timestamp>) -> Result<bool> {
    let set = clients::disabled_at.eq(at.map(Timestamp::millis));
    dialect::together(connection, |connection| {
        revisions::registrations_change(connection)?;
        Ok(diesel::update(clients::table.find(id)).set(set).execute(connection)? == 1)
    })
}

/// Deletes the client, its consents and its grants; false if there is no such client.
///
/// # Errors
/// Database errors.
pub fn delete(connection: &mut AnyConnection, id: &str, now: Timestamp) -> Result<bool> {
    dialect::exclusively(connection, |connection| -> Result<bool> {
        // Without consent no further grant is issued; then the grants are revoked, which may take a while without blocking anyone.
        diesel::delete(consents::table.filter(consents::client_id.eq(id))).execute(connection)?;
        diesel::update(grants::table.filter(grants::client_id.eq(id)).filter(grants::revoked_at.is_null()))
            .set((grants::revoked_at.eq(Some(now.millis())), grants::end_reason.eq(EndReason::ClientDeleted.name())))
            .execute(connection)?;
        revisions::registrations_change(connection)?;
        diesel::delete(client_origins::table.filter(client_origins::client_id.eq(id))).execute(connection)?;
        Ok(diesel::delete(clients::table.find(id)).execute(connection)? == 1)
    })
}
