//! The link that confirms an e-mail address of an account: the question, and the end. It works whoever is signed in, if anyone
//! is.

use actix_web::web::Data;

use super::link::{self, LinkPage, Visit};
use crate::{
    app::App,
    pages::{ConfirmEmail, EmailConfirmed, FormProblem, LinkProblem},
    paths,
    protocol::{activity::Activity, link::LinkKind, params::Params},
    random,
    store::{
        AnyConnection,
        activity::Event,
        link_actions::{self, Confirmed},
        links::Link,
        users::User,
    },
    web::{body::Form, fault::Fault, page, reply::Reply, request::Request},
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::CONFIRM_EMAIL, kinds: &[LinkKind::ConfirmEmail] };

/// `GET /confirm-email`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    link::show(&request, &app, &LINK_PAGE, handle).await
}

/// `POST /confirm-email`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    link::act(&request, &app, form, (&LINK_PAGE, handle)).await
}

fn handle(app: &App, connection: &mut AnyConnection, visit: &Visit, link: &Link, form: Option<&Params>) -> Result<Reply, Fault> {
    let user = match visit.owner_of(app, connection, link)? {
        Ok(user) => user,
        Err(reply) => return Ok(reply),
    };
    let Some(email) = link.email.as_deref() else { return Ok(visit.problem_of(app, Some(link.kind), LinkProblem::Unknown)) };
    match form.map(|form| visit.check(app, link, form)) {
        None => Ok(show(app, visit, link, (&user, email), None)),
        Some(Err(problem)) => Ok(show(app, visit, link, (&user, email), Some(problem))),
        Some(Ok(())) => confirm(app, connection, visit, link, (&user, email)),
    }
}

fn confirm(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    link: &Link,
    (user, email): (&User, &str),
) -> Result<Reply, Fault> {
    let (now, origin) = (visit.context.now, visit.context.origin());
    let id = user.claims.id;
    let activity = Activity::EmailChanged;
    let event = Event { id: random::id(now), user: id, activity, origin: &origin, about: Some(email), at: now };
    match link_actions::confirm_email(connection, link, &event)? {
        Confirmed::Invalid => visit.lost(app, connection, link),
        Confirmed::Taken => Ok(visit.problem_of(app, Some(link.kind), LinkProblem::AddressTaken)),
        Confirmed::Yes => {
            app.bell.notify_one();
            let page = EmailConfirmed {
                layout: visit.layout(app),
                email,
                username: &user.claims.username,
                account_url: &format!("{}{}", app.config.issuer.base(), paths::ACCOUNT),
            };
            // No redirect: the link is spent, and whoever is signed in may be another, so that no other page could say it. The
            // form sent again finds the link used.
            Ok(link::forgetting(page::show(200, &page, None)).noting(format!("e-mail address confirmed: user {id}")))
        }
    }
}

fn show(app: &App, visit: &Visit, link: &Link, (user, email): (&User, &str), problem: Option<FormProblem>) -> Reply {
    let owner = visit.owner();
    let page = ConfirmEmail {
        layout: visit.layout(app),
        email,
        username: &user.claims.username,
        action: &visit.action(app),
        csrf: &visit.csrf(app, &owner, link),
        problem,
    };
    visit.keeping(&owner, page::show(link::status(problem), &page, None))
}
