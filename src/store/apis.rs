//! The table `apis`: the resource servers by their identifiers, with their scopes. What a client may use of them is stored with the
//! client, so that deleting an API takes it from every client in the same transaction.

use diesel::prelude::*;

use super::{
    AnyConnection, Result, clients, dialect,
    error::Error,
    mapping::{Row, json, time},
    revisions::{self, revision},
    schema::apis,
};
use crate::protocol::{
    oauth::{
        api::{Api, ApiScope},
        api_tokens::{ApiTokens, TokenTyp},
        resource,
    },
    oidc::authentication::Class,
};

type Columns = (String, String, String, i64, String, String, Option<String>);

fn to_value((uri, name, scopes, created_at, typ, claims, min_acr): Columns) -> Result<Api> {
    let row = Row { table: "apis", name: &uri };
    let scopes: Vec<ApiScope> = row.json("scopes", &scopes)?;
    let tokens = ApiTokens { typ: row.name("token_typ", TokenTyp::from_name(&typ))?, claims: row.list("token_claims", &claims)? };
    let min_acr = min_acr.map(|word| row.name("min_acr", Class::from_word(&word))).transpose()?;
    Ok(Api { uri, name, scopes, tokens, min_acr, created_at: time(created_at) })
}

fn scopes(api: &Api) -> Result<String> {
    serde_json::to_string(&api.scopes).map_err(|error| super::Error::Failed(error.to_string()))
}

/// Of these APIs, the registered ones.
///
/// # Errors
/// Database errors.
pub fn of(connection: &mut AnyConnection, uris: &[String]) -> Result<Vec<Api>> {
    match uris {
        [] => Ok(Vec::new()),
        [uri] => apis::table.find(uri).load::<Columns>(connection)?.into_iter().map(to_value).collect(),
        uris => apis::table.filter(apis::uri.eq_any(uris)).load::<Columns>(connection)?.into_iter().map(to_value).collect(),
    }
}

/// The API with this identifier, in this spelling or, if there is none, another one (`resource::is_same`).
///
/// # Errors
/// Database errors.
pub fn named(connection: &mut AnyConnection, uri: &str) -> Result<Option<Api>> {
    if let Some(api) = of(connection, &[uri.to_owned()])?.pop() {
        return Ok(Some(api));
    }
    Ok(all(connection)?.into_iter().find(|api| resource::is_same(&api.uri, uri)))
}

/// Every API, each with the revision it was read at.
///
/// # Errors
/// Database errors.
pub fn read_all(connection: &mut AnyConnection) -> Result<Vec<(Api, Option<i64>)>> {
    let rows = apis::table.order(apis::uri).select((apis::all_columns, revision!()));
    let rows = rows.load::<(Columns, Option<i64>)>(connection)?;
    rows.into_iter().map(|(columns, revision)| Ok((to_value(columns)?, revision))).collect()
}

/// APIs ordered by identifier, after this one, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn page(connection: &mut AnyConnection, after: Option<&str>, limit: u32) -> Result<Vec<Api>> {
    let some = apis::table.filter(apis::uri.gt(after.unwrap_or_default())).order(apis::uri);
    some.limit(i64::from(limit)).load::<Columns>(connection)?.into_iter().map(to_value).collect()
}

/// Every API, ordered by identifier.
///
/// # Errors
/// Database errors.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Api>> {
    apis::table.order(apis::uri).load::<Columns>(connection)?.into_iter().map(to_value).collect()
}

/// Inserts an API.
///
/// # Errors
/// [`super::Error::Conflict`] if the identifier is already registered, in this spelling or another one.
pub fn insert(connection: &mut AnyConnection, api: &Api) -> Result<()> {
    let row = (
        apis::uri.eq(&api.uri),
        apis::name.eq(&api.name),
        apis::scopes.eq(scopes(api)?),
        apis::created_at.eq(api.created_at.millis()),
        apis::token_typ.eq(api.tokens.typ.as_str()),
        apis::token_claims.eq(json(&api.tokens.claims)),
        apis::min_acr.eq(api.min_acr.map(Class::word)),
    );
    dialect::together(connection, |connection| {
        revisions::registrations_change(connection)?;
        if named(connection, &api.uri)?.is_some() {
            return Err(Error::Conflict(api.uri.clone()));
        }
        diesel::insert_into(apis::table).values(row).execute(connection)?;
        Ok(())
    })
}

