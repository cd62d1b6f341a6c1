//! The grants of a deleted user or client, revoked in batches. Their rows are kept until they are purged like any other; those of a
//! user without where they were used from, and without history.

use std::fmt::Display;

use diesel::prelude::*;

use crate::{
    protocol::{
        grant::end_reason::EndReason,
        values::{id::Id, time::Timestamp},
    },
    store::{AnyConnection, Result, deletions::Step, grant_history, mapping::Row, schema::grants},
};

/// Revokes grants to a client after this one, at most `limit`. Part of a transaction.
pub(in crate::store) fn of_client(
    connection: &mut AnyConnection,
    client: &str,
    after: Id,
    at: Timestamp,
    limit: u32,
) -> Result<Step> {
    let theirs = grants::table.filter(grants::client_id.eq(client)).filter(grants::id.gt(after.as_bytes().as_slice()));
    let keys: Vec<Vec<u8>> = theirs.select(grants::id).order(grants::id).limit(i64::from(limit)).load(connection)?;
    revoke(connection, &keys, EndReason::ClientDeleted, at)?;
    let rows = keys.len();
    continue_after(keys, limit, rows, &client)
}

/// Revokes grants of a user after this one, and deletes their history and origins, at most `limit` rows in all. Part of a transaction.
pub(in crate::store) fn of_user(connection: &mut AnyConnection, user: Id, after: Id, at: Timestamp, limit: u32) -> Result<Step> {
    // Each grant has a few entries; those of one with many are deleted first.
    let most = (limit / 4).max(1);
    let theirs =
        grants::table.filter(grants::user_id.eq(user.as_bytes().as_slice())).filter(grants::id.gt(after.as_bytes().as_slice()));
    let keys: Vec<Vec<u8>> = theirs.select(grants::id).order(grants::id).limit(i64::from(most)).load(connection)?;
    let ids: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let rows = revoke(connection, &keys, EndReason::UserDeleted, at)?;
    let lines = grant_history::forget_some_of(connection, &ids, (limit - most).saturating_sub(1))?;
    if lines > 0 {
        let after = (after != Id::from_bytes([0; 16])).then_some(after);
        return Ok(Step::More(rows + lines, after));
    }
    let lines = grant_history::forget_all_of(connection, &ids)?;
    let none = None::<&str>;
    diesel::update(grants::table.filter(grants::id.eq_any(&keys)))
        .set((grants::address.eq(none), grants::place.eq(none), grants::user_agent.eq(none), grants::device_name.eq(none)))
        .execute(connection)?;
    let rows = keys.len() + lines;
    continue_after(keys, most, rows, &user)
}

/// The stage continues after the last of these grants, or is complete if there are fewer than `limit`; `rows` is what was changed, of
/// what belonged to `whom`.
fn continue_after(keys: Vec<Vec<u8>>, limit: u32, rows: usize, whom: &dyn Display) -> Result<Step> {
    let is_full = keys.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    match keys.into_iter().next_back().filter(|_| is_full) {
        Some(last) => Ok(Step::More(rows, Some(Row { table: "grants", name: whom }.id("id", last)?))),
        None => Ok(Step::Done(rows)),
    }
}

fn revoke(connection: &mut AnyConnection, keys: &[Vec<u8>], reason: EndReason, at: Timestamp) -> Result<usize> {
    let active = grants::table.filter(grants::id.eq_any(keys)).filter(grants::revoked_at.is_null());
    let set = (grants::revoked_at.eq(Some(at.millis())), grants::end_reason.eq(Some(reason.name())));
    Ok(diesel::update(active).set(set).execute(connection)?)
}
