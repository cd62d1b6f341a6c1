//! Presenting a credential of a grant: find, judge, and do what the verdict says. A guarded single statement
//! advances the row; where another was first, the row is read and judged again, once.

use super::Asked;
use crate::{
    protocol::{
        client::Client,
        error::{ErrorCode, ProtocolError},
        grant::{Grant, Means, Presentation, Standing, Verdict, judge},
        id::Id,
        scope::Scopes,
    },
    store::{AnyConnection, grants},
    web::{fault::Fault, oauth_error::OauthError},
};

/// A credential that was opened, with what came along.
pub struct Credentials<'a> {
    /// The grant's row.
    pub grant: Id,
    /// Which generation.
    pub generation: u32,
    /// What came along.
    pub means: Means<'a>,
    /// The resources asked for.
    pub resources: &'a [String],
}

/// A presentation that was accepted.
pub struct Accepted {
    /// The grant, as read before it advanced.
    pub grant: Grant,
    /// The generation whose refresh token the client gets.
    pub successor: u32,
    /// The scopes of the access token.
    pub scopes: Scopes,
    /// The resources of the access token.
    pub resources: Vec<String>,
    /// Whether the successor had been told before (row 6 of the verdict).
    pub is_repeat: bool,
}

impl Asked<'_> {
    /// Presents the credential.
    pub fn present(
        &self,
        connection: &mut AnyConnection,
        client: &Client,
        credentials: &Credentials<'_>,
    ) -> Result<Accepted, OauthError> {
        let presentation = Presentation {
            client,
            generation: credentials.generation,
            means: credentials.means,
            proof: None,
            resources: credentials.resources,
        };
        let now = self.context.now;
        for _ in 0..2 {
            let found = grants::find(connection, credentials.grant)?.ok_or_else(|| {
                ProtocolError::new(ErrorCode::InvalidGrant, "there is no such grant any more")
                    .with_detail(format!("grant {}", credentials.grant))
            })?;
            let standing = Standing { person_enabled: found.person_enabled, now };
            match judge(&found.grant, &presentation, &self.app.config.lifetimes.policy(client, &found.grant), &standing) {
                Verdict::Advance => {
                    let accepted = accept(client, found.grant, credentials, false)?;
                    if grants::advance(connection, credentials.grant, credentials.generation, now)? {
                        return Ok(accepted);
                    } // another was first: read and judge again
                }
                Verdict::Repeat => return Ok(accept(client, found.grant, credentials, true)?),
                Verdict::Reused(error) => {
                    grants::revoke(connection, credentials.grant, &error.description, now)?;
                    tracing::warn!(id = self.context.id, grant = %credentials.grant, client = client.id, "security: {}", error.description);
                    return Err(error.into());
                }
                Verdict::Refuse(error) => {
                    if error.detail.is_some() {
                        tracing::error!(id = self.context.id, grant = %credentials.grant, client = client.id, "{error}");
                    }
                    return Err(error.into());
                }
            }
        }
        Err(Fault::Busy(format!("grant {} changed twice while it was judged", credentials.grant)).into())
    }
}

/// What the client gets. A scope or resource that was taken from it since is gone here (OAuth 2.1 §4.3.1).
fn accept(client: &Client, grant: Grant, credentials: &Credentials<'_>, is_repeat: bool) -> Result<Accepted, ProtocolError> {
    let asked = match credentials.means {
        Means::Refresh { scopes: Some(scopes) } => scopes,
        _ => &grant.scopes,
    };
    let scopes = asked.intersection(&client.scopes);
    if scopes.is_empty() {
        return Err(ProtocolError::new(
            ErrorCode::InvalidScope,
            "none of the granted scopes is registered for this client any more",
        ));
    }
    let granted = if credentials.resources.is_empty() { &grant.audiences } else { credentials.resources };
    let resources = granted.iter().filter(|audience| client.audiences.contains(audience)).cloned().collect();
    Ok(Accepted { successor: credentials.generation + 1, scopes, resources, is_repeat, grant })
}
