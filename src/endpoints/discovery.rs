//! The discovery document, at both well-known paths (OpenID Connect Discovery §4, RFC 8414 §3). What it says is
//! `protocol::metadata`.

use actix_web::{HttpRequest, http::StatusCode, web::Data};

use crate::{
    app::App,
    jose::keys::ALGORITHMS,
    paths,
    protocol::metadata::{Endpoints, document},
    web::{cached::cached, cors, reply::Reply},
};

/// How long the document may be cached, in seconds.
const MAX_AGE: u32 = 3600;

/// `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    let issuer = &app.config.issuer;
    let [authorization, token, userinfo, jwks] =
        [paths::AUTHORIZE, paths::TOKEN, paths::USERINFO, paths::JWKS].map(|path| issuer.url(path));
    let endpoints =
        Endpoints { issuer: issuer.as_str(), authorization: &authorization, token: &token, userinfo: &userinfo, jwks: &jwks };
    cors::public(cached(&request, StatusCode::OK, &document(&endpoints, &ALGORITHMS), MAX_AGE))
}
