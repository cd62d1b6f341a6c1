//! Changing the e-mail address: with the password (ASVS 7.5.1), and only once the new one is shown to be theirs by a link.
//! Whether another account has it already is told to its owner alone (ASVS 6.3.8): the answer, and all that is kept here, is the
//! same.

use actix_web::{http::header, web::Data};

use super::{Guard, Refusal, Visit, Visitor, answer, proven, to_sign_in, url};
use crate::{
    app::App,
    flows::throttle::MailLimit,
    pages::{CurrentEmail, Email, EmailProblem, EmailState},
    paths,
    protocol::{
        activity::Activity,
        email_address::EmailAddress,
        link::LinkKind,
        login_name::LoginName,
        notification::{Notification, NotificationKind},
    },
    random,
    store::{
        AnyConnection,
        links::{self, Link},
        mail_requests,
        users::{self, User},
    },
    web::{body::Form, fault::Fault, page, reply::Reply, request::Request},
};

const GUARD: Guard = Guard {
    about: paths::ACCOUNT_EMAIL,
    check: |app, _, visitor| Ok(check(app, visitor)),
    refuse: |app, _, visitor, refusal| Ok(refuse(app, visitor, refusal)),
};

/// `GET /account/email`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    answer(&request, &app, None, paths::ACCOUNT_EMAIL, first).await
}

/// `POST /account/email`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let context = request.context.clone();
    let visit = Visit::of(&request, Some(form), paths::ACCOUNT_EMAIL);
    let sent = proven(&app, visit, GUARD, send).await.map(|proven| proven.map_or_else(|reply| reply, |(_, reply)| reply));
    sent.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &context, &fault))
}

fn first(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Reply, Fault> {
    if !app.mailer.is_on() {
        return Ok(show(app, visitor, EmailState::MailOff));
    }
    let waiting = if visitor.done(app) == "sent" { waiting(connection, visitor)? } else { None };
    Ok(match &waiting {
        Some(to) => show(app, visitor, EmailState::Sent { to }),
        None => show(app, visitor, EmailState::Ask { typed: "", problem: None }),
    })
}

/// The address that is still to be confirmed.
fn waiting(connection: &mut AnyConnection, visitor: &Visitor) -> Result<Option<String>, Fault> {
    let open = links::open_of(connection, visitor.user.claims.id, visitor.context.now)?;
    Ok(open.into_iter().find(|link| link.kind == LinkKind::ConfirmEmail).and_then(|link| link.email))
}

fn check(app: &App, visitor: &Visitor) -> Option<Reply> {
    if !app.mailer.is_on() {
        return Some(show(app, visitor, EmailState::MailOff));
    }
    let is_good = EmailAddress::parse(visitor.field("email")).is_some();
    (!is_good).then(|| again(app, visitor, EmailProblem::NotAnAddress))
}

/// The link is kept though another account has the address: nobody is sent it then.
fn send(app: &App, connection: &mut AnyConnection, visitor: &Visitor, user: &User) -> Result<Reply, Fault> {
    let (id, now) = (user.claims.id, visitor.context.now);
    let Some(email) = EmailAddress::parse(visitor.field("email")).map(String::from) else {
        return Ok(again(app, visitor, EmailProblem::NotAnAddress));
    };
    if let Err(seconds) = MailLimit::to_send(&app.config.secrets, id, &email).admit(connection, now)? {
        return Ok(again(app, visitor, EmailProblem::SlowedDown { seconds }));
    }
    let is_anothers = users::find_by_login(connection, &LoginName::parse(&email))?.is_some_and(|other| other.claims.id != id);
    let link = Link { user_id: Some(id), email: Some(email.clone()), ..Link::new(random::id(now), LinkKind::ConfirmEmail, now) };
    let kind = if is_anothers { NotificationKind::AlreadyRegistered } else { NotificationKind::ConfirmEmail };
    let notice = Notification {
        kind,
        to: email,
        name: None,
        at: now,
        origin: visitor.origin.clone(),
        about: Some(user.claims.username.clone()), // so that its owner sees whose account it is
        link: (!is_anothers).then_some(link.id),
    };
    let event = visitor.event(Activity::EmailChangeRequested, None);
    if !mail_requests::send_link(connection, (user, &visitor.session), &link, (random::id(now), &notice), &event)? {
        return Ok(
            to_sign_in(app, paths::ACCOUNT_EMAIL).noting(format!("no e-mail sent, the sign-in is no longer valid: user {id}"))
        );
    }
    app.bell.notify_one();
    Ok(visitor
        .done_at(app, paths::ACCOUNT_EMAIL, ("sent", None))
        .noting(format!("requested a change of their e-mail address: user {id}")))
}

fn refuse(app: &App, visitor: &Visitor, refusal: Refusal) -> Reply {
    let problem = match refusal {
        Refusal::FormExpired => EmailProblem::FormExpired,
        Refusal::WrongPassword => EmailProblem::WrongPassword,
        Refusal::SlowedDown { seconds } => EmailProblem::SlowedDown { seconds },
    };
    again(app, visitor, problem)
}

fn again(app: &App, visitor: &Visitor, problem: EmailProblem) -> Reply {
    let shown = show(app, visitor, EmailState::Ask { typed: visitor.field("email"), problem: Some(problem) });
    match problem {
        EmailProblem::SlowedDown { seconds } => shown.with(header::RETRY_AFTER, &seconds.to_string()),
        _ => shown,
    }
}

fn show(app: &App, visitor: &Visitor, state: EmailState<'_>) -> Reply {
    let claims = &visitor.user.claims;
    let page = Email {
        layout: visitor.layout(app),
        owner: visitor.owner(),
        current: Some(CurrentEmail { address: &claims.email, is_verified: claims.email_verified }),
        state,
        action: &url(app, paths::ACCOUNT_EMAIL),
        csrf: &visitor.stamp(app, paths::ACCOUNT_EMAIL),
    };
    match state {
        EmailState::Ask { problem: Some(problem), .. } => {
            page::show(status(problem), &page, None).noting(format!("no e-mail sent: {problem:?}"))
        }
        _ => page::show(200, &page, None),
    }
}

const fn status(problem: EmailProblem) -> u16 {
    match problem {
        EmailProblem::WrongPassword => Refusal::WrongPassword.status(),
        EmailProblem::SlowedDown { seconds } => Refusal::SlowedDown { seconds }.status(),
        EmailProblem::NotAnAddress | EmailProblem::FormExpired => Refusal::FormExpired.status(),
    }
}
