//! The error responses of the Notes API: the status and the Bearer challenge (RFC 6750 3), and the same in JSON for scripts. Owns
//! the error codes and the characters a challenge may contain; when to refuse is decided by `resource_server`.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

const REALM: &str = "Notes API";

/// A refused request: the status, and by RFC 6750 3.1 the error code, its description and the missing scope.
#[derive(Debug, thiserror::Error)]
#[error("{description}")]
pub(super) struct Refusal {
    status: StatusCode,
    error: Option<&'static str>,
    description: String,
    scope: Option<&'static str>,
}

impl Refusal {
    /// RFC 6750 3.1: a request without any credentials gets a challenge without an error code.
    pub(super) fn nothing_sent() -> Self {
        let description = "expected an Authorization header with a Bearer token".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, error: None, description, scope: None }
    }

    pub(super) fn request(why: impl fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: Some("invalid_request"), description: why.to_string(), scope: None }
    }

    pub(super) fn token(why: impl fmt::Display) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, error: Some("invalid_token"), description: why.to_string(), scope: None }
    }

    pub(super) fn scope(needed: &'static str) -> Self {
        let description = format!("the token lacks the scope {needed}");
        Self { status: StatusCode::FORBIDDEN, error: Some("insufficient_scope"), description, scope: Some(needed) }
    }

    pub(super) fn full(why: impl fmt::Display) -> Self {
        Self { status: StatusCode::INSUFFICIENT_STORAGE, ..Self::request(why) }
    }

    pub(super) fn unavailable(why: &dyn fmt::Display) -> Self {
        tracing::warn!(%why, "the Notes API cannot verify tokens");
        let description = "the keys of the authorization server could not be fetched; try again soon".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error: Some("temporarily_unavailable"), description, scope: None }
    }

    fn challenge(&self) -> String {
        let mut members = vec![format!("realm=\"{REALM}\"")];
        if let Some(error) = self.error {
            members.push(format!("error=\"{error}\""));
            members.push(format!("error_description=\"{}\"", quotable(&self.description)));
        }
        if let Some(scope) = self.scope {
            members.push(format!("scope=\"{scope}\""));
        }
        format!("Bearer {}", members.join(", "))
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                answer.insert_header((header::WWW_AUTHENTICATE, self.challenge()))
            }
            StatusCode::SERVICE_UNAVAILABLE => answer.insert_header((header::RETRY_AFTER, "2")),
            _ => &mut answer,
        };
        answer.json(json!({ "error": self.error.unwrap_or("unauthorized"), "error_description": self.description }))
    }
}

/// RFC 6750 3: a description contains neither quotation marks nor backslashes, and ASCII only.
fn quotable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '"' | '\\') || !(' '..='~').contains(&c) { '\'' } else { c }).collect()
}
