//! The name that one is called by: it is what pages, e-mails and apps say; an empty one takes it away, and the username stands
//! in.

use actix_web::web::Data;

use super::{Visitor, answer, url};
use crate::{
    app::App,
    pages::{Details, DetailsProblem},
    paths,
    protocol::{
        activity::Activity,
        profile::{self, DISPLAY_NAME_LIMIT, Flaw},
    },
    store::{AnyConnection, account},
    web::{body::Form, fault::Fault, page, reply::Reply, request::Request},
};

/// `GET /account/details`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let handle = |app: &App, _: &mut AnyConnection, visitor: &Visitor| Ok(show(app, visitor, None));
    answer(&request, &app, None, paths::ACCOUNT_DETAILS, handle).await
}

/// `POST /account/details`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    answer(&request, &app, Some(form), paths::ACCOUNT_DETAILS, change).await
}

fn change(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Reply, Fault> {
    if !visitor.sent(app, paths::ACCOUNT_DETAILS) {
        return Ok(show(app, visitor, Some(DetailsProblem::FormExpired)));
    }
    let name = match profile::display_name(visitor.field("display_name")) {
        Ok(name) => Some(name),
        Err(Flaw::Empty) => None,
        Err(Flaw::TooLong) => return Ok(show(app, visitor, Some(DetailsProblem::TooLong))),
        Err(Flaw::Character) => return Ok(show(app, visitor, Some(DetailsProblem::NotOneLine))),
    };
    account::change_display_name(connection, name.as_deref(), &visitor.event(Activity::DetailsChanged, None))?;
    let note = format!("changed their name: user {}", visitor.user.claims.id);
    Ok(visitor.done_at(app, paths::ACCOUNT_DETAILS, ("saved", None)).noting(note))
}

fn show(app: &App, visitor: &Visitor, problem: Option<DetailsProblem>) -> Reply {
    let kept = visitor.user.claims.display_name.as_deref().unwrap_or_default();
    let page = Details {
        layout: visitor.layout(app),
        owner: visitor.owner(),
        display_name: if problem.is_some() { visitor.field("display_name") } else { kept },
        limit: DISPLAY_NAME_LIMIT,
        action: &url(app, paths::ACCOUNT_DETAILS),
        csrf: &visitor.stamp(app, paths::ACCOUNT_DETAILS),
        is_saved: problem.is_none() && visitor.done(app) == "saved",
        problem,
    };
    match problem {
        None => page::show(200, &page, None),
        Some(problem) => page::show(400, &page, None).noting(format!("not saved: {problem:?}")),
    }
}
