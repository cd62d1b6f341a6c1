//! The names of what exists, for an operator who typed one that does not: what it may have meant is for the caller to guess.

use super::{Context, OperationError, Resource};
use crate::store::{apis, clients, links, users};

/// The maximum number of users and of invitations.
const MOST: u32 = 10_000;

/// A name, and what is found by it.
#[derive(Clone, Debug)]
pub struct KnownName {
    /// The name.
    pub name: String,
    /// The name under which a command finds it; of a client the id, also where `name` is what users see.
    pub found_by: String,
}

/// The names of everything of this kind. Of grants and authenticators none: their ids say nothing.
///
/// # Errors
/// The database's.
pub fn list(context: &mut Context<'_>, kind: Resource) -> Result<Vec<KnownName>, OperationError> {
    let own = |name: String| KnownName { found_by: name.clone(), name };
    Ok(match kind {
        Resource::Grant | Resource::Authenticator => Vec::new(),
        Resource::Client => {
            let both = |client: crate::protocol::oauth::client::Client| {
                let shown = KnownName { name: client.settings.client_name, found_by: client.id.clone() };
                [own(client.id), shown]
            };
            clients::all(context.connection)?.into_iter().flat_map(both).collect()
        }
        Resource::Api => apis::all(context.connection)?.into_iter().map(|api| own(api.uri)).collect(),
        Resource::User | Resource::Reset => {
            let both = |user: users::User| [user.claims.username, user.claims.email];
            let all = users::page(context.connection, None, MOST)?.into_iter().flat_map(both);
            all.filter(|name| !name.is_empty()).map(own).collect()
        }
        Resource::Invitation => {
            let open = links::invitations(context.connection, context.now, None, MOST)?;
            open.into_iter().filter_map(|link| link.email).map(own).collect()
        }
    })
}
