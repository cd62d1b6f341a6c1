//! The table `leases`: work done by one process at a time on behalf of all. A lease expires by itself, so that a crashed process
//! blocks nothing for long. It is no lock: work under a lease must be harmless when done twice at once, as happens with differing
//! clocks, or when a process was suspended for longer than its lease.

use diesel::prelude::*;

use super::{AnyConnection, Result, error::Error, schema::leases};
use crate::protocol::values::{
    id::Id,
    time::{Span, Timestamp},
};

/// Acquires or renews a lease for a span of time: false while another holder has it. It is renewed when less than two thirds are
/// left; a lease that ends further ahead than twice the span was written by a wrong clock, and is ignored.
///
/// # Errors
/// Database errors.
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
    // Of several processes that saw the same row, one succeeds.
    let as_seen = row.filter(leases::holder.eq(theirs)).filter(leases::until.eq(ends));
    let set = (leases::holder.eq(key), leases::until.eq(until));
    let is_taken = diesel::update(as_seen).set(set).execute(connection)? == 1;
    Ok(is_taken || has(connection, name, key)?)
}

/// Whether this holder has the lease.
fn has(connection: &mut AnyConnection, name: &str, holder: &[u8]) -> Result<bool> {
    let first = leases::table.find(name).select(leases::holder).get_result::<Vec<u8>>(connection).optional()?;
    Ok(first.is_some_and(|first| first == holder))
}

/// Releases a lease, so that another process can take it at once; has no effect on another holder's.
///
/// # Errors
/// Database errors.
pub fn give_back(connection: &mut AnyConnection, name: &str, holder: Id) -> Result<()> {
    let own = leases::table.find(name).filter(leases::holder.eq(holder.as_bytes().as_slice()));
    diesel::delete(own).execute(connection)?;
    Ok(())
}
