//! The `UserInfo` endpoint (OpenID Connect Core §5.3): the user's claims that the scopes of an access token allow. The token is
//! taken from the Authorization header or from the form of a POST, never from the URL (RFC 6750 §2, RFC 9700 §4.3.2). Its grant is
//! read each time, so that a revocation takes effect at once. A client that is registered for it gets a signed JWT.

use actix_web::{
    HttpRequest,
    http::{Method, StatusCode, header},
    web::Data,
};
use serde_json::{Map, Value};

use crate::{
    app::App,
    caches::registrations::Registered,
    inspection::{self, Inspector},
    jose::verify,
    protocol::{
        error::{ErrorCode, ProtocolError},
        oauth::scope::OPENID,
        oidc::claims::SignedUserInfo,
        values::{params, time::Timestamp},
    },
    store::{AnyConnection, grants::Found},
    web::{
        blocking::{Priority, run_blocking},
        body::{BodyProblem, Form},
        cors,
        oauth_error::{Challenge, OauthError},
        reply::Reply,
        request::{Request, header_text},
    },
};

/// The parameter with the token (RFC 6750 §2.2).
const ACCESS_TOKEN: &str = "access_token";

/// `GET` and `POST /userinfo`.
pub async fn answer(request: Request, app: Data<App>, form: Form) -> Reply {
    let now = request.context.now;
    let origin = cors::origin(&request);
    let (token, cors_app, reader) = (bearer(&request, &form), app.clone(), origin.clone());
    let handle = run_blocking(&app, Priority::Reads, move |app, connection| -> Result<Reply, OauthError> {
        let about = token.as_ref().ok().and_then(|token| inspection::about(&app.config.secrets, token.as_deref()?));
        let (registered, found) = inspection::read_ahead(&app.registrations, connection, about.as_ref(), now)?;
        let reply = match token {
            Ok(Some(token)) => tell(app, connection, &token, (registered, found, now)).or_else(|error| match error {
                OauthError::Protocol(_) => Ok(error.reply(Challenge::Bearer)),
                OauthError::Fault(fault) => Err(OauthError::Fault(fault)),
            })?,
            // RFC 6750 §3.1: a request without a token, or with another scheme, is told the scheme and nothing else.
            Ok(None) => Reply::empty(StatusCode::UNAUTHORIZED).with(header::WWW_AUTHENTICATE, "Bearer realm=\"symbolon\""),
            Err(error) => OauthError::Protocol(error).reply(Challenge::Bearer),
        };
        Ok(reply.with_all(cors::readers(app, connection, &registered, origin.as_deref())?))
    });
    handle.await.unwrap_or_else(|error| error.reply(Challenge::None).with_all(cors::remembered(&cors_app, reader.as_deref())))
}

/// The access token: in the Authorization header (RFC 6750 §2.1) or in the form of a POST (§2.2), and in one of them alone (§2).
fn bearer(request: &HttpRequest, form: &Form) -> Result<Option<String>, ProtocolError> {
    cors::check_origin(request)?;
    let in_url = |pair: &str| params::decode(pair.split('=').next().unwrap_or_default()).as_deref() == Some(ACCESS_TOKEN);
    if request.query_string().split('&').any(in_url) {
        return invalid("access_token: expected in the Authorization header or in the body of a POST, received in the URL");
    }
    let (in_header, in_body) = (in_header(request)?, in_body(request, form)?);
    if in_body.is_some() && request.headers().contains_key(header::AUTHORIZATION) {
        return invalid("access_token: expected in the Authorization header or in the body, received both");
    }
    Ok(in_header.or(in_body))
}

fn in_header(request: &HttpRequest) -> Result<Option<String>, ProtocolError> {
    if request.headers().get_all(header::AUTHORIZATION).count() > 1 {
        return invalid("Authorization: expected one header, received several");
    }
    let Some(text) = header_text(request, &header::AUTHORIZATION) else {
        return if request.headers().contains_key(header::AUTHORIZATION) {
            invalid("Authorization: expected 'Bearer ' and a token")
        } else {
            Ok(None)
        };
    };
    let (scheme, token) = text.split_once(' ').unwrap_or((&text, ""));
    match scheme.eq_ignore_ascii_case("bearer") {
        true if token.is_empty() => invalid("Authorization: expected 'Bearer ' and a token"),
        true => Ok(Some(token.to_owned())),
        false => Ok(None),
    }
}

/// The token in the form. A form without one is of no interest, however it is written.
fn in_body(request: &HttpRequest, form: &Form) -> Result<Option<String>, ProtocolError> {
    let form = match &form.0 {
        Ok(form) => form,
        Err(problem @ BodyProblem::SeveralTypes) => return invalid(&problem.describe()),
        Err(_) => return Ok(None),
    };
    if let Some(flaw) = form.flaw_of(ACCESS_TOKEN) {
        return invalid(&flaw.describe());
    }
    match (form.get(ACCESS_TOKEN), form.flaw()) {
        (Some(_), Some(flaw)) => invalid(&flaw.describe()),
        (Some(_), None) if request.method() != Method::POST => {
            invalid("access_token: expected in the Authorization header, received in the body of a request that is no POST")
        }
        (token, _) => Ok(token.map(str::to_owned)),
    }
}

fn invalid<T>(text: &str) -> Result<T, ProtocolError> {
    Err(ProtocolError::new(ErrorCode::InvalidRequest, text))
}

fn tell(
    app: &App,
    connection: &mut AnyConnection,
    token: &str,
    (registered, found, now): (Registered<'_>, Option<Found>, Timestamp),
) -> Result<Reply, OauthError> {
    let invalid = |text: &str| OauthError::Protocol(ProtocolError::new(ErrorCode::InvalidToken, text));
    let ring = app.keys_verifying(connection, token, now)?;
    let token = match (Inspector { config: &app.config, ring: &ring, registered, now, shift: app.clock.shift() })
        .access_token(connection, token, found)?
    {
        Ok(found) => found,
        Err(inactive_token) => return Err(invalid(&format!("the access token is not valid: {}", inactive_token.reason))),
    };
    let issuer = app.config.issuer.as_str();
    let (Some(found), true) = (&token.found, verify::names_audience(&token.claims, issuer) && token.left.scopes.contains(OPENID))
    else {
        return Err(needs_openid());
    };
    let user = found.user()?.ok_or_else(|| invalid("the user of this access token no longer exists"))?;
    let (client, custom) = (&token.client, &app.config.scope_claims);
    let requested = token.left.requested_claims(client, &found.grant, custom);
    let mut claims = Map::from_iter([("sub".to_owned(), Value::from(found.grant.sub()))]);
    claims.extend(user.user_info(&token.left.scopes, &requested, custom));
    if !client.settings.userinfo_signed {
        return Ok(Reply::json(StatusCode::OK, &claims));
    }
    let ring = app.keys_signing(connection, client.settings.signing_alg, now)?;
    let signed = SignedUserInfo { iss: issuer, aud: &client.id, iat: now.seconds(), claims };
    let token = ring.signing(client.settings.signing_alg, now)?.user_info(&signed)?;
    Ok(Reply::of_type("application/jwt", token))
}

fn needs_openid() -> OauthError {
    OauthError::Protocol(ProtocolError::new(ErrorCode::InsufficientScope, "expected an access token with the scope 'openid'"))
}
