//! The table `client_refusals`: the last refused requests of each client, for its operator. The same refusal at the same endpoint is
//! one row, which counts.

use std::collections::BTreeSet;

use diesel::{prelude::*, upsert::excluded};

use super::{
    AnyConnection, Result, clients,
    dialect::{self, delete_some, on_either},
    mapping::time,
    schema::client_refusals,
};
use crate::protocol::{
    oauth::client_refusal::{ClientRefusal, Reason},
    values::time::{Span, Timestamp},
};

/// The maximum number of rows of a client at one endpoint; the latest are kept. Those of other endpoints are not displaced by requests
/// that anyone can send to `/authorize`.
const KEPT: i64 = 10;
/// How long a refusal is kept.
const KEPT_FOR: Span = Span::from_seconds(30 * 86_400);
/// The maximum number of rows over [`KEPT`] deleted at once: more than one write adds.
const SURPLUS: i64 = 1_000;

/// Adds refusals to those that were counted; those of clients that do not exist are left out.
///
/// # Errors
/// Database errors.
pub fn add(connection: &mut AnyConnection, refusals: &[ClientRefusal]) -> Result<()> {
    let mut sorted: Vec<_> = refusals.iter().collect();
    sorted.sort_by_key(|refusal| (&refusal.client_id, refusal.key())); // in one order, so that two processes do not deadlock
    dialect::together(connection, |connection| {
        for of_one in sorted.chunk_by(|one, other| one.client_id == other.client_id) {
            let Some(client_id) = of_one.first().map(|refusal| &refusal.client_id) else { continue };
            if !clients::hold(connection, client_id)? {
                continue;
            }
            of_one.iter().try_for_each(|refusal| upsert(connection, refusal))?;
            let endpoints: BTreeSet<_> = of_one.iter().map(|refusal| &refusal.endpoint).collect();
            endpoints.into_iter().try_for_each(|endpoint| delete_surplus(connection, client_id, endpoint))?;
        }
        Ok(())
    })
}

fn upsert(connection: &mut AnyConnection, refusal: &ClientRefusal) -> Result<()> {
    let key = refusal.key();
    let row = (
        client_refusals::id.eq(key.as_slice()),
        client_refusals::client_id.eq(&refusal.client_id),
        client_refusals::endpoint.eq(&refusal.endpoint),
        client_refusals::error.eq(&refusal.reason.error),
        client_refusals::remedy.eq(&refusal.reason.remedy),
        client_refusals::redirect_uri.eq(&refusal.reason.redirect_uri),
        client_refusals::count.eq(refusal.count),
        client_refusals::last_at.eq(refusal.last_at.millis()),
    );
    let counted = (
        client_refusals::count.eq(client_refusals::count + excluded(client_refusals::count)),
        client_refusals::last_at.eq(excluded(client_refusals::last_at)),
    );
    on_either!(connection, one => {
        diesel::insert_into(client_refusals::table)
            .values(row)
            .on_conflict(client_refusals::id)
            .do_update()
            .set(counted)
            .execute(one)
    })?;
    Ok(())
}

fn delete_surplus(connection: &mut AnyConnection, client_id: &str, endpoint: &str) -> Result<()> {
    let latest = client_refusals::table
        .filter(client_refusals::client_id.eq(client_id).and(client_refusals::endpoint.eq(endpoint)))
        .order((client_refusals::last_at.desc(), client_refusals::id))
        .select(client_refusals::id);
    let surplus: Vec<Vec<u8>> = latest.offset(KEPT).limit(SURPLUS).load(connection)?;
    if !surplus.is_empty() {
        diesel::delete(client_refusals::table.filter(client_refusals::id.eq_any(surplus))).execute(connection)?;
    }
    Ok(())
}

/// The refusals of a client, latest first.
///
/// # Errors
/// Database errors.
pub fn of(connection: &mut AnyConnection, client_id: &str) -> Result<Vec<ClientRefusal>> {
    type Columns = (String, String, Option<String>, Option<String>, i64, i64);
    let columns = (
        client_refusals::endpoint,
        client_refusals::error,
        client_refusals::remedy,
        client_refusals::redirect_uri,
        client_refusals::count,
        client_refusals::last_at,
    );
    let rows: Vec<Columns> = client_refusals::table
        .filter(client_refusals::client_id.eq(client_id))
        .order((client_refusals::last_at.desc(), client_refusals::id))
        .select(columns)
        .load(connection)?;
    let refusal = |(endpoint, error, remedy, redirect_uri, count, last_at)| {
        let reason = Reason { error, remedy, redirect_uri };
        ClientRefusal { client_id: client_id.to_owned(), endpoint, reason, count, last_at: time(last_at) }
    };
    Ok(rows.into_iter().map(refusal).collect())
}

/// Deletes what was last refused longer ago than thirty days, at most `limit`; returns how many.
///
/// # Errors
/// Database errors.
pub fn forget(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    let end = now.millis().saturating_sub(KEPT_FOR.millis());
    delete_some!(connection, client_refusals, (id: Vec<u8>, last_at), client_refusals::last_at.lt(end), limit)
}
