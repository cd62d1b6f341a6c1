//! The front page: who is signed in in this browser, and the way out.

use actix_web::web::Data;

use crate::{
    app::App,
    pages::{Home, Layout, SignedIn},
    paths,
    store::users,
    web::{
        blocking::{Priority, run_blocking},
        cookies,
        fault::Fault,
        forms, page,
        reply::Reply,
        request::Request,
        session,
    },
};

/// `GET /`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let (context, cookie) = (request.context.clone(), cookies::get(&request, cookies::SESSION));
    let cloned = context.clone();
    let handle = run_blocking(&app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        let base = app.config.issuer.base();
        let session = session::current(app, connection, cookie.as_deref(), context.now)?;
        let user = session.map(|session| users::find(connection, session.user_id)).transpose()?.flatten();
        let csrf = forms::stamp(app, cookie.as_deref().unwrap_or_default(), paths::LOGOUT, context.now);
        let action = format!("{base}{}", paths::LOGOUT);
        let signed_in = user.as_ref().map(|user| SignedIn {
            name: user.shown_name(),
            username: &user.claims.username,
            csrf: &csrf,
            action: &action,
        });
        Ok(page::show(200, &Home { layout: Layout { base, request_id: &context.id }, signed_in }, None))
    });
    handle.await.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &cloned, &fault))
}
