//! The user's display name, as used in pages, e-mails and apps. An empty one removes it, and the username is used instead.

use actix_web::web::Data;

use super::{SignedIn, answer, url};
use crate::{
    app::App,
    pages::{self, Details, DetailsProblem},
    paths,
    protocol::account::{
        activity::Activity,
        profile::{self, DISPLAY_NAME_LIMIT, Flaw},
    },
    store::{AnyConnection, account},
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// `GET /account/details`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, _: &mut AnyConnection, signed_in: &SignedIn| Ok(show(app, signed_in, None));
    answer(request, &app, paths::ACCOUNT_DETAILS, handle).await
}

/// `POST /account/details`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_DETAILS, change).await
}

fn change(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    if !signed_in.sent(app, paths::ACCOUNT_DETAILS) {
        return Ok(show(app, signed_in, Some(DetailsProblem::FormExpired)));
    }
    let name = match profile::display_name(signed_in.field("display_name")) {
        Ok(name) => Some(name),
        Err(Flaw::Empty) => None,
        Err(Flaw::TooLong) => return Ok(show(app, signed_in, Some(DetailsProblem::TooLong))),
        Err(Flaw::Character) => return Ok(show(app, signed_in, Some(DetailsProblem::NotOneLine))),
    };
    account::change_display_name(connection, name.as_deref(), &signed_in.event(Activity::DetailsChanged, None))?;
    let note = format!("changed their name: user {}", signed_in.user.claims.id);
    Ok(signed_in.done_at(app, paths::ACCOUNT_DETAILS, "saved", None).noting(note))
}

fn show(app: &App, signed_in: &SignedIn, problem: Option<DetailsProblem>) -> Reply {
    let kept = signed_in.user.claims.display_name.as_deref().unwrap_or_default();
    let page = Details {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        display_name: if problem.is_some() { signed_in.field("display_name") } else { kept },
        limit: DISPLAY_NAME_LIMIT,
        action: &url(app, paths::ACCOUNT_DETAILS),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_DETAILS),
        is_saved: problem.is_none() && signed_in.done(app) == "saved",
        problem,
    };
    match problem {
        None => page::show(200, &page, None),
        Some(problem) => page::show(400, &page, None).noting(format!("not saved: {}", pages::kebab(&problem))),
    }
}
