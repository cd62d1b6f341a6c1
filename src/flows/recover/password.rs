//! Setting a new password by a link, in the browser that requested it (ASVS 6.4.3). All sessions and grants end with the old
//! password, and the user signs in with the new one: the link does not sign them in. It stands in for the password alone: an account with
//! a second factor asks for that on the same page, within the limits of a sign-in.

use std::sync::Arc;

use actix_web::{http::header, web::Data};

use crate::{
    app::App,
    flows::{
        link::{self, LinkPage, LinkRequest},
        sign_in::{
            known_browser,
            password_check::{self, After, Verdict},
            sign_in_redirect,
            throttle::{self, Attempt},
            typed_code::{Checked, TypedCode},
        },
    },
    operations::authenticators,
    pages::{FormProblem, RecoverPassword, RecoverPasswordProblem, RecoveryFactor},
    passwords::rules::Rules,
    paths,
    protocol::{
        account::{activity::Activity, authenticator::Owned, link::LinkKind},
        secrets::sensitive::Sensitive,
        values::{network, params::Params},
    },
    random,
    store::{AnyConnection, activity::Event, link_actions, links::Link, rate_limits, users::User},
    web::{
        blocking::{Priority, run_blocking},
        cookies::{Cookie, Keep},
        fault::Fault,
        kept_password, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
    },
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::RECOVER_PASSWORD, kinds: &[LinkKind::Reset] };

/// The fields.
const NEW: &str = "new_password";
const CODE: &str = "code";

/// A valid link, the user whose password it sets, and what they have.
#[derive(Clone)]
struct Candidate {
    link: Link,
    user: User,
    owned: Owned,
}

/// A request with its link.
type Found = (LinkRequest, Candidate);
/// The same once its code was right; otherwise the page again.
type Verified = Result<Arc<Found>, PageError>;

/// `GET /recover/password`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    link::answer(request, &app, &LINK_PAGE, handle).await
}

/// `POST /recover/password`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    page_request::reply(&app, &context, set(&app, request).await)
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    link: &Link,
    _: Option<&Params>,
) -> Result<Reply, PageError> {
    let user = link_request.owner_of(app, connection, link)?;
    let owned = authenticators::owned(connection, &user)?;
    Ok(show(app, link_request, link, (&user, owned), None))
}

/// The link, and the code where the account has a second factor; then two blocking calls, with the new password hashed between them.
async fn set(app: &Data<App>, request: PageRequest) -> Result<Reply, PageError> {
    let link_request = LinkRequest::read(app, request, &LINK_PAGE)?;
    let password = password(app, &link_request);
    let context = link_request.context.clone();
    let judged = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<_, PageError> {
        let candidate = judge(app, connection, &link_request)?;
        Ok((link_request, candidate))
    });
    let mut found = judged.await?;
    if found.1.owned.has_second_factor() {
        let look = move |app: &App, connection: &mut AnyConnection| {
            let attempt = attempt(app, connection, &found)?;
            Ok((found, attempt))
        };
        let verified = password_check::by_password(app, &context, Sensitive::default(), look, verify);
        found = Arc::unwrap_or_clone(verified.await??);
    }
    let (link_request, candidate) = found;
    let hash = app.passwords.hash_within_gate(password).await?;
    run_blocking(app, Priority::Internal, move |app, connection| reset(app, connection, &link_request, &candidate, &hash)).await
}

/// The new password that was typed, or kept.
fn password(app: &App, link_request: &LinkRequest) -> Sensitive<String> {
    kept_password::typed(app, link_request, (link_request.browser(), paths::RECOVER_PASSWORD), NEW)
}

/// The counts that apply to an attempt at a code: those of a sign-in.
fn attempt(
    app: &App,
    connection: &mut AnyConnection,
    (link_request, candidate): &Found,
) -> Result<password_check::Candidate, Fault> {
    let (user, now) = (&candidate.user, app.clock.now());
    let id = user.claims.id;
    let (cookie, address) = (link_request.device.as_deref(), link_request.context.address);
    let from = known_browser::from(app, connection, (cookie, address), Some(id), now)?;
    let attempt = Attempt::to_verify(&app.config.secrets, id, from, now);
    Ok(password_check::Candidate { user: Some(user.clone()), has_password: false, user_id: Some(id), attempt })
}

/// Checks the code: of the app if it is six digits, otherwise a recovery code. The inner error is the page again.
fn verify(
    app: &App,
    connection: &mut AnyConnection,
    found: &Arc<Found>,
    verdict: Verdict<'_>,
) -> Result<Option<After<Verified>>, Fault> {
    let (link_request, Candidate { link, user, owned }) = &**found;
    let now = app.clock.now();
    let again = |problem| Err(PageError::from(show(app, link_request, link, (user, *owned), Some(problem))));
    let slowed = |seconds| again(RecoverPasswordProblem::Form(FormProblem::SlowedDown { seconds }));
    match verdict {
        Verdict::TooMany { seconds } => return Ok(Some(After::Done(slowed(seconds)))),
        Verdict::Wrong { .. } => return Ok(Some(After::Done(again(RecoverPasswordProblem::WrongCode)))),
        Verdict::Right(_) => {}
    }
    if !throttle::may_try(connection, &app.config.secrets, link.id, now)? {
        return Ok(Some(After::Failed(slowed(LinkKind::Reset.lifetime().seconds()))));
    }
    let typed = link_request.field(CODE);
    let is_of_app = typed.chars().all(|c| c.is_ascii_digit() || c.is_whitespace()) && owned.totp > 0;
    let code = if is_of_app { TypedCode::Totp(typed.into()) } else { TypedCode::Recovery(typed.into()) };
    match code.check(app, connection, user, (&link_request.context.origin(), now))? {
        Checked::Right => Ok(Some(After::Done(Ok(Arc::clone(found))))),
        Checked::Used | Checked::Wrong => Ok(Some(After::Failed(again(RecoverPasswordProblem::WrongCode)))),
    }
}

