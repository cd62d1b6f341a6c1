//! The password reset form: the name or address, and the page saying that an e-mail is on its way if there is such an account.
//! Whether there is one is not revealed here. If e-mail is not configured, the page says so.

pub mod password;

use actix_web::{http::header, web::Data};

use super::{
    formatting,
    mail_form::{self, MailForm, Requested, Wanted},
};
use crate::{
    app::App,
    pages::{FormProblem, Recover, RecoverOff, RecoverSent},
    paths,
    protocol::{
        account::{email_address::EMAIL_LIMIT, link::LinkKind},
        values::params::Params,
    },
    store::AnyConnection,
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// `GET /recover`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    mail_form::answer(request, &app, paths::RECOVER, handle).await
}

/// `POST /recover`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    mail_form::answer(request, &app, paths::RECOVER, handle).await
}

fn handle(app: &App, connection: &mut AnyConnection, mail_form: &MailForm, form: Option<&Params>) -> Result<Reply, PageError> {
    let layout = mail_form.layout(app);
    let login_url = mail_form.url(app, paths::LOGIN);
    if !app.mailer.is_on() {
        return Ok(page::show(200, &RecoverOff { layout, login_url: &login_url }, None));
    }
    let Some(form) = form else {
        let Some(login) = mail_form.sent_for(app) else {
            let typed = mail_form.typed_before(app).or_else(|| mail_form.query.get("login_hint"));
            return Ok(show(app, mail_form, typed.unwrap_or_default(), None));
        };
        let good_for = formatting::span(LinkKind::Reset.lifetime());
        let again = mail_form.again(app, login);
        return Ok(page::show(200, &RecoverSent { layout, login, good_for: &good_for, again: &again }, None));
    };
    mail_form.needs_cookie(app)?;
    let typed = form.get("login").unwrap_or_default().trim();
    if let Err(problem) = mail_form.check(app) {
        return Ok(show(app, mail_form, typed, Some(problem)));
    }
    if typed.is_empty() {
        return Ok(show(app, mail_form, "", None));
    }
    // No user has a longer name; it is answered like any other.
    let login: String = typed.chars().take(EMAIL_LIMIT + 1).collect();
    Ok(match mail_form.ask(app, connection, &login, Wanted::Reset)? {
        Requested::Accepted(reply) => reply,
        Requested::Rejected(problem) => show(app, mail_form, typed, Some(problem)),
    })
}

fn show(app: &App, mail_form: &MailForm, login: &str, problem: Option<FormProblem>) -> Reply {
    let owner = mail_form.owner();
    let page = Recover {
        layout: mail_form.layout(app),
        login,
        login_url: &mail_form.url(app, paths::LOGIN),
        action: &mail_form.url(app, paths::RECOVER),
        csrf: &mail_form.csrf(app, &owner),
        problem,
    };
    let reply = match problem {
        None => page::show(200, &page, None),
        Some(FormProblem::FormExpired) => page::show(400, &page, None).noting("form expired or forged"),
        Some(FormProblem::SlowedDown { seconds }) => {
            page::show(429, &page, None).with(header::RETRY_AFTER, &seconds.to_string()).noting("e-mail requests rate limited")
        }
    };
    mail_form.keeping(app, &owner, reply)
}
