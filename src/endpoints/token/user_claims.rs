//! What the tokens of an accepted presentation say about the user: by the scopes of the token, the settings of its client and those
//! of its APIs. The user was read together with the grant, so that this costs no statement and tells what is true now.

use serde_json::{Map, Value};

use super::Exchange;
use crate::{
    protocol::{
        grant::{TokenParams, entitlement::Entitlement},
        oauth::{
            api_tokens::{ALWAYS, TokenTyp},
            client::IdTokenClaims,
            scope::{OPENID, Scopes},
        },
        oidc::standard_claims::IN_ID_TOKENS,
    },
    store::{AnyConnection, Result, grants::Found},
};

/// What the tokens say about the user, and in which form.
pub struct UserClaims {
    /// The `typ` of the access token.
    pub typ: TokenTyp,
    /// The claims of the access token.
    pub access_token: Map<String, Value>,
    /// The claims of the ID token; `None` where there is none.
    pub id_token: Option<Map<String, Value>>,
}

impl Exchange<'_> {
    /// The claims about the user. An ID token has those of granted scopes besides the requested ones (OpenID Connect Core §5.4,
    /// §5.5); one on refresh is like the first (OpenID Connect Core §12.2), with claims as of now.
    pub(super) fn user_claims(
        &self,
        connection: &mut AnyConnection,
        (found, left): (&Found, &Entitlement),
        params: TokenParams<'_>,
    ) -> Result<UserClaims> {
        let (settings, custom) = (&self.client.settings, &self.app.config.scope_claims);
        let tokens = self.registered.api_tokens(connection, &left.resources)?;
        let is_due = match params {
            TokenParams::Code { .. } => true,
            TokenParams::Refresh { .. } => settings.id_token_on_refresh,
        };
        let mut claims = UserClaims {
            typ: tokens.typ,
            access_token: Map::new(),
            id_token: (is_due && left.scopes.contains(OPENID)).then(Map::new),
        };
        let requested = left.requested_claims(self.client, &found.grant, custom);
        // Most tokens of APIs say nothing about the user: then nothing is parsed.
        if requested.id_token.is_empty() && !left.scopes.iter().any(|scope| custom.grants_claims(scope)) {
            return Ok(claims);
        }
        let Some(user) = found.user()? else { return Ok(claims) };
        let names: Vec<_> = ALWAYS.into_iter().chain(tokens.claims.iter().map(String::as_str)).collect();
        claims.access_token = user.access_token(&left.scopes, &names, custom);
        if let Some(id_token) = &mut claims.id_token {
            let scopes = match settings.id_token_claims {
                IdTokenClaims::Granted => left.scopes.retain(|scope| IN_ID_TOKENS.contains(&scope)),
                IdTokenClaims::Requested => Scopes::default(),
            };
            *id_token = user.id_token(&scopes, &requested, custom);
        }
        Ok(claims)
    }
}
