//! Why a request of the app in the browser is not served, and what it is answered.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    error::BlockingError,
    http::{StatusCode, header},
};
use serde_json::json;

use crate::sessions::NoToken;

#[derive(Debug)]
pub enum Refused {
    /// The header of our app is missing.
    OtherSite,
    SignedOut,
    /// The authorization server or the API is not there at the moment. Nothing has ended.
    Unavailable,
    /// The API takes none of our tokens.
    ByTheApi,
    Malformed,
    /// A fault of this server.
    Fault,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherSite => "the header X-CSRF is missing",
            Self::SignedOut => "signed_out",
            Self::Unavailable => "temporarily_unavailable",
            Self::ByTheApi => "the API does not take our tokens",
            Self::Malformed => "invalid_request",
            Self::Fault => "failed",
        })
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::ByTheApi => StatusCode::BAD_GATEWAY,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Unavailable) {
            response.insert_header((header::RETRY_AFTER, "5"));
        }
        response.json(json!({ "error": self.to_string() }))
    }
}

impl From<NoToken> for Refused {
    fn from(reason: NoToken) -> Self {
        match reason {
            NoToken::SignedOut => Self::SignedOut,
            NoToken::Unavailable => Self::Unavailable,
        }
    }
}

impl From<BlockingError> for Refused {
    fn from(_: BlockingError) -> Self {
        Self::Fault
    }
}

impl From<serde_json::Error> for Refused {
    fn from(_: serde_json::Error) -> Self {
        Self::Fault
    }
}
