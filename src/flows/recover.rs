//! Asking for a new password: the name or address, and that an e-mail is on its way if there is such an account. Which of the two
//! it is, nobody is told here. Without mail the page says so.

use actix_web::{http::header, web::Data};

use super::{
    formatting,
    mail_form::{self, Visit, Wanted},
};
use crate::{
    app::App,
    pages::{FormProblem, Layout, Recover, RecoverOff, RecoverSent},
    paths,
    protocol::{email_address::EMAIL_LIMIT, link::LinkKind, params::Params},
    store::AnyConnection,
    web::{body::Form, fault::Fault, page, reply::Reply, request::Request},
};

/// `GET /recover`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    mail_form::answer(&request, &app, paths::RECOVER, None, handle).await
}

/// `POST /recover`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    mail_form::answer(&request, &app, paths::RECOVER, Some(form), handle).await
}

fn handle(app: &App, connection: &mut AnyConnection, visit: &Visit, form: Option<&Params>) -> Result<Reply, Fault> {
    let layout = Layout { base: app.config.issuer.base(), request_id: &visit.context.id };
    let login_url = visit.url(app, paths::LOGIN);
    if !app.mailer.is_on() {
        return Ok(page::show(200, &RecoverOff { layout, login_url: &login_url }, None));
    }
    let Some(form) = form else {
        let Some(login) = visit.sent_for(app) else {
            return Ok(show(app, visit, visit.query.get("login_hint").unwrap_or_default(), None));
        };
        let good_for = formatting::span(LinkKind::Reset.lifetime());
        let again = visit.url(app, paths::RECOVER);
        return Ok(page::show(200, &RecoverSent { layout, login, good_for: &good_for, again: &again }, None));
    };
    if let Some(reply) = visit.without_cookie(app) {
        return Ok(reply);
    }
    let typed = form.get("login").unwrap_or_default().trim();
    if let Err(problem) = visit.check(app, form) {
        return Ok(show(app, visit, typed, Some(problem)));
    }
    if typed.is_empty() {
        return Ok(show(app, visit, "", None));
    }
    // Longer names are nobody's; they are answered as all others are.
    let login: String = typed.chars().take(EMAIL_LIMIT + 1).collect();
    let requested = visit.ask(app, connection, &login, Wanted::Reset)?;
    Ok(requested.unwrap_or_else(|problem| show(app, visit, typed, Some(problem))))
}

fn show(app: &App, visit: &Visit, login: &str, problem: Option<FormProblem>) -> Reply {
    let owner = visit.owner();
    let page = Recover {
        layout: Layout { base: app.config.issuer.base(), request_id: &visit.context.id },
        login,
        login_url: &visit.url(app, paths::LOGIN),
        action: &visit.url(app, paths::RECOVER),
        csrf: &visit.csrf(app, &owner),
        problem,
    };
    let reply = match problem {
        None => page::show(200, &page, None),
        Some(FormProblem::FormExpired) => page::show(400, &page, None).noting("form expired or forged"),
        Some(FormProblem::SlowedDown { seconds }) => {
            page::show(429, &page, None).with(header::RETRY_AFTER, &seconds.to_string()).noting("e-mail requests rate limited")
        }
    };
    visit.keeping(&owner, reply)
}
