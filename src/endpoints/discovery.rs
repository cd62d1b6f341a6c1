//! The discovery document, at both well-known paths (OpenID Connect Discovery §4, RFC 8414 §3). Its content is
//! `protocol::oauth::discovery`.

use actix_web::web::Data;

use crate::{
    app::App,
    paths,
    protocol::{
        oauth::discovery::{Endpoints, Facts, document},
        values::algorithm::Algorithm,
    },
    web::{cached::cached, cors, keys, oauth_error::Challenge, reply::Reply, request::Request},
};

/// How long the document may be cached, in seconds.
const MAX_AGE: u32 = 3600;

/// `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let now = request.context.now;
    match keys::current_or_last(&app, now).await {
        Ok(ring) => cors::public(cached(&request, rendered(&app, &ring.signing_algorithms(now)), MAX_AGE)),
        Err(error) => cors::public(error.reply(Challenge::None)),
    }
}

/// The document, rendered again when an algorithm has gained its first key.
fn rendered(app: &App, signing: &[Algorithm]) -> String {
    if let Ok(last) = app.discovery.read()
        && let Some((of, text)) = last.as_ref()
        && of == signing
    {
        return text.clone();
    }
    let text = render(app, signing);
    if let Ok(mut last) = app.discovery.write() {
        *last = Some((signing.to_vec(), text.clone()));
    }
    text
}

fn render(app: &App, signing: &[Algorithm]) -> String {
    let issuer = &app.config.issuer;
    let endpoints = Endpoints {
        issuer: issuer.as_str().to_owned(),
        authorization: issuer.url(paths::AUTHORIZE),
        token: issuer.url(paths::TOKEN),
        userinfo: issuer.url(paths::USERINFO),
        introspection: issuer.url(paths::INTROSPECT),
        revocation: issuer.url(paths::REVOKE),
        end_session: issuer.url(paths::LOGOUT),
        jwks: issuer.url(paths::JWKS),
    };
    let facts = Facts { custom: &app.config.scope_claims, is_registration_open: app.is_registration_open(), signing };
    document(&endpoints, facts).to_string()
}
