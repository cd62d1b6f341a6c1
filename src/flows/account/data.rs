//! The page that says what is stored about a user and for how long, and the deletion of the account: after the password is
//! confirmed, the account is deleted with its sessions and tokens (ASVS 7.4.2). The file with all the data is `export`.

use actix_web::{http::header, web::Data};

use super::{Guard, Refusal, SignedIn, answer, asks_password, ending::signed_out, guarded, to_sign_in, url};
use crate::{
    app::App,
    flows::{formatting, link},
    operations::{authenticators, deletions},
    pages::{self, AccountData, AccountDeleted, DeletionProblem, FormProblem, Kept},
    paths,
    protocol::{grant::retention, values::time::Span},
    store::{AnyConnection, users::User},
    web::{
        cookies::{Cookie, Keep},
        fault::Fault,
        page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
    },
};

const GUARD: Guard = Guard { back: paths::ACCOUNT_DATA, about: paths::ACCOUNT_DELETE, check, refuse };

/// `GET /account/data`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| Ok(show(app, connection, signed_in, None)?);
    answer(request, &app, paths::ACCOUNT_DATA, handle).await
}

/// `POST /account/delete`.
pub async fn post_delete(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    let deleted = guarded(&app, request, GUARD, delete).await.map(|confirmed| confirmed.done);
    page_request::reply(&app, &context, deleted)
}

/// Without a password to type, the form asks whether it is meant.
fn check(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<(), PageError> {
    if asks_password(authenticators::owned(connection, &signed_in.user)?) || signed_in.field("sure") == "yes" {
        return Ok(());
    }
    Err(show(app, connection, signed_in, Some(DeletionProblem::NotSure))?.into())
}

/// The page is the response to the form itself: after a redirect, no user would be signed in to see it.
fn delete(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, user: &User) -> Result<Reply, Fault> {
    app.history.flush(connection)?; // so that nothing of the user is written after their row is deleted
    let id = user.claims.id;
    let Some(purge) = deletions::own_account(connection, (user, &signed_in.session), signed_in.context.now)? else {
        return Ok(to_sign_in(app, paths::ACCOUNT_DATA).noting(format!("not deleted, the sign-in is no longer valid: user {id}")));
    };
    if let Some(error) = purge.error {
        tracing::warn!(%error, user = %id, "the deletion of an account was interrupted: housekeeping will complete it");
    }
    app.delivery_waker.wake();
    let page = AccountDeleted { layout: signed_in.layout(app), username: &user.claims.username };
    Ok(signed_out(app, page::show(200, &page, None))
        .with(header::SET_COOKIE, &Cookie::Device.set(&app.config.issuer, "", Keep::Delete))
        .noting(format!("deleted their account: user {id}")))
}

fn refuse(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, refusal: Refusal) -> Result<Reply, Fault> {
    let problem = match refusal {
        Refusal::WrongPassword => DeletionProblem::WrongPassword,
        Refusal::Form(problem) => DeletionProblem::Form(problem),
    };
    let shown = show(app, connection, signed_in, Some(problem))?;
    Ok(match problem {
        DeletionProblem::Form(FormProblem::SlowedDown { seconds }) => shown.with(header::RETRY_AFTER, &seconds.to_string()),
        _ => shown,
    })
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    problem: Option<DeletionProblem>,
) -> Result<Reply, Fault> {
    let lifetimes = &app.config.lifetimes;
    let history = formatting::span(lifetimes.history);
    let uses = lifetimes.refresh_history.min(lifetimes.history);
    let uses = (uses > Span::ZERO).then(|| formatting::span(uses));
    let page = AccountData {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        kept: Kept {
            activity: &history,
            history: &history,
            uses: uses.as_deref(),
            ended: &formatting::span(lifetimes.purge_after),
            devices: &formatting::span(retention::KNOWN_DEVICES),
            links: &formatting::span(retention::ENDED_LINKS),
            unsent: &formatting::span(retention::UNSENT),
        },
        asks_password: asks_password(authenticators::owned(connection, &signed_in.user)?),
        action: &url(app, paths::ACCOUNT_DELETE),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_DELETE),
        problem,
    };
    Ok(match problem {
        None => page::show(200, &page, None),
        Some(DeletionProblem::NotSure) => page::show(400, &page, None).noting("not deleted: not-sure"),
        Some(DeletionProblem::Form(problem)) => {
            page::show(link::status(Some(problem)), &page, None).noting(format!("not deleted: {}", pages::kebab(&problem)))
        }
        Some(problem) => page::show(401, &page, None).noting(format!("not deleted: {}", pages::kebab(&problem))),
    })
}
