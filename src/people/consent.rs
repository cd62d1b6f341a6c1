//! The consent page (RFC 6749 §10.2, OpenID Connect Core 3.1.2.4): who asks, for what, for how long. The answer
//! is remembered where it may be, and leads back to `/authorize` with a stamp, or to the client with a refusal.

use actix_web::{HttpRequest, web::Data};

use crate::{
    app::App,
    pages::{Chrome, Consent, ConsentProblem, Lifetime, Problem},
    paths,
    protocol::{
        authorization::AuthorizationRequest,
        client::{Client, GrantType},
        error::{ErrorCode, ProtocolError},
        next_step::Allowed,
        params::Params,
        response_mode,
        scope::OFFLINE_ACCESS,
        time::Span,
    },
    store::{AnyConnection, consents, people, sessions::Session},
    web::{
        authorization_request::{self, Read},
        body::Form,
        cookies,
        fault::Fault,
        forms,
        hop::hop,
        page,
        reply::Reply,
        request::Context,
        returning, session,
    },
};

/// What a request to the consent page brings.
struct Visit {
    context: Context,
    query: Params,
    cookie: Option<String>,
}

/// What consent is asked about.
struct Question {
    client: Client,
    request: AuthorizationRequest,
    session: Session,
    cookie: String,
}

/// `GET /consent`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    answer(&request, &app, None).await
}

/// `POST /consent`.
pub async fn post(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    match form.0 {
        Ok(form) => answer(&request, &app, Some(form)).await,
        Err(problem) => page::body_problem(app.config.issuer.base(), &Context::of(&request), &problem),
    }
}

async fn answer(request: &HttpRequest, app: &Data<App>, form: Option<Params>) -> Reply {
    let visit = Visit {
        context: Context::of(request),
        query: Params::parse(request.query_string()),
        cookie: cookies::get(request, cookies::SESSION),
    };
    let context = visit.context.clone();
    let story = hop(app, move |app, connection| -> Result<Reply, Fault> {
        match (visit.question(app, connection)?, form) {
            (Err(reply), _) => Ok(reply),
            (Ok(question), None) => visit.show(app, connection, &question, None),
            (Ok(question), Some(form)) => visit.decide(app, connection, &question, &form),
        }
    });
    story.await.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &context, &fault))
}

impl Visit {
    /// Reads the request afresh, as `/authorize` does; without a good one, or a session, that is where it goes.
    fn question(&self, app: &App, connection: &mut AnyConnection) -> Result<Result<Question, Reply>, Fault> {
        let base = app.config.issuer.base();
        let back = || Reply::see_other(&format!("{base}{}?{}", paths::AUTHORIZE, self.query.to_query(&returning::NAMES, &[])));
        let (client, request) = match authorization_request::read(base, &self.context, connection, &self.query)? {
            Read::Good(good) => *good,
            Read::Page(page) => return Ok(Err(page)),
            Read::Refused(..) => return Ok(Err(back())),
        };
        let session = session::current(app, connection, self.cookie.as_deref(), self.context.now)?;
        match (session, self.cookie.clone()) {
            (Some(session), Some(cookie)) => Ok(Ok(Question { client, request, session, cookie })),
            _ => Ok(Err(back())),
        }
    }

    fn about(&self) -> String {
        format!("{}?{}", paths::CONSENT, returning::request_of(&self.query))
    }

