//! The discovery document, at both well-known paths (OpenID Connect Discovery §4, RFC 8414 §3). Its content is
//! `protocol::oauth::discovery`.

use actix_web::{HttpRequest, web::Data};

use crate::{
    app::App,
    paths,
    protocol::oauth::discovery::{Endpoints, document},
    web::{cached::cached, cors, reply::Reply},
};

/// How long the document may be cached, in seconds.
const MAX_AGE: u32 = 3600;

/// `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    let text = app.discovery.get_or_init(|| written(&app));
    cors::public(cached(&request, text.clone(), MAX_AGE))
}

fn written(app: &App) -> String {
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
    document(&endpoints, &app.config.scope_claims, app.is_registration_open()).to_string()
}
