//! Requests of clients that say who they are (RFC 6749 §2.3, RFC 7523): `/token`, `/introspect`, `/revoke`. The phases
//! that none of them can skip, in order: the form, the credentials, the client, the proof. What is asked for is the story's.
//! The keys of a client are fetched between two hops, so that a slow client holds no database connection.

use std::time::Duration;

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
    body::{BodyProblem, Form},
    cors,
    fault::Fault,
    hop::hop,
    oauth_error::{Challenge, OauthError},
    reply::Reply,
    request::{Context, header_text},
};
use crate::{
    app::App,
    client_keys::Keys,
    protocol::{
        client::{AuthMethod, Client},
        client_assertion,
        client_auth::{Presented, Verified},
        error::{ErrorCode, ProtocolError},
        params::Params,
    },
    store::{AnyConnection, clients, used_assertions},
};

/// How long a request waits for its turn to have keys fetched.
const FETCH_TURN: Duration = Duration::from_secs(5);

/// A request, its parameters read.
#[derive(Clone)]
pub struct Asked {
    /// What every request brings.
    pub context: Context,
    /// Its form.
    pub params: Params,
    /// What it wants as an answer.
    pub accept: Option<String>,
    authorization: Result<Option<String>, ProtocolError>,
}

/// What an endpoint does for a client that was authenticated.
pub type Story = fn(&App, &mut AnyConnection, &Asked, &Client) -> Result<Reply, OauthError>;

/// Which web pages may read the answers of an endpoint (RFC 9700 §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Those of registered origins: apps in browsers call it.
    Registered,
    /// None: only servers call it.
    Nobody,
}

/// What became of the authentication.
enum Authenticated {
    /// It is this client.
    As(Box<Client>),
    /// It is refused with an answer of its own.
    Refused(Reply),
    /// Nobody knows before this URL of the client was asked.
    Fetch(Box<Client>, String),
}

/// What one hop came to.
enum Turn {
    Answer(Reply),
    Fetch(Box<Client>, String),
}

impl Readers {
    /// The headers that say so.
    fn headers(
        self,
        app: &App,
        connection: &mut AnyConnection,
        origin: Option<&str>,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Fault> {
        match self {
            Self::Registered => Ok(cors::readers(app, connection, origin)?),
            Self::Nobody => Ok(Vec::new()),
        }
    }
}

/// Answers a request of a client: authenticates it, and lets `story` do the rest.
pub async fn answer(request: HttpRequest, app: Data<App>, form: Form, pages: Readers, story: Story) -> Reply {
    let origin = cors::origin(&request);
    let challenge = if request.headers().contains_key(header::AUTHORIZATION) { Challenge::Basic } else { Challenge::None };
    let read = read(&request, form).map_err(|refused| refused.unwrap_or_else(|error| OauthError::from(error).reply(challenge)));
    let asked = match read {
        Ok(asked) => asked,
        Err(refused) => return readable(&app, pages, origin, refused).await,
    };
    for _ in 0..2 {
        let (asked, origin) = (asked.clone(), origin.clone());
        let turn = hop(&app, move |app, connection| -> Result<Turn, OauthError> {
            // What may fail comes before what cannot be undone: who may read the answer.
            let readers = pages.headers(app, connection, origin.as_deref())?;
            let turn = asked.turn(app, connection, story).or_else(|error| match error {
                OauthError::Protocol(_) => Ok(Turn::Answer(error.reply(challenge))),
                OauthError::Fault(fault) => Err(OauthError::Fault(fault)),
            })?;
            Ok(match turn {
                Turn::Answer(reply) => Turn::Answer(reply.with_all(readers)),
                fetch @ Turn::Fetch(..) => fetch,
            })
        });
        match turn.await {
            Ok(Turn::Answer(reply)) => return reply,
            Ok(Turn::Fetch(client, url)) => fetch(&app, &client, url).await,
            Err(error) => return error.reply(Challenge::None),
        }
    }
    OauthError::Fault(Fault::Busy("the client's keys changed while they were read".into())).reply(Challenge::None)
}

/// Lets the page of a registered origin read a refusal.
async fn readable(app: &Data<App>, pages: Readers, origin: Option<String>, refused: Reply) -> Reply {
    if pages == Readers::Nobody {
        return refused;
    }
    let readers = hop(app, move |app, connection| pages.headers(app, connection, origin.as_deref()));
    match readers.await {
        Ok(readers) => refused.with_all(readers),
        Err(_) => refused,
    }
}

fn read(request: &HttpRequest, form: Form) -> Result<Asked, Result<Reply, ProtocolError>> {
    let invalid = |text: &str| Err(Err(ProtocolError::new(ErrorCode::InvalidRequest, text)));
    if !request.query_string().is_empty() {
        return invalid("expected the parameters in the body, received some in the URL"); // RFC 6749 §2.3.1, §3.2
    }
    let params = match form.0 {
        Ok(params) => params,
        Err(BodyProblem::TooLarge) => return Err(Ok(too_large())),
        Err(problem) => return invalid(&problem.describe()),
    };
    if let Some(flaw) = params.flaw() {
        return invalid(&flaw.describe());
    }
    let accept = header_text(request, &header::ACCEPT);
    Ok(Asked { context: Context::of(request), params, accept, authorization: authorization(request) })
}

impl Asked {
    fn turn(&self, app: &App, connection: &mut AnyConnection, story: Story) -> Result<Turn, OauthError> {
        match self.authenticate(app, connection)? {
            Authenticated::As(client) => story(app, connection, self, &client).map(Turn::Answer),
            Authenticated::Refused(reply) => Ok(Turn::Answer(reply)),
            Authenticated::Fetch(client, url) => Ok(Turn::Fetch(client, url)),
        }
    }

