//! The table `consents`: remembered consent, what a user allowed a client.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    clients, dialect,
    error::Error,
    grants,
    mapping::{Row, json, time},
    schema::consents,
    users,
};
use crate::protocol::{
    grant::end_reason::EndReason,
    oauth::next_step::Allowed,
    values::{id::Id, time::Timestamp},
};

/// This user's consent for this client.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, user: Id, client: &str) -> Result<Option<Allowed>> {
    let found = consents::table
        .find((user.as_bytes().as_slice(), client))
        .select((consents::scopes, consents::audiences))
        .get_result::<(String, String)>(connection)
        .optional()?;
    found.map(|columns| to_value(user, &columns)).transpose()
}

/// Parses the columns `scopes` and `audiences`.
pub(super) fn to_value(user: Id, (scopes, audiences): &(String, String)) -> Result<Allowed> {
    let row = Row { table: "consents", name: &user };
    Ok(Allowed { scopes: row.scopes("scopes", scopes)?, audiences: row.list("audiences", audiences)? })
}

/// A user's consent for a client.
#[derive(Clone, Debug)]
pub struct Consent {
    /// The client.
    pub client_id: String,
    /// What the client was allowed.
    pub allowed: Allowed,
    /// When it was last extended.
    pub granted_at: Timestamp,
}

/// The clients this user has given consent to.
///
/// # Errors
/// Database errors.
pub fn clients_of(connection: &mut AnyConnection, user: Id) -> Result<Vec<String>> {
    let theirs = consents::table.filter(consents::user_id.eq(user.as_bytes().as_slice()));
    Ok(theirs.select(consents::client_id).load(connection)?)
}

/// Every consent of this user, ordered by client.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: Id) -> Result<Vec<Consent>> {
    page(connection, user, None, u32::MAX)
}

/// Consents of this user ordered by client, after this one, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn page(connection: &mut AnyConnection, user: Id, after: Option<&str>, limit: u32) -> Result<Vec<Consent>> {
    let rows: Vec<(String, String, String, i64)> = consents::table
        .filter(consents::user_id.eq(user.as_bytes().as_slice()))
        .filter(consents::client_id.gt(after.unwrap_or_default()))
        .select((consents::client_id, consents::scopes, consents::audiences, consents::granted_at))
        .order(consents::client_id)
        .limit(i64::from(limit))
        .load(connection)?;
    let to_consent = |(client_id, scopes, audiences, granted_at)| -> Result<Consent> {
        Ok(Consent { client_id, allowed: to_value(user, &(scopes, audiences))?, granted_at: time(granted_at) })
    };
    rows.into_iter().map(to_consent).collect()
}

/// Extends the consent of the event's user for this client; nothing is stored if either was deleted meanwhile. The guard on the values
/// read keeps two concurrent updates from losing one.
///
/// # Errors
/// Database errors.
pub fn add(connection: &mut AnyConnection, client: &str, allowed: &Allowed, event: &Event<'_>) -> Result<()> {
    let (user, now) = (event.user, event.at);
    let key = user.as_bytes().as_slice();
    for _ in 0..5 {
        let added = dialect::together(connection, |connection| -> Result<()> {
            // Both stay until the consent is there: their deletion, which purges consents, comes before or after.
            if !clients::hold(connection, client)? || users::lock(connection, user)?.is_none() {
                return Ok(());
            }
            activity::insert(connection, event)?;
            let before = find(connection, user, client)?;
            let all = before.as_ref().map_or_else(|| allowed.clone(), |before| before.and(allowed));
            let (scopes, audiences) = (all.scopes.to_string(), json(&all.audiences));
            let values =
                (consents::scopes.eq(&scopes), consents::audiences.eq(&audiences), consents::granted_at.eq(now.millis()));
            let Some(before) = before else {
                let row = (consents::user_id.eq(key), consents::client_id.eq(client), values.0, values.1, values.2);
                diesel::insert_into(consents::table).values(row).execute(connection)?;
                return Ok(());
            };
            let unchanged = consents::table
                .find((key, client))
                .filter(consents::scopes.eq(before.scopes.to_string()))
                .filter(consents::audiences.eq(json(&before.audiences)));
            if diesel::update(unchanged).set(values).execute(connection)? == 1 {
                Ok(())
            } else {
                Err(Error::Conflict(String::new()))
            }
        });
        match added {
            Ok(()) => return Ok(()),
            Err(Error::Conflict(_)) => {} // a concurrent update was first: read again
            Err(error) => return Err(error),
        }
    }
    Err(Error::Busy(format!("the consent of user {user} for client {client} keeps changing")))
}

/// Whether this user has a consent for this client; locks the row until the transaction ends, so that a withdrawal happens before
/// or after.
pub(super) fn hold(connection: &mut AnyConnection, user: Id, client: &str) -> Result<bool> {
    let row = consents::table.find((user.as_bytes().as_slice(), client));
    Ok(diesel::update(row).set(consents::granted_at.eq(consents::granted_at)).execute(connection)? == 1)
}

/// Withdraws this user's consent for this client, and revokes the grants based on it; returns whether there was consent, and how
/// many grants ended. Part of a transaction.
pub(super) fn withdraw(connection: &mut AnyConnection, user: Id, client: &str, now: Timestamp) -> Result<(bool, usize)> {
    let rows = diesel::delete(consents::table.find((user.as_bytes().as_slice(), client))).execute(connection)?;
    Ok((rows > 0, grants::revoke_all(connection, user, client, EndReason::ConsentWithdrawn, now)?))
}

/// Deletes consents of a user, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_of_user(connection: &mut AnyConnection, user: Id, limit: u32) -> Result<usize> {
    let theirs = || consents::table.filter(consents::user_id.eq(user.as_bytes().as_slice()));
    let keys: Vec<String> = theirs().select(consents::client_id).limit(i64::from(limit)).load(connection)?;
    diesel::delete(theirs().filter(consents::client_id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}

/// Deletes consents for a client, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_for_client(connection: &mut AnyConnection, client: &str, limit: u32) -> Result<usize> {
    let given = || consents::table.filter(consents::client_id.eq(client));
    let keys: Vec<Vec<u8>> = given().select(consents::user_id).limit(i64::from(limit)).load(connection)?;
    diesel::delete(given().filter(consents::user_id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}