/// # Errors
/// The page again.
fn judge(app: &App, connection: &mut AnyConnection, link_request: &LinkRequest) -> Result<Candidate, PageError> {
    let link = link_request.find(app, connection)?;
    let user = link_request.owner_of(app, connection, &link)?;
    let owned = authenticators::owned(connection, &user)?;
    let again = |problem| PageError::from(show(app, link_request, &link, (&user, owned), Some(problem)));
    link_request.check(app, &link).map_err(|problem| again(RecoverPasswordProblem::Form(problem)))?;
    let claims = &user.claims;
    let context = [claims.username.as_str(), &claims.email, claims.display_name.as_deref().unwrap_or_default()];
    let checked = rules(app, owned).check(password(app, link_request).expose(), &context);
    checked.map_err(|flaw| again(RecoverPasswordProblem::Password(flaw)))?;
    if owned.has_second_factor() && link_request.field(CODE).trim().is_empty() {
        return Err(again(RecoverPasswordProblem::CodeMissing));
    }
    Ok(Candidate { link, user, owned })
}

/// The rules for a new password of an account that has this.
fn rules(app: &App, owned: Owned) -> Rules {
    if owned.needs_code() { app.password_rules.beside_second_factor() } else { app.password_rules.clone() }
}

fn reset(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    candidate: &Candidate,
    hash: &str,
) -> Result<Reply, PageError> {
    let Candidate { link, user, .. } = candidate;
    let (now, origin, id) = (link_request.context.now, link_request.context.origin(), user.claims.id);
    let activity = Activity::PasswordReset;
    let event = Event { id: random::id(now), user: id, activity, origin: &origin, about: None, grant: None, at: now };
    let known = known_browser::name(app, link_request.device.as_deref(), now);
    let name = known.map_or_else(random::text, str::to_owned);
    let browser = (name.as_str(), network::range(link_request.context.address));
    if link_actions::reset_password(connection, link, hash, (browser.0, &browser.1), &event)?.is_none() {
        return link_request.lost(app, connection, link);
    }
    app.delivery_waker.wake();
    // Failures counted earlier, of the user or of others, do not slow down the sign-in that follows.
    let (secrets, claims) = (&app.config.secrets, &user.claims);
    rate_limits::forget_user(connection, secrets, id)?;
    throttle::forget_here(connection, secrets, (id, [&claims.username, &claims.email]), (link_request.context.address, &name))?;
    let to = (sign_in_redirect::PASSWORD_SET, claims.username.as_str());
    Ok(sign_in_redirect::to_sign_in(app, link.content.request(), to, (link_request.browser(), now))
        .with(header::SET_COOKIE, &Cookie::Device.set(&app.config.issuer, &known_browser::cookie(app, &name, now), Keep::Long))
        .noting(format!("password reset with a link: user {id}")))
}

fn show(
    app: &App,
    link_request: &LinkRequest,
    link: &Link,
    (user, owned): (&User, Owned),
    problem: Option<RecoverPasswordProblem>,
) -> Reply {
    let browser = link_request.owner();
    let is_code_wrong = matches!(problem, Some(RecoverPasswordProblem::CodeMissing | RecoverPasswordProblem::WrongCode));
    let seal = || {
        let typed = password(app, link_request);
        kept_password::seal(app, (&browser, paths::RECOVER_PASSWORD), NEW, typed.expose(), link_request.context.now)
    };
    let kept = if is_code_wrong { seal() } else { None };
    let factor =
        RecoveryFactor { has_app: owned.totp > 0, has_recovery_codes: owned.recovery_codes > 0, has_passkey: owned.passkeys > 0 };
    let page = RecoverPassword {
        layout: link_request.layout(app),
        username: &user.claims.username,
        min_length: rules(app, owned).min_length(),
        code: owned.has_second_factor().then_some(factor),
        kept: kept.as_deref(),
        action: &link_request.action(app),
        csrf: &link_request.csrf(app, &browser, link),
        problem,
    };
    let status = match problem {
        Some(RecoverPasswordProblem::Form(problem)) => link::status(Some(problem)),
        Some(RecoverPasswordProblem::Password(_) | RecoverPasswordProblem::CodeMissing) => 400,
        Some(RecoverPasswordProblem::WrongCode) => 401,
        None => 200,
    };
    let shown = page::show(status, &page, None);
    let shown = match problem {
        Some(RecoverPasswordProblem::Form(FormProblem::SlowedDown { seconds })) => {
            shown.with(header::RETRY_AFTER, &seconds.to_string()).noting("second factor rate limited")
        }
        Some(RecoverPasswordProblem::WrongCode) => shown.noting(format!("wrong code: user {}", user.claims.id)),
        _ => shown,
    };
    link_request.keeping(app, &browser, shown)
}
