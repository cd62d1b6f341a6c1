//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core 3.1.2). The only dispatcher: sign-in and consent return here with
//! the same request, which is parsed and decided afresh. The handler's steps are in the order of this file; the decision is
//! `protocol::oauth::next_step`.

use actix_web::{
    http::{Method, StatusCode},
    web::Data,
};

use crate::{
    app::App,
    paths,
    protocol::{
        account::activity::{Activity, Origin},
        error::{ErrorCode, ProtocolError},
        grant::{
            Grant,
            credential::{Credential, Kind},
            history::{GrantEvent, HistoryEntry},
        },
        oauth::{
            authorization::{self, AuthorizationRequest},
            authorization_response,
            client::{Client, GrantType},
            next_step::{Allowed, ConsentGiver, Expected, Facts, SignedIn, Step, next_step},
            required_class::{Strength, reported},
            return_address::ReturnAddress,
            scope::OFFLINE_ACCESS,
        },
        oidc::claims_request::ClaimsRequest,
        values::params::Params,
    },
    random,
    store::{
        AnyConnection,
        activity::Event,
        consents::{self, Recorded},
        grants,
        sessions::Session,
    },
    web::{
        authorization_request::{self, Read},
        blocking::{Priority, run_blocking},
        body::Form,
        context::Context,
        cookies::Cookie,
        fault::Fault,
        page,
        reply::Reply,
        request::Request,
        required_class::{self, Shown},
        returning, session,
        subject::{self, Among},
    },
};

/// One authorization request being handled.
struct Handler<'a> {
    app: &'a App,
    context: &'a Context,
    params: &'a Params,
    cookie: Option<&'a str>,
    /// The cookie of the answer "Not now".
    not_now: Option<&'a str>,
    /// Whether this is a HEAD request: nothing is issued, as nobody would receive it.
    is_head: bool,
}

/// `GET /authorize`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let params = Params::parse(request.query_string());
    answer(&request, &app, params, false).await
}

/// `POST /authorize` (OpenID Connect Core 3.1.2.1).
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    match form.0 {
        Ok(params) => answer(&request, &app, params, true).await,
        Err(problem) => page::body_problem(app.config.issuer.base(), &request.context, &problem),
    }
}

async fn answer(request: &Request, app: &Data<App>, params: Params, is_post: bool) -> Reply {
    let context = request.context.clone();
    let (cookie, is_head) = (Cookie::Session.get(&app.config.issuer, request), request.method() == Method::HEAD);
    let may_postpone = app.config.minimums.strictest().is_some();
    let not_now = may_postpone.then(|| Cookie::NotNow.get(&app.config.issuer, request)).flatten();
    let fallback = context.clone();
    let answer = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        let handler =
            Handler { app, context: &context, params: &params, cookie: cookie.as_deref(), not_now: not_now.as_deref(), is_head };
        handler.handle(connection, is_post)
    });
    let base = app.config.issuer.base();
    answer.await.unwrap_or_else(|fault| page::fault(base, &fallback, &fault))
}

