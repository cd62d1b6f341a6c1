//! Addresses at the root of the host that browsers and password managers look at, whatever the path of the issuer.

use actix_web::{http::header, web::Data};

use crate::{app::App, pages, paths, web::reply::Reply};

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
