//! Error responses of the OAuth endpoints: JSON with `error` and `error_description` (RFC 6749 §5.2), a challenge where one is
//! required (RFC 6750 §3), 503 and 500 for faults.

use actix_web::http::{StatusCode, header};
use serde_json::json;

use super::{
    fault::{Fault, RETRY_AFTER},
    reply::Reply,
};
use crate::{
    protocol::{
        error::{ErrorCode, ProtocolError},
        oauth::client::Client,
    },
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
    /// None: a client whose credentials came in the body gets 400 for `invalid_client` (RFC 6749 §5.2).
    None,
    /// RFC 6749 §5.2: the client used the Authorization header, or has no credentials.
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
    /// The error response to a request of this registered client, for its operator as well.
    #[must_use]
    pub fn refusal(&self, challenge: Challenge, client: Option<&Client>) -> Reply {
        let reply = self.reply(challenge);
        match (self, client) {
            (Self::Protocol(error), Some(client)) => {
                reply.noting(format!("client {}: {}", client.id, logged(error))).recorded_for(&client.id, error)
            }
            _ => reply,
        }
    }

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
        let (code, description) = (error.code.as_str(), error.with_command());
        let bearer = || format!("Bearer realm=\"symbolon\", error=\"{code}\", error_description=\"{description}\"");
        // RFC 9110 §15.5.2: every 401 has a challenge.
        let (status, challenge) = match (error.code, challenge) {
            (ErrorCode::InvalidClient, Challenge::Basic) => {
                (StatusCode::UNAUTHORIZED, Some("Basic realm=\"symbolon\"".to_owned()))
            }
            (ErrorCode::InvalidToken, _) => (StatusCode::UNAUTHORIZED, Some(bearer())),
            (ErrorCode::InsufficientScope, _) => (StatusCode::FORBIDDEN, Some(bearer())),
            (_, Challenge::Bearer) => (StatusCode::BAD_REQUEST, Some(bearer())),
            (_, Challenge::Basic | Challenge::None) => (StatusCode::BAD_REQUEST, None),
        };
        let reply = Reply::json(status, &json!({"error": code, "error_description": description}));
        let reply = match challenge {
            Some(challenge) => reply.with(header::WWW_AUTHENTICATE, &challenge),
            None => reply,
        };
        reply.noting(logged(error))
    }
}

/// The error with its detail.
fn logged(error: &ProtocolError) -> String {
    error.detail.as_ref().map_or_else(|| error.to_string(), |detail| format!("{error}; {detail}"))
}
