//! The account selection page (OpenID Connect Core 3.1.2.1, `prompt=select_account`): the account signed in, or another one,
//! which leads to the sign-in page. The answer goes back to `/authorize` with a stamp.

use actix_web::web::Data;

use super::{Interaction, about, ask, path_with};
use crate::{
    app::App,
    pages::{SelectAccount, SelectAccountProblem},
    paths,
    protocol::values::params::Params,
    store::{AnyConnection, users},
    web::{
        fault::Fault,
        forms, page,
        page_request::{PageError, PageRequest},
        reply::Reply,
        returning,
    },
};

/// `GET /select-account`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    ask(request, &app, handle).await
}

/// `POST /select-account`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    ask(request, &app, handle).await
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    interaction: &Interaction,
    form: Option<&Params>,
) -> Result<Reply, PageError> {
    match form {
        None => show(app, connection, request, interaction, None),
        Some(form) => choose(app, connection, request, interaction, form),
    }
}

fn choose(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    interaction: &Interaction,
    form: &Params,
) -> Result<Reply, PageError> {
    let (now, base) = (request.context.now, app.config.issuer.base());
    if forms::check(app, &interaction.cookie, &about(request, paths::SELECT_ACCOUNT), form, now).is_err() {
        return show(app, connection, request, interaction, Some(SelectAccountProblem::FormExpired));
    }
    let (path, name, value) = match form.get("choice") {
        Some("continue") => {
            let chosen = returning::choose_account(app, &request.query, &interaction.session, now);
            (paths::AUTHORIZE, returning::ACCOUNT_CHOSEN, chosen)
        }
        Some("other") => (paths::LOGIN, returning::SIGN_IN_REQUESTED, returning::ask_for_sign_in(app, &request.query, now)),
        _ => return Ok(request.malformed(app, "choice: expected 'continue' or 'other'")),
    };
    Ok(Reply::see_other(&format!("{base}{}", path_with(request, path, name, &value))).noting("account chosen"))
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    interaction: &Interaction,
    problem: Option<SelectAccountProblem>,
) -> Result<Reply, PageError> {
    let Some(user) = users::find(connection, interaction.session.user_id)? else {
        return Err(Fault::Internal(format!("session {} belongs to a user who does not exist", interaction.session.id)).into());
    };
    let base = app.config.issuer.base();
    let page = SelectAccount {
        layout: request.layout(app),
        client_name: Some(&interaction.client.name),
        user: user.shown_name(),
        username: &user.claims.username,
        action: &format!("{base}{}?{}", paths::SELECT_ACCOUNT, request.query.to_query(&[], &[])),
        csrf: &forms::stamp(app, &interaction.cookie, &about(request, paths::SELECT_ACCOUNT), request.context.now),
        problem,
    };
    let target = interaction.request.address.form_action_source();
    Ok(match problem {
        None => page::show(200, &page, Some(&target)),
        Some(SelectAccountProblem::FormExpired) => page::show(400, &page, Some(&target)).noting("form expired or forged"),
    })
}
