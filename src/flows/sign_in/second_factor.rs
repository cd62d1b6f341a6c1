//! The page that asks for another factor: to complete a sign-in in progress, to confirm that it is the user before a change of their
//! account, or because an app asks for more than the session has. What is asked for is decided by `protocol::account::authenticator`.
//! Attempts wait and are counted as at the sign-in page (`password_check`), and ten codes are tried in one sign-in at most.

mod form;
mod occasion;

use actix_web::{http::header, web::Data};

use self::{
    form::Form,
    occasion::{Kind, Occasion},
};
use super::{
    beginning::{self, Next},
    known_browser,
    password_check::{self, After, Candidate, Verdict},
    progress::Progress,
    sign_in_redirect,
    throttle::{self, Attempt},
    trusted_browser,
    typed_code::Checked,
};
use crate::{
    app::App,
    flows::passkeys,
    pages::{FormProblem, SecondFactorProblem},
    protocol::{
        account::proof::{Proof, Proofs},
        oidc::authentication::Method,
        values::params::Params,
    },
    store::{AnyConnection, sessions, users::User},
    web::{
        authorization_request,
        blocking::{Priority, run_blocking},
        fault::Fault,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        session,
    },
};

/// The parameter that asks for the field of a recovery code, and its value.
pub const USE: (&str, &str) = ("use", "recovery");

/// The names of this page's own parameters in a query, which do not go on with an authorization request.
#[must_use]
pub fn own_names(query: &Params) -> &'static [&'static str] {
    if query.get(USE.0) == Some(USE.1) { &[USE.0] } else { &[] }
}

/// `GET /login/verify`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    page_request::run(&app, Priority::Browsers, request, |app, connection, request| {
        let occasion = Occasion::read(app, connection, &request)?;
        let form = Form::of(app, &request, &occasion);
        if let Some(reply) = passed(app, connection, &request, &occasion)? {
            return Ok(reply);
        }
        Ok(form.show(app, connection, &request, &occasion, None)?)
    })
    .await
}

/// `POST /login/verify`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    page_request::reply(&app, &context, verify(&app, request).await)
}

/// Goes on at once if nothing is missing any more: the form was sent before, or what the account needs has changed meanwhile.
fn passed(app: &App, connection: &mut AnyConnection, request: &PageRequest, occasion: &Occasion) -> Result<Option<Reply>, Fault> {
    if !occasion.is_reached(app) {
        return Ok(None);
    }
    match &occasion.kind {
        Kind::SignIn(progress) => {
            beginning::go_on(app, connection, request, (&occasion.user, progress), &occasion.way_on(app, request))
        }
        Kind::Session { .. } => Ok(Some(Reply::see_other(&occasion.way_on(app, request)))),
    }
}

/// A form whose attempt is made: what it is about, and what it asks for.
struct Sent {
    request: PageRequest,
    occasion: Occasion,
    form: Form,
}

async fn verify(app: &Data<App>, request: PageRequest) -> Result<Reply, PageError> {
    request.form(app)?;
    if request.field("decision") == "deny" {
        return run_blocking(app, Priority::Browsers, move |app, connection| refuse(app, connection, &request)).await;
    }
    if !request.field(passkeys::ANSWER).is_empty() {
        return run_blocking(app, Priority::Browsers, move |app, connection| by_passkey(app, connection, request)).await;
    }
    let (context, password) = (request.context.clone(), Form::password(app, &request));
    let look = move |app: &App, connection: &mut AnyConnection| look(app, connection, request);
    password_check::by_password(app, &context, password, look, |app, connection, sent, verdict| {
        let Sent { request, occasion, form } = &**sent;
        match verdict {
            Verdict::Right(user) => judge(app, connection, sent, user),
            Verdict::Wrong { .. } => {
                let problem =
                    if form.asks_password() { SecondFactorProblem::WrongPassword } else { SecondFactorProblem::WrongCode };
                let shown = form.show(app, connection, request, occasion, Some(problem))?;
                Ok(Some(After::Done(shown.noting(format!("wrong: user {}", occasion.user.claims.id)))))
            }
            Verdict::TooMany { seconds } => {
                let problem = SecondFactorProblem::Form(FormProblem::SlowedDown { seconds });
                Ok(Some(After::Done(form.show(app, connection, request, occasion, Some(problem))?)))
            }
        }
    })
    .await
}

