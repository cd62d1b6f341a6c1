//! Requests that authenticate a client (RFC 6749 §2.3, RFC 7523): `/token`, `/introspect`, `/revoke`. The phases that none of them
//! can skip, in order: form, credentials, client, proof; the rest is the handler's. A client's keys are fetched between two
//! blocking calls, so that a slow client holds no database connection. Whether the proof is valid is decided in `proof`.

mod proof;

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::Data,
};
use serde_json::json;

use super::{
    blocking::{Deadline, Priority, run_blocking},
    body::{BodyProblem, Form},
    context::Context,
    cors,
    fault::Fault,
    oauth_error::{Challenge, OauthError},
    reply::Reply,
    request::{Request, header_list, header_text},
};
use crate::{
    app::App,
    caches::registrations::Registered,
    inspection,
    protocol::{
        error::{ErrorCode, ProtocolError},
        oauth::{client::Client, client_auth::Presented},
        secrets::sensitive::Sensitive,
        values::{params::Params, time::Timestamp},
    },
    store::{
        AnyConnection,
        grants::{About, Found},
    },
};
use proof::{Authenticated, KeysAre, fetch};

/// A client's request, its parameters parsed.
pub struct ClientRequest {
    /// The request's context.
    pub context: Context,
    /// The form parameters.
    pub params: Params,
    /// The `Accept` header.
    pub accept: Option<String>,
    authorization: Result<Option<Sensitive<String>>, ProtocolError>,
}

/// An endpoint that authenticates clients.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// The origins that may read its responses.
    pub readers: CorsPolicy,
    /// Whether it only reads, apart from recording the use of a client assertion.
    pub only_reads: bool,
    /// What is refused before the client is authenticated, as no credentials would help.
    pub refuse: fn(&Params) -> Result<(), ProtocolError>,
    /// The grant a request is about, as far as its form tells: read ahead in the same query as the rest, and not trusted.
    pub about: fn(&App, &Params) -> Option<About>,
    /// The handler for an authenticated client.
    pub handle: fn(&App, &mut AnyConnection, &ClientRequest, AuthenticatedClient<'_>) -> Result<Reply, OauthError>,
}

/// The input of an endpoint's handler.
pub struct AuthenticatedClient<'a> {
    /// The authenticated client.
    pub client: Arc<Client>,
    /// Whether its credentials may stand where they are. A handler asks before it does anything, and after it has found nothing else
    /// that is wrong.
    pub place: Result<(), ProtocolError>,
    /// The registered clients and APIs.
    pub registered: Registered<'a>,
    /// The grant the request is about, if it exists, and when it was read.
    pub found: Option<(Found, Timestamp)>,
    /// The time until which the caller waits for the response.
    pub deadline: Deadline,
}

/// Which web origins may read an endpoint's responses (RFC 9700 §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorsPolicy {
    /// Registered origins: apps in browsers call it.
    Registered,
    /// None: only servers call it.
    NoOrigin,
}

/// The result of one blocking call.
enum Outcome {
    Answer(Reply),
    Fetch(Arc<Client>),
}

