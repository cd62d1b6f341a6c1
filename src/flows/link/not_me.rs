//! The link "this was not me" in an e-mail: what the e-mail reported, and the button that ends everything. The password is no
//! longer valid then, and a new one can be set only by e-mail.

use actix_web::web::Data;

use super::{LinkPage, LinkRequest};
use crate::{
    app::App,
    flows::{
        account::overview::{AccountOverview, Words},
        formatting, link,
    },
    pages::{AfterEnd, EverythingEnded, FormProblem, LinkProblem, NotMe, ReportedEvent},
    paths,
    protocol::{
        account::{
            activity::{Activity, Origin},
            link::{LinkContent, LinkKind, NotifiedEvent},
            notification::NotificationKind,
        },
        values::params::Params,
    },
    random,
    store::{AnyConnection, activity::Event, link_actions, links::Link, users::User},
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::NOT_ME, kinds: &[LinkKind::NotMe] };

/// `GET /not-me`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    link::answer(request, &app, &LINK_PAGE, handle).await
}

/// `POST /not-me`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    link::answer(request, &app, &LINK_PAGE, handle).await
}

/// A valid link, and the event that the e-mail with it reported.
struct Report<'a> {
    link: &'a Link,
    user: User,
    notified: &'a NotifiedEvent,
    what: ReportedEvent<'a>,
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    link: &Link,
    form: Option<&Params>,
) -> Result<Reply, PageError> {
    let user = link_request.owner_of(app, connection, link)?;
    let problem_of = || Ok(link_request.problem_of(app, Some(link.kind), LinkProblem::Unknown));
    let LinkContent::NotMe(notified) = &link.content else { return problem_of() };
    let Some(what) = what(notified) else { return problem_of() };
    let report = Report { link, user, notified, what };
    match form.map(|_| link_request.check(app, link)) {
        None => Ok(show(app, link_request, &report, None)),
        Some(Err(problem)) => Ok(show(app, link_request, &report, Some(problem))),
        Some(Ok(())) => end(app, connection, link_request, link, &report.user),
    }
}

fn end(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    link: &Link,
    user: &User,
) -> Result<Reply, PageError> {
    let (now, origin, id) = (link_request.context.now, link_request.context.origin(), user.claims.id);
    let before = AccountOverview::read(app, connection, user, now)?; // names are deleted with the devices
    let event =
        Event { id: random::id(now), user: id, activity: Activity::NotMe, origin: &origin, about: None, grant: None, at: now };
    let Some(ended) = link_actions::not_me(connection, link, &event)? else { return link_request.lost(app, connection, link) };
    app.delivery_waker.wake();
    let Words { browsers, apps } = before.ended(&ended);
    let page = EverythingEnded {
        layout: link_request.layout(app),
        username: &user.claims.username,
        browsers: &browsers.iter().map(String::as_str).collect::<Vec<_>>(),
        apps: &apps.iter().map(String::as_str).collect::<Vec<_>>(),
        next: if ended.password_taken { AfterEnd::SetPassword } else { AfterEnd::SignIn },
    };
    // No redirect: no user is signed in any more, and only this response knows what was ended. A repeated form gets the page for
    // a used link. The link's cookie is kept: a password reset is the next step, and a browser that has shown a link is not held
    // up by the requests of unknown callers.
    Ok(page::show(200, &page, None).noting(format!("signed out everywhere with a link: user {id}")))
}

fn show(app: &App, link_request: &LinkRequest, report: &Report<'_>, problem: Option<FormProblem>) -> Reply {
    let Report { link, user, notified, what } = report;
    let owner = link_request.owner();
    let (browser, place) = (formatting::program(&notified.origin), place(&notified.origin));
    let page = NotMe {
        layout: link_request.layout(app),
        username: &user.claims.username,
        what: *what,
        when: &formatting::full(notified.at),
        at: &formatting::iso(notified.at),
        browser: browser.as_deref(),
        place: place.as_deref(),
        action: &link_request.action(app),
        csrf: &link_request.csrf(app, &owner, link),
        problem,
    };
    link_request.keeping(app, &owner, page::show(link::status(problem), &page, None))
}

/// The event that the page reports; `None` if the link does not say what it was about.
fn what(notified: &NotifiedEvent) -> Option<ReportedEvent<'_>> {
    let about = notified.about.as_deref();
    Some(match notified.kind {
        NotificationKind::NewNetwork => ReportedEvent::NewNetwork { client_name: about? },
        NotificationKind::CredentialReused => ReportedEvent::CredentialReused { client_name: about? },
        NotificationKind::PasswordChanged => ReportedEvent::PasswordChanged,
        NotificationKind::PasswordReset => ReportedEvent::PasswordReset,
        NotificationKind::EmailChanged => ReportedEvent::EmailChanged { to: about? },
        NotificationKind::AuthenticatorAdded => ReportedEvent::AuthenticatorAdded { name: about? },
        NotificationKind::AuthenticatorRemoved => ReportedEvent::AuthenticatorRemoved { name: about? },
        NotificationKind::RecoveryCodesMade => ReportedEvent::RecoveryCodesMade,
        NotificationKind::RecoveryCodeUsed => ReportedEvent::RecoveryCodeUsed,
        NotificationKind::ResetPlanned => ReportedEvent::ResetPlanned { at: about? },
        NotificationKind::ResetCancelled => ReportedEvent::ResetCancelled,
        NotificationKind::AuthenticatorsReset => ReportedEvent::AuthenticatorsReset,
        // Of these, only `NewDevice` is sent with such a link.
        NotificationKind::NewDevice
        | NotificationKind::ConfirmEmail
        | NotificationKind::Reset
        | NotificationKind::Register
        | NotificationKind::AlreadyRegistered
        | NotificationKind::Invitation
        | NotificationKind::PasswordTaken => ReportedEvent::NewDevice,
    })
}

/// A place, a network address, or both.
fn place(origin: &Origin) -> Option<String> {
    match (origin.place.as_deref(), origin.address.as_deref()) {
        (Some(place), Some(address)) => Some(format!("{place} ({address})")),
        (place, address) => place.or(address).map(str::to_owned),
    }
}
