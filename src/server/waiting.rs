//! What is answered while the database cannot be reached at the start: the process is alive and not ready, and everything else is to
//! be tried again. Nothing here needs the database, or the server secret.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::{self, Data, ServiceConfig},
};

use crate::{
    clock::Clock,
    config::{Config, Hsts},
    endpoints::static_files,
    pages::assets,
    paths,
    protocol::values::id::Id,
    random,
    web::{
        context::Context,
        cors::{self, Readers},
        fault::{Fault, RETRY_AFTER},
        headers,
        middleware::REQUEST_ID,
        oauth_error::{Challenge, OauthError},
        page,
        reply::Reply,
        transport,
    },
};

/// Why nothing else is answered.
const REASON: &str = "waiting for the database";

/// What the answers depend on.
pub struct Waiting {
    base: String,
    hsts: Hsts,
    clock: Clock,
}

impl Waiting {
    /// A server with this configuration.
    pub fn of(config: &Config, clock: &Clock) -> Self {
        Self { base: config.issuer.base().to_owned(), hsts: config.hsts(), clock: clock.clone() }
    }

    fn reply(&self, request: &HttpRequest) -> Reply {
        let below = request.path().strip_prefix(self.base.as_str()).unwrap_or_default();
        let why = || Fault::Unavailable(REASON.to_owned());
        if let Some(reply) = health(below) {
            return reply;
        }
        let asset = below.strip_prefix(paths::STATIC).and_then(|name| assets::find(name.trim_start_matches('/')));
        if let Some(asset) = asset {
            return static_files::file(request, asset);
        }
        let context = self.context(request);
        let (id, method, path, address) = (&context.id, request.method(), request.path(), context.address);
        tracing::warn!(id, %method, path, status = 503, %address, note = REASON, "request");
        let reply = match Readers::of_path(&self.base, request.path()) {
            Some(Readers::Everyone) => cors::public(OauthError::Fault(why()).reply(Challenge::None)),
            Some(_) => OauthError::Fault(why()).reply(Challenge::None),
            None => page::fault(&self.base, &context, &why()),
        };
        reply.with(REQUEST_ID, id)
    }

    fn context(&self, request: &HttpRequest) -> Context {
        let now = self.clock.now();
        let id = Id::new(now, random::bytes()).to_string();
        Context { id, address: transport::peer(request.peer_addr()), user_agent: None, place: None, now }
    }
}

/// The answer about health, if it is that path.
fn health(path: &str) -> Option<Reply> {
    match path {
        paths::HEALTHZ => Some(Reply::text(StatusCode::OK, "alive\n")),
        paths::READYZ => Some(not_ready()),
        _ => None,
    }
}

fn not_ready() -> Reply {
    let text = format!("not ready: {REASON}\n");
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, &text).with(header::RETRY_AFTER, RETRY_AFTER)
}

/// Registers the only route.
pub fn routes(config: &mut ServiceConfig) {
    config.default_service(web::to(answer));
}

/// Registers the only route for monitoring.
pub fn metrics_routes(config: &mut ServiceConfig) {
    config.default_service(web::to(answer_monitoring));
}

async fn answer(request: HttpRequest, waiting: Data<Waiting>) -> HttpResponse {
    let mut response = closing(waiting.reply(&request), &request);
    headers::common(response.headers_mut(), waiting.hsts);
    response
}

async fn answer_monitoring(request: HttpRequest) -> HttpResponse {
    closing(health(request.path()).unwrap_or_else(not_ready), &request)
}

fn closing(reply: Reply, request: &HttpRequest) -> HttpResponse {
    let mut response = reply.respond_to(request);
    // The next request is for the server that has started meanwhile.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
