//! Error responses of the OAuth endpoints: JSON with `error` and `error_description` (RFC 6749 §5.2), a challenge where one is
//! required (RFC 6750 §3), 503 and 500 for faults.

use actix_web::http::{StatusCode, header};
use serde_json::json;

use super::{
    fault::{Fault, RETRY_AFTER},
    reply::Reply,
};
use crate::{
    protocol::error::{ErrorCode, ProtocolError},
    store::error::Outage,
};

/// The reason why an OAuth request failed.
#[derive(Debug)]
pub enum OauthError {
    /// An error of the client.
    Protocol(ProtocolError),
    /// A failure of the server.
    Fault(Fault),
}

/// The challenge of a 401 response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// None: the caller did not use the header (a browser would ask the user for a password).
    None,
    /// RFC 6749 §5.2: the client used the Authorization header.
    Basic,
    /// RFC 6750 §3.
    Bearer,
}

impl<E: Into<Fault>> From<E> for OauthError {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl From<ProtocolError> for OauthError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl Outage for OauthError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_outage())
    }
}

impl OauthError {
    /// The error response.
    #[must_use]
    pub fn reply(&self, challenge: Challenge) -> Reply {
        let error = match self {
            Self::Protocol(error) => error,
            Self::Fault(Fault::Unavailable(reason) | Fault::Busy(reason)) => {
                let body = json!({"error": "temporarily_unavailable", "error_description": "the server is temporarily unavailable; try again soon"});
                return Reply::json(StatusCode::SERVICE_UNAVAILABLE, &body).with(header::RETRY_AFTER, RETRY_AFTER).noting(reason);
            }
            Self::Fault(Fault::Internal(reason)) => {
                let body = json!({"error": "server_error", "error_description": "internal server error; see the server log"});
                return Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &body).noting(reason);
            }
        };
        let (code, description) = (error.code.as_str(), &error.description);
        let reply = Reply::json(status(error.code), &json!({"error": code, "error_description": description}));
        let reply = match challenge {
            Challenge::Basic if error.code == ErrorCode::InvalidClient => {
                reply.with(header::WWW_AUTHENTICATE, "Basic realm=\"symbolon\"")
            }
            Challenge::Bearer => {
                let challenge = format!("Bearer realm=\"symbolon\", error=\"{code}\", error_description=\"{description}\"");
                reply.with(header::WWW_AUTHENTICATE, &challenge)
            }
            Challenge::Basic | Challenge::None => reply,
        };
        reply.noting(error.detail.as_ref().map_or_else(|| error.to_string(), |detail| format!("{error}; {detail}")))
    }
}

const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}
