//! The client credentials grant (RFC 6749 §4.4), a token for the client itself: no user, no grant row, no refresh token. Its `sub`
//! is the client's id, which can never be a user's (RFC 9700 §4.15, RFC 9068 §5).

use actix_web::http::StatusCode;

use super::{Exchange, answer::TokenAnswer};
use crate::{
    protocol::{
        oauth::{
            requested_access::{Access, ActsFor, Requested},
            resource::KnownScopes,
            scope::Scopes,
        },
        oidc::claims::{self, AccessToken},
    },
    random,
    store::AnyConnection,
    web::{oauth_error::OauthError, reply::Reply},
};

impl Exchange<'_> {
    /// Issues an access token to the client.
    pub fn serve_itself(&self, connection: &mut AnyConnection, requested: &Requested) -> Result<Reply, OauthError> {
        let (client, now, config) = (self.client, self.context.now, &self.app.config);
        let apis = self.registered.all_apis(connection)?;
        let known = KnownScopes { of_users: &config.scope_claims, apis: &apis };
        let Access { scopes, audiences } = requested.access(client, &known, ActsFor::Client)?;
        self.place.clone()?;
        let typ = self.registered.api_tokens(connection, &audiences)?.typ;
        let issuer = config.issuer.as_str();
        let exp = now.plus(config.lifetimes.access_token).seconds();
        let claims = AccessToken {
            iss: issuer,
            sub: &client.id,
            aud: claims::audience(&audiences, &Scopes::default(), issuer),
            client_id: &client.id,
            exp,
            iat: now.seconds(),
            jti: claims::client_jti(random::bytes()),
            scope: scopes.to_string(),
            user: None,
        };
        let access_token = self.key.access_token(&claims, typ)?;
        let answer = TokenAnswer {
            access_token,
            token_type: "Bearer",
            expires_in: exp - now.seconds(),
            refresh_token: None,
            scope: scopes.to_string(),
            id_token: None,
        };
        Ok(Reply::json(StatusCode::OK, &answer).noting("token for the client itself"))
    }
}
