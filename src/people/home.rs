//! The front page: who is signed in in this browser, and the way out.

use actix_web::{HttpRequest, web::Data};

use crate::{
    app::App,
    pages::{Chrome, Home, SignedIn},
    paths,
    store::people,
    web::{
        cookies,
        fault::Fault,
        forms,
        hop::{Lane, hop},
        page,
        reply::Reply,
        request::Context,
        session,
    },
};

/// `GET /`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    let (context, cookie) = (Context::of(&request), cookies::get(&request, cookies::SESSION));
    let told = context.clone();
    let story = hop(&app, Lane::People, move |app, connection| -> Result<Reply, Fault> {
        let base = app.config.issuer.base();
        let session = session::current(app, connection, cookie.as_deref(), context.now)?;
        let person = session.map(|session| people::find(connection, session.person_id)).transpose()?.flatten();
        let csrf = forms::stamp(app, cookie.as_deref().unwrap_or_default(), paths::LOGOUT, context.now);
        let action = format!("{base}{}", paths::LOGOUT);
        let signed_in = person.as_ref().map(|person| SignedIn {
            name: person.shown_name(),
            username: &person.claims.username,
            csrf: &csrf,
            action: &action,
        });
        Ok(page::show(200, &Home { chrome: Chrome { base, request_id: &context.id }, signed_in }, None))
    });
    story.await.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &told, &fault))
}
