//! Changing the password: the old one is required (ASVS 6.2.3), a commonly used new one is rejected, and everything else can be
//! signed out (ASVS 7.4.3). The session continues with a new cookie; the user is notified by e-mail.

use actix_web::{http::header, web::Data};

use super::{Confirmed, Guard, Refusal, SignedIn, answer, borrowed, confirmed, url};
use crate::{
    app::App,
    flows::account::overview::{AccountOverview, Words},
    pages::{self, FormProblem, PasswordDone, PasswordProblem},
    paths,
    protocol::account::activity::Activity,
    store::{AnyConnection, account, activity, users::User},
    web::{
        blocking::{Priority, run_blocking},
        fault::Fault,
        page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        session,
    },
};

/// The number of newest events that are searched for the report.
const EVENTS: u32 = 50;

const GUARD: Guard = Guard { back: paths::ACCOUNT_PASSWORD, about: paths::ACCOUNT_PASSWORD, check, refuse };

/// `GET /account/password`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| Ok(show(app, connection, signed_in, None)?);
    answer(request, &app, paths::ACCOUNT_PASSWORD, handle).await
}

/// `POST /account/password`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    page_request::reply(&app, &context, change(&app, request).await)
}

async fn change(app: &Data<App>, request: PageRequest) -> Result<Reply, PageError> {
    let same = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, user: &User| {
        if signed_in.field("password") == signed_in.field("new_password") {
            return show(app, connection, signed_in, Some(PasswordProblem::NewSameAsOld)).map(Err);
        }
        Ok(Ok(user.clone()))
    };
    let Confirmed { signed_in, done } = confirmed(app, request, GUARD, same).await?;
    let user = done?;
    let hash = app.passwords.hash_within_gate(signed_in.field("new_password").into()).await?;
    run_blocking(app, Priority::Internal, move |app, connection| -> Result<Reply, PageError> {
        set(app, connection, &signed_in, &user, &hash)
    })
    .await
}

/// Sets the new password after the old one was verified, unless it was changed meanwhile.
fn set(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, user: &User, hash: &str) -> Result<Reply, PageError> {
    let now = signed_in.context.now;
    if session::current(app, connection, Some(&signed_in.cookie), now)?.is_none() {
        return Ok(Reply::see_other(&url(app, paths::LOGIN))); // it was ended while the passwords were hashed
    }
    let ends_others = signed_in.field("end_others") == "yes";
    let event = signed_in.event(Activity::PasswordChanged, None);
    let changed = account::change_password(connection, user, hash, (&signed_in.session, ends_others), &event)?;
    let Some((renewed, _)) = changed else {
        return Ok(show(app, connection, signed_in, Some(PasswordProblem::WrongPassword))?);
    };
    app.delivery_waker.wake();
    let done = if ends_others { "changed-and-ended" } else { "changed" };
    Ok(signed_in
        .done_at(app, paths::ACCOUNT_PASSWORD, done, None)
        .with(header::SET_COOKIE, &session::cookie(app, &renewed, now))
        .noting(format!("changed their password: user {}", user.claims.id)))
}

fn check(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<(), PageError> {
    let claims = &signed_in.user.claims;
    let context = [claims.username.as_str(), &claims.email, claims.display_name.as_deref().unwrap_or_default()];
    match app.password_rules.check(signed_in.field("new_password"), &context) {
        Ok(()) => Ok(()),
        Err(flaw) => Err(show(app, connection, signed_in, Some(PasswordProblem::Flaw(flaw)))?.into()),
    }
}

fn refuse(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, refusal: Refusal) -> Result<Reply, Fault> {
    let problem = match refusal {
        Refusal::WrongPassword => PasswordProblem::WrongPassword,
        Refusal::Form(problem) => PasswordProblem::Form(problem),
    };
    show(app, connection, signed_in, Some(problem))
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    problem: Option<PasswordProblem>,
) -> Result<Reply, Fault> {
    let said = if problem.is_none() { signed_in.done(app) } else { "" };
    let ended = if said == "not-me" { disowned(app, connection, signed_in)? } else { None };
    let (browsers, apps) = ended.as_ref().map(|words| (borrowed(&words.browsers), borrowed(&words.apps))).unwrap_or_default();
    let done = match said {
        "changed" => Some(PasswordDone::Changed { ended_others: false }),
        "changed-and-ended" => Some(PasswordDone::Changed { ended_others: true }),
        _ => ended.is_some().then_some(PasswordDone::NotMe { browsers: &browsers, apps: &apps }),
    };
    let page = pages::Password {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        action: &url(app, paths::ACCOUNT_PASSWORD),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_PASSWORD),
        min_length: app.password_rules.min_length(),
        end_others: problem.is_none()
            || problem == Some(PasswordProblem::Form(FormProblem::FormExpired))
            || signed_in.field("end_others") == "yes",
        done,
        problem,
    };
    Ok(match problem {
        None => page::show(200, &page, None),
        Some(PasswordProblem::WrongPassword) => page::show(401, &page, None),
        Some(PasswordProblem::Form(FormProblem::FormExpired)) => page::show(400, &page, None).noting("form expired or forged"),
        Some(PasswordProblem::Form(FormProblem::SlowedDown { seconds })) => {
            page::show(429, &page, None).with(header::RETRY_AFTER, &seconds.to_string()).noting("password attempts rate limited")
        }
        Some(PasswordProblem::NewSameAsOld | PasswordProblem::Flaw(_)) => {
            page::show(400, &page, None).noting("new password rejected")
        }
    })
}

/// What the report "this was not me" ended, if the user sent one just before.
fn disowned(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Option<Words>, Fault> {
    let events = activity::of(connection, signed_in.user.claims.id, None, EVENTS)?;
    let said = events.into_iter().map(|(_, entry)| entry).find(|entry| entry.activity == Activity::NotMe);
    let Some(said) = said else { return Ok(None) };
    Ok(Some(AccountOverview::of_ended(app, connection, &signed_in.user, said.at)?.words()))
}
