//! The deletion of users and of clients. One short transaction deletes the row, and from then on there is no such user or client;
//! what belonged to them is purged in batches, here until it is done, and by housekeeping if that is interrupted (decision 0033).

use serde::Serialize;

use super::{Context, OperationError, Resource, users};
use crate::{
    protocol::values::{id::Id, time::Timestamp},
    store::{
        self, AnyConnection, account, clients,
        deletion_stages::{self, ROWS},
        deletions::{self, Deleted},
        rate_limits,
        sessions::Session,
        users::User,
    },
};

/// The maximum number of batches in a request of a page.
const IN_A_REQUEST: usize = 20;

/// How many batches in a row may fail before the rest is left to housekeeping.
const RETRIES: usize = 3;

/// What has come of the purge.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Purge {
    /// Whether rows are left, which housekeeping will purge.
    #[serde(rename = "purge_pending", skip_serializing_if = "std::ops::Not::not")]
    pub is_pending: bool,
    /// Why it was interrupted.
    #[serde(skip)]
    pub error: Option<store::Error>,
}

/// A user who was deleted.
#[derive(Clone, Debug, Serialize)]
pub struct DeletedUser {
    /// The subject, which is never reused.
    pub id: String,
    /// The name, which is free again; empty if the deletion was only continued.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Always true.
    pub deleted: bool,
    /// What is left of their data.
    #[serde(flatten)]
    pub purge: Purge,
}

/// A client that was deleted.
#[derive(Clone, Debug, Serialize)]
pub struct DeletedClient {
    /// Its client ID, which is free again when everything is purged.
    pub client_id: String,
    /// Always true.
    pub deleted: bool,
    /// What is left of it.
    #[serde(flatten)]
    pub purge: Purge,
}

/// Deletes a user, with everything stored about them except their id and subjects; or continues, by the id, where that was
/// interrupted.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's: then the user was not deleted.
pub fn user(context: &mut Context<'_>, login: &str) -> Result<DeletedUser, OperationError> {
    let user = match users::find(context, login) {
        Ok(user) => user.claims,
        Err(missing @ OperationError::NotFound { .. }) => return resume_user(context, login)?.ok_or(missing),
        Err(error) => return Err(error),
    };
    rate_limits::forget_user(context.connection, &context.config.secrets, user.id)?;
    account::delete(context.connection, user.id, context.now)?;
    let purge = finish(context.connection, &Deleted::User(user.id), context.now, None);
    Ok(DeletedUser { id: user.id.to_string(), username: user.username, deleted: true, purge })
}

/// Continues the deletion of the user with this id; `None` if none was interrupted.
fn resume_user(context: &mut Context<'_>, id: &str) -> Result<Option<DeletedUser>, OperationError> {
    let Ok(user) = Id::parse(id).map(Deleted::User) else { return Ok(None) };
    if !deletions::is_pending(context.connection, &user)? {
        return Ok(None);
    }
    let purge = finish(context.connection, &user, context.now, None);
    Ok(Some(DeletedUser { id: id.to_owned(), username: String::new(), deleted: true, purge }))
}

/// Deletes the account of a user who has entered the password in a session, as [`user`] does; `None` if password, account or session
/// changed meanwhile. A request takes no longer than some batches do.
///
/// # Errors
/// The database's: then the user was not deleted.
pub fn own_account(
    connection: &mut AnyConnection,
    proof: (&User, &Session),
    now: Timestamp,
) -> Result<Option<Purge>, store::Error> {
    if !account::delete_own(connection, proof, now)? {
        return Ok(None);
    }
    Ok(Some(finish(connection, &Deleted::User(proof.0.claims.id), now, Some(IN_A_REQUEST))))
}

/// Deletes a client, and revokes its grants; or continues where that was interrupted.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's: then the client was not deleted.
pub fn client(context: &mut Context<'_>, id: &str) -> Result<DeletedClient, OperationError> {
    let client = Deleted::Client(id.to_owned());
    if !clients::delete(context.connection, id, context.now)? && !deletions::is_pending(context.connection, &client)? {
        return Err(Resource::Client.missing(id));
    }
    let purge = finish(context.connection, &client, context.now, None);
    Ok(DeletedClient { client_id: id.to_owned(), deleted: true, purge })
}

/// Purges until nothing is left, batches fail one after the other, or `most` batches are done. One batch may fail for another's work, as
/// by a deadlock.
fn finish(connection: &mut AnyConnection, deleted: &Deleted, now: Timestamp, most: Option<usize>) -> Purge {
    let mut failures = 0;
    for _ in 0..most.unwrap_or(usize::MAX) {
        match deletion_stages::purge(connection, deleted, now, ROWS) {
            Ok(batch) if batch.is_complete => return Purge::default(),
            Ok(_) => failures = 0,
            Err(_) if failures < RETRIES => failures += 1,
            Err(error) => return Purge { is_pending: true, error: Some(error) },
        }
    }
    Purge { is_pending: true, error: None }
}
