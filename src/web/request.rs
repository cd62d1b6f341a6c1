//! A request that the middleware let through, with its context, and its headers as text.

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, dev::Payload, http::header::HeaderName};

use super::context::Context;

/// The maximum length of a query string, in bytes.
pub const QUERY_LIMIT: usize = 16 * 1024;

/// A request that the middleware let through, with its context. A handler that takes it answers 500 on a route without the middleware:
/// without a time nothing has expired, and without an address every caller is the same.
pub struct Request {
    http: HttpRequest,
    /// The request's context.
    pub context: Context,
}

impl Deref for Request {
    type Target = HttpRequest;

    fn deref(&self) -> &HttpRequest {
        &self.http
    }
}

impl FromRequest for Request {
    type Error = NoContext;
    type Future = Ready<Result<Self, NoContext>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = request.extensions().get::<Context>().cloned();
        ready(context.map(|context| Self { http: request.clone(), context }).ok_or_else(|| no_context(request.path())))
    }
}

/// A request without a context is a bug: 500.
#[derive(Debug, thiserror::Error)]
#[error("internal server error")] // the response text; the reason is in the log
pub struct NoContext;

impl ResponseError for NoContext {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::InternalServerError().body(self.to_string())
    }
}

pub(super) fn no_context(path: &str) -> NoContext {
    tracing::error!(path, "a request without the time, the address or the configuration: the route is not set up");
    NoContext
}

/// A request header as text.
#[must_use]
pub fn header_text(request: &HttpRequest, name: &HeaderName) -> Option<String> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A list-valued request header as text: several lines are joined (RFC 9110 §5.3).
#[must_use]
pub fn header_list(request: &HttpRequest, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> = request.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}
