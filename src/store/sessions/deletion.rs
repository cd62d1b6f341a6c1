//! The sessions of a deleted user: ended in batches, with the notification of clients, and without where they were signed in from.
//! Their rows are kept until they are purged like any other.

use diesel::prelude::*;

use super::{Row, end_row, find};
use crate::{
    protocol::values::{id::Id, time::Timestamp},
    store::{AnyConnection, Result, deletions::Step, schema::sessions},
};

/// The maximum number of sessions in a batch: each may notify several clients.
const TOGETHER: u32 = 50;

/// Ends sessions of a user after this one, at most `limit`. Part of a transaction.
pub(in crate::store) fn of_user(connection: &mut AnyConnection, user: Id, after: Id, now: Timestamp, limit: u32) -> Result<Step> {
    let most = limit.min(TOGETHER);
    let theirs = sessions::table
        .filter(sessions::user_id.eq(user.as_bytes().as_slice()))
        .filter(sessions::id.gt(after.as_bytes().as_slice()));
    let keys: Vec<Vec<u8>> = theirs.select(sessions::id).order(sessions::id).limit(i64::from(most)).load(connection)?;
    let row = Row { table: "sessions", name: &user };
    let ids = keys.iter().map(|id| row.id("id", id.clone())).collect::<Result<Vec<_>>>()?;
    for id in &ids {
        if let Some(session) = find(connection, *id)?.filter(|session| session.ended_at.is_none()) {
            end_row(connection, &session, now)?;
        }
    }
    let none = None::<&str>;
    diesel::update(sessions::table.filter(sessions::id.eq_any(&keys)))
        .set((sessions::address.eq(none), sessions::place.eq(none), sessions::user_agent.eq(none), sessions::device_id.eq(none)))
        .execute(connection)?;
    let is_full = ids.len() >= usize::try_from(most).unwrap_or(usize::MAX);
    Ok(match ids.last().filter(|_| is_full) {
        Some(last) => Step::More(ids.len(), Some(*last)),
        None => Step::Done(ids.len()),
    })
}
