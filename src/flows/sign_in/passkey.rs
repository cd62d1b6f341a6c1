//! Signing in with a passkey: the form of the sign-in page that its script fills in. The answer is a page or a redirect, as that to a
//! password.

use actix_web::{http::StatusCode, web::Data};
use serde_json::{Value, json};

use super::{
    beginning,
    login::{self, Typed},
    progress::Progress,
};
use crate::{
    app::App,
    flows::passkeys::{self, Refused, Shown},
    pages::{FormProblem, LoginProblem},
    paths,
    protocol::account::proof::{Proof, Proofs},
    random,
    store::AnyConnection,
    web::{
        blocking::Priority,
        fault::Fault,
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
    },
};

/// `GET /login/passkey`: the address of the page after a passkey was refused, opened again.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    Reply::see_other(&login::url(&app, &request, paths::LOGIN))
}

/// `GET /login/passkey/options`: another challenge, for a page that has been open for minutes. Nothing is stored.
pub async fn get_options(request: PageRequest, app: Data<App>) -> Reply {
    let refused = |status| Reply::json(status, &json!({ "error": "not_available" }));
    let Some(owner) = &request.browser else { return refused(StatusCode::BAD_REQUEST) };
    match passkeys::ask_anyone(&app, owner) {
        Ok(Some(requested)) => match serde_json::from_str::<Value>(&requested.options) {
            Ok(options) => Reply::json(StatusCode::OK, &json!({ "options": options, "state": requested.state })),
            Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR).noting(error.to_string()),
        },
        Ok(None) => refused(StatusCode::NOT_FOUND),
        Err(fault) => refused(StatusCode::INTERNAL_SERVER_ERROR).noting(format!("{fault:?}")),
    }
}

/// `POST /login/passkey`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    page_request::run(&app, Priority::Browsers, request, |app, connection, request| sign_in(app, connection, &request)).await
}

fn sign_in(app: &App, connection: &mut AnyConnection, request: &PageRequest) -> Result<Reply, PageError> {
    request.form(app)?;
    let Some(owner) = request.browser.as_deref() else {
        let again = login::url(app, request, paths::LOGIN);
        return Ok(page::cookie_missing(app.config.issuer.base(), &request.context, &again));
    };
    let typed = Typed { username: String::new(), remember: request.field("remember") == "yes" };
    if !request.is_form_of_browser(app, paths::LOGIN_PASSKEY) {
        let problem = LoginProblem::Form(FormProblem::FormExpired);
        return Ok(login::show(app, connection, request, Some(&typed), Some(problem))?);
    }
    let shown = match passkeys::shown_by_anyone(app, connection, request, owner)? {
        Ok(shown) => shown,
        Err(refused) => return Ok(refuse(app, connection, request, &typed, &refused)?),
    };
    let user = shown.user.claims.id;
    if let Some(reply) = begin(app, connection, request, &shown, typed.remember)? {
        return Ok(reply);
    }
    let shown = login::show(app, connection, request, Some(&typed), Some(LoginProblem::PasskeyRefused))?;
    Ok(shown.noting(format!("passkey refused: the account of user {user} was changed meanwhile")))
}

/// Begins the session, or leads to the page that asks for more. `None` if the account was changed meanwhile.
fn begin(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    shown: &Shown,
    remember: bool,
) -> Result<Option<Reply>, Fault> {
    let (owner, stamp) = (request.browser.as_deref().unwrap_or_default(), request.field(forms::FIELD));
    let shown_at = forms::shown_at(app, owner, paths::LOGIN_PASSKEY, stamp, request.context.now);
    let id = shown_at.map_or_else(|_| random::id(request.context.now), |shown_at| beginning::id(app, stamp, shown_at));
    let now = app.clock.now();
    let proofs = Proofs::from(Proof { method: shown.method, at: now });
    let progress = Progress::new(app, &shown.user, (proofs, id), remember, now);
    beginning::go_on(app, connection, request, (&shown.user, &progress), &login::way_on(app, request))
}

/// The sign-in page again.
fn refuse(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    typed: &Typed,
    refused: &Refused,
) -> Result<Reply, Fault> {
    let (problem, note) = match refused {
        Refused::Expired => (LoginProblem::PasskeyExpired, "passkey refused: its challenge is too old, or was used".to_owned()),
        Refused::Unknown(_) => (LoginProblem::PasskeyUnknown, "passkey refused: it is not known here".to_owned()),
        Refused::Wrong(why) => (LoginProblem::PasskeyRefused, format!("passkey refused: {why}")),
    };
    let unknown = if let Refused::Unknown(id) = refused { passkeys::unknown_signal(app, id) } else { None };
    Ok(login::show_with(app, connection, request, (Some(typed), Some(problem)), unknown.as_deref())?.noting(note))
}
