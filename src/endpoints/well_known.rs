//! Addresses at the root of the host that browsers and password managers look at, whatever the path of the issuer.

use actix_web::{
    http::{StatusCode, header},
    web::Data,
};
use serde_json::json;

use crate::{app::App, pages, paths, web::reply::Reply};

/// `GET /.well-known/passkey-endpoints` (W3C: Passkey Endpoints Well-Known URL). Without passkeys there are none.
pub async fn passkey_endpoints(app: Data<App>) -> Reply {
    let issuer = &app.config.issuer;
    let (enroll, manage) = (issuer.url(paths::ACCOUNT_PASSKEY_ADD), issuer.url(paths::ACCOUNT_SECURITY));
    let endpoints = if app.passkeys.is_some() { json!({ "enroll": enroll, "manage": manage }) } else { json!({}) };
    Reply::json(StatusCode::OK, &endpoints)
}

/// `GET /.well-known/webauthn` (Web Authentication Level 3 §5.11.1): other origins that may use passkeys of this host, if any are
/// configured.
pub async fn related_origins(app: Data<App>) -> Reply {
    let origins = &app.config.passkeys.related_origins;
    if origins.is_empty() {
        return Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "no_related_origins" }));
    }
    Reply::json(StatusCode::OK, &json!({ "origins": origins }))
}

/// `GET /.well-known/change-password` (W3C: A Well-Known URL for Changing Passwords): leads to the page.
pub async fn change_password(app: Data<App>) -> Reply {
    Reply::see_other(&app.config.issuer.url(paths::ACCOUNT_PASSWORD))
}

/// `GET /favicon.ico`, which browsers ask for where a page names no icon: leads to the icon of the pages.
pub async fn favicon(app: Data<App>) -> Reply {
    let issuer = &app.config.issuer;
    let icon = pages::assets::url(issuer.base(), "favicon.svg").unwrap_or_default();
    Reply::see_other(&format!("{}{icon}", issuer.origin())).with(header::CACHE_CONTROL, "public, max-age=86400")
}
