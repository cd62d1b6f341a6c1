//! The link that confirms an e-mail address of an account: the question, and the end. It works whoever is signed in, if anyone
//! is.

use actix_web::{HttpRequest, web::Data};

use super::link::{self, Dead, Door, Visit};
use crate::{
    app::App,
    pages::{ConfirmEmail, EmailConfirmed, FormProblem},
    paths,
    protocol::{activity::Activity, link::LinkKind, params::Params},
    random,
    store::{
        AnyConnection,
        activity::Event,
        by_link::{self, Confirmed},
        links::Link,
        people::Person,
    },
    web::{body::Form, fault::Fault, page, reply::Reply},
};

static DOOR: Door = Door { path: paths::CONFIRM_EMAIL, kinds: &[LinkKind::ConfirmEmail] };

/// `GET /confirm-email`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    link::show(&request, &app, &DOOR, story).await
}

/// `POST /confirm-email`.
pub async fn post(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    link::act(&request, &app, form, (&DOOR, story)).await
}

fn story(app: &App, connection: &mut AnyConnection, visit: &Visit, link: &Link, form: Option<&Params>) -> Result<Reply, Fault> {
    let person = match visit.owner_of(app, connection, link)? {
        Ok(person) => person,
        Err(reply) => return Ok(reply),
    };
    let Some(email) = link.email.as_deref() else { return Ok(visit.dead(app, Some(link.kind), Dead::Unknown)) };
    match form.map(|form| visit.check(app, link, form)) {
        None => Ok(show(app, visit, link, (&person, email), None)),
        Some(Err(problem)) => Ok(show(app, visit, link, (&person, email), Some(problem))),
        Some(Ok(())) => confirm(app, connection, visit, link, (&person, email)),
    }
}

fn confirm(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    link: &Link,
    (person, email): (&Person, &str),
) -> Result<Reply, Fault> {
    let (now, origin) = (visit.context.now, visit.context.origin());
    let id = person.claims.id;
    let activity = Activity::EmailChanged;
    let event = Event { id: random::id(now), person: id, activity, origin: &origin, about: Some(email), at: now };
    match by_link::confirm_email(connection, link, &event)? {
        Confirmed::Dead => visit.lost(app, connection, link),
        Confirmed::Taken => Ok(visit.dead(app, Some(link.kind), Dead::AddressTaken)),
        Confirmed::Yes => {
            app.bell.notify_one();
            let page = EmailConfirmed {
                chrome: visit.chrome(app),
                email,
                username: &person.claims.username,
                account_url: &format!("{}{}", app.config.issuer.base(), paths::ACCOUNT),
            };
            // No redirect: the link is spent, and whoever is signed in may be another, so that no other page could say it. The
            // form sent again finds the link used.
            Ok(link::forgetting(page::show(200, &page, None)).noting(format!("an address was confirmed: person {id}")))
        }
    }
}

fn show(app: &App, visit: &Visit, link: &Link, (person, email): (&Person, &str), problem: Option<FormProblem>) -> Reply {
    let owner = visit.owner();
    let page = ConfirmEmail {
        chrome: visit.chrome(app),
        email,
        username: &person.claims.username,
        action: &visit.action(app),
        csrf: &visit.csrf(app, &owner, link),
        problem,
    };
    visit.keeping(&owner, page::show(link::status(problem), &page, None))
}