/// The user returns to the app without showing more.
fn refuse(app: &App, connection: &mut AnyConnection, request: &PageRequest) -> Result<Reply, PageError> {
    let occasion = Occasion::read(app, connection, request)?;
    if !occasion.sent(app, request) {
        let form = Form::of(app, request, &occasion);
        let expired = SecondFactorProblem::Form(FormProblem::FormExpired);
        return Ok(form.show(app, connection, request, &occasion, Some(expired))?);
    }
    let params = Params::parse(&request.query.to_query(own_names(&request.query), &[]));
    let what = "the user returned to the app without a second factor";
    Ok(authorization_request::refuse(app, &request.context, connection, &params, what)?)
}

/// A passkey in place of what else is asked for. Failures are counted where it is verified.
fn by_passkey(app: &App, connection: &mut AnyConnection, request: PageRequest) -> Result<Reply, PageError> {
    let occasion = Occasion::read(app, connection, &request)?;
    let form = Form::of(app, &request, &occasion);
    if let Some(reply) = passed(app, connection, &request, &occasion)? {
        return Ok(reply);
    }
    let again = |connection: &mut AnyConnection, problem| form.show(app, connection, &request, &occasion, Some(problem));
    if !occasion.sent(app, &request) {
        return Ok(again(connection, SecondFactorProblem::Form(FormProblem::FormExpired))?);
    }
    let user = occasion.user.clone();
    // A form that is sent twice is refused the second time: nothing in it proves that it is the same.
    let method = match passkeys::shown_by(app, connection, &request, &user, occasion.owner())? {
        Ok(method) => method,
        Err(refused) => {
            let shown = again(connection, SecondFactorProblem::PasskeyRefused)?;
            return Ok(shown.noting(format!("passkey refused: user {}: {refused:?}", user.claims.id)));
        }
    };
    let shown = Proofs::from(Proof { method, at: app.clock.now() });
    let sent = Sent { request, occasion, form };
    match finish(app, connection, &sent, &user, (&shown, false))? {
        Some(After::Done(reply) | After::Partly(reply) | After::Failed(reply)) => Ok(reply),
        None => Ok(sign_in_redirect::to_begin_again(app, &sent.request, None, own_names(&sent.request.query))),
    }
}

/// What the form is about, and the counts that apply to the attempt; an error if nothing is to be checked.
fn look(app: &App, connection: &mut AnyConnection, request: PageRequest) -> Result<(Sent, Candidate), PageError> {
    let occasion = Occasion::read(app, connection, &request)?;
    let form = Form::of(app, &request, &occasion);
    let again = |connection: &mut AnyConnection, problem| form.show(app, connection, &request, &occasion, Some(problem));
    if let Some(reply) = passed(app, connection, &request, &occasion)? {
        return Err(reply.into());
    }
    if !occasion.sent(app, &request) {
        return Err(again(connection, SecondFactorProblem::Form(FormProblem::FormExpired))?.into());
    }
    if let Some(problem) = form.incomplete(app, &request) {
        return Err(again(connection, problem)?.into());
    }
    let (user_id, now) = (occasion.user.claims.id, app.clock.now());
    let from = known_browser::from(app, connection, (request.device.as_deref(), request.context.address), Some(user_id), now)?;
    let attempt = match &occasion.kind {
        Kind::SignIn(_) => Attempt::to_verify(&app.config.secrets, user_id, from, now),
        Kind::Session { session, .. } => Attempt::to_confirm(&app.config.secrets, (user_id, session.id), from),
    };
    let (user, has_password) = (Some(occasion.user.clone()), form.asks_password());
    let candidate = Candidate { user, has_password, user_id: Some(user_id), attempt };
    Ok((Sent { request, occasion, form }, candidate))
}

