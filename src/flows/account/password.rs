//! Changing the password: the old one is required (ASVS 6.2.3), a commonly used new one is rejected, and everything else can be
//! signed out (ASVS 7.4.3). The session continues with a new cookie; the user is notified by e-mail.

use actix_web::{http::header, web::Data};

use super::{Confirmed, Guard, Refusal, SignedIn, answer, asks_password, borrowed, confirmed_if_stronger, guarded, url};
use crate::{
    app::App,
    flows::account::overview::{AccountOverview, Words},
    operations::authenticators,
    pages::{self, FormProblem, NewPasswordProblem, PasswordDone, PasswordProblems},
    passwords::rules::Rules,
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

/// The fields of the form.
const CURRENT: &str = "password";
const NEW: &str = "new_password";

/// The number of newest events that are searched for the report.
const EVENTS: u32 = 50;

const GUARD: Guard = Guard { back: paths::ACCOUNT_PASSWORD, about: paths::ACCOUNT_PASSWORD, check: |_, _, _| Ok(()), refuse };

/// `GET /account/password`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| {
        confirmed_if_stronger(app, connection, signed_in)?;
        Ok(show(app, connection, signed_in, PasswordProblems::default())?)
    };
    answer(request, &app, paths::ACCOUNT_PASSWORD, handle).await
}

/// `POST /account/password`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    page_request::reply(&app, &context, change(&app, request).await)
}

async fn change(app: &Data<App>, request: PageRequest) -> Result<Reply, PageError> {
    let judge = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, user: &User| {
        let is_same = signed_in.password(app, GUARD.about, NEW) == signed_in.password(app, GUARD.about, CURRENT);
        let new = flaw(app, connection, signed_in)?.or_else(|| is_same.then_some(NewPasswordProblem::SameAsCurrent));
        if new.is_some() {
            return show(app, connection, signed_in, PasswordProblems { new, ..PasswordProblems::default() }).map(Err);
        }
        Ok(Ok(user.clone()))
    };
    let Confirmed { signed_in, done } = guarded(app, request, GUARD, judge).await?;
    let user = done?;
    let hash = app.passwords.hash_within_gate(signed_in.password(app, GUARD.about, NEW)).await?;
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
    // The old password was verified for this, or something stronger before.
    let is_verified = asks_password(authenticators::owned(connection, user)?);
    let changed = account::change_password(connection, user, hash, (&signed_in.session, is_verified, ends_others), &event)?;
    let Some((renewed, _)) = changed else {
        return Ok(refuse(app, connection, signed_in, Refusal::WrongPassword)?);
    };
    app.delivery_waker.wake();
    let done = if ends_others { "changed-and-ended" } else { "changed" };
    Ok(signed_in
        .done_at(app, paths::ACCOUNT_PASSWORD, done, None)
        .with(header::SET_COOKIE, &session::cookie(app, &renewed, now))
        .noting(format!("changed their password: user {}", user.claims.id)))
}

/// What is wrong with the new password.
fn flaw(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Option<NewPasswordProblem>, Fault> {
    let claims = &signed_in.user.claims;
    let context = [claims.username.as_str(), &claims.email, claims.display_name.as_deref().unwrap_or_default()];
    let new = signed_in.password(app, GUARD.about, NEW);
    let rules = rules(app, connection, signed_in)?;
    Ok(rules.check(new.expose(), &context).err().map(NewPasswordProblem::Flaw))
}

/// The rules for this account.
fn rules(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Rules, Fault> {
    let owned = authenticators::owned(connection, &signed_in.user)?;
    Ok(if owned.needs_code() { app.password_rules.beside_second_factor() } else { app.password_rules.clone() })
}

fn refuse(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, refusal: Refusal) -> Result<Reply, Fault> {
    let problems = match refusal {
        Refusal::WrongPassword => PasswordProblems { form: None, is_current_wrong: true, new: flaw(app, connection, signed_in)? },
        Refusal::Form(problem) => PasswordProblems { form: Some(problem), ..PasswordProblems::default() },
    };
    show(app, connection, signed_in, problems)
}

fn show(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, problems: PasswordProblems) -> Result<Reply, Fault> {
    let said = if problems.are_any() { "" } else { signed_in.done(app) };
    let ended = if said == "not-me" { disowned(app, connection, signed_in)? } else { None };
    let (browsers, apps) = ended.as_ref().map(|words| (borrowed(&words.browsers), borrowed(&words.apps))).unwrap_or_default();
    let done = match said {
        "changed" => Some(PasswordDone::Changed { ended_others: false }),
        "changed-and-ended" => Some(PasswordDone::Changed { ended_others: true }),
        _ => ended.is_some().then_some(PasswordDone::NotMe { browsers: &browsers, apps: &apps }),
    };
    let is_expired = problems.form == Some(FormProblem::FormExpired);
    let kept = |field, is_good: bool| {
        if problems.are_any() && !is_expired && is_good { signed_in.kept(app, GUARD.about, field) } else { None }
    };
    let is_good = problems.new.is_none() && flaw(app, connection, signed_in)?.is_none();
    let kept_new = kept(NEW, is_good);
    let kept = kept(CURRENT, !problems.is_current_wrong);
    let page = pages::Password {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        action: &url(app, paths::ACCOUNT_PASSWORD),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_PASSWORD),
        min_length: rules(app, connection, signed_in)?.min_length(),
        is_set: signed_in.user.password_hash.is_some(),
        asks_current: asks_password(authenticators::owned(connection, &signed_in.user)?),
        end_others: !problems.are_any() || is_expired || signed_in.field("end_others") == "yes",
        kept: kept.as_deref(),
        kept_new: kept_new.as_deref(),
        done,
        problems,
    };
    Ok(match problems {
        PasswordProblems { form: Some(FormProblem::FormExpired), .. } => {
            page::show(400, &page, None).noting("form expired or forged")
        }
        PasswordProblems { form: Some(FormProblem::SlowedDown { seconds }), .. } => {
            page::show(429, &page, None).with(header::RETRY_AFTER, &seconds.to_string()).noting("password attempts rate limited")
        }
        PasswordProblems { is_current_wrong: true, .. } => page::show(401, &page, None),
        PasswordProblems { new: Some(_), .. } => page::show(400, &page, None).noting("new password rejected"),
        _ => page::show(200, &page, None),
    })
}

/// What the report "this was not me" ended, if the user sent one just before.
fn disowned(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Option<Words>, Fault> {
    let events = activity::of(connection, signed_in.user.claims.id, None, EVENTS)?;
    let said = events.into_iter().map(|(_, entry)| entry).find(|entry| entry.activity == Activity::NotMe);
    let Some(said) = said else { return Ok(None) };
    Ok(Some(AccountOverview::of_ended(app, connection, &signed_in.user, said.at)?.words()))
}
