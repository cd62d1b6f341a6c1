//! The `UserInfo` endpoint (OpenID Connect Core §5.3): what the scopes of an access token open about its person.
//! The token comes in the Authorization header and nowhere else (RFC 6750 §2.1, RFC 9700 §4.3.2). Its grant is
//! looked at each time, so that what was revoked is dead here at once.

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    app::App,
    jose::verify::{self, Claims, Typ},
    protocol::{
        claims,
        error::{ErrorCode, ProtocolError},
        grant::{self, Standing},
        scope::{OPENID, Scopes},
        time::Timestamp,
    },
    store::{AnyConnection, clients, grants, people},
    web::{
        body::Form,
        cors,
        hop::hop,
        oauth_error::{Challenge, OauthError},
        reply::Reply,
        request::{Context, header_text},
    },
};

/// `GET` and `POST /userinfo`.
pub async fn answer(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    let now = Context::of(&request).now;
    let origin = cors::origin(&request);
    let token = bearer(&request, &form);
    let story = hop(&app, move |app, connection| -> Result<Reply, OauthError> {
        let reply = match token {
            Ok(Some(token)) => tell(app, connection, &token, now).or_else(|error| match error {
                OauthError::Protocol(_) => Ok(error.reply(Challenge::Bearer)),
                OauthError::Fault(fault) => Err(OauthError::Fault(fault)),
            })?,
            // RFC 6750 §3.1: who sends no token, or by another scheme, is told the scheme and nothing else.
            Ok(None) => Reply::empty(StatusCode::UNAUTHORIZED).with(header::WWW_AUTHENTICATE, "Bearer realm=\"symbolon\""),
            Err(error) => OauthError::Protocol(error).reply(Challenge::Bearer),
        };
        Ok(reply.with_all(cors::readers(app, connection, origin.as_deref())?))
    });
    story.await.unwrap_or_else(|error| error.reply(Challenge::None))
}

fn bearer(request: &HttpRequest, form: &Form) -> Result<Option<String>, ProtocolError> {
    let invalid = |text: &str| Err(ProtocolError::new(ErrorCode::InvalidRequest, text));
    if request.query_string().split('&').any(|pair| pair.split('=').next() == Some("access_token")) {
        return invalid("access_token: expected in the Authorization header, never in the URL");
    }
    if form.0.as_ref().is_ok_and(|form| form.get("access_token").is_some()) {
        return invalid("access_token: expected in the Authorization header, received in the body");
    }
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

fn tell(app: &App, connection: &mut AnyConnection, token: &str, now: Timestamp) -> Result<Reply, OauthError> {
    let invalid = |text: &str| OauthError::Protocol(ProtocolError::new(ErrorCode::InvalidToken, text));
    let ring = app.keys(connection, now)?;
    let claims = verify::own(&ring, Typ::AccessToken, token)
        .map_err(|refused| invalid(&format!("the access token is refused: {refused}")))?;
    let issuer = app.config.issuer.as_str();
    if verify::is_expired(&claims, now.seconds()) {
        return Err(invalid("the access token has expired"));
    }
    if text(&claims, "iss") != issuer || !verify::names_audience(&claims, issuer) {
        return Err(needs_openid());
    }
    let scopes = Scopes::parse(text(&claims, "scope")).unwrap_or_default();
    if !scopes.contains(OPENID) {
        return Err(needs_openid());
    }
    let dead = || invalid("the grant this access token came from has ended");
    let found = claims::grant_of_jti(text(&claims, "jti"))
        .map(|id| grants::find(connection, id))
        .transpose()?
        .flatten()
        .ok_or_else(dead)?;
    let client = clients::find(connection, &found.grant.client_id)?.ok_or_else(dead)?;
    let standing = Standing { person_enabled: found.person_enabled, now };
    if grant::ended(&found.grant, &client, &app.config.lifetimes.policy(&client, &found.grant), &standing).is_some() {
        return Err(dead());
    }
    let person = people::find(connection, found.grant.person_id)?.ok_or_else(dead)?;
    let user_info = person.claims.user_info(&scopes);
    if user_info.sub != text(&claims, "sub") {
        return Err(dead());
    }
    Ok(Reply::json(StatusCode::OK, &user_info))
}

fn needs_openid() -> OauthError {
    OauthError::Protocol(ProtocolError::new(ErrorCode::InsufficientScope, "expected an access token with the scope 'openid'"))
}

fn text<'a>(claims: &'a Claims, name: &str) -> &'a str {
    claims.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}
