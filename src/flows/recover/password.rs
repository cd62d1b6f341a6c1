//! Setting a new password by a link, in the browser that requested it (ASVS 6.4.3). All sessions and grants end with the old
//! password, and the user signs in with the new one: the link does not sign them in.

use actix_web::{http::header, web::Data};

use crate::{
    app::App,
    flows::{
        link::{self, LinkPage, LinkRequest},
        sign_in::{known_browser, sign_in_redirect, throttle},
    },
    pages::{RecoverPassword, RecoverPasswordProblem},
    paths,
    protocol::{
        account::{activity::Activity, link::LinkKind},
        values::{network, params::Params},
    },
    random,
    store::{AnyConnection, activity::Event, link_actions, links::Link, rate_limits, users::User},
    web::{
        blocking::{Priority, run_blocking},
        cookies::{Cookie, Keep},
        page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
    },
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::RECOVER_PASSWORD, kinds: &[LinkKind::Reset] };

/// A valid link, and the user whose password it sets.
struct Candidate {
    link: Link,
    user: User,
}

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
    Ok(show(app, link_request, link, &user, None))
}

/// Two blocking calls, with the new password hashed between them.
async fn set(app: &Data<App>, request: PageRequest) -> Result<Reply, PageError> {
    let link_request = LinkRequest::read(app, request, &LINK_PAGE)?;
    let password = link_request.field("new_password").into();
    let judged = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<_, PageError> {
        let candidate = judge(app, connection, &link_request)?;
        Ok((link_request, candidate))
    });
    let (link_request, candidate) = judged.await?;
    let hash = app.passwords.hash_within_gate(password).await?;
    run_blocking(app, Priority::Internal, move |app, connection| reset(app, connection, &link_request, &candidate, &hash)).await
}

/// # Errors
/// The page again.
fn judge(app: &App, connection: &mut AnyConnection, link_request: &LinkRequest) -> Result<Candidate, PageError> {
    let link = link_request.find(app, connection)?;
    let user = link_request.owner_of(app, connection, &link)?;
    let again = |problem| PageError::from(show(app, link_request, &link, &user, Some(problem)));
    link_request.check(app, &link).map_err(|problem| again(RecoverPasswordProblem::Form(problem)))?;
    let claims = &user.claims;
    let context = [claims.username.as_str(), &claims.email, claims.display_name.as_deref().unwrap_or_default()];
    let checked = app.password_rules.check(link_request.field("new_password"), &context);
    checked.map_err(|flaw| again(RecoverPasswordProblem::Password(flaw)))?;
    Ok(Candidate { link, user })
}

fn reset(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    candidate: &Candidate,
    hash: &str,
) -> Result<Reply, PageError> {
    let Candidate { link, user } = candidate;
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

fn show(app: &App, link_request: &LinkRequest, link: &Link, user: &User, problem: Option<RecoverPasswordProblem>) -> Reply {
    let owner = link_request.owner();
    let page = RecoverPassword {
        layout: link_request.layout(app),
        username: &user.claims.username,
        min_length: app.password_rules.min_length(),
        action: &link_request.action(app),
        csrf: &link_request.csrf(app, &owner, link),
        problem,
    };
    let status = match problem {
        Some(RecoverPasswordProblem::Form(problem)) => link::status(Some(problem)),
        Some(RecoverPasswordProblem::Password(_)) => 400,
        None => 200,
    };
    link_request.keeping(app, &owner, page::show(status, &page, None))
}
