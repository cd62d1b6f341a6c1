//! The link "this was not me" of a letter: what the letter told, and the button that ends everything. The password is worthless
//! then, and only a letter brings a new one.

use actix_web::{HttpRequest, web::Data};

use super::{
    inventory::{Inventory, Words},
    link::{self, Dead, Door, Visit},
    wording,
};
use crate::{
    app::App,
    pages::{AfterEnd, EverythingEnded, FormProblem, Happened, NotMe},
    paths,
    protocol::{
        activity::{Activity, Origin},
        link::{LinkKind, Told},
        notice::Letter,
        params::Params,
    },
    random,
    store::{AnyConnection, activity::Event, by_link, links::Link, people::Person},
    web::{body::Form, fault::Fault, page, reply::Reply},
};

static DOOR: Door = Door { path: paths::NOT_ME, kinds: &[LinkKind::NotMe] };

/// `GET /not-me`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    link::show(&request, &app, &DOOR, story).await
}

/// `POST /not-me`.
pub async fn post(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    link::act(&request, &app, form, (&DOOR, story)).await
}

fn story(app: &App, connection: &mut AnyConnection, visit: &Visit, link: &Link, form: Option<&Params>) -> Result<Reply, Fault> {
    let person = match visit.owner_of(app, connection, link)? {
        Ok(person) => person,
        Err(reply) => return Ok(reply),
    };
    let told = link.content.as_deref().and_then(|content| serde_json::from_str::<Told>(content).ok());
    let Some(told) = told else { return Ok(visit.dead(app, Some(link.kind), Dead::Unknown)) };
    match form.map(|form| visit.check(app, link, form)) {
        None => Ok(show(app, visit, link, (&person, &told), None)),
        Some(Err(problem)) => Ok(show(app, visit, link, (&person, &told), Some(problem))),
        Some(Ok(())) => end(app, connection, visit, link, &person),
    }
}

fn end(app: &App, connection: &mut AnyConnection, visit: &Visit, link: &Link, person: &Person) -> Result<Reply, Fault> {
    let (now, origin, id) = (visit.context.now, visit.context.origin(), person.claims.id);
    let before = Inventory::read(app, connection, person, now)?; // names are forgotten with the devices
    let event = Event { id: random::id(now), person: id, activity: Activity::NotMe, origin: &origin, about: None, at: now };
    let Some(ended) = by_link::not_me(connection, link, &event)? else { return visit.lost(app, connection, link) };
    app.bell.notify_one();
    let Words { browsers, apps } = before.ended(&ended);
    let page = EverythingEnded {
        chrome: visit.chrome(app),
        username: &person.claims.username,
        browsers: &browsers.iter().map(String::as_str).collect::<Vec<_>>(),
        apps: &apps.iter().map(String::as_str).collect::<Vec<_>>(),
        next: if ended.password_taken { AfterEnd::SetPassword } else { AfterEnd::SignIn },
    };
    // No redirect: nobody is signed in any more, and what was ended is known only now. The form sent again finds the link used. Its
    // cookie stays: asking for a new password is next, and whoever has shown a link is not held up by strangers who ask as well.
    Ok(page::show(200, &page, None).noting(format!("everything was ended by a letter's link: person {id}")))
}

fn show(app: &App, visit: &Visit, link: &Link, (person, told): (&Person, &Told), problem: Option<FormProblem>) -> Reply {
    let owner = visit.owner();
    let (browser, place) = (wording::program(&told.origin), place(&told.origin));
    let page = NotMe {
        chrome: visit.chrome(app),
        username: &person.claims.username,
        what: what(told),
        when: &wording::full(told.at),
        at: &wording::iso(told.at),
        browser: browser.as_deref(),
        place: place.as_deref(),
        action: &visit.action(app),
        csrf: &visit.csrf(app, &owner, link),
        problem,
    };
    visit.keeping(&owner, page::show(link::status(problem), &page, None))
}

fn what(told: &Told) -> Happened<'_> {
    let about = told.about.as_deref().unwrap_or_default();
    match told.letter {
        Letter::AddressChanged => Happened::AddressChanged { client_name: about },
        Letter::CredentialReused => Happened::CredentialReused { client_name: about },
        Letter::PasswordChanged => Happened::PasswordChanged,
        Letter::PasswordReset => Happened::PasswordReset,
        Letter::EmailChanged => Happened::EmailChanged { to: about },
        // The others have no such link, but for the first.
        Letter::NewDevice
        | Letter::ConfirmEmail
        | Letter::Reset
        | Letter::Register
        | Letter::AlreadyRegistered
        | Letter::Invitation
        | Letter::PasswordTaken => Happened::NewDevice,
    }
}

/// A place, a network address, or both.
fn place(origin: &Origin) -> Option<String> {
    match (origin.place.as_deref(), origin.address.as_deref()) {
        (Some(place), Some(address)) => Some(format!("{place} ({address})")),
        (place, address) => place.or(address).map(str::to_owned),
    }
}
