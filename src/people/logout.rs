//! The person's own sign-out: asks first (a GET never ends anything), then ends the session and the grants that
//! end with it.

use actix_web::{HttpRequest, http::header, web::Data};

use crate::{
    app::App,
    pages::{Chrome, Problem, SignOut, SignedOut},
    paths,
    store::{AnyConnection, people, sessions, sessions::Session},
    web::{
        body::Form,
        cookies::{self, Keep},
        fault::Fault,
        forms,
        hop::hop,
        page,
        reply::Reply,
        request::Context,
        session,
    },
};

/// `GET /logout`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    let (context, cookie) = (Context::of(&request), cookies::get(&request, cookies::SESSION));
    let told = context.clone();
    let story = hop(&app, move |app, connection| -> Result<Reply, Fault> {
        match session::unended(app, connection, cookie.as_deref())? {
            Some(session) => ask(app, connection, &context, &session, cookie.as_deref().unwrap_or_default()),
            None => Ok(page::show(
                200,
                &SignedOut { chrome: Chrome { base: app.config.issuer.base(), request_id: &context.id } },
                None,
            )),
        }
    });
    story.await.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &told, &fault))
}

/// `POST /logout`.
pub async fn post(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    let (context, cookie) = (Context::of(&request), cookies::get(&request, cookies::SESSION));
    let told = context.clone();
    let story = hop(&app, move |app, connection| -> Result<Reply, Fault> {
        let base = app.config.issuer.base();
        let form = match form.0 {
            Ok(form) => form,
            Err(problem) => return Ok(page::body_problem(base, &context, &problem)),
        };
        let asked = Reply::see_other(&format!("{base}{}", paths::LOGOUT));
        // A form of another site brings no cookie: it is shown the question, and deletes nothing.
        let Some(cookie) = cookie.as_deref() else { return Ok(asked) };
        let done = asked.with(header::SET_COOKIE, &cookies::set(cookies::SESSION, "", Keep::Delete));
        let Some(session) = session::unended(app, connection, Some(cookie))? else {
            return Ok(done); // nobody is signed in: that is what was asked for
        };
        if forms::check(app, cookie, paths::LOGOUT, &form, context.now).is_err() {
            return Ok(page::error(base, &context, 400, Problem::FormExpired));
        }
        sessions::end(connection, session.id, context.now)?;
        Ok(done.noting(format!("signed out: person {} session {}", session.person_id, session.id)))
    });
    story.await.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &told, &fault))
}

fn ask(app: &App, connection: &mut AnyConnection, context: &Context, session: &Session, cookie: &str) -> Result<Reply, Fault> {
    let base = app.config.issuer.base();
    let person = people::find(connection, session.person_id)?;
    let page = SignOut {
        chrome: Chrome { base, request_id: &context.id },
        name: person.as_ref().map_or("", people::Person::shown_name),
        csrf: &forms::stamp(app, cookie, paths::LOGOUT, context.now),
        action: &format!("{base}{}", paths::LOGOUT),
    };
    Ok(page::show(200, &page, None))
}
