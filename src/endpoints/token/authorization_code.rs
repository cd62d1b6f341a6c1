//! Redeeming an authorization code (RFC 6749 §4.1.3): open, present, answer.

use super::{Exchange, present::Credentials};
use crate::{
    protocol::{
        error::{ErrorCode, ProtocolError},
        grant::{
            TokenParams,
            credential::{Credential, Kind},
        },
    },
    store::AnyConnection,
    web::{oauth_error::OauthError, reply::Reply},
};

/// The parameters of a code redemption.
pub struct Redemption {
    /// The code.
    pub code: String,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// `code_verifier`.
    pub verifier: Option<String>,
    /// `resource`.
    pub resources: Vec<String>,
}

impl Exchange<'_> {
    /// Redeems a code.
    pub fn redeem(&self, connection: &mut AnyConnection, redemption: &Redemption) -> Result<Reply, OauthError> {
        let code = Credential::open(&self.app.config.secrets, Kind::Code, &redemption.code)
            .ok_or_else(|| ProtocolError::new(ErrorCode::InvalidGrant, "the code was not issued by this server"))?;
        let params =
            TokenParams::Code { redirect_uri: redemption.redirect_uri.as_deref(), verifier: redemption.verifier.as_deref() };
        let credentials = Credentials { grant: code.id, generation: code.generation, params, resources: &redemption.resources };
        let accepted = self.present(connection, &credentials)?;
        self.issue_tokens(&accepted)
    }
}
