//! The token endpoint (RFC 6749 §3.2). The client is authenticated by `web::client_request`; this module picks the grant type, and
//! its file does the rest.

mod answer;
mod authorization_code;
mod client_credentials;
mod present;
mod refresh_token;
mod user_claims;

use std::cell::Cell;

use actix_web::web::Data;

use crate::{
    app::App,
    caches::registrations::Registered,
    jose::keys::Key,
    protocol::{
        error::{ErrorCode, ProtocolError},
        grant::credential::{Credential, Kind},
        oauth::{client::Client, token_request::TokenRequest},
        values::{params::Params, time::Timestamp},
    },
    store::{
        AnyConnection,
        grants::{About, Found},
    },
    web::{
        blocking::Deadline,
        body::Form,
        client_request::{self, AuthenticatedClient, ClientRequest, CorsPolicy, Endpoint},
        context::Context,
        oauth_error::OauthError,
        reply::Reply,
        request::Request,
    },
};

/// One token request of one authenticated client.
struct Exchange<'a> {
    app: &'a App,
    context: &'a Context,
    client: &'a Client,
    /// Whether the client's credentials may stand where they are: asked when nothing else is wrong, before anything is used up.
    place: Result<(), ProtocolError>,
    key: &'a Key,
    registered: Registered<'a>,
    /// The grant that was read ahead, and when, until it is judged.
    ahead: Cell<Option<(Found, Timestamp)>>,
    /// The time until which the caller waits for the response.
    deadline: Deadline,
}

/// `POST /token`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let endpoint = Endpoint { readers: CorsPolicy::Registered, only_reads: false, refuse, about, handle };
    client_request::answer(request, app, form, endpoint).await
}

/// A grant type that does not exist here.
fn refuse(params: &Params) -> Result<(), ProtocolError> {
    TokenRequest::known_grant_type(params).map(|_| ())
}

/// The grant of the code or the refresh token.
fn about(app: &App, params: &Params) -> Option<About> {
    let presented = [("refresh_token", Kind::Refresh), ("code", Kind::Code)];
    let (text, kind) = presented.iter().find_map(|(name, kind)| Some((params.get(name)?, *kind)))?;
    Some(About { grant: Credential::open(&app.config.secrets, kind, text)?.id, jti: None })
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    client_request: &ClientRequest,
    caller: AuthenticatedClient<'_>,
) -> Result<Reply, OauthError> {
    let AuthenticatedClient { client, place, registered, found, deadline } = caller;
    let request = TokenRequest::parse(&client_request.params)?;
    if !client.settings.may_use(request.grant_type()) {
        let text = format!("the client is not allowed the grant type {}", request.grant_type().as_str());
        return Err(ProtocolError::new(ErrorCode::UnauthorizedClient, text).into());
    }
    // Fallible work comes before irreversible work: the signing key first.
    let now = client_request.context.now;
    let keys = app.keys_signing(connection, client.settings.signing_alg, now)?;
    let key = keys.signing(client.settings.signing_alg, now)?;
    let (context, client, ahead) = (&client_request.context, &*client, Cell::new(found));
    let exchange = Exchange { app, context, client, place, key, registered, ahead, deadline };
    match request {
        TokenRequest::AuthorizationCode { code, redirect_uri, verifier, resources } => {
            exchange.redeem(connection, &authorization_code::Redemption { code, redirect_uri, verifier, resources })
        }
        TokenRequest::RefreshToken { token, scopes, resources } => {
            exchange.refresh(connection, &refresh_token::Refreshment { token, scopes, resources })
        }
        TokenRequest::ClientCredentials(requested) => exchange.serve_itself(connection, &requested),
    }
}
