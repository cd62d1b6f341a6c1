//! The consent page (RFC 6749 §10.2, OpenID Connect Core 3.1.2.4): who asks, for what, for how long. The answer
//! is remembered where it may be, and leads back to `/authorize` with a stamp, or to the client with a refusal.

use actix_web::{HttpRequest, web::Data};

use super::{
    question::{Question, Visit, ask},
    wording,
};
use crate::{
    app::App,
    pages::{self, AskedResource, Chrome, Consent, ConsentProblem, Lifetime, Problem},
    paths,
    protocol::{
        activity::Activity,
        client::GrantType,
        error::{ErrorCode, ProtocolError},
        next_step::Allowed,
        params::Params,
        response_mode,
        scope::OFFLINE_ACCESS,
    },
    random,
    store::{AnyConnection, activity::Event, apis, consents, people},
    web::{body::Form, fault::Fault, forms, page, reply::Reply, returning},
};

/// `GET /consent`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    ask(&request, &app, None, story).await
}

/// `POST /consent`.
pub async fn post(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    ask(&request, &app, Some(form), story).await
}

fn story(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    question: &Question,
    form: Option<&Params>,
) -> Result<Reply, Fault> {
    match form {
        None => show(app, connection, visit, question, None),
        Some(form) => decide(app, connection, visit, question, form),
    }
}

fn decide(app: &App, connection: &mut AnyConnection, visit: &Visit, question: &Question, form: &Params) -> Result<Reply, Fault> {
    let (now, base) = (visit.context.now, app.config.issuer.base());
    if let Some(flaw) = form.flaw() {
        return Ok(page::error(base, &visit.context, 400, Problem::MalformedRequest { detail: &flaw.describe() }));
    }
    if forms::check(app, &question.cookie, &visit.about(paths::CONSENT), form, now).is_err() {
        return show(app, connection, visit, question, Some(ConsentProblem::FormExpired));
    }
    let (client, request, session) = (&question.client, &question.request, &question.session);
    match form.get("decision") {
        Some("allow") => {
            let allowed = Allowed { scopes: request.consent_scopes.clone(), audiences: request.audiences.clone() };
            let (origin, activity) = (visit.context.origin(), Activity::AppAllowed);
            let (id, person) = (random::id(now), session.person_id);
            let event = Event { id, person, activity, origin: &origin, about: Some(&client.name), at: now };
            consents::add(connection, &client.id, &allowed, &event)?;
            let given = returning::give_consent(app, &visit.query, session, now);
            let to = visit.path_with(paths::AUTHORIZE, returning::CONSENT_GIVEN, &given);
            let note = format!("consent given: client {} person {}", client.id, session.person_id);
            Ok(Reply::see_other(&format!("{base}{to}")).noting(note))
        }
        Some("deny") => {
            let error = ProtocolError::new(ErrorCode::AccessDenied, "the person declined");
            let answer = response_mode::failure(&request.address, app.config.issuer.as_str(), &error);
            Ok(page::deliver(base, &visit.context, &answer).noting("consent denied"))
        }
        _ => Ok(page::error(
            base,
            &visit.context,
            400,
            Problem::MalformedRequest { detail: "decision: expected 'allow' or 'deny'" },
        )),
    }
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    visit: &Visit,
    question: &Question,
    problem: Option<ConsentProblem>,
) -> Result<Reply, Fault> {
    let (client, request, session) = (&question.client, &question.request, &question.session);
    let Some(person) = people::find(connection, session.person_id)? else {
        return Err(Fault::Internal(format!("session {} is of a person that does not exist", session.id)));
    };
    let base = app.config.issuer.base();
    let lifetimes = &app.config.lifetimes;
    let until_sign_out = pages::lapse(session.expires_at.since(visit.context.now).seconds());
    let (at_most, idle) = (pages::lapse(lifetimes.refresh_absolute.seconds()), pages::lapse(lifetimes.refresh_idle.seconds()));
    let lifetime = if !client.may_use(GrantType::RefreshToken) {
        Lifetime::Once { minutes: (lifetimes.access_token.seconds() + 59) / 60 }
    } else if request.scopes.contains(OFFLINE_ACCESS) {
        Lifetime::LongLived { at_most: &at_most, idle: &idle }
    } else {
        Lifetime::UntilSignOut { at_most: &until_sign_out }
    };
    let apis = apis::of(connection, &request.audiences)?;
    let asked = |name| wording::scope(name, &apis, &app.config.scope_claims);
    let scopes: Vec<_> = request.consent_scopes.iter().map(asked).collect();
    let shown_name = |uri: &String| apis.iter().find(|api| api.uri == *uri).map_or(uri.as_str(), |api| &api.name).to_owned();
    let names: Vec<_> = request.audiences.iter().map(shown_name).collect();
    let resources: Vec<_> = request.audiences.iter().zip(&names).map(|(uri, name)| AskedResource { name, uri }).collect();
    let page = Consent {
        chrome: Chrome { base, request_id: &visit.context.id },
        client_name: &client.name,
        client_host: &request.address.shown_host(),
        person: person.shown_name(),
        username: &person.claims.username,
        scopes: &scopes,
        resources: &resources,
        lifetime,
        asks_each_time: !client.may_skip_consent(request.address.uri()),
        action: &format!("{base}{}?{}", paths::CONSENT, visit.query.to_query(&[], &[])),
        csrf: &forms::stamp(app, &question.cookie, &visit.about(paths::CONSENT), visit.context.now),
        problem,
    };
    let target = request.address.form_action_source();
    Ok(match problem {
        None => page::show(200, &page, Some(&target)),
        Some(ConsentProblem::FormExpired) => page::show(400, &page, Some(&target)).noting("form expired or forged"),
    })
}
