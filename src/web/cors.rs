//! CORS (RFC 9700 §2.6, RFC 10017 §6.3.3.4): which origins may read responses. Public documents may be read by every origin;
//! `/token` and `/userinfo` by the origins of the clients' redirect URIs and by the configured ones. Never with cookies, never for
//! `null`.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::Data,
};

use super::{
    blocking::{Priority, run_blocking},
    fault::{Fault, RETRY_AFTER},
    reply::Reply,
    request::{Request, header_list, header_text},
};
use crate::{
    app::App,
    caches::registrations::Registered,
    paths,
    protocol::{
        error::{ErrorCode, ProtocolError},
        values::time::Timestamp,
    },
    store::{AnyConnection, Result},
};

/// The `Origin` of a request; `None` if there are several.
#[must_use]
pub fn origin(request: &HttpRequest) -> Option<String> {
    let one = header_text(request, &header::ORIGIN).filter(|_| check_origin(request).is_ok());
    one.filter(|origin| origin.len() <= 300 && !origin.contains('\0'))
}

/// Refuses a request with several origins (RFC 6454 §7.3: there is at most one).
///
/// # Errors
/// [`ProtocolError`].
pub fn check_origin(request: &HttpRequest) -> std::result::Result<(), ProtocolError> {
    match request.headers().get_all(header::ORIGIN).count() {
        0 | 1 => Ok(()),
        _ => Err(ProtocolError::new(ErrorCode::InvalidRequest, "Origin: expected one header, received several")),
    }
}

/// The headers that let a page of this origin read the response, if the origin is allowed.
///
/// # Errors
/// When the database fails.
pub fn readers(
    app: &App,
    connection: &mut AnyConnection,
    registered: &Registered<'_>,
    origin: Option<&str>,
) -> Result<Vec<(HeaderName, HeaderValue)>> {
    Ok(match origin {
        Some(origin) if may_read(app, connection, registered, origin)? => headers(Some(origin)),
        _ => headers(None),
    })
}

/// As [`readers`], from the cache alone: for a response that only reports a failure of the server (503, 500), when the database is
/// not asked.
#[must_use]
pub fn remembered(app: &App, origin: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
    headers(origin.filter(|origin| is_remembered(app, Some(origin))))
}

fn is_remembered(app: &App, origin: Option<&str>) -> bool {
    origin.is_some_and(|origin| origin != "null" && (is_listed(app, origin) || app.registrations.remember_origin(origin)))
}

fn headers(reader: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![(header::VARY, HeaderValue::from_static("Origin"))];
    if let Some(value) = reader.and_then(|origin| HeaderValue::from_str(origin).ok()) {
        headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, value));
        let exposed = HeaderValue::from_static("WWW-Authenticate, X-Request-Id, Retry-After");
        headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed));
    }
    headers
}

fn is_listed(app: &App, origin: &str) -> bool {
    app.config.cors_origins.iter().any(|listed| listed == origin)
}

fn may_read(app: &App, connection: &mut AnyConnection, registered: &Registered<'_>, origin: &str) -> Result<bool> {
    if origin == "null" {
        return Ok(false);
    }
    Ok(is_listed(app, origin) || registered.has_origin(connection, origin)?)
}

/// Answers a preflight request, which discloses nothing. When the database is down or overloaded, the cache decides for an origin
/// seen before, and the page then learns of the failure from the actual response.
pub async fn preflight(request: Request, app: Data<App>) -> Reply {
    if let Err(error) = check_origin(&request) {
        return Reply::empty(StatusCode::BAD_REQUEST).noting(error.description);
    }
    let (origin, now) = (origin(&request), request.context.now);
    let caller_origin = origin.clone();
    let answer = run_blocking(&app, Priority::Reads, move |app, connection| -> std::result::Result<_, Fault> {
        let registered = app.registrations.now(connection, now)?;
        Ok(readers(app, connection, &registered, caller_origin.as_deref())?)
    });
    match answer.await {
        Ok(readers) => allowed(&request, readers),
        Err(fault @ (Fault::Unavailable(_) | Fault::Busy(_))) if is_remembered(&app, origin.as_deref()) => {
            allowed(&request, headers(origin.as_deref())).noting(fault.reason())
        }
        Err(fault) => Reply::empty(StatusCode::SERVICE_UNAVAILABLE).with(header::RETRY_AFTER, RETRY_AFTER).noting(fault.reason()),
    }
}

