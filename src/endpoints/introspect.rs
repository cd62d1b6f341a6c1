//! The introspection endpoint (RFC 7662): a client asks about its own tokens, a resource server about tokens for the APIs it
//! serves. For any other token the response is the same, whatever the reason. Signed on request (RFC 9701).

use actix_web::{http::StatusCode, web::Data};
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    inspection::{self, Inspector},
    protocol::{
        error::{ErrorCode, ProtocolError},
        grant::credential::Kind,
        oauth::introspection::{self, View},
        values::{params::Params, time::Timestamp},
    },
    store::{AnyConnection, grants::About},
    web::{
        body::Form,
        client_request::{self, AuthenticatedClient, ClientRequest, CorsPolicy, Endpoint},
        oauth_error::OauthError,
        reply::Reply,
        request::Request,
    },
};

/// The media type of a signed response (RFC 9701 §4).
const SIGNED: &str = "application/token-introspection+jwt";

/// `POST /introspect`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let endpoint = Endpoint { readers: CorsPolicy::NoOrigin, only_reads: true, refuse: |_| Ok(()), about, handle };
    client_request::answer(request, app, form, endpoint).await
}

/// The grant of the token.
fn about(app: &App, params: &Params) -> Option<About> {
    inspection::about(&app.config.secrets, params.get("token")?)
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    client_request: &ClientRequest,
    caller: AuthenticatedClient<'_>,
) -> Result<Reply, OauthError> {
    let client = caller.client.clone();
    if client.settings.is_public() {
        let text = "introspection requires client authentication (RFC 7662 2.1)";
        return Err(ProtocolError::new(ErrorCode::InvalidClient, text).into());
    }
    let token = introspection::token(&client_request.params)?;
    caller.place.clone()?;
    let answer = tell(app, connection, client_request.context.now, caller, token)?;
    if !client_request.accept.as_deref().is_some_and(wants_signed) {
        return Ok(Reply::json(StatusCode::OK, &answer));
    }
    let now = client_request.context.now;
    let ring = app.keys_signing(connection, client.settings.signing_alg, now)?;
    let claims = json!({
        "iss": app.config.issuer.as_str(),
        "aud": client.id,
        "iat": now.seconds(),
        "token_introspection": answer,
    });
    Ok(Reply::of_type(SIGNED, ring.signing(client.settings.signing_alg, now)?.introspection(&claims)?))
}

fn tell(
    app: &App,
    connection: &mut AnyConnection,
    now: Timestamp,
    AuthenticatedClient { client, registered, found, .. }: AuthenticatedClient<'_>,
    token: &str,
) -> Result<Map<String, Value>, OauthError> {
    let ring = app.keys_verifying(connection, token, now)?;
    let inspector = Inspector { config: &app.config, ring: &ring, registered, now, shift: app.clock.shift() };
    if token.starts_with(Kind::Refresh.prefix()) {
        let Ok(found) = inspector.refresh_token(connection, token, found.map(|(found, _)| found))? else {
            return Ok(introspection::inactive());
        };
        if found.client.id != client.id {
            return Ok(introspection::inactive());
        }
        let answer = json!({
            "active": true,
            "scope": found.left.scopes.to_string(),
            "client_id": client.id,
            "iss": app.config.issuer.as_str(),
            "sub": found.grant.sub(),
            "exp": found.expires_at.seconds(),
            "iat": found.grant.rotated_at.unwrap_or(found.grant.created_at).seconds(),
        });
        let mut answer = answer.as_object().cloned().unwrap_or_default();
        answer.extend(found.username.map(|name| ("username".to_owned(), name.into())));
        return Ok(answer);
    }
    let Ok(found) = inspector.access_token(connection, token, found.map(|(found, _)| found))? else {
        return Ok(introspection::inactive());
    };
    let username = found.username.as_deref();
    Ok(match introspection::view(&client, &found.client.id, &found.left.resources) {
        None => introspection::inactive(),
        Some(View::Own) => introspection::access_token(&found.claims, &found.left.scopes, username),
        Some(View::Resource) => {
            let served: Vec<_> =
                found.left.resources.iter().filter(|uri| client.settings.introspects.contains(uri)).cloned().collect();
            let served = registered.apis(connection, &served)?;
            introspection::access_token(&found.claims, &introspection::visible(&found.left.scopes, &served), username)
        }
    })
}

/// RFC 9701 §4: the signed response is requested by its media type.
fn wants_signed(accept: &str) -> bool {
    accept.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_it = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(SIGNED));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_it && weight.is_none_or(|weight| weight > 0.0) // RFC 9110 §12.4.2
    })
}