/// Updates name, scopes and token settings of an API: reads it, applies `change`, and writes it back, with clients and APIs locked. A scope that no
/// API has any longer is taken from every client; `None` if there is no such API.
///
/// # Errors
/// Errors of `change`, or of the database.
pub fn change<E: From<Error>>(
    connection: &mut AnyConnection,
    uri: &str,
    change: impl FnOnce(&mut Api) -> std::result::Result<(), E>,
) -> std::result::Result<Option<Api>, E> {
    dialect::exclusively(connection, |connection| {
        let Some(before) = of(connection, &[uri.to_owned()])?.pop() else { return Ok(None) };
        let mut api = before.clone();
        change(&mut api)?;
        revisions::registrations_change(connection)?;
        let set = (
            apis::name.eq(&api.name),
            apis::scopes.eq(scopes(&api)?),
            apis::token_typ.eq(api.tokens.typ.as_str()),
            apis::token_claims.eq(json(&api.tokens.claims)),
            apis::min_acr.eq(api.min_acr.map(Class::word)),
        );
        diesel::update(apis::table.find(uri)).set(set).execute(connection).map_err(Error::from)?;
        take_away(connection, &before, None)?;
        Ok(Some(api))
    })
}

/// Sets name, scopes and token settings of an API, as [`change`] does; false if there is no such API.
///
/// # Errors
/// Database errors.
#[cfg(feature = "testing")]
pub fn update(connection: &mut AnyConnection, api: &Api) -> Result<bool> {
    let set = |kept: &mut Api| -> Result<()> {
        (kept.name, kept.scopes, kept.tokens) = (api.name.clone(), api.scopes.clone(), api.tokens.clone());
        kept.min_acr = api.min_acr;
        Ok(())
    };
    Ok(change(connection, &api.uri, set)?.is_some())
}

/// Deletes an API: it is taken from every client, and with it the scopes that no other API has; false if there is no such API.
///
/// # Errors
/// Database errors.
pub fn remove(connection: &mut AnyConnection, uri: &str) -> Result<bool> {
    dialect::exclusively(connection, |connection| {
        let Some(before) = of(connection, &[uri.to_owned()])?.pop() else { return Ok(false) };
        revisions::registrations_change(connection)?;
        diesel::delete(apis::table.find(uri)).execute(connection)?;
        take_away(connection, &before, Some(uri))?;
        Ok(true)
    })
}

/// Takes from every client the API, and those scopes of `before` that no other API of the client has; if it was not among the
/// client's APIs, those that no API at all has.
fn take_away(connection: &mut AnyConnection, before: &Api, uri: Option<&str>) -> Result<()> {
    let left = all(connection)?;
    let is_kept = |audience: &String| Some(audience.as_str()) != uri;
    for mut client in clients::all(connection)? {
        let (scopes, audiences) =
            (client.settings.scope.clone(), client.settings.audiences.len() + client.settings.introspects.len());
        let was_its = client.settings.audiences.contains(&before.uri);
        let is_owned =
            |scope: &str| left.iter().any(|api| api.has(scope) && (!was_its || client.settings.audiences.contains(&api.uri)));
        client.settings.scope = client.settings.scope.retain(|scope| !before.has(scope) || is_owned(scope));
        if let Some(default) = &mut client.settings.default_scope {
            *default = default.intersection(&client.settings.scope);
        }
        client.settings.audiences.retain(is_kept);
        client.settings.introspects.retain(is_kept);
        if let Some(default) = &mut client.settings.default_audiences {
            default.retain(is_kept);
        }
        if client.settings.scope != scopes || client.settings.audiences.len() + client.settings.introspects.len() != audiences {
            clients::replace(connection, &client)?;
        }
    }
    Ok(())
}
