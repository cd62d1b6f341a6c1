//! Asking to register: the e-mail address, and that an e-mail is on its way. Whether the address has an account is told by the
//! e-mail alone, to whoever reads its mail. Where registration is not open there is no such page.

use actix_web::{http::header, web::Data};

use super::{
    formatting,
    mail_form::{self, Visit, Wanted},
};
use crate::{
    app::App,
    pages::{FormProblem, Layout, Problem, Register, RegisterProblem, RegisterSent},
    paths,
    protocol::{email_address::EmailAddress, link::LinkKind, params::Params},
    store::AnyConnection,
    web::{body::Form, fault::Fault, page, reply::Reply, request::Request},
};

/// `GET /register`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    mail_form::answer(&request, &app, paths::REGISTER, None, handle).await
}

/// `POST /register`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    mail_form::answer(&request, &app, paths::REGISTER, Some(form), handle).await
}

fn handle(app: &App, connection: &mut AnyConnection, visit: &Visit, form: Option<&Params>) -> Result<Reply, Fault> {
    let base = app.config.issuer.base();
    if !app.is_registration_open() {
        let path = format!("{base}{}", paths::REGISTER);
        return Ok(page::error(base, &visit.context, 404, Problem::NotFound { path: &path }));
    }
    let Some(form) = form else {
        return match visit.sent_for(app) {
            Some(email) => Ok(sent(app, visit, email)),
            None => show(app, connection, visit, ("", None)),
        };
    };
    if let Some(reply) = visit.without_cookie(app) {
        return Ok(reply);
    }
    let typed = form.get("email").unwrap_or_default().trim();
    if visit.check(app, form).is_err() {
        return show(app, connection, visit, (typed, Some(RegisterProblem::FormExpired)));
    }
    let Some(email) = EmailAddress::parse(typed) else {
        return show(app, connection, visit, (typed, Some(RegisterProblem::NotAnAddress)));
    };
    match visit.ask(app, connection, email.as_str(), Wanted::Registration)? {
        Ok(reply) => Ok(reply),
        Err(FormProblem::SlowedDown { seconds }) => {
            show(app, connection, visit, (typed, Some(RegisterProblem::SlowedDown { seconds })))
        }
        Err(FormProblem::FormExpired) => show(app, connection, visit, (typed, Some(RegisterProblem::FormExpired))),
    }
}

fn sent(app: &App, visit: &Visit, email: &str) -> Reply {
    let page = RegisterSent {
        layout: Layout { base: app.config.issuer.base(), request_id: &visit.context.id },
        email,
        good_for: &formatting::span(LinkKind::Register.lifetime()),
        again: &visit.url(app, paths::REGISTER),
    };
    page::show(200, &page, None)
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    (email, problem): (&str, Option<RegisterProblem>),
) -> Result<Reply, Fault> {
    let owner = visit.owner();
    let client_name = visit.client_name(app, connection)?;
    let page = Register {
        layout: Layout { base: app.config.issuer.base(), request_id: &visit.context.id },
        client_name: client_name.as_deref(),
        email,
        login_url: &visit.url(app, paths::LOGIN),
        action: &visit.url(app, paths::REGISTER),
        csrf: &visit.csrf(app, &owner),
        problem,
    };
    let reply = match problem {
        None => page::show(200, &page, None),
        Some(RegisterProblem::NotAnAddress) => page::show(400, &page, None),
        Some(RegisterProblem::FormExpired) => page::show(400, &page, None).noting("form expired or forged"),
        Some(RegisterProblem::SlowedDown { seconds }) => {
            page::show(429, &page, None).with(header::RETRY_AFTER, &seconds.to_string()).noting("e-mail requests rate limited")
        }
    };
    Ok(visit.keeping(&owner, reply))
}
