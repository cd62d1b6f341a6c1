//! The tables `clients` and `client_origins`; the second is derived from the first and written with it. The settings of a client
//! are one column of JSON, `protocol::oauth::client_metadata`; there are columns only for what statements ask for.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    deletions::{self, Deleted},
    dialect::{self, on_either},
    error::Error,
    mapping::{Row, time, times},
    revisions::{self, revision},
    schema::{client_origins, client_refusals, clients},
};
use crate::protocol::{oauth::client::Client, values::time::Timestamp};

#[derive(Queryable, Selectable)]
#[diesel(table_name = clients)]
struct ClientRow {
    id: String,
    secret_hash: Option<Vec<u8>>,
    disabled_at: Option<i64>,
    created_at: i64,
    previous_secret_hash: Option<Vec<u8>>,
    settings: String,
}

fn to_value(columns: ClientRow) -> Result<Client> {
    Ok(Client {
        settings: Row { table: "clients", name: &columns.id }.json("settings", &columns.settings)?,
        secret_hash: columns.secret_hash,
        previous_secret_hash: columns.previous_secret_hash,
        disabled_at: times(columns.disabled_at),
        created_at: time(columns.created_at),
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

/// The registered ones among these clients.
///
/// # Errors
/// Database errors.
pub fn among(connection: &mut AnyConnection, mut ids: Vec<String>) -> Result<Vec<Client>> {
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(TOGETHER) {
        found.extend(clients::table.filter(clients::id.eq_any(some)).select(ClientRow::as_select()).load(connection)?);
    }
    found.into_iter().map(to_value).collect()
}

/// Clients ordered by id, after this one, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn page(connection: &mut AnyConnection, after: Option<&str>, limit: u32) -> Result<Vec<Client>> {
    let some = clients::table.filter(clients::id.gt(after.unwrap_or_default())).order(clients::id);
    let rows = some.limit(i64::from(limit)).select(ClientRow::as_select()).load(connection)?;
    rows.into_iter().map(to_value).collect()
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

/// The columns of a client, except its id and the times of registration and disabling. Name and back-channel logout URI are
/// settings that other statements ask for: they are written with the settings, and never read in their place.
macro_rules! columns {
    ($client:expr) => {{
        let client: &Client = $client;
        let settings = serde_json::to_string(&client.settings).map_err(|error| Error::Failed(error.to_string()))?;
        (
            clients::name.eq(&client.settings.client_name),
            clients::secret_hash.eq(client.secret_hash.as_deref()),
            clients::previous_secret_hash.eq(client.previous_secret_hash.as_deref()),
            clients::backchannel_logout_uri.eq(client.settings.backchannel_logout_uri.as_deref()),
            clients::settings.eq(settings),
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
    let own = (
        clients::id.eq(&client.id),
        clients::created_at.eq(client.created_at.millis()),
        clients::disabled_at.eq(client.disabled_at.map(Timestamp::millis)),
    );
    revisions::registrations_change(connection)?;
    if deletions::is_pending(connection, &Deleted::Client(client.id.clone()))? {
        return Err(Error::Conflict(format!("grants to a deleted client '{}' are still being revoked", client.id)));
    }
    diesel::insert_into(clients::table).values((own, columns!(client))).execute(connection)?;
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
        Ok(replace(connection, &client)?.then_some(client))
    })
}

/// Overwrites an existing client, except whether it is disabled; false if it was deleted meanwhile. Part of an exclusive transaction.
pub(super) fn replace(connection: &mut AnyConnection, client: &Client) -> Result<bool> {
    revisions::registrations_change(connection)?;
    if diesel::update(clients::table.find(&client.id)).set(columns!(client)).execute(connection)? == 0 {
        return Ok(false);
    }
    diesel::delete(client_origins::table.filter(client_origins::client_id.eq(&client.id))).execute(connection)?;
    insert_origins(connection, client)?;
    Ok(true)
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

/// Deletes the client: from now on there is none, and its consents and grants are purged by `deletions`; false if there is no such
/// client.
///
/// # Errors
/// Database errors.
pub fn delete(connection: &mut AnyConnection, id: &str, now: Timestamp) -> Result<bool> {
    dialect::together(connection, |connection| {
        revisions::registrations_change(connection)?;
        diesel::delete(client_origins::table.filter(client_origins::client_id.eq(id))).execute(connection)?;
        if diesel::delete(clients::table.find(id)).execute(connection)? == 0 {
            return Ok(false);
        }
        // Only now: until its row is gone, another transaction may hold it and add some.
        diesel::delete(client_refusals::table.filter(client_refusals::client_id.eq(id))).execute(connection)?;
        deletions::mark(connection, &Deleted::Client(id.to_owned()), now)?;
        Ok(true)
    })
}

/// Whether there is this client; if so, it is not deleted before the transaction ends.
pub(super) fn hold(connection: &mut AnyConnection, id: &str) -> Result<bool> {
    let row = clients::table.find(id).select(clients::id);
    let found: Option<String> = match connection {
        AnyConnection::Sqlite(sqlite) => row.get_result(sqlite).optional()?, // its transaction is the only writer
        AnyConnection::Postgres(postgres) => row.for_key_share().get_result(postgres).optional()?,
    };
    Ok(found.is_some())
}
