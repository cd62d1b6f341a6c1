//! Links in e-mails to users, as an operator sees and ends them. Invitations are `invitations`; what else ends a link is decision
//! 0029.

use serde::Serialize;

use super::{Actor, Context, OperationError, users};
use crate::{protocol::account::activity::Activity, store::account};

/// The links of a user that were ended.
#[derive(Clone, Debug, Serialize)]
pub struct EndedLinks {
    /// The user.
    pub id: String,
    /// Their name.
    pub username: String,
    /// How many were still usable.
    #[serde(rename = "ended_links")]
    pub count: usize,
}

/// Ends the links in earlier e-mails to a user, of every kind, and changes nothing else.
///
/// # Errors
/// [`OperationError::NotFound`], or the database's.
pub fn end(context: &mut Context<'_>, actor: Actor<'_>, login: &str) -> Result<EndedLinks, OperationError> {
    let user = users::find(context, login)?.claims;
    let count = account::end_links(context.connection, &actor.event(context.now, user.id, Activity::LinksEnded))?;
    Ok(EndedLinks { id: user.id.to_string(), username: user.username, count })
}