impl Handler<'_> {
    fn handle(&self, connection: &mut AnyConnection, is_post: bool) -> Result<Reply, Fault> {
        let named = authorization::client_id(self.params).unwrap_or_default();
        let ahead = session::read_ahead(self.app, connection, self.cookie, named, self.context.now)?;
        let read = authorization_request::read(self.app, self.context, connection, &ahead.registered, self.params)?;
        let (client, request) = match read {
            Read::Good(good) => *good,
            Read::Page(page) => return Ok(page),
            Read::Refused(address, error) => return Ok(self.refuse(&address, &error)),
        };
        if is_post && self.cookie.is_none() {
            // A POST from another site carries no SameSite=Lax cookie; the GET it is turned into does.
            return Ok(Reply::see_other(&self.url(paths::AUTHORIZE, &[])));
        }
        let session = ahead.session;
        let expected = match self.expected(connection, &client, &request)? {
            Ok(expected) => expected,
            Err(error) => return Ok(self.refuse(&request.address, &error)),
        };
        let may_skip = client.may_skip_consent(request.address.uri()) || self.app.config.is_demo;
        // A user who has decided, by withdrawing or by allowing, decides about more as well.
        let is_open = matches!(ahead.recorded, None | Some(Recorded::Allowed(_, ConsentGiver::Operator)));
        let by_operator = may_skip && client.settings.first_party && is_open;
        let remembered = ahead.recorded.and_then(|recorded| recorded.counting_for(&client)).filter(|_| may_skip);
        let strength = match &session {
            Some(session) => {
                let shown = Shown { user: session.user_id, row: None, class: session.class() };
                required_class::of_request(self.app, connection, shown, &request, self.context.now)?
            }
            None => Strength::Enough, // nobody has shown anything yet
        };
        let is_postponed = |s: &Session| required_class::is_postponed(self.app, self.not_now, s.user_id, self.context.now);
        let step = next_step(
            &request,
            &Facts {
                signed_in: session.as_ref().map(|s| SignedIn { user: s.user_id, auth_time: s.auth_time, class: s.class() }),
                sign_in_requested: returning::sign_in_requested(self.app, self.params, self.context.now),
                consent_given: session
                    .as_ref()
                    .is_some_and(|s| returning::consent_given(self.app, self.params, s, self.context.now)),
                account_chosen: session
                    .as_ref()
                    .is_some_and(|s| returning::account_chosen(self.app, self.params, s, self.context.now)),
                remembered: remembered.as_ref(),
                by_operator,
                expected,
                max_auth_age: client.settings.max_auth_age,
                strength,
                is_enrolment_postponed: session.as_ref().is_some_and(is_postponed),
                now: self.context.now,
            },
        );
        match (step, session) {
            (Step::Refuse(error), _) => Ok(self.refuse(&request.address, &error)),
            (Step::SelectAccount, Some(_)) => Ok(Reply::see_other(&self.url(paths::SELECT_ACCOUNT, &[]))),
            (Step::AnotherFactor, Some(_)) => Ok(Reply::see_other(&self.url(paths::SECOND_FACTOR, &[]))),
            (Step::Enrol, Some(_)) => Ok(Reply::see_other(&self.url(paths::ACCOUNT_ENROL, &[]))),
            (Step::Consent, Some(_)) => Ok(Reply::see_other(&self.url(paths::CONSENT, &[]))),
            (Step::Issue | Step::Allow, Some(_)) if self.is_head => Ok(Reply::empty(StatusCode::OK)),
            (Step::Allow, Some(session)) => self.allow(connection, &client, &request, &session),
            (Step::Issue, Some(session)) => self.issue(connection, &client, &request, &session),
            (Step::Register, _) => Ok(self.ask_for_sign_in(paths::REGISTER)),
            // A session that there is not is not stepped up, nor does it choose, consent or issue.
            (_, _) => Ok(self.ask_for_sign_in(paths::LOGIN)),
        }
    }

    /// Redirects to a page that leads to a sign-in, with the stamp of a requested sign-in.
    fn ask_for_sign_in(&self, path: &str) -> Reply {
        let requested = returning::ask_for_sign_in(self.app, self.params, self.context.now);
        Reply::see_other(&self.url(path, &[(returning::SIGN_IN_REQUESTED, &requested)]))
    }

    /// The user the client expects, by `id_token_hint` (OpenID Connect Core 3.1.2.1: a token that we issued to it, possibly
    /// expired) and by the `sub` it requires (§5.5.1).
    fn expected(
        &self,
        connection: &mut AnyConnection,
        client: &Client,
        request: &AuthorizationRequest,
    ) -> Result<Result<Expected, ProtocolError>, Fault> {
        let mut expected = match &request.claims.sub {
            Some(sub) => subject::user(connection, client, sub)?.map_or(Expected::NoOne, Expected::User),
            None => Expected::Anyone,
        };
        if let Some(hint) = &request.id_token_hint {
            let Some(hint) = subject::hint(self.app, connection, (hint, Among::Browser(None)), self.context.now)?
                .filter(|hint| hint.client_id == client.id)
            else {
                let text = "id_token_hint: expected an ID token issued by this server to this client";
                return Ok(Err(ProtocolError::new(ErrorCode::InvalidRequest, text)));
            };
            expected = expected.and(hint.user.map_or(Expected::NoOne, Expected::User));
        }
        Ok(Ok(expected))
    }

    /// Records that the operator consents for this user, then issues the code.
    fn allow(
        &self,
        connection: &mut AnyConnection,
        client: &Client,
        request: &AuthorizationRequest,
        session: &Session,
    ) -> Result<Reply, Fault> {
        let (now, user, origin) = (self.context.now, session.user_id, self.context.origin());
        let (id, about) = (random::id(now), Some(client.settings.client_name.as_str()));
        let event = Event { id, user, activity: Activity::AppAllowedByOperator, origin: &origin, about, grant: None, at: now };
        let allowed = Allowed { scopes: request.consent_scopes.clone(), audiences: request.audiences.clone() };
        if !consents::add(connection, &client.id, &allowed, ConsentGiver::Operator, &event)? {
            return Ok(Reply::see_other(&self.url(paths::AUTHORIZE, &[]))); // withdrawn meanwhile: decide afresh
        }
        self.issue(connection, client, request, session)
    }

    /// Inserts the grant at generation 0; the code is its credential.
    fn issue(
        &self,
        connection: &mut AnyConnection,
        client: &Client,
        request: &AuthorizationRequest,
        session: &Session,
    ) -> Result<Reply, Fault> {
        let grant = self.grant(connection, client, request, session)?;
        if !grants::insert_in(connection, &grant, session, self.app.config.lifetimes.noted_after(session.remembered))? {
            return Ok(Reply::see_other(&self.url(paths::AUTHORIZE, &[]))); // session or consent have changed: decide afresh
        }
        self.note(&grant);
        let code = Credential { kind: Kind::Code, id: grant.id, generation: 0 }.derive(&self.app.config.secrets);
        let mut note = format!("code issued: grant {} client {} user {}", grant.id, client.id, session.user_id);
        if !request.left_out.is_empty() {
            note = format!("{note}, without scope '{}'", request.left_out);
        }
        let answer = authorization_response::success(&request.address, self.app.config.issuer.as_str(), code);
        Ok(page::authorization_response(self.app.config.issuer.base(), self.context, &answer).noting(note))
    }

    /// Records the creation of the grant, as seen from the user's browser; written asynchronously.
    fn note(&self, grant: &Grant) {
        let Origin { address, place, user_agent } = grant.seen.clone();
        let (event, at, generation) = (GrantEvent::CodeIssued, grant.created_at, 0);
        self.app.metrics.grant(event);
        self.app.history.entry(grant.id, HistoryEntry { event, at, generation, address, place, user_agent, why: None });
    }

    fn grant(
        &self,
        connection: &mut AnyConnection,
        client: &Client,
        request: &AuthorizationRequest,
        session: &Session,
    ) -> Result<Grant, Fault> {
        let (now, lifetimes) = (self.context.now, &self.app.config.lifetimes);
        let is_offline = request.scopes.contains(OFFLINE_ACCESS);
        let expires_at = if !client.settings.may_use(GrantType::RefreshToken) {
            now.plus(lifetimes.code).plus(lifetimes.access_token)
        } else if is_offline {
            now.plus(lifetimes.refresh_absolute)
        } else {
            now.plus(lifetimes.refresh_absolute).min(session.expires_at)
        };
        Ok(Grant {
            id: random::id(now),
            client_id: client.id.clone(),
            user_id: session.user_id,
            session_id: (!is_offline).then_some(session.id),
            sid: session.id,
            generation: 0,
            scopes: request.scopes.clone(),
            audiences: request.audiences.clone(),
            redirect_uri: request.address.uri().to_owned(),
            redirect_uri_sent: request.redirect_uri_sent,
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            dpop_jkt: None,
            auth_time: session.auth_time,
            created_at: now,
            rotated_at: None,
            expires_at,
            revoked_at: None,
            end_reason: None,
            subject: subject::at(connection, client, session)?,
            amr: session.amr.clone(),
            claims: ClaimsRequest { reported_acr: reported(request, session.class()), ..request.claims.clone() },
            device_name: None,
            seen: self.context.origin(),
            remembered: session.remembered,
        })
    }

    /// Returns the error to the client. What it did wrong is logged as a warning; that `prompt=none` needs a page is not its fault.
    fn refuse(&self, address: &ReturnAddress, error: &ProtocolError) -> Reply {
        let answer = authorization_response::failure(address, self.app.config.issuer.as_str(), error);
        let reply = page::authorization_response(self.app.config.issuer.base(), self.context, &answer);
        let client_id = authorization::client_id(self.params).unwrap_or_default();
        let note = format!("client {client_id}: {error}");
        if matches!(error.code, ErrorCode::LoginRequired | ErrorCode::ConsentRequired) {
            reply.noting(note)
        } else {
            reply.refusing(note).recorded_for(client_id, error)
        }
    }

    /// A path of ours with this request in its query, and the parameters `with` added.
    fn url(&self, path: &str, with: &[(&str, &str)]) -> String {
        let base = self.app.config.issuer.base();
        // What was asked for and answered on the way stays so, or prompt=login would ask again after each of these pages.
        let keeps = [paths::CONSENT, paths::SELECT_ACCOUNT, paths::SECOND_FACTOR, paths::ACCOUNT_ENROL];
        let without: &[&str] = if keeps.contains(&path) { &[] } else { &returning::NAMES };
        format!("{base}{path}?{}", self.params.to_query(without, with))
    }
}
