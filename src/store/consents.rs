//! The table `consents`: what a person allowed a client, remembered.

use diesel::prelude::*;

use super::{AnyConnection, Result, error::Error, mapping::Row, schema::consents};
use crate::protocol::{id::Id, scope::Scopes, time::Timestamp};

/// The scopes this person allowed this client.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut AnyConnection, person: Id, client: &str) -> Result<Option<Scopes>> {
    let found = consents::table
        .find((person.as_bytes().as_slice(), client))
        .select(consents::scopes)
        .first::<String>(connection)
        .optional()?;
    let row = Row { table: "consents", name: &person };
    found.map(|text| row.scopes("scopes", &text)).transpose()
}

/// Adds scopes to what this person allowed this client.
///
/// # Errors
/// The database's.
pub fn add(connection: &mut AnyConnection, person: Id, client: &str, scopes: &Scopes, now: Timestamp) -> Result<()> {
    let key = person.as_bytes().as_slice();
    let all = find(connection, person, client)?.map_or_else(|| scopes.clone(), |before| before.union(scopes)).to_string();
    let values = (consents::scopes.eq(&all), consents::granted_at.eq(now.millis()));
    let update =
        |connection: &mut AnyConnection| diesel::update(consents::table.find((key, client))).set(values).execute(connection);
    if update(connection)? == 1 {
        return Ok(());
    }
    let row = (consents::person_id.eq(key), consents::client_id.eq(client), values.0, values.1);
    match diesel::insert_into(consents::table).values(row).execute(connection).map_err(Error::from) {
        // The same form sent twice at once: the other was first.
        Err(Error::Conflict(_)) => update(connection).map(|_| ()).map_err(Error::from),
        other => other.map(|_| ()),
    }
}
