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
        authorization_request, forms, page,
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
    let now = mail_form.context.now;
    let pending = authorization_request::pending(app, connection, &mail_form.query, now)?;
    let target = pending.as_ref().map(|(_, authorization)| authorization.address.form_action_source());
    let login_url = mail_form.url(app, paths::LOGIN);
    // A request that is too long for these pages does not go along.
    let can_return = pending.is_some() && login_url.contains('?');
    let refusal_csrf = can_return.then(|| forms::stamp(app, &owner, paths::LOGIN, now));
    let page = Register {
        layout: mail_form.layout(app),
        client_name: pending.as_ref().map(|(client, _)| client.settings.client_name.as_str()),
        email,
        login_url: &login_url,
        refusal_csrf: refusal_csrf.as_deref(),
        action: &mail_form.url(app, paths::REGISTER),
        csrf: &mail_form.csrf(app, &owner),
        problem,
    };
    let show = |status| page::show(status, &page, target.as_deref());
    let reply = match problem {
        None => show(200),
        Some(RegisterProblem::NotAnAddress) => show(400),
        Some(RegisterProblem::Form(FormProblem::FormExpired)) => show(400).noting("form expired or forged"),
        Some(RegisterProblem::Form(FormProblem::SlowedDown { seconds })) => {
            show(429).with(header::RETRY_AFTER, &seconds.to_string()).noting("e-mail requests rate limited")
        }
    };
    Ok(mail_form.keeping(app, &owner, reply))
}
