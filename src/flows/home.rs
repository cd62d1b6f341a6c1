//! The front page: which user is signed in in this browser, and the link to sign out.

use actix_web::web::Data;

use crate::{
    app::App,
    pages::{Home, SignedIn},
    paths,
    store::{AnyConnection, users},
    web::{
        blocking::Priority,
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        session,
    },
};

/// `GET /`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    page_request::run(&app, Priority::Browsers, request, |app, connection, request| handle(app, connection, &request)).await
}

fn handle(app: &App, connection: &mut AnyConnection, request: &PageRequest) -> Result<Reply, PageError> {
    let (cookie, now) = (request.session.as_deref(), request.context.now);
    let session = session::current(app, connection, cookie, now)?;
    let user = session.map(|session| users::find(connection, session.user_id)).transpose()?.flatten();
    let csrf = forms::stamp(app, cookie.unwrap_or_default(), paths::LOGOUT, now);
    let action = format!("{}{}", app.config.issuer.base(), paths::LOGOUT);
    let signed_in = user.as_ref().map(|user| SignedIn {
        name: user.shown_name(),
        username: &user.claims.username,
        csrf: &csrf,
        action: &action,
    });
    Ok(page::show(200, &Home { layout: request.layout(app), signed_in }, None))
}
