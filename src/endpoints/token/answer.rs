//! The token response (RFC 6749 §5.1): an access token, the grant's current refresh token, and an ID token where one is due. Signed
//! after the row has advanced, with a key that was found before: if signing fails all the same, the retry window gives the client
//! the same successor again.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::{Exchange, present::Accepted};
use crate::{
    protocol::{
        grant::credential::{Credential, Kind},
        oauth::client::GrantType,
        oidc::{
            authentication::Class,
            claims::{self, AccessToken, IdToken, OfUser},
        },
    },
    random,
    web::{oauth_error::OauthError, reply::Reply},
};

/// The members of RFC 6749 §5.1.
#[derive(Serialize)]
pub struct TokenAnswer {
    pub access_token: String,
    pub token_type: &'static str,
    /// In seconds.
    pub expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

impl Exchange<'_> {
    /// Issues the tokens of an accepted presentation.
    pub fn issue_tokens(&self, accepted: &Accepted) -> Result<Reply, OauthError> {
        let (grant, scopes, now, config) = (&accepted.found.grant, &accepted.left.scopes, self.context.now, &self.app.config);
        let (issuer, sub, user) = (config.issuer.as_str(), grant.sub(), &accepted.user_claims);
        let sid = claims::sid(&config.secrets, grant.subject.as_deref(), grant.sid);
        let exp = now.plus(config.lifetimes.access_token).min(grant.expires_at).seconds();
        let acr = grant.acr().map(Class::as_str);
        let claims = AccessToken {
            iss: issuer,
            sub: &sub,
            aud: claims::audience(&accepted.left.resources, scopes, issuer),
            client_id: &self.client.id,
            exp,
            iat: now.seconds(),
            jti: claims::jti(grant.id, random::bytes()),
            scope: scopes.to_string(),
            user: Some(OfUser {
                auth_time: grant.auth_time.seconds(),
                acr,
                amr: grant.amr.methods().collect(),
                sid: &sid,
                claims: &user.access_token,
            }),
        };
        let access_token = self.key.access_token(&claims, user.typ)?;
        let id_token = |claims| {
            self.key.id_token(&IdToken {
                iss: issuer,
                sub: &sub,
                aud: &self.client.id,
                exp: now.plus(config.lifetimes.id_token).seconds(),
                iat: now.seconds(),
                auth_time: grant.auth_time.seconds(),
                nonce: grant.nonce.as_deref().filter(|_| accepted.successor == 1), // Core §12.2: not on refresh
                acr,
                amr: grant.amr.methods().collect(),
                at_hash: claims::at_hash(self.key.algorithm(), &access_token),
                sid: &sid,
                claims,
            })
        };
        let id_token = user.id_token.as_ref().map(id_token).transpose()?;
        let successor = Credential { kind: Kind::Refresh, id: grant.id, generation: accepted.successor };
        let refresh_token = self.client.settings.may_use(GrantType::RefreshToken).then(|| successor.derive(&config.secrets));
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
