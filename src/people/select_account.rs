//! The page on which an account is chosen (OpenID Connect Core 3.1.2.1, `prompt=select_account`): the one signed in, or
//! another, which leads to the sign-in page. The answer goes back to `/authorize` with a stamp.

use actix_web::{HttpRequest, web::Data};

use super::question::{Question, Visit, ask};
use crate::{
    app::App,
    pages::{Chrome, Problem, SelectAccount, SelectAccountProblem},
    paths,
    protocol::params::Params,
    store::{AnyConnection, people},
    web::{body::Form, fault::Fault, forms, page, reply::Reply, returning},
};

/// `GET /select-account`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    ask(&request, &app, None, story).await
}

/// `POST /select-account`.
pub async fn post(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    ask(&request, &app, Some(form), story).await
}

fn story(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    question: &Question,
    form: Option<&Params>,
) -> Result<Reply, Fault> {
    match form {
        None => show(app, connection, visit, question, None),
        Some(form) => choose(app, connection, visit, question, form),
    }
}

fn choose(app: &App, connection: &mut AnyConnection, visit: &Visit, question: &Question, form: &Params) -> Result<Reply, Fault> {
    let (now, base) = (visit.context.now, app.config.issuer.base());
    let malformed = |detail: &str| Ok(page::error(base, &visit.context, 400, Problem::MalformedRequest { detail }));
    if let Some(flaw) = form.flaw() {
        return malformed(&flaw.describe());
    }
    if forms::check(app, &question.cookie, &visit.about(paths::SELECT_ACCOUNT), form, now).is_err() {
        return show(app, connection, visit, question, Some(SelectAccountProblem::FormExpired));
    }
    let (path, name, value) = match form.get("choice") {
        Some("continue") => {
            let chosen = returning::choose_account(app, &visit.query, &question.session, now);
            (paths::AUTHORIZE, returning::ACCOUNT_CHOSEN, chosen)
        }
        Some("other") => (paths::LOGIN, returning::SIGN_IN_ASKED, returning::ask_for_sign_in(app, &visit.query, now)),
        _ => return malformed("choice: expected 'continue' or 'other'"),
    };
    Ok(Reply::see_other(&format!("{base}{}", visit.path_with(path, name, &value))).noting("account chosen"))
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    question: &Question,
    problem: Option<SelectAccountProblem>,
) -> Result<Reply, Fault> {
    let Some(person) = people::find(connection, question.session.person_id)? else {
        return Err(Fault::Internal(format!("session {} is of a person that does not exist", question.session.id)));
    };
    let base = app.config.issuer.base();
    let page = SelectAccount {
        chrome: Chrome { base, request_id: &visit.context.id },
        client_name: Some(&question.client.name),
        person: person.shown_name(),
        username: &person.claims.username,
        action: &format!("{base}{}?{}", paths::SELECT_ACCOUNT, visit.query.to_query(&[], &[])),
        csrf: &forms::stamp(app, &question.cookie, &visit.about(paths::SELECT_ACCOUNT), visit.context.now),
        problem,
    };
    let target = question.request.address.form_action_source();
    Ok(match problem {
        None => page::show(200, &page, Some(&target)),
        Some(SelectAccountProblem::FormExpired) => page::show(400, &page, Some(&target)).noting("form expired or forged"),
    })
}
