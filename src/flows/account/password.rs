//! Changing the password: with the old one (ASVS 6.2.3), to one that is not guessed first, and with the offer to end everything
//! else (ASVS 7.4.3). The session goes on under a new cookie; the user is told by mail.

use std::sync::Arc;

use actix_web::{http::header, web::Data};

use super::{Guard, Refusal, Visit, Visitor, answer, borrowed, proven, url};
use crate::{
    app::App,
    flows::account_overview::{AccountOverview, Words},
    pages::{self, PasswordDone, PasswordProblem},
    paths,
    protocol::activity::Activity,
    store::{AnyConnection, account, activity, users::User},
    web::{
        blocking::{Priority, run_blocking},
        body::Form,
        fault::Fault,
        page,
        reply::Reply,
        request::Request,
        session,
    },
};

/// Among so many of the newest events it is looked for.
const EVENTS: u32 = 50;

const GUARD: Guard = Guard { about: paths::ACCOUNT_PASSWORD, check, refuse };

/// `GET /account/password`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, visitor: &Visitor| show(app, connection, visitor, None);
    answer(&request, &app, None, paths::ACCOUNT_PASSWORD, handle).await
}

/// `POST /account/password`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let context = request.context.clone();
    let visit = Visit::of(&request, Some(form), paths::ACCOUNT_PASSWORD);
    let changed = change(&app, visit).await;
    changed.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &context, &fault))
}

async fn change(app: &Data<App>, visit: Visit) -> Result<Reply, Fault> {
    let same = |app: &App, connection: &mut AnyConnection, visitor: &Visitor, user: &User| {
        if visitor.field("password") == visitor.field("new_password") {
            return show(app, connection, visitor, Some(PasswordProblem::NewSameAsOld)).map(Err);
        }
        Ok(Ok(user.clone()))
    };
    let (visitor, user): (Arc<Visitor>, User) = match proven(app, visit, GUARD, same).await? {
        Ok((visitor, Ok(user))) => (visitor, user),
        Ok((_, Err(reply))) | Err(reply) => return Ok(reply),
    };
    let hash = app.passwords.hash_within_gate(visitor.field("new_password").into()).await?;
    run_blocking(app, Priority::Own, move |app, connection| -> Result<Reply, Fault> {
        set(app, connection, &visitor, &user, &hash)
    })
    .await
}

/// The old one was proven: the new one takes its place, unless another did meanwhile.
fn set(app: &App, connection: &mut AnyConnection, visitor: &Visitor, user: &User, hash: &str) -> Result<Reply, Fault> {
    let now = visitor.context.now;
    if session::current(app, connection, Some(&visitor.cookie), now)?.is_none() {
        return Ok(Reply::see_other(&url(app, paths::LOGIN))); // it was ended while the passwords were hashed
    }
    let ends_others = visitor.field("end_others") == "yes";
    let event = visitor.event(Activity::PasswordChanged, None);
    let changed = account::change_password(connection, user, hash, (&visitor.session, ends_others), &event)?;
    let Some((renewed, _)) = changed else {
        return show(app, connection, visitor, Some(PasswordProblem::WrongPassword));
    };
    app.bell.notify_one();
    let done = if ends_others { "changed-and-ended" } else { "changed" };
    Ok(visitor
        .done_at(app, paths::ACCOUNT_PASSWORD, (done, None))
        .with(header::SET_COOKIE, &session::cookie(app, &renewed, now))
        .noting(format!("changed their password: user {}", user.claims.id)))
}

fn check(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Option<Reply>, Fault> {
    let claims = &visitor.user.claims;
    let context = [claims.username.as_str(), &claims.email, claims.display_name.as_deref().unwrap_or_default()];
    match app.password_rules.check(visitor.field("new_password"), &context) {
        Ok(()) => Ok(None),
        Err(flaw) => show(app, connection, visitor, Some(PasswordProblem::Flaw(flaw))).map(Some),
    }
}

fn refuse(app: &App, connection: &mut AnyConnection, visitor: &Visitor, refusal: Refusal) -> Result<Reply, Fault> {
    let problem = match refusal {
        Refusal::FormExpired => PasswordProblem::FormExpired,
        Refusal::WrongPassword => PasswordProblem::WrongPassword,
        Refusal::SlowedDown { seconds } => PasswordProblem::SlowedDown { seconds },
    };
    show(app, connection, visitor, Some(problem))
}

fn show(app: &App, connection: &mut AnyConnection, visitor: &Visitor, problem: Option<PasswordProblem>) -> Result<Reply, Fault> {
    let said = if problem.is_none() { visitor.done(app) } else { "" };
    let ended = if said == "not-me" { disowned(app, connection, visitor)? } else { None };
    let (browsers, apps) = ended.as_ref().map(|words| (borrowed(&words.browsers), borrowed(&words.apps))).unwrap_or_default();
    let done = match said {
        "changed" => Some(PasswordDone::Changed { ended_others: false }),
        "changed-and-ended" => Some(PasswordDone::Changed { ended_others: true }),
        _ => ended.is_some().then_some(PasswordDone::NotMe { browsers: &browsers, apps: &apps }),
    };
    let page = pages::Password {
        layout: visitor.layout(app),
        owner: visitor.owner(),
        action: &url(app, paths::ACCOUNT_PASSWORD),
        csrf: &visitor.stamp(app, paths::ACCOUNT_PASSWORD),
        min_length: app.password_rules.min_length(),
        end_others: problem.is_none() || problem == Some(PasswordProblem::FormExpired) || visitor.field("end_others") == "yes",
        done,
        problem,
    };
    Ok(match problem {
        None => page::show(200, &page, None),
        Some(PasswordProblem::WrongPassword) => page::show(Refusal::WrongPassword.status(), &page, None),
        Some(PasswordProblem::FormExpired) => {
            page::show(Refusal::FormExpired.status(), &page, None).noting("form expired or forged")
        }
        Some(PasswordProblem::SlowedDown { seconds }) => page::show(Refusal::SlowedDown { seconds }.status(), &page, None)
            .with(header::RETRY_AFTER, &seconds.to_string())
            .noting("password attempts rate limited"),
        Some(PasswordProblem::NewSameAsOld | PasswordProblem::Flaw(_)) => {
            page::show(400, &page, None).noting("new password rejected")
        }
    })
}

/// What ended when the user said just before that it was not them.
fn disowned(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Option<Words>, Fault> {
    let events = activity::of(connection, visitor.user.claims.id, None, EVENTS)?;
    let said = events.into_iter().map(|(_, entry)| entry).find(|entry| entry.activity == Activity::NotMe);
    let Some(said) = said else { return Ok(None) };
    Ok(Some(AccountOverview::of_ended(app, connection, &visitor.user, said.at)?.words()))
}
