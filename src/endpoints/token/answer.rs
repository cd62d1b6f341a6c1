//! The token answer (RFC 6749 §5.1): an access token, the grant's current refresh token, and an ID token where
//! one is due. Signed after the row has advanced: if that fails, the retry window gives the client the same
//! successor again.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::{Asked, present::Accepted};
use crate::{
    protocol::{
        claims::{self, AccessToken, IdToken},
        client::{Client, GrantType},
        credential::{Credential, Kind},
        error::{ErrorCode, ProtocolError},
        scope::{OPENID, Scopes},
    },
    random,
    store::AnyConnection,
    web::{oauth_error::OauthError, reply::Reply},
};

/// What the client asked for.
pub struct Wanted<'a> {
    /// Fewer scopes than granted.
    pub scopes: Option<&'a Scopes>,
    /// Fewer resources than granted.
    pub resources: &'a [String],
    /// Whether an ID token is due, if `openid` was granted.
    pub id_token: bool,
}

#[derive(Serialize)]
struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl Asked<'_> {
    /// Issues the tokens of an accepted presentation.
    pub fn issue_tokens(
        &self,
        connection: &mut AnyConnection,
        client: &Client,
        accepted: &Accepted,
        wanted: &Wanted<'_>,
    ) -> Result<Reply, OauthError> {
        let (grant, now, config) = (&accepted.grant, self.context.now, &self.app.config);
        // What the client may still ask for (OAuth 2.1 §4.3.1): a scope taken from it is gone here.
        let scopes = wanted.scopes.unwrap_or(&grant.scopes).intersection(&client.scopes);
        if scopes.is_empty() {
            return Err(ProtocolError::new(
                ErrorCode::InvalidScope,
                "none of the granted scopes is registered for this client any more",
            )
            .into());
        }
        let granted = if wanted.resources.is_empty() { &grant.audiences } else { wanted.resources };
        let resources: Vec<_> = granted.iter().filter(|audience| client.audiences.contains(audience)).cloned().collect();

        let keys = self.app.keys(connection, now)?;
        let key = keys.signing(now)?;
        let expires = |lifetime| now.plus(lifetime).min(grant.expires_at).seconds();
        let (issuer, sid, sub) = (config.issuer.as_str(), grant.sid.to_string(), grant.person_id.to_string());
        let exp = expires(config.lifetimes.access_token);
        let access_token = key.access_token(&AccessToken {
            iss: issuer,
            sub: sub.clone(),
            aud: claims::audience(&resources, &scopes, issuer),
            client_id: &client.id,
            exp,
            iat: now.seconds(),
            jti: claims::jti(grant.id, random::bytes()),
            scope: scopes.to_string(),
            auth_time: grant.auth_time.seconds(),
            sid: sid.clone(),
        })?;
        let id_token = if wanted.id_token && scopes.contains(OPENID) {
            Some(key.id_token(&IdToken {
                iss: issuer,
                sub,
                aud: &client.id,
                exp: now.plus(config.lifetimes.id_token).seconds(),
                iat: now.seconds(),
                auth_time: grant.auth_time.seconds(),
                nonce: grant.nonce.as_deref(),
                at_hash: claims::at_hash(&access_token),
                sid,
            })?)
        } else {
            None
        };
        let successor = Credential { kind: Kind::Refresh, id: grant.id, generation: accepted.successor };
        let refresh_token = client.may_use(GrantType::RefreshToken).then(|| successor.derive(&config.secrets));
        let kind = if accepted.is_repeat { "repeated" } else { "advanced" };
        let note = format!("grant {} {kind} to generation {}", grant.id, accepted.successor);
        let answer = TokenAnswer {
            access_token,
            token_type: "Bearer",
            expires_in: exp - now.seconds(),
            refresh_token,
            scope: scopes.to_string(),
            id_token,
        };
        Ok(Reply::json(StatusCode::OK, &answer).noting(note))
    }
}
