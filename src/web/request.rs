//! The middleware around every request, and the request that it let through: transport checked,
//! headers set, one line logged with the id and never a secret (no query string, no body, no cookie).

use std::{
    future::{Ready, ready},
    net::IpAddr,
    ops::Deref,
    time::Instant,
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};

use super::{context::Context, headers, page, reply::Note, transport};
use crate::{app::App, pages::Problem, protocol::values::id::Id, random};

/// The maximum length of a query string, in bytes.
pub const QUERY_LIMIT: usize = 16 * 1024;
/// The header that carries the request id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request that [`around`] let through, with its context. A handler that takes it answers 500 on a route without [`around`]:
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

fn no_context(path: &str) -> NoContext {
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

/// The middleware around every request.
///
/// # Errors
/// Errors of the framework itself.
pub async fn around<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody + use<B>>, Error> {
    let app = request.app_data::<Data<App>>().cloned().ok_or_else(|| no_context(request.path()))?;
    let (now, is_https) = (app.clock.now(), app.config.issuer.is_https());
    let arrival = transport::arrival(&request, &app).ok_or_else(|| no_context(request.path()))?;
    let id = Id::new(now, random::bytes()).to_string();
    let user_agent = header_text(request.request(), &header::USER_AGENT).map(|text| text.chars().take(300).collect());
    let place = transport::place(&request, &app);
    let context = Context { id: id.clone(), address: arrival.address, user_agent, place, now };
    let mut line = LogLine {
        id: id.clone(),
        method: request.method().clone(),
        path: request.path().to_owned(),
        address: arrival.address,
        started: Instant::now(),
        answered: None,
    };
    let too_long = request.query_string().len() > QUERY_LIMIT;
    request.extensions_mut().insert(context.clone());

    let mut response = if arrival.is_insecure || too_long {
        let problem = if too_long { Problem::TooLarge { limit: QUERY_LIMIT } } else { Problem::InsecureTransport };
        let reply = page::error(app.config.issuer.base(), &context, if too_long { 414 } else { 400 }, problem);
        let (request, _) = request.into_parts();
        let response = reply.respond_to(&request);
        ServiceResponse::new(request, response).map_into_right_body()
    } else {
        let called = next.call(request).await.inspect_err(|error| {
            line.answered = Some((error.as_response_error().status_code().as_u16(), "rejected by the HTTP library".to_owned()));
        });
        called?.map_into_left_body()
    };

    headers::common(response.headers_mut(), is_https);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let note = response.response().extensions().get::<Note>().map(|note| note.0.clone());
    line.answered = Some((response.status().as_u16(), note.unwrap_or_default()));
    Ok(response)
}

/// The log line of a request. Written on drop, so that a caller who left before the response is logged too.
struct LogLine {
    id: String,
    method: Method,
    path: String,
    address: IpAddr,
    started: Instant,
    answered: Option<(u16, String)>,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let Self { id, method, path, address, started, answered } = self;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Some((status, note)) = answered else {
            tracing::warn!(id, %method, path, micros, %address, note = "the client disconnected before the response", "request");
            return;
        };
        match status {
            500.. => tracing::error!(id, %method, path, status, micros, %address, note, "request"),
            400.. => tracing::warn!(id, %method, path, status, micros, %address, note, "request"),
            _ => tracing::info!(id, %method, path, status, micros, %address, note, "request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App as ActixApp, middleware::from_fn, test, web};

    use super::*;

    #[actix_web::test]
    async fn a_route_without_the_middleware_or_its_configuration_answers_500() {
        let route = || web::get().to(|request: Request| async move { request.context.now.millis().to_string() });
        let bare = test::init_service(ActixApp::new().route("/", route())).await;
        assert_eq!(test::call_service(&bare, test::TestRequest::default().to_request()).await.status(), 500);
        let wrapped = test::init_service(ActixApp::new().wrap(from_fn(around)).route("/", route())).await;
        let refused = test::try_call_service(&wrapped, test::TestRequest::default().to_request()).await.err();
        assert_eq!(refused.map(|error| error.as_response_error().status_code().as_u16()), Some(500));
    }
}
