//! The scopes and the APIs that a request gets, of those that it names and its client may have (RFC 6749 §3.3, RFC 8707 §2): the
//! same at `/authorize` and for client credentials. What a token of a grant keeps of them later is `grant::entitlement`.

use super::{
    client::{Client, GrantType},
    resource::{self, KnownScopes},
    scope::{OFFLINE_ACCESS, OPENID, Scopes},
};
use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    values::{once_each::once_each, params::Params},
};

/// What a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// Its scopes; `None` where it has no `scope`.
    pub scopes: Option<Scopes>,
    /// Its resources, each once.
    pub resources: Vec<String>,
}

/// What it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The scopes.
    pub scopes: Scopes,
    /// The APIs, as they are registered.
    pub audiences: Vec<String>,
}

/// For whom a client acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActsFor {
    /// A user.
    User,
    /// The client itself (RFC 6749 §4.4): scopes about users mean nothing.
    Client,
}

impl Requested {
    /// Reads `scope` and `resource`.
    ///
    /// # Errors
    /// `invalid_scope` if the scope is malformed.
    pub fn parse(params: &Params) -> Result<Self, ProtocolError> {
        let scopes = params.get("scope").map(Scopes::parse).transpose().map_err(|bad| invalid_scope(bad.describe()))?;
        Ok(Self { scopes, resources: Self::resources(params) })
    }

    /// Reads `resource`, which may be repeated (RFC 8707 §2).
    #[must_use]
    pub fn resources(params: &Params) -> Vec<String> {
        once_each(params.all("resource")).into_iter().map(str::to_owned).collect()
    }

    /// What this client gets of it. A scope that the server knows but the client may not have is left out, which the response tells
    /// (RFC 6749 §3.3); without `scope`, the default scopes apply, without `resource`, the default APIs. Scopes go only where their
    /// API is, and APIs that no `resource` names only with one of their scopes.
    ///
    /// # Errors
    /// `invalid_scope` for a scope that is unknown, or if none is left; `invalid_target` for an API that is not the client's.
    pub fn access(&self, client: &Client, known: &KnownScopes<'_>, acts_for: ActsFor) -> Result<Access, ProtocolError> {
        let settings = &client.settings;
        let is_strange = |scope: &&str| !settings.scope.contains(scope) && !known.knows(scope);
        if let Some(strange) = self.scopes.iter().flat_map(Scopes::iter).find(is_strange) {
            return Err(invalid_scope(format!("scope: '{strange}' is not a scope of this server")));
        }
        let mut audiences = audiences(client, &self.resources)?;
        let is_usable = |scope: &str| match acts_for {
            ActsFor::User => scope != OFFLINE_ACCESS || settings.may_use(GrantType::RefreshToken), // Core §11
            ActsFor::Client => !known.of_users.is_of_users(scope),
        };
        let allowed = settings.scope.retain(is_usable);
        let wanted = match &self.scopes {
            Some(named) => named.intersection(&allowed),
            None => default_scopes(client, known, acts_for, &audiences).intersection(&allowed),
        };
        let scopes = known.at(&wanted, &audiences, &settings.audiences);
        let expects_scopes = acts_for == ActsFor::User || self.scopes.is_some() || settings.default_scope.is_some();
        if scopes.is_empty() && expects_scopes {
            return Err(self.nothing_left(client, acts_for, &wanted));
        }
        let needs_no_scope =
            |uri: &String| acts_for == ActsFor::Client && self.scopes.is_none() && (scopes.is_empty() || known.is_without(uri));
        if self.resources.is_empty() {
            audiences.retain(|uri| known.has_some(&scopes, uri, &settings.audiences) || needs_no_scope(uri));
        }
        Ok(Access { scopes, audiences })
    }

    /// The scopes that it names and does not get.
    #[must_use]
    pub fn left_out(&self, access: &Access) -> Scopes {
        self.scopes.as_ref().map(|named| named.retain(|scope| !access.scopes.contains(scope))).unwrap_or_default()
    }

    /// Without a list of what the client may have, which anybody could read.
    fn nothing_left(&self, client: &Client, acts_for: ActsFor, wanted: &Scopes) -> ProtocolError {
        let mended_by =
            format!("symbolon client show {} lists those that it may have, symbolon client set changes them", client.id);
        invalid_scope(match &self.scopes {
            _ if !wanted.is_empty() => "scope: expected at least one scope of the requested resource, received none".into(),
            Some(named) if acts_for == ActsFor::Client && named.first_outside(&client.settings.scope).is_none() => {
                format!(
                    "scope: expected at least one that is not about a user, received '{named}': client_credentials has no user"
                )
            }
            Some(named) => {
                format!("scope: expected at least one that this client may have, received only others: '{named}'; {mended_by}")
            }
            None => format!("scope: expected some, received none, and this client has no default scope; {mended_by}"),
        })
    }
}

/// Whether a request about a user with this `scope` is one of OpenID Connect: it requests `openid`, or has none and gets it by default.
#[must_use]
pub fn includes_openid(scope: Option<&str>, client: &Client) -> bool {
    let by_default = client.settings.default_scope.as_ref().unwrap_or(&client.settings.scope);
    match scope {
        Some(sent) => sent.split(' ').any(|scope| scope == OPENID),
        None => by_default.contains(OPENID) && client.settings.scope.contains(OPENID),
    }
}

/// RFC 8707 §2: the requested APIs, as they are registered, if they are the client's; its default APIs if none is requested.
fn audiences(client: &Client, resources: &[String]) -> Result<Vec<String>, ProtocolError> {
    if resources.is_empty() {
        return Ok(client.settings.default_audiences().to_vec());
    }
    let registered = |sent: &String| {
        resource::find(&client.settings.audiences, sent).cloned().ok_or_else(|| {
            ProtocolError::new(ErrorCode::InvalidTarget, format!("resource: '{sent}' is not registered for this client"))
        })
    };
    Ok(once_each(resources.iter().map(registered).collect::<Result<Vec<_>, _>>()?))
}

/// RFC 6749 §3.3: what a request without `scope` means: what is set for the client; or else `openid` and the scopes of these APIs,
/// or all that a client has which acts for itself.
fn default_scopes(client: &Client, known: &KnownScopes<'_>, acts_for: ActsFor, audiences: &[String]) -> Scopes {
    let (scope, among) = (&client.settings.scope, &client.settings.audiences);
    if let Some(set) = &client.settings.default_scope {
        return set.clone();
    }
    if acts_for == ActsFor::Client {
        return scope.clone();
    }
    let of_apis = audiences.iter().fold(Scopes::default(), |all, uri| all.union(&known.of_api(scope, uri, among)));
    scope.retain(|one| one == OPENID || of_apis.contains(one))
}

fn invalid_scope(text: String) -> ProtocolError {
    ProtocolError::new(ErrorCode::InvalidScope, text)
}

#[cfg(test)]
#[path = "requested_access_tests.rs"]
mod tests;
