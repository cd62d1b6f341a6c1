//! The middleware around every request: transport checked, context made, headers set, one line logged with the id and never a secret
//! (no query string, no body, no cookie).

use std::{net::IpAddr, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpRequest, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};

use super::{
    context::Context,
    cors::Readers,
    headers, no_route, page,
    reply::{Note, Reply},
    request::{QUERY_LIMIT, header_text, no_context},
    transport,
};
use crate::{
    app::App,
    pages::Problem,
    protocol::{oauth::client_refusal::ClientRefusal, values::id::Id},
    random,
};

/// The header that carries the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware around every request.
///
/// # Errors
/// Errors of the framework itself.
pub async fn around<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody + use<B>>, Error> {
    let app = request.app_data::<Data<App>>().cloned().ok_or_else(|| no_context(request.path()))?;
    let now = app.clock.now();
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
    let is_insecure = arrival.is_insecure && !transport::is_health(&app, request.path());
    let too_long = request.query_string().len() > QUERY_LIMIT;
    request.extensions_mut().insert(context.clone());

    let mut response = if is_insecure || too_long {
        let (request, _) = request.into_parts();
        let reply = rejected(&app, &request, &context, too_long);
        let response = reply.respond_to(&request);
        ServiceResponse::new(request, response).map_into_right_body()
    } else {
        let called = next.call(request).await.inspect_err(|error| {
            let note = Note { text: "rejected by the HTTP library".to_owned(), is_refusal: true, refused: None };
            line.answered = Some((error.as_response_error().status_code().as_u16(), note));
        });
        called?.map_into_left_body()
    };

    headers::common(response.headers_mut(), app.config.hsts());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let mut note = response.response_mut().extensions_mut().remove::<Note>().unwrap_or_default();
    if let Some((client, reason)) = note.refused.take().map(|refused| *refused) {
        app.refusals.add(ClientRefusal::new(&client, &line.path, reason, now));
    }
    line.answered = Some((response.status().as_u16(), note));
    Ok(response)
}

/// The answer to a request that reaches no handler: JSON where programs are answered, a page elsewhere.
fn rejected(app: &App, request: &HttpRequest, context: &Context, too_long: bool) -> Reply {
    let base = app.config.issuer.base();
    let (status, problem, description) = if too_long {
        let description = format!("query: expected at most {QUERY_LIMIT} bytes, received {}", request.query_string().len());
        (StatusCode::URI_TOO_LONG, Problem::TooLarge { limit: QUERY_LIMIT }, description)
    } else {
        (StatusCode::BAD_REQUEST, Problem::InsecureTransport, "scheme: expected https, received http".to_owned())
    };
    match Readers::of_path(base, request.path()) {
        Some(readers) => readers.reading_remembered(app, request, no_route::api_error(status, &description)),
        None => page::error(base, context, status.as_u16(), problem),
    }
}

/// The log line of a request. Written on drop, so that a caller who left before the response is logged too.
struct LogLine {
    id: String,
    method: Method,
    path: String,
    address: IpAddr,
    started: Instant,
    answered: Option<(u16, Note)>,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let Self { id, method, path, address, started, answered } = self;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Some((status, Note { text: note, is_refusal, .. })) = answered else {
            tracing::warn!(id, %method, path, micros, %address, note = "the client disconnected before the response", "request");
            return;
        };
        match status {
            500.. => tracing::error!(id, %method, path, status, micros, %address, note, "request"),
            _ if *is_refusal || *status >= 400 => {
                tracing::warn!(id, %method, path, status, micros, %address, note, "request");
            }
            _ => tracing::info!(id, %method, path, status, micros, %address, note, "request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App as ActixApp, middleware::from_fn, test, web};

    use super::*;
    use crate::web::request::Request;

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
