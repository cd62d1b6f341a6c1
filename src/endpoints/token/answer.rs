//! The token answer (RFC 6749 §5.1): an access token, the grant's current refresh token, and an ID token where
//! one is due. Signed after the row has advanced, with a key that was found before: if it fails all the same, the
//! retry window gives the client the same successor again.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::{Asked, present::Accepted};
use crate::{
    protocol::{
        claims::{self, AccessToken, IdToken},
        client::{Client, GrantType},
        credential::{Credential, Kind},
        scope::OPENID,
    },
    random,
    web::{oauth_error::OauthError, reply::Reply},
};

/// Whether an ID token is due, if `openid` was granted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum IdTokenDue {
    /// When a code is redeemed.
    Yes,
    /// When a token is refreshed.
    No,
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
    pub fn issue_tokens(&self, client: &Client, accepted: &Accepted, due: IdTokenDue) -> Result<Reply, OauthError> {
        let (grant, scopes, now, config) = (&accepted.grant, &accepted.scopes, self.context.now, &self.app.config);
        let expires = |lifetime| now.plus(lifetime).min(grant.expires_at).seconds();
        let (issuer, sid, sub) = (config.issuer.as_str(), grant.sid.to_string(), grant.person_id.to_string());
        let exp = expires(config.lifetimes.access_token);
        let access_token = self.key.access_token(&AccessToken {
            iss: issuer,
            sub: sub.clone(),
            aud: claims::audience(&accepted.resources, scopes, issuer),
            client_id: &client.id,
            exp,
            iat: now.seconds(),
            jti: claims::jti(grant.id, random::bytes()),
            scope: scopes.to_string(),
            auth_time: grant.auth_time.seconds(),
            sid: sid.clone(),
        })?;
        let id_token = if due == IdTokenDue::Yes && scopes.contains(OPENID) {
            Some(self.key.id_token(&IdToken {
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
