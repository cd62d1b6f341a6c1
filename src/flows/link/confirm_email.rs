//! The link that confirms an e-mail address of an account: the confirmation form and its result. It works whichever user is
//! signed in, or none.

use actix_web::web::Data;

use super::{LinkPage, LinkRequest};
use crate::{
    app::App,
    flows::link,
    pages::{ConfirmEmail, EmailConfirmed, FormProblem, LinkProblem},
    paths,
    protocol::{
        account::{activity::Activity, link::LinkKind},
        values::params::Params,
    },
    random,
    store::{
        AnyConnection,
        activity::Event,
        link_actions::{self, Confirmed},
        links::Link,
        users::User,
    },
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::CONFIRM_EMAIL, kinds: &[LinkKind::ConfirmEmail] };

/// `GET /confirm-email`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    link::answer(request, &app, &LINK_PAGE, handle).await
}

/// `POST /confirm-email`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    link::answer(request, &app, &LINK_PAGE, handle).await
}

/// A valid link, and the e-mail address it confirms.
struct Confirmation<'a> {
    link: &'a Link,
    user: User,
    email: &'a str,
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    link: &Link,
    form: Option<&Params>,
) -> Result<Reply, PageError> {
    let user = link_request.owner_of(app, connection, link)?;
    let Some(email) = link.email.as_deref() else {
        return Ok(link_request.problem_of(app, Some(link.kind), LinkProblem::Unknown));
    };
    let confirmation = Confirmation { link, user, email };
    match form.map(|_| link_request.check(app, link)) {
        None => Ok(show(app, link_request, &confirmation, None)),
        Some(Err(problem)) => Ok(show(app, link_request, &confirmation, Some(problem))),
        Some(Ok(())) => confirm(app, connection, link_request, &confirmation),
    }
}

fn confirm(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    confirmation: &Confirmation<'_>,
) -> Result<Reply, PageError> {
    let Confirmation { link, user, email } = confirmation;
    let (now, origin) = (link_request.context.now, link_request.context.origin());
    let id = user.claims.id;
    let activity = Activity::EmailChanged;
    let event = Event { id: random::id(now), user: id, activity, origin: &origin, about: Some(email), grant: None, at: now };
    match link_actions::confirm_email(connection, link, &event)? {
        Confirmed::Invalid => link_request.lost(app, connection, link),
        Confirmed::Taken => Ok(link_request.problem_of(app, Some(link.kind), LinkProblem::AddressTaken)),
        Confirmed::Yes => {
            app.delivery_waker.wake();
            let page = EmailConfirmed {
                layout: link_request.layout(app),
                email,
                username: &user.claims.username,
                account_url: &format!("{}{}", app.config.issuer.base(), paths::ACCOUNT),
            };
            // No redirect: the link is used up, and another user may be signed in, so that no other page could show the result. A
            // repeated form gets the page for a used link.
            Ok(link::forgetting(app, page::show(200, &page, None)).noting(format!("e-mail address confirmed: user {id}")))
        }
    }
}

fn show(app: &App, link_request: &LinkRequest, confirmation: &Confirmation<'_>, problem: Option<FormProblem>) -> Reply {
    let Confirmation { link, user, email } = confirmation;
    let owner = link_request.owner();
    let page = ConfirmEmail {
        layout: link_request.layout(app),
        email,
        username: &user.claims.username,
        action: &link_request.action(app),
        csrf: &link_request.csrf(app, &owner, link),
        problem,
    };
    link_request.keeping(app, &owner, page::show(link::status(problem), &page, None))
}
