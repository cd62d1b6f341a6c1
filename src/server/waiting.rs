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
    pages::assets,
    paths,
    protocol::values::id::Id,
    random,
    web::{
        context::Context,
        cors::{self, Readers},
        fault::{Fault, RETRY_AFTER},
        headers,
        oauth_error::{Challenge, OauthError},
        page,
        reply::Reply,
        transport,
    },
};

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
        let why = || Fault::Unavailable("waiting for the database".to_owned());
        match below {
            paths::HEALTHZ => return Reply::text(StatusCode::OK, "alive\n"),
            paths::READYZ => {
                let text = "not ready: waiting for the database\n";
                return Reply::text(StatusCode::SERVICE_UNAVAILABLE, text).with(header::RETRY_AFTER, RETRY_AFTER);
            }
            _ => {}
        }
        let asset = below.strip_prefix(paths::STATIC).and_then(|name| assets::find(name.trim_start_matches('/')));
        if let Some(asset) = asset {
            return Reply::file(asset.content_type, asset.bytes);
        }
        match Readers::of_path(&self.base, request.path()) {
            Some(Readers::Everyone) => cors::public(OauthError::Fault(why()).reply(Challenge::None)),
            Some(_) => OauthError::Fault(why()).reply(Challenge::None),
            None => page::fault(&self.base, &self.context(request), &why()),
        }
    }

    fn context(&self, request: &HttpRequest) -> Context {
        let now = self.clock.now();
        let id = Id::new(now, random::bytes()).to_string();
        Context { id, address: transport::peer(request.peer_addr()), user_agent: None, place: None, now }
    }
}

/// Registers the only route.
pub fn routes(config: &mut ServiceConfig) {
    config.default_service(web::to(answer));
}

async fn answer(request: HttpRequest, waiting: Data<Waiting>) -> HttpResponse {
    let mut response = waiting.reply(&request).respond_to(&request);
    headers::common(response.headers_mut(), waiting.hsts);
    // The next request is for the server that has started meanwhile.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
