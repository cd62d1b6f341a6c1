//! The deletion of users and of clients. One short transaction deletes the row, and from then on there is no such user or client;
//! what belonged to them is purged in batches, here until it is done, and by housekeeping if that is interrupted (decision 0033).

use serde::Serialize;

use super::{Context, OperationError, Resource, users};
use crate::{
    protocol::values::time::Timestamp,
    store::{
        self, AnyConnection, account, clients,
        deletion_stages::{self, ROWS},
        deletions::Deleted,
        rate_limits,
        sessions::Session,
        users::User,
    },
};

/// The maximum number of batches in a request of a page.
const IN_A_REQUEST: usize = 20;

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
    /// The name, which is free again.
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

/// Deletes a user, with everything stored about them except their id and subjects.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's: then the user was not deleted.
pub fn user(context: &mut Context<'_>, login: &str) -> Result<DeletedUser, OperationError> {
    let user = users::find(context, login)?.claims;
    rate_limits::forget_user(context.connection, &context.config.secrets, user.id)?;
    account::delete(context.connection, user.id, context.now)?;
    let purge = finish(context.connection, &Deleted::User(user.id), context.now, None);
    Ok(DeletedUser { id: user.id.to_string(), username: user.username, deleted: true, purge })
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

/// Deletes a client, and revokes its grants.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's: then the client was not deleted.
pub fn client(context: &mut Context<'_>, id: &str) -> Result<DeletedClient, OperationError> {
    if !clients::delete(context.connection, id, context.now)? {
        return Err(Resource::Client.missing(id));
    }
    let purge = finish(context.connection, &Deleted::Client(id.to_owned()), context.now, None);
    Ok(DeletedClient { client_id: id.to_owned(), deleted: true, purge })
}

/// Purges until nothing is left, a batch fails, or `most` batches are done.
fn finish(connection: &mut AnyConnection, deleted: &Deleted, now: Timestamp, most: Option<usize>) -> Purge {
    for _ in 0..most.unwrap_or(usize::MAX) {
        match deletion_stages::purge(connection, deleted, now, ROWS) {
            Ok(batch) if batch.is_complete => return Purge::default(),
            Ok(_) => {}
            Err(error) => return Purge { is_pending: true, error: Some(error) },
        }
    }
    Purge { is_pending: true, error: None }
}