/// After the password, if it was asked for: the code. Then the sign-in or the session goes on.
fn judge(app: &App, connection: &mut AnyConnection, sent: &Sent, user: &User) -> Result<Option<After<Reply>>, Fault> {
    let Sent { request, occasion, form } = sent;
    let now = app.clock.now();
    let mut shown = Proofs::default();
    if form.asks_password() {
        shown = shown.with(Proof { method: Method::Password, at: now });
    }
    let mut is_repeated = false;
    if let Some(code) = form.code(app, request) {
        if let Kind::SignIn(progress) = &occasion.kind
            && !throttle::may_try(connection, &app.config.secrets, progress.session, now)?
        {
            let reply =
                sign_in_redirect::to_begin_again(app, request, Some(sign_in_redirect::TOO_MANY_CODES), own_names(&request.query));
            return Ok(Some(After::Failed(reply.noting(format!("too many codes in one sign-in: user {}", user.claims.id)))));
        }
        let checked = code.check(app, connection, user, (&request.context.origin(), now))?;
        is_repeated = checked == Checked::Used && occasion.is_repeated(app, connection, request)?;
        if checked != Checked::Right && !is_repeated {
            let problem = if checked == Checked::Used { SecondFactorProblem::UsedCode } else { SecondFactorProblem::WrongCode };
            let page = form.show(app, connection, request, occasion, Some(problem))?;
            let note = format!("wrong {}: user {}", code.method().as_str(), user.claims.id);
            return Ok(Some(After::Failed(page.noting(note))));
        }
        shown = shown.with(Proof { method: code.method(), at: now });
    }
    finish(app, connection, sent, user, (&shown, is_repeated || form.code(app, request).is_none()))
}

/// The sign-in or the session goes on with what was shown. A form that was sent before, and has renewed the session, does if it is known to
/// be the same.
fn finish(
    app: &App,
    connection: &mut AnyConnection,
    sent: &Sent,
    user: &User,
    (shown, is_same): (&Proofs, bool),
) -> Result<Option<After<Reply>>, Fault> {
    let (Sent { request, occasion, .. }, now) = (sent, app.clock.now());
    match &occasion.kind {
        Kind::SignIn(progress) => complete(app, connection, sent, (user, progress), shown),
        Kind::Session { session, renewed, .. } => {
            let to = Reply::see_other(&occasion.way_on(app, request));
            // The same form was sent a moment ago, and has renewed the session.
            if let Some(renewed) = renewed {
                let reply = to.with(header::SET_COOKIE, &session::cookie(app, renewed, now));
                return Ok(Some(if is_same {
                    After::Done(reply)
                } else {
                    After::Done(sign_in_redirect::to_begin_again(app, request, None, own_names(&request.query)))
                }));
            }
            let Some(renewed) = sessions::step_up(connection, (user, session), shown, now)? else {
                let reply = sign_in_redirect::to_begin_again(app, request, None, own_names(&request.query));
                return Ok(Some(After::Done(reply.noting("the session ended meanwhile"))));
            };
            let note = format!("confirmed: user {} session {}", user.claims.id, session.id);
            let reply = to.with(header::SET_COOKIE, &session::cookie(app, &renewed, now)).noting(note);
            Ok(Some(After::Done(reply)))
        }
    }
}

/// Completes a sign-in; or leads to this page again, if that is not enough either.
fn complete(
    app: &App,
    connection: &mut AnyConnection,
    sent: &Sent,
    (user, progress): (&User, &Progress),
    shown: &Proofs,
) -> Result<Option<After<Reply>>, Fault> {
    let Sent { request, occasion, form } = sent;
    let has_totp = shown.has(Method::Totp);
    let proofs = shown.iter().fold(progress.proofs.clone(), Proofs::with);
    let progress = progress.clone().with_proofs(proofs);
    let way_on = occasion.way_on(app, request);
    let Some(next) = beginning::continued(app, connection, request, (user, &progress), &way_on)? else {
        let took = Some(sign_in_redirect::TOOK_TOO_LONG);
        return Ok(Some(After::Done(sign_in_redirect::to_begin_again(app, request, took, own_names(&request.query)))));
    };
    let (reply, session) = match next {
        Next::Factor(reply) => return Ok(Some(After::Partly(reply))),
        Next::Begun { reply, session } => (reply, session),
    };
    if has_totp && form.trusts() {
        trusted_browser::trust(app, connection, &session, app.clock.now());
    }
    // What was mistyped here before, at either step, is over.
    let names = [user.claims.username.as_str(), user.claims.email.as_str()];
    let device = session.device_id.as_deref().unwrap_or_default();
    throttle::forget_here(connection, &app.config.secrets, (user.claims.id, names), (request.context.address, device))?;
    Ok(Some(After::Done(reply)))
}
