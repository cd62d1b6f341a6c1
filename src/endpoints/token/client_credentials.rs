//! The client credentials grant (RFC 6749 §4.4), a token for the client itself: no user, no grant row, no refresh token. Its `sub`
//! is the client's id, which can never be a user's (RFC 9700 §4.15, RFC 9068 §5).

use actix_web::http::StatusCode;

use super::{Exchange, answer::TokenAnswer};
use crate::{
    protocol::{
        error::{ErrorCode, ProtocolError},
        oauth::{
            api,
            client::Client,
            scope::{ScopeClaims, Scopes},
        },
        oidc::claims::{self, AccessToken},
    },
    random,
    store::AnyConnection,
    web::{oauth_error::OauthError, reply::Reply},
};

impl Exchange<'_> {
    /// Issues an access token to the client.
    pub fn serve_itself(
        &self,
        connection: &mut AnyConnection,
        requested: Option<&Scopes>,
        resources: &[String],
    ) -> Result<Reply, OauthError> {
        let (client, now, config) = (self.client, self.context.now, &self.app.config);
        let resources = resources_of(client, resources)?;
        let mut scopes = scopes_of(client, requested, &config.scope_claims)?;
        if !client.settings.audiences.iter().all(|uri| resources.contains(uri)) {
            scopes = api::scopes_at(&scopes, &self.registered.apis(connection, &client.settings.audiences)?, &resources);
            if requested.is_some() && scopes.is_empty() {
                let text = "scope: expected at least one scope of the requested resource, received none";
                return Err(ProtocolError::new(ErrorCode::InvalidScope, text).into());
            }
        }
        self.place.clone()?;
        let issuer = config.issuer.as_str();
        let exp = now.plus(config.lifetimes.access_token).seconds();
        let access_token = self.key.access_token(&AccessToken {
            iss: issuer,
            sub: &client.id,
            aud: claims::audience(&resources, &Scopes::default(), issuer),
            client_id: &client.id,
            exp,
            iat: now.seconds(),
            jti: claims::client_jti(random::bytes()),
            scope: scopes.to_string(),
            user: None,
        })?;
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

/// RFC 8707 §2: the requested APIs, if they are the client's; its default APIs if none is requested.
fn resources_of(client: &Client, requested: &[String]) -> Result<Vec<String>, ProtocolError> {
    if let Some(unknown) = requested.iter().find(|uri| !client.settings.audiences.contains(uri)) {
        let text = format!("resource: '{unknown}' is not registered for this client");
        return Err(ProtocolError::new(ErrorCode::InvalidTarget, text));
    }
    Ok(if requested.is_empty() { client.settings.default_audiences() } else { requested }.to_vec())
}

/// The requested scopes, or all that the client has at its APIs: never scopes that open a user's claims, as there is no user.
fn scopes_of(client: &Client, requested: Option<&Scopes>, custom: &ScopeClaims) -> Result<Scopes, ProtocolError> {
    let invalid = |text: String| Err(ProtocolError::new(ErrorCode::InvalidScope, text));
    let Some(requested) = requested else { return Ok(client.settings.scope.retain(|scope| !custom.is_of_users(scope))) };
    if let Some(outside) = requested.first_outside(&client.settings.scope) {
        return invalid(format!("scope: '{outside}' is not allowed for this client; allowed are '{}'", client.settings.scope));
    }
    if let Some(of_users) = requested.iter().find(|scope| custom.is_of_users(scope)) {
        return invalid(format!("scope: '{of_users}' is about a user, and there is none with grant type client_credentials"));
    }
    Ok(requested.clone())
}
