//! What is kept of a user, and for how long; and the end of it: the account is deleted, with the password asked for again, and
//! its sessions and tokens with it (ASVS 7.4.2). The file with all of it is `export`.

use actix_web::{http::header, web::Data};

use super::{Guard, Refusal, Visit, Visitor, answer, ending::signed_out, proven, to_sign_in, url};
use crate::{
    app::App,
    flows::formatting,
    pages::{AccountData, AccountDeleted, DeletionProblem, Kept},
    paths,
    store::{AnyConnection, account, users::User},
    web::{
        body::Form,
        cookies::{self, Keep},
        fault::Fault,
        page,
        reply::Reply,
        request::Request,
    },
};

const GUARD: Guard = Guard {
    about: paths::ACCOUNT_DELETE,
    check: |_, _, _| Ok(None),
    refuse: |app, _, visitor, refusal| Ok(refuse(app, visitor, refusal)),
};

/// `GET /account/data`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let handle = |app: &App, _: &mut AnyConnection, visitor: &Visitor| Ok(show(app, visitor, None));
    answer(&request, &app, None, paths::ACCOUNT_DATA, handle).await
}

/// `POST /account/delete`.
pub async fn post_delete(request: Request, app: Data<App>, form: Form) -> Reply {
    let context = request.context.clone();
    let visit = Visit::of(&request, Some(form), paths::ACCOUNT_DATA);
    let done = proven(&app, visit, GUARD, delete).await.map(|proven| proven.map_or_else(|reply| reply, |(_, reply)| reply));
    done.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &context, &fault))
}

/// The page is the answer to the form itself: there is nobody left to whom another could be shown.
fn delete(app: &App, connection: &mut AnyConnection, visitor: &Visitor, user: &User) -> Result<Reply, Fault> {
    app.history.flush(connection)?; // so that nothing of the user is written after their row is gone
    if !account::delete_own(connection, (user, &visitor.session), visitor.context.now)? {
        let id = user.claims.id;
        return Ok(to_sign_in(app, paths::ACCOUNT_DATA).noting(format!("not deleted, the sign-in is no longer valid: user {id}")));
    }
    app.bell.notify_one();
    let page = AccountDeleted { layout: visitor.layout(app), username: &user.claims.username };
    Ok(signed_out(page::show(200, &page, None))
        .with(header::SET_COOKIE, &cookies::set(cookies::DEVICE, "", Keep::Delete))
        .noting(format!("deleted their account: user {}", user.claims.id)))
}

fn refuse(app: &App, visitor: &Visitor, refusal: Refusal) -> Reply {
    let problem = match refusal {
        Refusal::FormExpired => DeletionProblem::FormExpired,
        Refusal::WrongPassword => DeletionProblem::WrongPassword,
        Refusal::SlowedDown { seconds } => DeletionProblem::SlowedDown { seconds },
    };
    let shown = show(app, visitor, Some((problem, refusal)));
    match refusal {
        Refusal::SlowedDown { seconds } => shown.with(header::RETRY_AFTER, &seconds.to_string()),
        _ => shown,
    }
}

fn show(app: &App, visitor: &Visitor, problem: Option<(DeletionProblem, Refusal)>) -> Reply {
    let lifetimes = &app.config.lifetimes;
    let history = formatting::span(lifetimes.history);
    let page = AccountData {
        layout: visitor.layout(app),
        owner: visitor.owner(),
        kept: Kept {
            activity: &history,
            history: &history,
            uses: &formatting::span(lifetimes.refresh_history.min(lifetimes.history)),
        },
        action: &url(app, paths::ACCOUNT_DELETE),
        csrf: &visitor.stamp(app, paths::ACCOUNT_DELETE),
        problem: problem.map(|(problem, _)| problem),
    };
    match problem {
        None => page::show(200, &page, None),
        Some((_, refusal)) => page::show(refusal.status(), &page, None).noting(format!("not deleted: {refusal:?}")),
    }
}
