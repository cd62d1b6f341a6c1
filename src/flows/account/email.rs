//! Changing the e-mail address: with the password (ASVS 7.5.1), and only after a link sent to the new address is opened. Only the
//! owner of an address learns that another account has it already (ASVS 6.3.8): the response, and all that is stored here, is the
//! same.

use actix_web::{http::header, web::Data};

use super::{Guard, Refusal, SignedIn, answer, asks_password, confirmed_if_stronger, guarded, to_sign_in, url};
use crate::{
    app::App,
    flows::{link, sign_in::throttle::MailLimit},
    operations::authenticators,
    pages::{self, CurrentEmail, Email, EmailProblems, EmailState, FormProblem},
    paths,
    protocol::account::{
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
    web::{
        fault::Fault,
        page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
    },
};

const GUARD: Guard = Guard { back: paths::ACCOUNT_EMAIL, about: paths::ACCOUNT_EMAIL, check, refuse };

/// `GET /account/email`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_EMAIL, first).await
}

/// `POST /account/email`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    let sent = guarded(&app, request, GUARD, send).await.map(|confirmed| confirmed.done);
    page_request::reply(&app, &context, sent)
}

fn first(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    if !app.mailer.is_on() {
        return Ok(show(app, connection, signed_in, EmailState::MailOff)?);
    }
    confirmed_if_stronger(app, connection, signed_in)?;
    let waiting = if signed_in.done(app) == "sent" { waiting(connection, signed_in)? } else { None };
    let ask = EmailState::Ask { typed: "", kept: None, problems: EmailProblems::default() };
    let state = waiting.as_deref().map_or(ask, |to| EmailState::Sent { to });
    Ok(show(app, connection, signed_in, state)?)
}

/// The address that is not yet confirmed.
fn waiting(connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Option<String>, Fault> {
    let open = links::open_of(connection, signed_in.user.claims.id, signed_in.context.now)?;
    Ok(open.into_iter().find(|link| link.kind == LinkKind::ConfirmEmail).and_then(|link| link.email))
}

fn check(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<(), PageError> {
    if app.mailer.is_on() { Ok(()) } else { Err(show(app, connection, signed_in, EmailState::MailOff)?.into()) }
}

/// The link is stored even if another account has the address; it is not sent to anyone then.
fn send(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, user: &User) -> Result<Reply, Fault> {
    let (id, now) = (user.claims.id, signed_in.context.now);
    let Some(email) = EmailAddress::parse(signed_in.field("email")).map(String::from) else {
        return again(app, connection, signed_in, EmailProblems { is_not_an_address: true, ..EmailProblems::default() });
    };
    if let Some(seconds) = MailLimit::to_send(&app.config.secrets, id, &email).admit(connection, now)? {
        let form = Some(FormProblem::SlowedDown { seconds });
        return again(app, connection, signed_in, EmailProblems { form, ..EmailProblems::default() });
    }
    let is_anothers = users::find_by_login(connection, &LoginName::parse(&email))?.is_some_and(|other| other.claims.id != id);
    let link = Link { user_id: Some(id), email: Some(email.clone()), ..Link::new(random::id(now), LinkKind::ConfirmEmail, now) };
    let kind = if is_anothers { NotificationKind::AlreadyRegistered } else { NotificationKind::ConfirmEmail };
    let notice = Notification {
        kind,
        to: email,
        name: None,
        at: now,
        origin: signed_in.origin.clone(),
        about: Some(user.claims.username.clone()), // so that the owner of the address sees whose account this is about
        link: (!is_anothers).then_some(link.id),
        grant: None,
    };
    let event = signed_in.event(Activity::EmailChangeRequested, None);
    if !mail_requests::send_link(connection, (user, &signed_in.session), &link, (random::id(now), &notice), &event)? {
        return Ok(
            to_sign_in(app, paths::ACCOUNT_EMAIL).noting(format!("no e-mail sent, the sign-in is no longer valid: user {id}"))
        );
    }
    app.delivery_waker.wake();
    Ok(signed_in
        .done_at(app, paths::ACCOUNT_EMAIL, "sent", None)
        .noting(format!("requested a change of their e-mail address: user {id}")))
}

fn refuse(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, refusal: Refusal) -> Result<Reply, Fault> {
    let problems = match refusal {
        Refusal::WrongPassword => EmailProblems {
            form: None,
            is_not_an_address: EmailAddress::parse(signed_in.field("email")).is_none(),
            is_password_wrong: true,
        },
        Refusal::Form(problem) => EmailProblems { form: Some(problem), ..EmailProblems::default() },
    };
    again(app, connection, signed_in, problems)
}

fn again(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, problems: EmailProblems) -> Result<Reply, Fault> {
    let is_kept = !problems.is_password_wrong && problems.form != Some(FormProblem::FormExpired);
    let kept = if is_kept { signed_in.kept(app, GUARD.about, "password") } else { None };
    let state = EmailState::Ask { typed: signed_in.field("email"), kept: kept.as_deref(), problems };
    let shown = show(app, connection, signed_in, state)?;
    Ok(match problems.form {
        Some(FormProblem::SlowedDown { seconds }) => shown.with(header::RETRY_AFTER, &seconds.to_string()),
        _ => shown,
    })
}

fn show(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, state: EmailState<'_>) -> Result<Reply, Fault> {
    let claims = &signed_in.user.claims;
    let page = Email {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        current: claims.address().map(|address| CurrentEmail { address, is_verified: claims.email_verified }),
        state,
        asks_password: asks_password(authenticators::owned(connection, &signed_in.user)?),
        action: &url(app, paths::ACCOUNT_EMAIL),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_EMAIL),
    };
    Ok(match state {
        EmailState::Ask { problems, .. } if problems.are_any() => {
            let (status, why) = match problems {
                EmailProblems { form: Some(problem), .. } => (link::status(Some(problem)), pages::kebab(&problem)),
                EmailProblems { is_password_wrong: true, .. } => (401, "wrong-password".to_owned()),
                _ => (400, "not-an-address".to_owned()),
            };
            page::show(status, &page, None).noting(format!("no e-mail sent: {why}"))
        }
        _ => page::show(200, &page, None),
    })
}
