//! Refreshing (RFC 6749 §6): open, present, answer. If `openid` was granted, the answer has an ID token (OpenID Connect Core §12.2),
//! unless the client does without and saves the signature.

use super::{Exchange, present::Credentials};
use crate::{
    protocol::{
        error::{ErrorCode, ProtocolError},
        grant::{
            TokenParams,
            credential::{Credential, Kind},
        },
        oauth::scope::Scopes,
    },
    store::AnyConnection,
    web::{oauth_error::OauthError, reply::Reply},
};

/// The parameters of a refresh.
pub struct Refreshment {
    /// The refresh token.
    pub token: String,
    /// `scope`.
    pub scopes: Option<Scopes>,
    /// `resource`.
    pub resources: Vec<String>,
}

impl Exchange<'_> {
    /// Refreshes.
    pub fn refresh(&self, connection: &mut AnyConnection, refreshment: &Refreshment) -> Result<Reply, OauthError> {
        let token = Credential::open(&self.app.config.secrets, Kind::Refresh, &refreshment.token)
            .ok_or_else(|| ProtocolError::new(ErrorCode::InvalidGrant, "the refresh token was not issued by this server"))?;
        let params = TokenParams::Refresh { scopes: refreshment.scopes.as_ref() };
        let credentials =
            Credentials { grant: token.id, generation: token.generation, params, resources: &refreshment.resources };
        let accepted = self.present(connection, &credentials)?;
        self.issue_tokens(&accepted)
    }
}