    /// RFC 6749 §2.3.1: guessing is slowed. The right secret always passes, so that nobody can shut a client out.
    fn authenticate(&self, app: &App, connection: &mut AnyConnection) -> Result<Authenticated, OauthError> {
        let presented = Presented::read(self.authorization.clone()?.as_deref(), &self.params)?;
        let (address, id, now) = (self.context.address, &presented.client_id, self.context.now);
        let error = match clients::find(connection, id)? {
            None => ProtocolError::new(ErrorCode::InvalidClient, format!("there is no client '{id}'")),
            Some(client) => match presented.verify(&client) {
                Ok(Verified::Wholly) => return Ok(Authenticated::As(Box::new(client))),
                Ok(Verified::UpToAssertion(assertion)) => match self.assert(app, connection, &client, assertion)? {
                    Ok(None) => return Ok(Authenticated::As(Box::new(client))),
                    Ok(Some(url)) => return Ok(Authenticated::Fetch(Box::new(client), url)),
                    Err(error) => error,
                },
                Err(error) => error,
            },
        };
        if presented.method == AuthMethod::None {
            return Err(error.into());
        }
        if let Some(seconds) = app.guesses.wait(address, id, now) {
            return Ok(Authenticated::Refused(slow_down(seconds)));
        }
        app.guesses.count(address, id, now);
        Err(error.with_detail(format!("client {id:?}")).into())
    }

    /// RFC 7523 §3: signed by the client, for us, now, once. The use is written down last: nothing else can fail then.
    fn assert(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        client: &Client,
        assertion: &str,
    ) -> Result<Result<Option<String>, ProtocolError>, OauthError> {
        let refuse = |text: String| ProtocolError::new(ErrorCode::InvalidClient, format!("client_assertion: {text}"));
        let keys = match app.client_keys.find(client, assertion, self.context.now) {
            Keys::Ready(keys) => keys,
            Keys::Fetch(url) => return Ok(Ok(Some(url))),
            Keys::Missing(why) => return Ok(Err(refuse("the client's keys cannot be read".into()).with_detail(why))),
        };
        let claims = match keys.verify(assertion) {
            Ok(claims) => claims,
            Err(refused) => return Ok(Err(refuse(refused.0))),
        };
        let issuer = app.config.issuer.as_str();
        let checked = match client_assertion::check(&claims, &client.id, issuer, self.context.now) {
            Ok(checked) => checked,
            Err(error) => return Ok(Err(error)),
        };
        if !used_assertions::insert(connection, &checked)? {
            return Ok(Err(refuse("jti: expected one that was not used before".into())));
        }
        Ok(Ok(None))
    }
}

/// Asks the client for its keys, with no connection in hand, a few at a time.
async fn fetch(app: &Data<App>, client: &Client, url: String) {
    let turn = tokio::time::timeout(FETCH_TURN, app.fetches.clone().acquire_owned()).await;
    let answered = if let Ok(Ok(_permit)) = turn {
        let outbound = app.outbound.clone();
        let got = actix_web::web::block(move || outbound.get(&url)).await;
        got.map_err(|error| error.to_string()).and_then(|got| got.map_err(|error| format!("jwks_uri: {error}")))
    } else {
        Err("jwks_uri: too many fetches at once".to_owned())
    };
    if let Err(why) = &answered {
        tracing::warn!(client = client.id, why, "the client's keys could not be fetched");
    }
    app.client_keys.put(client, answered, app.clock.now());
}

fn authorization(request: &HttpRequest) -> Result<Option<String>, ProtocolError> {
    let count = request.headers().get_all(header::AUTHORIZATION).count();
    match header_text(request, &header::AUTHORIZATION) {
        Some(text) if count == 1 => Ok(Some(text)),
        None if count == 0 => Ok(None),
        _ => Err(ProtocolError::new(ErrorCode::InvalidRequest, "Authorization: expected one header of printable ASCII")),
    }
}

fn too_large() -> Reply {
    let body = json!({"error": ErrorCode::InvalidRequest.as_str(), "error_description": BodyProblem::TooLarge.describe()});
    Reply::json(StatusCode::PAYLOAD_TOO_LARGE, &body).noting("body too large")
}

fn slow_down(seconds: i64) -> Reply {
    let description = format!("too many wrong client credentials; try again in {seconds} seconds");
    let body = json!({"error": "temporarily_unavailable", "error_description": description});
    Reply::json(StatusCode::TOO_MANY_REQUESTS, &body).with(header::RETRY_AFTER, &seconds.to_string()).noting(description)
}
