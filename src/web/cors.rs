//! CORS (RFC 9700 §2.6, RFC 10017 §6.3.3.4): who may read answers from a web page. Public documents may be read
//! by every origin; `/token` and `/userinfo` by the origins of the clients' redirect URIs and those listed
//! besides. Never with cookies, never for `null`.

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::Data,
};

use super::{fault::Fault, hop::hop, reply::Reply, request::header_text};
use crate::{
    app::App,
    store::{AnyConnection, Result, clients},
};

/// The origin a browser says the request comes from.
#[must_use]
pub fn origin(request: &HttpRequest) -> Option<String> {
    header_text(request, &header::ORIGIN).filter(|origin| origin.len() <= 300 && !origin.contains('\0'))
}

/// Lets the page read the answer, if its origin may.
///
/// # Errors
/// The database's.
pub fn allow(app: &App, connection: &mut AnyConnection, origin: Option<&str>, reply: Reply) -> Result<Reply> {
    let reply = reply.with(header::VARY, "Origin");
    match origin {
        Some(origin) if may_read(app, connection, origin)? => Ok(reply
            .with(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            .with(header::ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, X-Request-Id")),
        _ => Ok(reply),
    }
}

fn may_read(app: &App, connection: &mut AnyConnection, origin: &str) -> Result<bool> {
    if origin == "null" {
        return Ok(false);
    }
    Ok(app.config.cors_origins.iter().any(|listed| listed == origin) || clients::is_origin_registered(connection, origin)?)
}

/// Answers a preflight request.
pub async fn preflight(request: HttpRequest, app: Data<App>) -> Reply {
    let origin = origin(&request);
    let answer = hop(&app, move |app, connection| -> std::result::Result<Reply, Fault> {
        let reply = Reply::empty(StatusCode::NO_CONTENT)
            .with(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST")
            .with(header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP")
            .with(header::ACCESS_CONTROL_MAX_AGE, "600");
        Ok(allow(app, connection, origin.as_deref(), reply)?)
    });
    answer.await.unwrap_or_else(|fault| Reply::empty(StatusCode::SERVICE_UNAVAILABLE).noting(fault.reason()))
}

/// Lets every page read a public document.
#[must_use]
pub fn public(reply: Reply) -> Reply {
    reply.with(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}
