//! Protocol errors (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core 3.1.2.6): the code, the description for the caller, and the
//! detail for the log. They are returned by `authorization_response` (by redirect) and
//! `web::oauth_error` (as JSON).

use std::borrow::Cow;

/// The registered error codes this server returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// RFC 6749 §4.1.2.1, §5.2: malformed, repeated or missing parameters.
    InvalidRequest,
    /// RFC 6749 §5.2: the client could not be authenticated.
    InvalidClient,
    /// RFC 6749 §5.2: the code or refresh token is invalid, expired or revoked.
    InvalidGrant,
    /// RFC 6749 §5.2: the client may not use this grant type.
    UnauthorizedClient,
    /// RFC 6749 §5.2: the grant type is not supported.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1: only `code` is supported.
    UnsupportedResponseType,
    /// RFC 6749 §3.3: unknown, malformed or wider scope.
    InvalidScope,
    /// RFC 8707 §2: unknown or wider resource.
    InvalidTarget,
    /// RFC 9449 §5: the proof is absent or of another key.
    InvalidDpopProof,
    /// RFC 6749 §4.1.2.1: the user denied the request.
    AccessDenied,
    /// OpenID Connect Core 3.1.2.6: `prompt=none`, but a sign-in is needed.
    LoginRequired,
    /// OpenID Connect Core 3.1.2.6: `prompt=none`, but consent is needed.
    ConsentRequired,
    /// OpenID Connect Unmet Authentication Requirements §2: no sign-in here satisfies an essential `acr`.
    UnmetAuthenticationRequirements,
    /// OpenID Connect Core 3.1.2.6: the `request` parameter.
    RequestNotSupported,
    /// OpenID Connect Core 3.1.2.6: the `request_uri` parameter.
    RequestUriNotSupported,
    /// OpenID Connect Core 3.1.2.6: the `registration` parameter.
    RegistrationNotSupported,
    /// RFC 6750 §3.1: the access token is invalid, expired or revoked.
    InvalidToken,
    /// RFC 6750 §3.1: the access token lacks a scope.
    InsufficientScope,
}

impl ErrorCode {
    /// The registered name of the code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

/// An error response: `description` is public and gives the expected and the received value, where that is safe; `detail` is for
/// the log alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", code.as_str(), self.with_command())]
pub struct ProtocolError {
    /// The error code.
    pub code: ErrorCode,
    /// For the caller; only the characters that RFC 6749 §5.2 allows.
    pub description: String,
    /// The command that would allow the request, where a setting of the client would. Nothing of the request stands in it.
    pub remedy: Option<Box<str>>,
    /// For the operator.
    pub detail: Option<Box<str>>,
}

impl ProtocolError {
    /// An error with a description for the caller. Characters outside RFC 6749 §5.2 (`%x20-21 / %x23-5B / %x5D-7E`) become `?`, and
    /// the text is truncated at 400 characters, since it may quote the request.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl AsRef<str>) -> Self {
        let description = description
            .as_ref()
            .chars()
            .take(400)
            .map(|c| match c {
                ' '..='!' | '#'..='[' | ']'..='~' => c,
                '"' => '\'',
                _ => '?',
            })
            .collect();
        Self { code, description, remedy: None, detail: None }
    }

    /// The same error with the command that would allow the request.
    #[must_use]
    pub fn with_remedy(mut self, command: Option<String>) -> Self {
        self.remedy = command.map(String::into_boxed_str);
        self
    }

    /// The description with the remedy, for the caller.
    #[must_use]
    pub fn with_command(&self) -> Cow<'_, str> {
        match &self.remedy {
            Some(command) => format!("{}; to allow it: {command}", self.description).into(),
            None => self.description.as_str().into(),
        }
    }

    /// The same error with a line for the log.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into_boxed_str());
        self
    }
}

/// A value that is refused: what is expected of it, and what came where that is safe to tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl From<String> for Invalid {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Invalid {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl AsRef<str> for Invalid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_keep_to_the_allowed_characters() {
        let error = ProtocolError::new(ErrorCode::InvalidRequest, "got \"é\\\n\" ok");
        assert_eq!(error.description, "got '???' ok");
    }
}
