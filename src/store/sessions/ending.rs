//! The end of a session: by its user, along with everything else of theirs, or by expiry. The grants bound to it end too, and
//! clients are notified.

use diesel::prelude::*;

use super::{Session, expired, unended_of};
use crate::{
    protocol::{
        grant::end_reason::EndReason,
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        deliveries, dialect, meta,
        schema::{grants, sessions},
    },
};

/// What happens to the grants with `offline_access` when a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// They stay active.
    Keep,
    /// They are revoked as well.
    Ends,
}

/// Ends a session and the grants bound to it. A code issued concurrently belongs to an ended session, and is refused when redeemed.
/// Clients with a back-channel logout URI will be notified.
///
/// # Errors
/// Database errors.
pub fn end(connection: &mut AnyConnection, session: &Session, offline: Offline, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        if end_in(connection, session, offline, event.at)? {
            activity::insert(connection, event)?;
        }
        Ok(())
    })
}

/// As [`end`]; false if it had already ended. Part of a transaction.
pub(in crate::store) fn end_in(
    connection: &mut AnyConnection,
    session: &Session,
    offline: Offline,
    now: Timestamp,
) -> Result<bool> {
    let is_first = end_row(connection, session, now)?;
    if offline == Offline::Ends {
        let given_in_it = grants::table
            .filter(grants::user_id.eq(session.user_id.as_bytes().as_slice()))
            .filter(grants::sid.eq(session.id.as_bytes().as_slice()))
            .filter(grants::revoked_at.is_null());
        diesel::update(given_in_it)
            .set((grants::revoked_at.eq(Some(now.millis())), grants::end_reason.eq(EndReason::SessionEnded.name())))
            .execute(connection)?;
    }
    Ok(is_first)
}

/// Ends every session of a user, or all but one. Part of a transaction.
pub(in crate::store) fn end_all(connection: &mut AnyConnection, user: Id, but: Option<Id>, now: Timestamp) -> Result<()> {
    let all = unended_of(connection, user)?;
    all.iter().filter(|session| Some(session.id) != but).try_for_each(|session| end_row(connection, session, now).map(drop))
}

/// Ends sessions past their absolute expiry, at most `limit`, and returns how many: they are inactive already, but clients are to
/// be notified.
///
/// # Errors
/// Database errors.
pub fn end_expired(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    let mut ended = 0;
    for session in expired(connection, now, limit)? {
        match dialect::together(connection, |connection| end_row(connection, &session, now)) {
            Ok(_) => ended += 1,
            Err(error) if meta::write(connection).is_err() => return Err(error), // this row is not the cause
            Err(error) => tracing::error!(%error, "session {} could not be ended: skipped", session.id),
        }
    }
    Ok(ended)
}

/// Marks the row as ended. Only the caller that gets true enqueues the notifications.
pub(super) fn end_row(connection: &mut AnyConnection, session: &Session, now: Timestamp) -> Result<bool> {
    let key = session.id.as_bytes().as_slice();
    let alive = sessions::table.find(key).filter(sessions::ended_at.is_null());
    if diesel::update(alive).set(sessions::ended_at.eq(Some(now.millis()))).execute(connection)? == 0 {
        return Ok(false);
    }
    deliveries::enqueue_logout(connection, session.id, session.user_id, now)?;
    let ending_with_it = grants::table.filter(grants::session_id.eq(key)).filter(grants::revoked_at.is_null());
    diesel::update(ending_with_it)
        .set((grants::revoked_at.eq(Some(now.millis())), grants::end_reason.eq(EndReason::SessionEnded.name())))
        .execute(connection)?;
    Ok(true)
}
