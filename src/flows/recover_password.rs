//! Setting a new password by a link, in the browser that asked for it (ASVS 6.4.3). Everything ends with the old one, and the
//! user signs in with the new one: the link is no sign-in.

use actix_web::{http::header, web::Data};

use super::{
    known_browser,
    link::{self, LinkPage, Visit},
    sign_in_redirect, throttle,
};
use crate::{
    app::App,
    pages::{RecoverPassword, RecoverPasswordProblem},
    paths,
    protocol::{activity::Activity, link::LinkKind, network, params::Params},
    random,
    store::{AnyConnection, activity::Event, link_actions, links::Link, users::User},
    web::{
        blocking::{Priority, run_blocking},
        body::Form,
        cookies::{self, Keep},
        fault::Fault,
        page,
        reply::Reply,
        request::Request,
    },
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::RECOVER_PASSWORD, kinds: &[LinkKind::Reset] };

/// `GET /recover/password`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    link::show(&request, &app, &LINK_PAGE, handle).await
}

/// `POST /recover/password`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let visit = Visit::of(&request, &LINK_PAGE);
    let form = match visit.read(&app, form) {
        Ok(form) => form,
        Err(reply) => return reply,
    };
    let context = visit.context.clone();
    set(&app, visit, form).await.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &context, &fault))
}

fn handle(app: &App, connection: &mut AnyConnection, visit: &Visit, link: &Link, _: Option<&Params>) -> Result<Reply, Fault> {
    Ok(match visit.owner_of(app, connection, link)? {
        Ok(user) => show(app, visit, link, &user, None),
        Err(reply) => reply,
    })
}

/// Two blocking calls, with the new password's hash in between.
async fn set(app: &Data<App>, visit: Visit, form: Params) -> Result<Reply, Fault> {
    let password = form.get("new_password").unwrap_or_default().into();
    let first = visit.clone();
    let judged = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Result<(Link, User), Reply>, Fault> {
        judge(app, connection, &first, &form)
    });
    let (link, user) = match judged.await? {
        Ok(both) => both,
        Err(reply) => return Ok(reply),
    };
    let hash = app.passwords.hash_within_gate(password).await?;
    run_blocking(app, Priority::Own, move |app, connection| reset(app, connection, &visit, (&link, &user), &hash)).await
}

fn judge(app: &App, connection: &mut AnyConnection, visit: &Visit, form: &Params) -> Result<Result<(Link, User), Reply>, Fault> {
    let link = match visit.find(app, connection, Some(form))? {
        Ok(link) => link,
        Err(reply) => return Ok(Err(reply)),
    };
    let user = match visit.owner_of(app, connection, &link)? {
        Ok(user) => user,
        Err(reply) => return Ok(Err(reply)),
    };
    if let Err(problem) = visit.check(app, &link, form) {
        return Ok(Err(show(app, visit, &link, &user, Some(RecoverPasswordProblem::Form(problem)))));
    }
    let claims = &user.claims;
    let context = [claims.username.as_str(), &claims.email, claims.display_name.as_deref().unwrap_or_default()];
    let flaw = app.password_rules.check(form.get("new_password").unwrap_or_default(), &context).err();
    let problem = flaw.map(RecoverPasswordProblem::Password);
    Ok(match problem {
        None => Ok((link, user)),
        Some(problem) => Err(show(app, visit, &link, &user, Some(problem))),
    })
}

fn reset(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    (link, user): (&Link, &User),
    hash: &str,
) -> Result<Reply, Fault> {
    let (now, origin, id) = (visit.context.now, visit.context.origin(), user.claims.id);
    let activity = Activity::PasswordReset;
    let event = Event { id: random::id(now), user: id, activity, origin: &origin, about: None, at: now };
    let known = known_browser::name(app, visit.device.as_deref(), now);
    let name = known.map_or_else(random::text, str::to_owned);
    let browser = (name.as_str(), network::range(visit.context.address));
    if link_actions::reset_password(connection, link, hash, (browser.0, &browser.1), &event)?.is_none() {
        return visit.lost(app, connection, link);
    }
    app.bell.notify_one();
    // What was counted while others guessed, or they themselves, does not slow down the sign-in that follows.
    let (secrets, claims) = (&app.config.secrets, &user.claims);
    throttle::forget(connection, secrets, id)?;
    throttle::forget_here(connection, secrets, (id, [&claims.username, &claims.email]), (visit.context.address, &name))?;
    let to = (sign_in_redirect::PASSWORD_SET, claims.username.as_str());
    Ok(sign_in_redirect::to_sign_in(app, link.content.request(), to, (visit.browser(), now))
        .with(header::SET_COOKIE, &cookies::set(cookies::DEVICE, &known_browser::cookie(app, &name, now), Keep::Long))
        .noting(format!("password reset with a link: user {id}")))
}

fn show(app: &App, visit: &Visit, link: &Link, user: &User, problem: Option<RecoverPasswordProblem>) -> Reply {
    let owner = visit.owner();
    let page = RecoverPassword {
        layout: visit.layout(app),
        username: &user.claims.username,
        min_length: app.password_rules.min_length(),
        action: &visit.action(app),
        csrf: &visit.csrf(app, &owner, link),
        problem,
    };
    let status = match problem {
        Some(RecoverPasswordProblem::Form(problem)) => link::status(Some(problem)),
        Some(RecoverPasswordProblem::Password(_)) => 400,
        None => 200,
    };
    visit.keeping(&owner, page::show(status, &page, None))
}
