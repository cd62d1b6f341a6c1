//! How a session ends: by its user, with everything else of theirs, or at its time. With it end the grants that were given in
//! it, and clients are told.

use diesel::prelude::*;

use super::{Session, expired, unended_of};
use crate::{
    protocol::{end_reason::EndReason, id::Id, time::Timestamp},
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        deliveries, dialect, meta,
        schema::{grants, sessions},
    },
};

/// What becomes of the grants with `offline_access` when a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// They live on.
    Keep,
    /// They end as well.
    Ends,
}

/// Ends a session and the grants that end with it. A code issued meanwhile is of a session that has ended, and
/// is refused when it is redeemed. The clients that want to know will be told.
///
/// # Errors
/// The database's.
pub fn end(connection: &mut AnyConnection, session: &Session, offline: Offline, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| {
        if end_in(connection, session, offline, event.at)? {
            activity::insert(connection, event)?;
        }
        Ok(())
    })
}

/// As [`end`]; false when it had ended. Part of a transaction.
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

/// Ends some of the sessions that have reached their absolute end, and says how many: nothing lives in them any more, but
/// clients want to know.
///
/// # Errors
/// The database's.
pub fn end_expired(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    let mut ended = 0;
    for session in expired(connection, now, limit)? {
        match dialect::together(connection, |connection| end_row(connection, &session, now)) {
            Ok(_) => ended += 1,
            Err(error) if meta::write(connection).is_err() => return Err(error), // it is not this one
            Err(error) => tracing::error!(%error, "session {} could not be ended: skipped", session.id),
        }
    }
    Ok(ended)
}

/// Whoever ends the session, and nobody else, enqueues what is to be told; false for everyone else.
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