impl CorsPolicy {
    /// The CORS headers of this policy.
    fn headers(
        self,
        app: &App,
        connection: &mut AnyConnection,
        (registered, origin): (&Registered<'_>, Option<&str>),
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Fault> {
        match self {
            Self::Registered => Ok(cors::readers(app, connection, registered, origin)?),
            Self::NoOrigin => Ok(Vec::new()),
        }
    }

    /// As [`CorsPolicy::headers`], from the cache alone.
    fn remembered(self, app: &App, origin: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::Registered => cors::remembered(app, origin),
            Self::NoOrigin => Vec::new(),
        }
    }
}

/// Authenticates the client of a request and runs the endpoint's handler.
pub async fn answer(request: Request, app: Data<App>, form: Form, endpoint: Endpoint) -> Reply {
    let origin = cors::origin(&request);
    let read =
        read(&request, form).map_err(|refused| refused.unwrap_or_else(|error| OauthError::from(error).reply(Challenge::None)));
    let client_request = match read {
        Ok(client_request) => Arc::new(client_request),
        Err(refused) => return readable(&app, endpoint.readers, origin, refused).await,
    };
    let challenge = client_request.challenge(&request);
    let is_asserted = client_request.params.get("client_assertion").is_some(); // the use of an assertion is recorded
    let priority = if endpoint.only_reads && !is_asserted { Priority::Reads } else { Priority::Clients };
    // The keys are fetched once; the second pass works with the cached ones.
    for last in [false, true] {
        let (in_handler, reader) = (client_request.clone(), origin.clone());
        let keys = if last { KeysAre::AsKnown } else { KeysAre::Fresh };
        let deadline = Deadline::of(&app);
        let outcome = run_blocking(&app, priority, move |app, connection| -> Result<Outcome, OauthError> {
            let (about, now) = ((endpoint.about)(app, &in_handler.params), in_handler.context.now);
            let (registered, found) = inspection::read_ahead(&app.registrations, connection, about.as_ref(), now)?;
            let found = found.map(|found| (found, app.clock.now()));
            // Fallible work comes before irreversible work: the CORS headers first.
            let readers = endpoint.readers.headers(app, connection, (&registered, reader.as_deref()))?;
            let outcome = in_handler.outcome(app, connection, endpoint, (registered, found, keys, deadline)).or_else(
                |error| match error {
                    OauthError::Protocol(_) => {
                        let client = in_handler.claimed_client(connection, &registered)?;
                        Ok(Outcome::Answer(error.refusal(challenge, client.as_deref())))
                    }
                    OauthError::Fault(fault) => Err(OauthError::Fault(fault)),
                },
            )?;
            Ok(match outcome {
                Outcome::Answer(reply) => Outcome::Answer(reply.with_all(readers)),
                fetch @ Outcome::Fetch(_) => fetch,
            })
        });
        match outcome.await {
            Ok(Outcome::Answer(reply)) => return reply,
            Ok(Outcome::Fetch(client)) => {
                if !last {
                    fetch(&app, &client_request, client).await;
                }
            }
            Err(error) => return error.reply(Challenge::None).with_all(endpoint.readers.remembered(&app, origin.as_deref())),
        }
    }
    let busy = OauthError::Fault(Fault::Busy("the client's keys could not be fetched in time".into()));
    busy.reply(Challenge::None).with_all(endpoint.readers.remembered(&app, origin.as_deref()))
}

/// Adds the CORS headers to a refusal, so that a page of a registered origin can read it.
async fn readable(app: &Data<App>, pages: CorsPolicy, origin: Option<String>, refused: Reply) -> Reply {
    if pages == CorsPolicy::NoOrigin {
        return refused;
    }
    let (now, reader) = (app.clock.now(), origin.clone());
    let readers = run_blocking(app, Priority::Reads, move |app, connection| -> Result<_, Fault> {
        let registered = app.registrations.now(connection, now)?;
        pages.headers(app, connection, (&registered, reader.as_deref()))
    });
    match readers.await {
        Ok(readers) => refused.with_all(readers),
        Err(_) => refused.with_all(pages.remembered(app, origin.as_deref())),
    }
}

fn read(request: &Request, form: Form) -> Result<ClientRequest, Result<Reply, ProtocolError>> {
    let invalid = |text: &str| Err(Err(ProtocolError::new(ErrorCode::InvalidRequest, text)));
    if !request.query_string().is_empty() {
        return invalid("expected the parameters in the request body, received some in the URL"); // RFC 6749 §2.3.1, §3.2
    }
    cors::check_origin(request).map_err(Err)?;
    let params = match form.0 {
        Ok(params) => params,
        Err(BodyProblem::TooLarge) => return Err(Ok(too_large())),
        Err(problem) => return invalid(&problem.describe()),
    };
    if let Some(flaw) = params.flaw() {
        return invalid(&flaw.describe());
    }
    let accept = header_list(request, &header::ACCEPT);
    Ok(ClientRequest { context: request.context.clone(), params, accept, authorization: authorization(request) })
}

impl ClientRequest {
    /// RFC 6749 §5.2, RFC 9110 §15.5.2: a client that used the header, or sent no credentials, is told of the header's scheme.
    fn challenge(&self, request: &HttpRequest) -> Challenge {
        let in_body = ["client_secret", "client_assertion", "client_assertion_type"];
        let has_header = request.headers().contains_key(header::AUTHORIZATION);
        if has_header || in_body.iter().all(|name| self.params.get(name).is_none()) { Challenge::Basic } else { Challenge::None }
    }

    /// The registered client that the request claims to be from, whether it is or not.
    fn claimed_client(&self, connection: &mut AnyConnection, registered: &Registered<'_>) -> Result<Option<Arc<Client>>, Fault> {
        let header = self.authorization.as_ref().ok().and_then(Option::as_ref);
        let presented = Presented::read(header.map(|header| header.expose().as_str()), &self.params).ok();
        let claimed = presented.as_ref().map(|presented| presented.client_id.as_str()).or_else(|| self.params.get("client_id"));
        Ok(claimed.map_or(Ok(None), |id| registered.client(connection, id))?)
    }

    fn outcome(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        endpoint: Endpoint,
        (registered, found, keys, deadline): (Registered<'_>, Option<(Found, Timestamp)>, KeysAre, Deadline),
    ) -> Result<Outcome, OauthError> {
        (endpoint.refuse)(&self.params)?;
        match self.authenticate(app, connection, &registered, keys)? {
            Authenticated::As(client, place) => {
                (endpoint.handle)(app, connection, self, AuthenticatedClient { client, place, registered, found, deadline })
                    .map(Outcome::Answer)
            }
            Authenticated::Refused(reply) => Ok(Outcome::Answer(reply)),
            Authenticated::Fetch(client) => Ok(Outcome::Fetch(client)),
        }
    }
}

fn authorization(request: &HttpRequest) -> Result<Option<Sensitive<String>>, ProtocolError> {
    let count = request.headers().get_all(header::AUTHORIZATION).count();
    match header_text(request, &header::AUTHORIZATION) {
        Some(text) if count == 1 => Ok(Some(Sensitive::new(text))),
        None if count == 0 => Ok(None),
        _ => Err(ProtocolError::new(ErrorCode::InvalidRequest, "Authorization: expected one header of printable ASCII")),
    }
}

fn too_large() -> Reply {
    let body = json!({"error": ErrorCode::InvalidRequest.as_str(), "error_description": BodyProblem::TooLarge.describe()});
    Reply::json(StatusCode::PAYLOAD_TOO_LARGE, &body).noting("body too large")
}
