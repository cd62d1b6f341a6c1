//! The token request (RFC 6749 §4.1.3, §4.4.2 and §6): its grant type and parameters. Client authentication is `client_auth`;
//! whether the credential is valid is `grant`.

use super::{client::GrantType, requested_access::Requested, scope::Scopes};
use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    values::params::Params,
};

/// A well-formed token request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// Redeems a code.
    AuthorizationCode {
        /// The code as sent.
        code: String,
        /// The redirect URI, if sent.
        redirect_uri: Option<String>,
        /// The PKCE verifier, if sent.
        verifier: Option<String>,
        /// RFC 8707: the requested resources, a subset of those consented to.
        resources: Vec<String>,
    },
    /// Refreshes.
    RefreshToken {
        /// The refresh token as sent.
        token: String,
        /// The requested scopes, if fewer than granted.
        scopes: Option<Scopes>,
        /// RFC 8707: the requested resources, if fewer than granted.
        resources: Vec<String>,
    },
    /// Requests a token on the client's own behalf (RFC 6749 §4.4).
    ClientCredentials(Requested),
}

impl TokenRequest {
    /// Parses the form.
    ///
    /// # Errors
    /// `invalid_request`, `unsupported_grant_type` or `invalid_scope`, with what was expected.
    pub fn parse(params: &Params) -> Result<Self, ProtocolError> {
        let invalid = |text: String| ProtocolError::new(ErrorCode::InvalidRequest, text);
        let needed = |name: &str| {
            params.get(name).map(str::to_owned).ok_or_else(|| invalid(format!("expected the parameter '{name}', received none")))
        };
        if let Some(flaw) = params.flaw() {
            return Err(invalid(flaw.describe()));
        }
        match Self::known_grant_type(params)? {
            None => Err(invalid(format!("grant_type: expected one of {}, received none", GrantType::names().join(", ")))),
            Some(GrantType::AuthorizationCode) => Ok(Self::AuthorizationCode {
                code: needed("code")?,
                redirect_uri: params.get("redirect_uri").map(str::to_owned),
                verifier: params.get("code_verifier").map(str::to_owned),
                resources: Requested::resources(params),
            }),
            Some(GrantType::RefreshToken) => {
                let Requested { scopes, resources } = Requested::parse(params)?;
                Ok(Self::RefreshToken { token: needed("refresh_token")?, scopes, resources })
            }
            Some(GrantType::ClientCredentials) => Ok(Self::ClientCredentials(Requested::parse(params)?)),
        }
    }

    /// The grant type, if there is one. A request of any other can be answered before its client is authenticated: no credentials
    /// would make it succeed.
    ///
    /// # Errors
    /// `unsupported_grant_type`, with those that are supported.
    pub fn known_grant_type(params: &Params) -> Result<Option<GrantType>, ProtocolError> {
        let Some(name) = params.get("grant_type") else { return Ok(None) };
        GrantType::from_name(name).map(Some).ok_or_else(|| {
            let text = format!("grant_type: expected one of {}, received '{name}'", GrantType::names().join(", "));
            ProtocolError::new(ErrorCode::UnsupportedGrantType, text)
        })
    }

    /// The grant type the client must be registered for.
    #[must_use]
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> &'static str {
        TokenRequest::parse(&Params::parse(body)).unwrap_err().code.as_str()
    }

    #[test]
    fn good_requests_are_read() {
        let code = TokenRequest::parse(&Params::parse("grant_type=authorization_code&code=c&code_verifier=v")).unwrap();
        assert_eq!(
            code,
            TokenRequest::AuthorizationCode {
                code: "c".into(),
                redirect_uri: None,
                verifier: Some("v".into()),
                resources: vec![]
            }
        );
        let refresh =
            TokenRequest::parse(&Params::parse("grant_type=refresh_token&refresh_token=r&scope=a&resource=x&resource=y"))
                .unwrap();
        assert_eq!(refresh.grant_type(), GrantType::RefreshToken);
        let service = TokenRequest::parse(&Params::parse("grant_type=client_credentials&resource=x&resource=x")).unwrap();
        assert_eq!(service, TokenRequest::ClientCredentials(Requested { scopes: None, resources: vec!["x".into()] }));
    }

    #[test]
    fn malformed_requests_say_what_they_lack() {
        for body in [
            "",
            "grant_type=",
            "grant_type=authorization_code",
            "grant_type=refresh_token",
            "grant_type=refresh_token&refresh_token=a&refresh_token=a",
            "grant_type=%ff",
        ] {
            assert_eq!(refused(body), "invalid_request", "{body}");
        }
        assert_eq!(refused("grant_type=password"), "unsupported_grant_type");
        assert_eq!(
            TokenRequest::known_grant_type(&Params::parse("grant_type=")),
            Ok(None),
            "one that is absent is left to parse"
        );
        assert_eq!(refused("grant_type=refresh_token&refresh_token=r&scope=%22"), "invalid_scope");
        assert_eq!(refused("grant_type=refresh_token&refresh_token=r&scope=%20"), "invalid_scope");
    }
}
