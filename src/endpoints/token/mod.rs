//! The token endpoint (RFC 6749 §3.2). The phases every grant type goes through are here, in order: the form,
//! the client, the grant type; a grant type's file fills the gap. So none can forget to authenticate.

mod answer;
mod authorization_code;
mod present;
mod refresh_token;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::Data,
};
use serde_json::json;

use crate::{
    app::App,
    jose::keys::Key,
    protocol::{
        client::{AuthMethod, Client},
        client_auth::Presented,
        error::{ErrorCode, ProtocolError},
        params::Params,
        token_request::TokenRequest,
    },
    store::{AnyConnection, clients},
    web::{
        body::{BodyProblem, Form},
        cors,
        hop::hop,
        oauth_error::{Challenge, OauthError},
        reply::Reply,
        request::{Context, header_text},
    },
};

/// One request, on its way through the phases.
struct Asked<'a> {
    app: &'a App,
    context: &'a Context,
    key: &'a Key,
}

/// `POST /token`.
pub async fn post(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    let context = Context::of(&request);
    let origin = cors::origin(&request);
    let has_query = !request.query_string().is_empty();
    let authorization = authorization(&request);
    let challenge = if request.headers().contains_key(header::AUTHORIZATION) { Challenge::Basic } else { Challenge::None };
    let story = hop(&app, move |app, connection| -> Result<Reply, OauthError> {
        // What may fail comes before what cannot be undone: who may read the answer, and the key that signs it.
        let readers = cors::readers(app, connection, origin.as_deref())?;
        let keys = app.keys(connection, context.now)?;
        let asked = Asked { app, context: &context, key: keys.signing(context.now)? };
        let answered = asked.answer(connection, has_query, authorization, form.0).or_else(|error| match error {
            OauthError::Protocol(_) => Ok(error.reply(challenge)),
            OauthError::Fault(fault) => Err(OauthError::Fault(fault)),
        })?;
        Ok(answered.with_all(readers))
    });
    story.await.unwrap_or_else(|error| error.reply(Challenge::None))
}

impl Asked<'_> {
    fn answer(
        &self,
        connection: &mut AnyConnection,
        has_query: bool,
        authorization: Result<Option<String>, ProtocolError>,
        form: Result<Params, BodyProblem>,
    ) -> Result<Reply, OauthError> {
        let invalid = |text: &str| ProtocolError::new(ErrorCode::InvalidRequest, text);
        if has_query {
            return Err(invalid("expected the parameters in the body, received some in the URL").into()); // RFC 6749 §2.3.1, §3.2
        }
        let params = match form {
            Ok(params) => params,
            Err(BodyProblem::TooLarge) => return Ok(too_large()),
            Err(problem) => return Err(invalid(&problem.describe()).into()),
        };
        if let Some(flaw) = params.flaw() {
            return Err(invalid(&flaw.describe()).into());
        }
        let presented = Presented::read(authorization?.as_deref(), &params)?;
        let client = match self.authenticate(connection, &presented)? {
            Ok(client) => client,
            Err(slowed_down) => return Ok(slowed_down),
        };
        let request = TokenRequest::parse(&params)?;
        if !client.may_use(request.grant_type()) {
            let text = format!("this client is not registered for the grant type {}", request.grant_type().as_str());
            return Err(ProtocolError::new(ErrorCode::UnauthorizedClient, text).into());
        }
        match request {
            TokenRequest::AuthorizationCode { code, redirect_uri, verifier, resources } => {
                self.redeem(connection, &client, &authorization_code::Redemption { code, redirect_uri, verifier, resources })
            }
            TokenRequest::RefreshToken { token, scopes, resources } => {
                self.refresh(connection, &client, &refresh_token::Refreshment { token, scopes, resources })
            }
        }
    }

    /// RFC 6749 §2.3.1: guessing is slowed. The right secret always passes, so that nobody can shut a client out.
    fn authenticate(&self, connection: &mut AnyConnection, presented: &Presented) -> Result<Result<Client, Reply>, OauthError> {
        let (address, id, now) = (self.context.address, &presented.client_id, self.context.now);
        let client = clients::find(connection, id)?;
        let error = match client.map(|client| presented.verify(&client).map(|()| client)) {
            Some(Ok(client)) => return Ok(Ok(client)),
            Some(Err(error)) => error,
            None => ProtocolError::new(ErrorCode::InvalidClient, format!("there is no client '{id}'")),
        };
        if presented.method == AuthMethod::None {
            return Err(error.into());
        }
        if let Some(seconds) = self.app.guesses.wait(address, id, now) {
            return Ok(Err(slow_down(seconds)));
        }
        self.app.guesses.count(address, id, now);
        Err(error.with_detail(format!("client {id:?}")).into())
    }
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
    let description = format!("too many wrong client secrets; try again in {seconds} seconds");
    let body = json!({"error": "temporarily_unavailable", "error_description": description});
    Reply::json(StatusCode::TOO_MANY_REQUESTS, &body).with(header::RETRY_AFTER, &seconds.to_string()).noting(description)
}
