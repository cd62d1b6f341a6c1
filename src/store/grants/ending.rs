//! The end of grants: the active grants of a user, and revoking one, those of an app, or all. A revoked grant stays revoked; its
//! row says when and why.

use diesel::prelude::*;

use super::{GrantRow, to_value};
use crate::{
    protocol::{
        account::notification::NotificationKind,
        grant::{Grant, end_reason::EndReason},
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, Result,
        activity::Event,
        dialect,
        grant_history::{self, Line},
        notifications, progress,
        schema::grants,
        users, write_queue,
    },
};

/// Revokes a grant for this reason; false if there is none, or it was already revoked.
///
/// # Errors
/// Database errors.
pub fn revoke(connection: &mut AnyConnection, id: Id, reason: EndReason, now: Timestamp) -> Result<bool> {
    let row = grants::table.find(id.as_bytes().as_slice()).filter(grants::revoked_at.is_null());
    let set = (grants::revoked_at.eq(Some(now.millis())), grants::end_reason.eq(Some(reason.name())));
    Ok(write_queue::alone(|| diesel::update(row).set(set).execute(connection))? == 1)
}

/// Revokes a grant whose credential was replayed. Its history entry and the notification of the user are in the same transaction
/// (ASVS 2.3.3). False if a concurrent request was first, which has notified them.
///
/// # Errors
/// Database errors.
pub fn revoke_reused(connection: &mut AnyConnection, line: &Line, reason: EndReason, event: &Event<'_>) -> Result<bool> {
    let revoke = |connection: &mut AnyConnection| {
        let is_first = revoke(connection, line.grant, reason, event.at)?;
        // Nothing is kept about a user whose account is deleted.
        if let Some(user) = users::find(connection, event.user)? {
            grant_history::insert(connection, std::slice::from_ref(line))?;
            if is_first {
                notifications::tell(connection, event, NotificationKind::CredentialReused, &user)?;
            }
        }
        Ok(is_first)
    };
    // The caller may have given up: a detected theft ends the grant nonetheless.
    progress::of(None, || dialect::together(connection, revoke))
}

/// The grants of a user that are neither revoked nor expired, newest first.
///
/// # Errors
/// Database errors.
pub fn active_of(connection: &mut AnyConnection, user: Id, now: Timestamp) -> Result<Vec<Grant>> {
    let theirs = grants::table
        .select(GrantRow::as_select())
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::revoked_at.is_null())
        .filter(grants::expires_at.gt(now.millis()));
    theirs.order(grants::id.desc()).load(connection)?.into_iter().map(to_value).collect()
}

/// A page of these grants to one client, after `before` in that order, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn active_for(
    connection: &mut AnyConnection,
    (user, client): (Id, &str),
    before: Option<Id>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Grant>> {
    let before = before.unwrap_or(Id::from_bytes([0xff; 16])); // no id sorts after it
    let theirs = grants::table
        .select(GrantRow::as_select())
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::client_id.eq(client))
        .filter(grants::id.lt(before.as_bytes().as_slice()))
        .filter(grants::revoked_at.is_null())
        .filter(grants::expires_at.gt(now.millis()));
    let some = theirs.order(grants::id.desc()).limit(i64::try_from(limit).unwrap_or(i64::MAX));
    some.load(connection)?.into_iter().map(to_value).collect()
}

/// The clients to which a user has active grants.
///
/// # Errors
/// Database errors.
pub fn clients_of(connection: &mut AnyConnection, user: Id, now: Timestamp) -> Result<Vec<String>> {
    let theirs = grants::table
        .select(grants::client_id)
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::revoked_at.is_null())
        .filter(grants::expires_at.gt(now.millis()));
    Ok(theirs.distinct().load(connection)?)
}

/// The grants of a user that were revoked at exactly this time, newest first.
///
/// # Errors
/// Database errors.
pub fn revoked_at(connection: &mut AnyConnection, user: Id, at: Timestamp) -> Result<Vec<Grant>> {
    let theirs = grants::table
        .select(GrantRow::as_select())
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::revoked_at.eq(at.millis()));
    theirs.order(grants::id.desc()).load(connection)?.into_iter().map(to_value).collect()
}

/// Names the device of a user's grant; false if they have no such grant.
///
/// # Errors
/// Database errors.
pub fn rename(connection: &mut AnyConnection, user: Id, id: Id, name: Option<&str>) -> Result<bool> {
    let row = grants::table.find(id.as_bytes().as_slice()).filter(grants::user_id.eq(user.as_bytes().as_slice()));
    Ok(diesel::update(row).set(grants::device_name.eq(name)).execute(connection)? == 1)
}

/// Revokes every grant of a user, or all but those issued in one session. Part of a transaction.
pub(in crate::store) fn revoke_everything(
    connection: &mut AnyConnection,
    user: Id,
    but_in: Option<Id>,
    reason: EndReason,
    now: Timestamp,
) -> Result<()> {
    let none = Id::from_bytes([0; 16]); // no session has this id
    let spared = but_in.unwrap_or(none);
    let theirs = grants::table
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::sid.ne(spared.as_bytes().as_slice()))
        .filter(grants::revoked_at.is_null());
    let set = (grants::revoked_at.eq(Some(now.millis())), grants::end_reason.eq(Some(reason.name())));
    diesel::update(theirs).set(set).execute(connection)?;
    Ok(())
}

/// Revokes every grant of a user to a client. Part of a transaction.
pub(in crate::store) fn revoke_all(
    connection: &mut AnyConnection,
    user: Id,
    client: &str,
    reason: EndReason,
    now: Timestamp,
) -> Result<usize> {
    let theirs = grants::table
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::client_id.eq(client))
        .filter(grants::revoked_at.is_null());
    let set = (grants::revoked_at.eq(Some(now.millis())), grants::end_reason.eq(Some(reason.name())));
    Ok(diesel::update(theirs).set(set).execute(connection)?)
}
