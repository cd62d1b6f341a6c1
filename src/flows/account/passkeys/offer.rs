//! The offer of a passkey after a sign-in with a password, in a browser that can make one and whose user has none: on the way to where
//! they were going, and not again for a month after "not now".

use actix_web::{http::header, web::Data};

use super::{add, ask, noted, status};
use crate::{
    app::App,
    flows::{
        account::{SignedIn, answer},
        sign_in::login,
    },
    operations::authenticators,
    pages::{PasskeyForm, PasskeyOffer, PasskeyProblem},
    paths,
    protocol::values::time::Span,
    store::AnyConnection,
    web::{
        authorization_request,
        cookies::{Cookie, Keep},
        fault::Fault,
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// How long "not now" counts.
const NOT_NOW: Span = Span::from_seconds(30 * 86_400);

/// `GET /account/passkeys/offer`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| {
        if !is_due(app, connection, signed_in)? {
            return Ok(Reply::see_other(&login::way_on(app, signed_in)));
        }
        Ok(show(app, connection, signed_in, None)?)
    };
    answer(request, &app, paths::ACCOUNT, handle).await
}

/// `POST /account/passkeys/offer`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT, submit).await
}

/// Whether a passkey is offered: to a user without one, who has just shown what their account is signed in to with.
fn is_due(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<bool, Fault> {
    if app.passkeys.is_none() || signed_in.wants_no_passkey {
        return Ok(false);
    }
    let owned = authenticators::owned(connection, &signed_in.user)?;
    Ok(owned.passkeys == 0 && owned.is_confirmed_by(&signed_in.session.proofs, app.clock.now()))
}

fn submit(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let on = || Reply::see_other(&login::way_on(app, signed_in));
    if signed_in.field("decision") == "later" {
        let not_now = Cookie::NoPasskey.set(&app.config.issuer, "yes", Keep::For(NOT_NOW));
        return Ok(on().with(header::SET_COOKIE, &not_now).noting("a passkey was offered: not now"));
    }
    if !is_due(app, connection, signed_in)? {
        return Ok(on());
    }
    match add(app, connection, signed_in, (paths::ACCOUNT_PASSKEY_OFFER, true))? {
        Ok(()) => Ok(on().noting(format!("added a passkey that was offered: user {}", signed_in.user.claims.id))),
        Err(problem) => Ok(show(app, connection, signed_in, Some(problem))?),
    }
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    problem: Option<PasskeyProblem>,
) -> Result<Reply, Fault> {
    let Some(requested) = ask(app, connection, signed_in, true)? else {
        return Ok(Reply::see_other(&login::way_on(app, signed_in)));
    };
    let pending = authorization_request::pending(app, connection, &signed_in.query, signed_in.context.now)?;
    let target = pending.as_ref().map(|(_, authorization)| authorization.address.form_action_source());
    let page = PasskeyOffer {
        layout: signed_in.layout(app),
        client_name: pending.as_ref().map(|(client, _)| client.settings.client_name.as_str()),
        user: signed_in.user.shown_name(),
        form: PasskeyForm {
            action: &signed_in.action(app, paths::ACCOUNT_PASSKEY_OFFER),
            csrf: &signed_in.stamp(app, paths::ACCOUNT_PASSKEY_OFFER),
            options: &requested.options,
            state: &requested.state,
        },
        problem,
    };
    Ok(noted(page::show(status(problem), &page, target.as_deref()), problem))
}
