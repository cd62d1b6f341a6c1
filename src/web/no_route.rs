//! Responses for paths that do not exist, and for methods that a path does not support.

use actix_web::{
    http::{StatusCode, header},
    web::Data,
};
use serde_json::json;

use super::{cors::Readers, page, reply::Reply, request::Request};
use crate::{app::App, pages::Problem};

/// 404, as a page.
pub async fn not_found(request: Request, app: Data<App>) -> Reply {
    page::error(app.config.issuer.base(), &request.context, 404, Problem::NotFound { path: request.path() })
}

/// 405 as a page, with the methods that are allowed (RFC 9110 §15.5.6).
#[must_use]
pub fn page_method(request: &Request, app: &App, allow: &str) -> Reply {
    let problem = Problem::MethodNotAllowed { method: request.method().as_str() };
    page::error(app.config.issuer.base(), &request.context, 405, problem).with(header::ALLOW, allow)
}

/// 405 as JSON, readable by whoever may read this path.
pub async fn api_method(request: &Request, app: &Data<App>, allow: &str) -> Reply {
    let description = format!("method: expected {allow}, received {}", request.method());
    let reply = api_error(StatusCode::METHOD_NOT_ALLOWED, &description).with(header::ALLOW, allow);
    match Readers::of_path(app.config.issuer.base(), request.path()) {
        Some(readers) => readers.reading(app, request, request.context.now, reply).await,
        None => reply,
    }
}

/// An error for programs that no endpoint has made.
#[must_use]
pub fn api_error(status: StatusCode, description: &str) -> Reply {
    Reply::json(status, &json!({"error": "invalid_request", "error_description": description})).noting(description)
}
