//! The account selection page (OpenID Connect Core 3.1.2.1, `prompt=select_account`): the account signed in, or another one,
//! which leads to the sign-in page. The answer goes back to `/authorize` with a stamp.

use actix_web::web::Data;

use super::{Interaction, InteractionPage};
use crate::{
    app::App,
    flows::interaction,
    pages::{SelectAccount, SelectAccountProblem},
    paths,
    protocol::values::params::Params,
    store::AnyConnection,
    web::{
        authorization_request,
        page_request::{PageError, PageRequest},
        reply::Reply,
        returning,
    },
};

static PAGE: InteractionPage = InteractionPage { path: paths::SELECT_ACCOUNT, show, submit };

/// `GET /select-account`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    interaction::answer(request, &app, &PAGE).await
}

/// `POST /select-account`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    interaction::answer(request, &app, &PAGE).await
}

fn submit(app: &App, connection: &mut AnyConnection, interaction: &Interaction, form: &Params) -> Result<Reply, PageError> {
    let Interaction { request, session, .. } = interaction;
    let now = request.context.now;
    if form.get("decision") == Some("deny") {
        let what = "the user returned to the app without choosing an account";
        return Ok(authorization_request::refuse(app, &request.context, connection, &request.query, what)?);
    }
    let (path, name, value) = match form.get("choice") {
        Some("continue") => {
            let chosen = returning::choose_account(app, &request.query, session, now);
            (paths::AUTHORIZE, returning::ACCOUNT_CHOSEN, chosen)
        }
        Some("other") => (paths::LOGIN, returning::SIGN_IN_REQUESTED, returning::ask_for_sign_in(app, &request.query, now)),
        _ => return Ok(request.malformed(app, "choice: expected 'continue' or 'other'")),
    };
    Ok(interaction.redirect(app, path, name, &value).noting("account chosen"))
}

fn show(app: &App, connection: &mut AnyConnection, interaction: &Interaction, is_expired: bool) -> Result<Reply, PageError> {
    let user = interaction.user(connection)?;
    let page = SelectAccount {
        layout: interaction.request.layout(app),
        client_name: Some(&interaction.client.settings.client_name),
        user: user.shown_name(),
        username: &user.claims.username,
        action: &interaction.action(app),
        csrf: &interaction.csrf(app),
        problem: is_expired.then_some(SelectAccountProblem::FormExpired),
    };
    Ok(interaction.show(&page, is_expired))
}
