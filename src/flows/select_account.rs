//! The page on which an account is chosen (OpenID Connect Core 3.1.2.1, `prompt=select_account`): the one signed in, or
//! another, which leads to the sign-in page. The answer goes back to `/authorize` with a stamp.

use actix_web::web::Data;

use super::interaction::{Interaction, Visit, ask};
use crate::{
    app::App,
    pages::{Layout, Problem, SelectAccount, SelectAccountProblem},
    paths,
    protocol::params::Params,
    store::{AnyConnection, users},
    web::{body::Form, fault::Fault, forms, page, reply::Reply, request::Request, returning},
};

/// `GET /select-account`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    ask(&request, &app, None, handle).await
}

/// `POST /select-account`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    ask(&request, &app, Some(form), handle).await
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    interaction: &Interaction,
    form: Option<&Params>,
) -> Result<Reply, Fault> {
    match form {
        None => show(app, connection, visit, interaction, None),
        Some(form) => choose(app, connection, visit, interaction, form),
    }
}

fn choose(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    interaction: &Interaction,
    form: &Params,
) -> Result<Reply, Fault> {
    let (now, base) = (visit.context.now, app.config.issuer.base());
    let malformed = |detail: &str| Ok(page::error(base, &visit.context, 400, Problem::MalformedRequest { detail }));
    if let Some(flaw) = form.flaw() {
        return malformed(&flaw.describe());
    }
    if forms::check(app, &interaction.cookie, &visit.about(paths::SELECT_ACCOUNT), form, now).is_err() {
        return show(app, connection, visit, interaction, Some(SelectAccountProblem::FormExpired));
    }
    let (path, name, value) = match form.get("choice") {
        Some("continue") => {
            let chosen = returning::choose_account(app, &visit.query, &interaction.session, now);
            (paths::AUTHORIZE, returning::ACCOUNT_CHOSEN, chosen)
        }
        Some("other") => (paths::LOGIN, returning::SIGN_IN_REQUESTED, returning::ask_for_sign_in(app, &visit.query, now)),
        _ => return malformed("choice: expected 'continue' or 'other'"),
    };
    Ok(Reply::see_other(&format!("{base}{}", visit.path_with(path, name, &value))).noting("account chosen"))
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    interaction: &Interaction,
    problem: Option<SelectAccountProblem>,
) -> Result<Reply, Fault> {
    let Some(user) = users::find(connection, interaction.session.user_id)? else {
        return Err(Fault::Internal(format!("session {} belongs to a user who does not exist", interaction.session.id)));
    };
    let base = app.config.issuer.base();
    let page = SelectAccount {
        layout: Layout { base, request_id: &visit.context.id },
        client_name: Some(&interaction.client.name),
        user: user.shown_name(),
        username: &user.claims.username,
        action: &format!("{base}{}?{}", paths::SELECT_ACCOUNT, visit.query.to_query(&[], &[])),
        csrf: &forms::stamp(app, &interaction.cookie, &visit.about(paths::SELECT_ACCOUNT), visit.context.now),
        problem,
    };
    let target = interaction.request.address.form_action_source();
    Ok(match problem {
        None => page::show(200, &page, Some(&target)),
        Some(SelectAccountProblem::FormExpired) => page::show(400, &page, Some(&target)).noting("form expired or forged"),
    })
}
