//! The table `leases`: work that one process at a time does for all. A lease runs out by itself, so that a process that dies
//! holds nothing up for long. It is no lock: what is done under one must be harmless if two do it at once, which happens where
//! clocks differ, or where one process was stopped for longer than its lease.

use diesel::prelude::*;

use super::{AnyConnection, Result, error::Error, schema::leases};
use crate::protocol::{
    id::Id,
    time::{Span, Timestamp},
};

/// Takes a lease for a span of time, or goes on with it: false while another holder has it. One with less than two thirds left is
/// prolonged; one that runs for more than twice the span was given by a clock that was wrong, and counts no more.
///
/// # Errors
/// The database's.
pub fn take(connection: &mut AnyConnection, name: &str, holder: Id, now: Timestamp, span: Span) -> Result<bool> {
    let key = holder.as_bytes().as_slice();
    let until = now.plus(span).millis();
    let too_late = now.plus(span).plus(span).millis();
    let row = leases::table.find(name);
    let Some((theirs, ends)) = row.select((leases::holder, leases::until)).get_result::<(Vec<u8>, i64)>(connection).optional()?
    else {
        let row = (leases::name.eq(name), leases::holder.eq(key), leases::until.eq(until));
        return match diesel::insert_into(leases::table).values(row).execute(connection).map_err(Error::from) {
            Ok(_) => Ok(true),
            Err(Error::Conflict(_)) => has(connection, name, key),
            Err(error) => Err(error),
        };
    };
    let (is_own, is_good) = (theirs == key, now.millis() < ends && ends <= too_late);
    if is_good && (!is_own || 3 * (ends - now.millis()) > 2 * span.millis()) {
        return Ok(is_own);
    }
    // Of several that saw the same row, one.
    let as_seen = row.filter(leases::holder.eq(theirs)).filter(leases::until.eq(ends));
    let set = (leases::holder.eq(key), leases::until.eq(until));
    let is_taken = diesel::update(as_seen).set(set).execute(connection)? == 1;
    Ok(is_taken || has(connection, name, key)?)
}

/// Whether it is this holder who was first.
fn has(connection: &mut AnyConnection, name: &str, holder: &[u8]) -> Result<bool> {
    let first = leases::table.find(name).select(leases::holder).get_result::<Vec<u8>>(connection).optional()?;
    Ok(first.is_some_and(|first| first == holder))
}

/// Gives a lease back, so that another process can go on at once; of another holder's nothing changes.
///
/// # Errors
/// The database's.
pub fn give_back(connection: &mut AnyConnection, name: &str, holder: Id) -> Result<()> {
    let own = leases::table.find(name).filter(leases::holder.eq(holder.as_bytes().as_slice()));
    diesel::delete(own).execute(connection)?;
    Ok(())
}