/// Answers a preflight request for a public document, which every origin may read.
pub async fn public_preflight(request: Request) -> Reply {
    public(allowed(&request, Vec::new()))
}

/// The answer to a preflight request. An origin that may read the response may send the headers that it asks for: no cookies come
/// with them, and frameworks add headers of their own, for tracing for example.
fn allowed(request: &HttpRequest, mut readers: Vec<(HeaderName, HeaderValue)>) -> Reply {
    let mut names = "Authorization, Content-Type, DPoP".to_owned();
    for name in requested_headers(request) {
        names.push_str(", ");
        names.push_str(&name);
    }
    readers.retain(|(name, _)| *name != header::VARY);
    Reply::empty(StatusCode::NO_CONTENT)
        .with(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST")
        .with(header::ACCESS_CONTROL_ALLOW_HEADERS, &names)
        .with(header::ACCESS_CONTROL_MAX_AGE, "600")
        .with(header::VARY, "Origin, Access-Control-Request-Headers")
        .with_all(readers)
}

/// The names in `Access-Control-Request-Headers`; none if they are too many or no names.
fn requested_headers(request: &HttpRequest) -> Vec<String> {
    const LIMIT: usize = 1_000;
    let names = header_list(request, &header::ACCESS_CONTROL_REQUEST_HEADERS).filter(|list| list.len() <= LIMIT);
    let names = names.unwrap_or_default();
    let names: Vec<_> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let is_name = |name: &&str| HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !names.iter().all(is_name) {
        return Vec::new();
    }
    let is_listed = |name: &&str| ["authorization", "content-type", "dpop"].contains(&name.to_ascii_lowercase().as_str());
    names.into_iter().filter(|name| !is_listed(name)).map(str::to_owned).collect()
}

/// Lets every origin read a public document.
#[must_use]
pub fn public(reply: Reply) -> Reply {
    reply.with(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

/// Who may read the responses of a path that is meant for programs, its errors included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Every origin.
    Everyone,
    /// The origins of clients.
    Clients,
    /// No page: it is for servers.
    Nobody,
}

impl Readers {
    /// The readers of this path, below the path of the issuer; `None` for a page.
    #[must_use]
    pub fn of_path(base: &str, path: &str) -> Option<Self> {
        let below = path.strip_prefix(base).unwrap_or(path);
        match below {
            paths::TOKEN | paths::USERINFO | paths::REVOKE => Some(Self::Clients),
            paths::INTROSPECT => Some(Self::Nobody),
            paths::JWKS => Some(Self::Everyone),
            _ if path.starts_with(paths::OAUTH_METADATA) || below.starts_with(paths::OPENID_CONFIGURATION) => {
                Some(Self::Everyone)
            }
            _ => None,
        }
    }

    /// Lets them read an error of a request that is rejected before anything is known of it: origins met before, without asking the
    /// database.
    pub fn reading_remembered(self, app: &App, request: &HttpRequest, reply: Reply) -> Reply {
        match self {
            Self::Everyone => public(reply),
            Self::Nobody => reply,
            Self::Clients => reply.with_all(remembered(app, origin(request).as_deref())),
        }
    }

    /// Lets them read an error that was made before the endpoint was reached.
    pub async fn reading(self, app: &Data<App>, request: &HttpRequest, now: Timestamp, reply: Reply) -> Reply {
        let origin = match self {
            Self::Everyone => return public(reply),
            Self::Nobody => return reply,
            Self::Clients => origin(request),
        };
        if origin.is_none() || is_remembered(app, origin.as_deref()) {
            return reply.with_all(headers(origin.as_deref()));
        }
        let found = run_blocking(app, Priority::Reads, move |app, connection| -> std::result::Result<_, Fault> {
            let registered = app.registrations.now(connection, now)?;
            Ok(readers(app, connection, &registered, origin.as_deref())?)
        });
        reply.with_all(found.await.unwrap_or_else(|_| headers(None)))
    }
}
