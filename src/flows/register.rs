//! The registration form: the e-mail address, and the page saying that an e-mail is on its way. Whether the address has an
//! account is revealed only by the e-mail, to the reader of that mailbox. If registration is not open, the page does not exist.

pub mod finish;

use actix_web::{http::header, web::Data};

use super::{
    formatting,
    mail_form::{self, MailForm, Requested, Wanted},
};
use crate::{
    app::App,
    pages::{FormProblem, Problem, Register, RegisterProblem, RegisterSent},
    paths,
    protocol::{
        account::{email_address::EmailAddress, link::LinkKind},
        values::params::Params,
    },
    store::AnyConnection,
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// `GET /register`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    mail_form::answer(request, &app, paths::REGISTER, handle).await
}

/// `POST /register`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    mail_form::answer(request, &app, paths::REGISTER, handle).await
}

fn handle(app: &App, connection: &mut AnyConnection, mail_form: &MailForm, form: Option<&Params>) -> Result<Reply, PageError> {
    if !app.is_registration_open() {
        let path = format!("{}{}", app.config.issuer.base(), paths::REGISTER);
        return Ok(mail_form.error(app, 404, Problem::NotFound { path: &path }));
    }
    let Some(form) = form else {
        return match mail_form.sent_for(app) {
            Some(email) => Ok(sent(app, mail_form, email)),
            None => show(app, connection, mail_form, mail_form.typed_before(app).unwrap_or_default(), None),
        };
    };
    mail_form.needs_cookie(app)?;
    let typed = form.get("email").unwrap_or_default().trim();
    if let Err(problem) = mail_form.check(app) {
        return show(app, connection, mail_form, typed, Some(RegisterProblem::Form(problem)));
    }
    let Some(email) = EmailAddress::parse(typed) else {
        return show(app, connection, mail_form, typed, Some(RegisterProblem::NotAnAddress));
    };
    match mail_form.ask(app, connection, email.as_str(), Wanted::Registration)? {
        Requested::Accepted(reply) => Ok(reply),
        Requested::Rejected(problem) => show(app, connection, mail_form, typed, Some(RegisterProblem::Form(problem))),
    }
}

fn sent(app: &App, mail_form: &MailForm, email: &str) -> Reply {
    let page = RegisterSent {
        layout: mail_form.layout(app),
        email,
        good_for: &formatting::span(LinkKind::Register.lifetime()),
        again: &mail_form.again(app, email),
    };
    page::show(200, &page, None)
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    mail_form: &MailForm,
    email: &str,
    problem: Option<RegisterProblem>,
) -> Result<Reply, PageError> {
    let owner = mail_form.owner();
    let client_name = mail_form.client_name(app, connection)?;
    let page = Register {
        layout: mail_form.layout(app),
        client_name: client_name.as_deref(),
        email,
        login_url: &mail_form.url(app, paths::LOGIN),
        action: &mail_form.url(app, paths::REGISTER),
        csrf: &mail_form.csrf(app, &owner),
        problem,
    };
    let reply = match problem {
        None => page::show(200, &page, None),
        Some(RegisterProblem::NotAnAddress) => page::show(400, &page, None),
        Some(RegisterProblem::Form(FormProblem::FormExpired)) => page::show(400, &page, None).noting("form expired or forged"),
        Some(RegisterProblem::Form(FormProblem::SlowedDown { seconds })) => {
            page::show(429, &page, None).with(header::RETRY_AFTER, &seconds.to_string()).noting("e-mail requests rate limited")
        }
    };
    Ok(mail_form.keeping(app, &owner, reply))
}