    fn decide(&self, app: &App, connection: &mut AnyConnection, question: &Question, form: &Params) -> Result<Reply, Fault> {
        let (now, base) = (self.context.now, app.config.issuer.base());
        if let Some(flaw) = form.flaw() {
            return Ok(page::error(base, &self.context, 400, Problem::MalformedRequest { detail: &flaw.describe() }));
        }
        if forms::check(app, &question.cookie, &self.about(), form, now).is_err() {
            return self.show(app, connection, question, Some(ConsentProblem::FormExpired));
        }
        let (client, request, session) = (&question.client, &question.request, &question.session);
        match form.get("decision") {
            Some("allow") => {
                let allowed = Allowed { scopes: request.scopes.clone(), audiences: request.audiences.clone() };
                consents::add(connection, session.person_id, &client.id, &allowed, now)?;
                let given = returning::give_consent(app, &self.query, session, now);
                let query = self.query.to_query(&[returning::CONSENT_GIVEN], &[(returning::CONSENT_GIVEN, &given)]);
                let note = format!("consent given: client {} person {}", client.id, session.person_id);
                Ok(Reply::see_other(&format!("{base}{}?{query}", paths::AUTHORIZE)).noting(note))
            }
            Some("deny") => {
                let error = ProtocolError::new(ErrorCode::AccessDenied, "the person declined");
                let answer = response_mode::failure(&request.address, app.config.issuer.as_str(), &error);
                Ok(page::deliver(base, &self.context, &answer).noting("consent denied"))
            }
            _ => Ok(page::error(
                base,
                &self.context,
                400,
                Problem::MalformedRequest { detail: "decision: expected 'allow' or 'deny'" },
            )),
        }
    }

    fn show(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        question: &Question,
        problem: Option<ConsentProblem>,
    ) -> Result<Reply, Fault> {
        let (client, request, session) = (&question.client, &question.request, &question.session);
        let Some(person) = people::find(connection, session.person_id)? else {
            return Err(Fault::Internal(format!("session {} is of a person that does not exist", session.id)));
        };
        let base = app.config.issuer.base();
        let lifetimes = &app.config.lifetimes;
        let until_sign_out = words(session.expires_at.since(self.context.now));
        let (at_most, idle) = (words(lifetimes.refresh_absolute), words(lifetimes.refresh_idle));
        let lifetime = if !client.may_use(GrantType::RefreshToken) {
            Lifetime::Once { minutes: (lifetimes.access_token.seconds() + 59) / 60 }
        } else if request.scopes.contains(OFFLINE_ACCESS) {
            Lifetime::LongLived { at_most: &at_most, idle: &idle }
        } else {
            Lifetime::UntilSignOut { at_most: &until_sign_out }
        };
        let scopes: Vec<_> = request.scopes.iter().collect();
        let page = Consent {
            chrome: Chrome { base, request_id: &self.context.id },
            client_name: &client.name,
            client_host: &request.address.shown_host(),
            person: person.shown_name(),
            username: &person.claims.username,
            scopes: &scopes,
            resources: &request.audiences,
            lifetime,
            asks_each_time: !client.may_skip_consent(request.address.uri()),
            action: &format!("{base}{}?{}", paths::CONSENT, self.query.to_query(&[], &[])),
            csrf: &forms::stamp(app, &question.cookie, &self.about(), self.context.now),
            problem,
        };
        let target = request.address.form_action_source();
        Ok(match problem {
            None => page::show(200, &page, Some(&target)),
            Some(ConsentProblem::FormExpired) => page::show(400, &page, Some(&target)).noting("form expired or forged"),
        })
    }
}

/// A span as people say it: the largest unit alone.
fn words(span: Span) -> String {
    const UNITS: [(i64, i64, &str); 3] = [(5_400, 60, "minute"), (129_600, 3_600, "hour"), (31_000_000, 86_400, "day")];
    let seconds = span.seconds();
    let fitting = UNITS.into_iter().find(|(below, ..)| seconds < *below);
    let (size, unit) = fitting.map_or((31_557_600, "year"), |(_, size, unit)| (size, unit));
    let count = ((seconds + size / 2) / size).max(1);
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_one_unit() {
        for (seconds, said) in [
            (60, "1 minute"),
            (600, "10 minutes"),
            (43_200, "12 hours"),
            (172_800, "2 days"),
            (1_209_600, "14 days"),
            (2_592_000, "30 days"),
            (31_557_600, "1 year"),
        ] {
            assert_eq!(words(Span::from_seconds(seconds)), said);
        }
    }
}
