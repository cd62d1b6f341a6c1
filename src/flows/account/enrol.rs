//! The page that asks a user to add another factor, because the app that they are on the way to, or their account, requires a stronger
//! sign-in than they can show. It keeps the authorization request in its query, as the sign-in page does, and so do the pages that add
//! one. Whether the user can go on without is decided by `protocol::oauth::required_class`.

use actix_web::{http::header, web::Data};

use super::{SignedIn, signed_in, url};
use crate::{
    app::App,
    flows::{formatting, sign_in::login},
    pages::{Enrol, Form, FormProblem, MissingFactor},
    paths,
    protocol::{
        error::{ErrorCode, ProtocolError},
        oauth::required_class::{RequiredBy, Strength},
        oidc::authentication::Class,
        values::time::Timestamp,
    },
    store::AnyConnection,
    web::{
        authorization_request,
        blocking::Priority,
        page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        required_class::{self, Shown},
        returning,
    },
};

/// `GET /account/enrol`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    page_request::run(&app, Priority::Browsers, request, handle).await
}

/// `POST /account/enrol`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    page_request::run(&app, Priority::Browsers, request, handle).await
}

/// What is to be added, and who requires it.
struct Missing {
    class: Class,
    by: RequiredBy,
    from: Option<Timestamp>,
}

fn handle(app: &App, connection: &mut AnyConnection, request: PageRequest) -> Result<Reply, PageError> {
    let is_for_app = request.query.get("client_id").is_some();
    let again = format!("{}?{}", url(app, paths::AUTHORIZE), returning::request_of(&request.query));
    let signed_in = match signed_in(app, connection, request, paths::ACCOUNT_ENROL) {
        // Nobody is signed in who could add anything: the request is decided afresh.
        Err(PageError::Reply(_)) if is_for_app => return Ok(Reply::see_other(&again)),
        signed_in => signed_in?,
    };
    let (user, now) = (&signed_in.user, signed_in.context.now);
    let shown = Shown { user: user.claims.id, row: Some(user), class: signed_in.session.class() };
    let missing = match required_class::of_query(app, connection, shown, &signed_in.query, now)? {
        Strength::Enrol { class, by, from } => Missing { class, by, from },
        Strength::StepUp { .. } if !is_for_app => return Ok(Reply::see_other(&super::to_second_factor(app, &signed_in))),
        // Nothing is to be added any more; or nothing that is would help, which is told to the app.
        Strength::Enough | Strength::StepUp { .. } | Strength::Unreachable => {
            return Ok(Reply::see_other(&login::way_on(app, &signed_in)));
        }
    };
    let Some(form) = signed_in.form(app)? else { return show(app, connection, &signed_in, &missing, None) };
    if !signed_in.sent(app, paths::ACCOUNT_ENROL) {
        return show(app, connection, &signed_in, &missing, Some(FormProblem::FormExpired));
    }
    match form.get("decision") {
        Some("later") if missing.from.is_some() => {
            let reply = Reply::see_other(&login::way_on(app, &signed_in)).noting("enrolment postponed");
            Ok(reply.with(header::SET_COOKIE, &required_class::postpone(app, user.claims.id, now)))
        }
        Some("deny") if is_for_app => {
            let what = "the user returned to the app without adding the factor that is required";
            let error = ProtocolError::new(ErrorCode::UnmetAuthenticationRequirements, what);
            Ok(authorization_request::refuse_with(app, &signed_in.context, connection, &signed_in.query, error)?)
        }
        _ => Ok(signed_in.malformed(app, "decision: expected 'later', where it can wait, or 'deny'")),
    }
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    Missing { class, by, from }: &Missing,
    problem: Option<FormProblem>,
) -> Result<Reply, PageError> {
    let now = signed_in.context.now;
    let pending = authorization_request::pending(app, connection, &signed_in.query, now)?;
    let target = pending.as_ref().map(|(_, authorization)| authorization.address.form_action_source());
    let query = signed_in.query.to_query(&[], &[]);
    let with_query = |path: &str| format!("{}?{query}", url(app, path)).trim_end_matches('?').to_owned();
    let totp_url = with_query(paths::ACCOUNT_TOTP_ADD);
    let day = from.map(formatting::day);
    let page = Enrol {
        layout: signed_in.layout(app),
        username: &signed_in.user.claims.username,
        client_name: pending.as_ref().map(|(client, _)| client.settings.client_name.as_str()),
        missing: match class {
            Class::Password | Class::TwoFactors => MissingFactor::SecondFactor,
            Class::PhishingResistant => MissingFactor::Passkey,
            Class::Hardware => MissingFactor::SecurityKey,
        },
        is_for_app: *by == RequiredBy::App && pending.is_some(),
        from: day.as_deref(),
        passkey_url: &with_query(paths::ACCOUNT_PASSKEY_ADD),
        totp_url: (*class <= Class::TwoFactors).then_some(totp_url.as_str()),
        form: Form { action: &with_query(paths::ACCOUNT_ENROL), csrf: &signed_in.stamp(app, paths::ACCOUNT_ENROL) },
        problem,
    };
    let shown = page::show(if problem.is_some() { 400 } else { 200 }, &page, target.as_deref());
    Ok(if problem.is_some() { shown.noting("form expired or forged") } else { shown })
}
