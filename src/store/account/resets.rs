//! What an operator takes from an account besides its password: one authenticator, or all of them after a time in which the user can
//! object. Each is one transaction with its activity entry and its e-mail.

use super::factors::take_out;
use crate::{
    protocol::{
        account::{activity::Activity, notification::NotificationKind},
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        authenticators, devices, dialect, notifications,
        resets::{self, Reset},
        users::{self, User},
    },
};

/// What becomes of the authenticators of a user whose password an operator removes.
#[derive(Clone, Copy, Debug)]
pub struct RemovalOfOthers<'a> {
    /// When they are removed.
    pub due_at: Timestamp,
    /// That they will be.
    pub planned: &'a Event<'a>,
    /// That they are.
    pub done: &'a Event<'a>,
}

/// What has become of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// There were none.
    None,
    /// They were removed.
    Removed,
    /// They will be removed at this time.
    RemovedAt(Timestamp),
}

/// Plans the removal of a user's authenticators, or removes them if that is due already. Part of a transaction.
pub(super) fn remove_others_in(connection: &mut AnyConnection, user: &User, removal: RemovalOfOthers<'_>) -> Result<Others> {
    let RemovalOfOthers { due_at, planned, done } = removal;
    if authenticators::of_user(connection, user.claims.id)?.is_empty() {
        return Ok(Others::None);
    }
    if due_at <= planned.at {
        remove_all_in(connection, user, done)?;
        return Ok(Others::Removed);
    }
    resets::plan(connection, user.claims.id, Reset { requested_at: planned.at, due_at })?;
    notifications::tell(connection, planned, NotificationKind::ResetPlanned, user)?;
    Ok(Others::RemovedAt(due_at))
}

fn remove_all_in(connection: &mut AnyConnection, user: &User, event: &Event<'_>) -> Result<()> {
    authenticators::remove_all(connection, user.claims.id)?;
    devices::forget(connection, user.claims.id)?;
    notifications::tell(connection, event, NotificationKind::AuthenticatorsReset, user)
}

/// Removes every authenticator of a user whose reset is due; false if there is none, as it was cancelled, or done, meanwhile.
///
/// # Errors
/// Database errors.
pub fn carry_out_reset(connection: &mut AnyConnection, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        let user = users::lock(connection, event.user)?;
        if !resets::end_due(connection, event.user, event.at)? {
            return Ok(false);
        }
        if let Some(user) = user {
            remove_all_in(connection, &user, event)?;
        }
        Ok(true)
    })
}

/// Cancels the reset of a user; false if there is none, or none any more.
///
/// # Errors
/// Database errors.
pub fn cancel_reset(connection: &mut AnyConnection, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        let Some(user) = users::lock(connection, event.user)? else { return Ok(false) };
        if !resets::end(connection, event.user)? {
            return Ok(false);
        }
        notifications::tell(connection, event, NotificationKind::ResetCancelled, &user)?;
        Ok(true)
    })
}

/// Removes an authenticator of the event's user; false if they have no such.
///
/// # Errors
/// Database errors.
pub fn take_authenticator(connection: &mut AnyConnection, id: Id, event: &Event<'_>) -> Result<bool> {
    dialect::together(connection, |connection| {
        let Some(user) = users::lock(connection, event.user)? else { return Ok(false) };
        if !take_out(connection, event.user, id)? {
            return Ok(false);
        }
        notifications::tell(connection, event, NotificationKind::AuthenticatorRemoved, &user)?;
        Ok(true)
    })
}

/// A reset that the user reports as not theirs is cancelled, with an entry of its own. Part of a transaction.
pub(super) fn end_reset_in(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    if resets::end(connection, event.user)? {
        let id = notifications::derived(event.id, "reset");
        activity::insert(connection, &Event { id, activity: Activity::ResetCancelled, ..*event })?;
    }
    Ok(())
}
