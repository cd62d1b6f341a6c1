//! Signing out: by the user, or at the request of an app (OpenID Connect RP-Initiated Logout §2). The user is asked first, unless
//! the app proves by an ID token that it knows the user; then the session and its grants end, and the clients that want it are
//! notified. An app's own server can end the session that its ID token names, without a browser. What a request means is decided
//! in `protocol::oidc::logout`.

use std::ops::Deref;

use actix_web::{
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    app::App,
    pages::{self, Problem, SignOut, SignOutNote, SignOutOutcome, SignedOut},
    paths,
    protocol::{
        account::activity::Activity,
        oauth::{authorization_response::after_logout, client::Client, return_address::ReturnAddress},
        oidc::logout::{self, Decision, Facts, Hint, LogoutRequest, NotOurs, SignedIn, Step},
        values::params::Params,
    },
    random,
    store::{
        AnyConnection,
        activity::Event,
        clients,
        sessions::{self, Offline, Session},
        users,
    },
    web::{
        blocking::{Priority, run_blocking},
        cookies::{Cookie, Keep},
        fault::Fault,
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        request::QUERY_LIMIT,
        session,
        subject::{self, Among},
    },
};

/// A request to sign out.
struct SignOutRequest {
    request: PageRequest,
    /// The app's parameters.
    params: Params,
    /// Our own form, if it was sent.
    form: Option<Params>,
}

impl Deref for SignOutRequest {
    type Target = PageRequest;

    fn deref(&self) -> &PageRequest {
        &self.request
    }
}

/// What is known of the request.
struct Found {
    request: LogoutRequest,
    /// The session of this browser.
    session: Option<Session>,
    /// The session that the app's ID token names, if the request came without a cookie.
    named: Option<Session>,
    client: Option<Client>,
    /// Whether an ID token shows that the request comes from the client it was issued to; anyone can send a `client_id`.
    is_vouched: bool,
    decision: Decision,
}

/// `GET /logout`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let params = request.query.clone();
    answer(&app, SignOutRequest { request, params, form: None }).await
}

/// `POST /logout`: our own form, or the request of an app (§2: both methods work).
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let form = match request.body(&app) {
        Ok(form) => form.cloned().unwrap_or_default(),
        Err(error) => return page_request::reply(&app, &request.context, Err(error)),
    };
    let is_of_app = form.get(forms::FIELD).is_none() && LogoutRequest::read(&form).is_of_client();
    if !is_of_app {
        let params = request.query.clone();
        return answer(&app, SignOutRequest { request, params, form: Some(form) }).await;
    }
    let query = form.to_query(&[], &[]);
    if request.session.is_none() && form.flaw().is_none() && query.len() <= QUERY_LIMIT {
        // A POST from another site carries no SameSite=Lax cookie; the GET it is turned into does.
        return Reply::see_other(&format!("{}{}?{query}", app.config.issuer.base(), paths::LOGOUT));
    }
    answer(&app, SignOutRequest { request, params: form, form: None }).await
}

async fn answer(app: &Data<App>, request: SignOutRequest) -> Reply {
    let context = request.context.clone();
    let answered = run_blocking(app, Priority::Browsers, move |app, connection| request.handle(app, connection)).await;
    page_request::reply(app, &context, answered)
}

impl SignOutRequest {
    fn handle(&self, app: &App, connection: &mut AnyConnection) -> Result<Reply, PageError> {
        let base = app.config.issuer.base();
        self.well_formed(app, &self.params)?;
        if self.params.to_query(&[], &[]).len() > QUERY_LIMIT {
            // Our form would have to carry the parameters.
            return Ok(self.error(app, 414, Problem::TooLarge { limit: QUERY_LIMIT }));
        }
        let found = self.find(app, connection)?;
        let Some(form) = &self.form else {
            return match (&found.session, &found.named, found.decision.step) {
                (Some(_), _, Step::End) | (None, Some(_), Step::End) if self.is_head => Ok(Reply::empty(StatusCode::OK)),
                (Some(session), _, Step::End) => self.end(app, connection, session, &found),
                (None, Some(session), Step::End) => self.end_by_app(app, connection, session, &found),
                (Some(session), ..) => self.ask(app, connection, session, &found),
                (None, ..) if found.request.is_of_client() => {
                    let problem = found.decision.problem.map(|problem| format!(": {}", pages::kebab(&problem)));
                    let note = format!("there was no session to end{}", problem.unwrap_or_default());
                    Ok(self.leave(app, &found, SignOutOutcome::NothingFound).noting(note))
                }
                (None, ..) => Ok(self.leave(app, &found, SignOutOutcome::SignedOut)),
            };
        };
        // A form of another site carries no cookie: it leads to the question, and deletes nothing.
        let Some(cookie) = self.session.as_deref() else { return Ok(Reply::see_other(&format!("{base}{}", paths::LOGOUT))) };
        let is_ours = forms::check(app, cookie, &self.about(), form, self.context.now).is_ok();
        match &found.session {
            // No user is signed in, which is what was requested. A form of another site deletes no cookie.
            None if is_ours => Ok(without_cookie(app, self.leave(app, &found, SignOutOutcome::SignedOut))),
            None => Ok(self.leave(app, &found, SignOutOutcome::SignedOut)),
            Some(session) if is_ours => self.end(app, connection, session, &found),
            Some(_) => Ok(self.error(app, 400, Problem::FormExpired)),
        }
    }

    fn find(&self, app: &App, connection: &mut AnyConnection) -> Result<Found, Fault> {
        let request = LogoutRequest::read(&self.params);
        let session = session::unended(app, connection, self.session.as_deref())?;
        let among = match &self.session {
            Some(_) => Among::Browser(session.as_ref().map(|session| session.id)),
            // No browser of the user's, or one that has lost its cookie: the app vouches for the session alone.
            None => Among::Unended,
        };
        let hint = match &request.id_token_hint {
            Some(token) => Some(subject::hint(app, connection, (token, among), self.context.now)?.ok_or(NotOurs)),
            None => None,
        };
        let named = match (among, &hint) {
            (Among::Unended, Some(Ok(Hint { session: Some(id), .. }))) => sessions::find(connection, *id)?,
            _ => None,
        };
        let client_id =
            request.client_id.as_deref().or(hint.as_ref().and_then(|hint| Some(hint.as_ref().ok()?.client_id.as_str())));
        let client = client_id.map(|id| clients::find(connection, id)).transpose()?.flatten();
        let client = client.filter(|client| client.disabled_at.is_none());
        let decision = request.decide(&Facts {
            hint: hint.as_ref().map(|hint| hint.as_ref().map_err(|not_ours| *not_ours)),
            client: client.as_ref(),
            signed_in: session.as_ref().map(|session| SignedIn { user: session.user_id, session: session.id }),
        });
        let is_vouched = matches!(hint, Some(Ok(_))) && decision.problem != Some(logout::Problem::HintOfAnother);
        Ok(Found { request, session, named, client, is_vouched, decision })
    }

    /// What the stamp of our form is bound to: this request.
    fn about(&self) -> String {
        let query = self.params.to_query(&[], &[]);
        if query.is_empty() { paths::LOGOUT.to_owned() } else { format!("{}?{query}", paths::LOGOUT) }
    }

    fn ask(&self, app: &App, connection: &mut AnyConnection, session: &Session, found: &Found) -> Result<Reply, PageError> {
        let base = app.config.issuer.base();
        let user = users::find(connection, session.user_id)?;
        let about = self.about();
        let named = found.client.as_ref().map(|client| client.settings.client_name.as_str());
        let page = SignOut {
            layout: self.layout(app),
            client_name: named.filter(|_| found.is_vouched),
            leads_to: named.filter(|_| found.decision.then.is_some()),
            name: user.as_ref().map_or("", users::User::shown_name),
            note: found.note(),
            csrf: &forms::stamp(app, self.session.as_deref().unwrap_or_default(), &about, self.context.now),
            action: &format!("{base}{about}"),
            stay: &format!("{base}{}", paths::HOME),
        };
        let target = found.decision.then.as_ref().map(ReturnAddress::form_action_source);
        Ok(page::show(200, &page, target.as_deref()))
    }

    fn end(&self, app: &App, connection: &mut AnyConnection, session: &Session, found: &Found) -> Result<Reply, PageError> {
        self.end_session(app, connection, session, (Activity::SignedOut, None))?;
        let reply = without_cookie(app, self.leave(app, found, SignOutOutcome::SignedOut));
        Ok(reply.noting(format!("signed out: user {} session {}", session.user_id, session.id)))
    }

    /// Ends the session that the app named: its own server calls, or the browser has lost its cookie.
    fn end_by_app(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        session: &Session,
        found: &Found,
    ) -> Result<Reply, PageError> {
        let client = found.client.as_ref();
        let name = client.map(|client| client.settings.client_name.as_str());
        self.end_session(app, connection, session, (Activity::SignedOutByApp, name))?;
        let by = client.map_or("", |client| client.id.as_str());
        let reply = self.leave(app, found, SignOutOutcome::EndedByApp);
        Ok(reply.noting(format!("signed out by client {by}: user {} session {}", session.user_id, session.id)))
    }

    fn end_session(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        session: &Session,
        (activity, about): (Activity, Option<&str>),
    ) -> Result<(), PageError> {
        let offline = if app.config.revoke_offline_access_on_logout { Offline::Ends } else { Offline::Keep };
        let (origin, now) = (self.context.origin(), self.context.now);
        let event = Event { id: random::id(now), user: session.user_id, activity, origin: &origin, about, grant: None, at: now };
        sessions::end(connection, session, offline, &event)?;
        app.delivery_waker.wake();
        Ok(())
    }

    /// Where a signed-out user goes: back to the app, or to a page that says so. A form is always answered with a redirect.
    fn leave(&self, app: &App, found: &Found, outcome: SignOutOutcome) -> Reply {
        let base = app.config.issuer.base();
        match &found.decision.then {
            Some(address) => Reply::see_other(&after_logout(address)),
            None if self.form.is_some() => Reply::see_other(&format!("{base}{}", paths::LOGOUT)),
            None => {
                let page = SignedOut { layout: self.layout(app), outcome, note: found.note() };
                page::show(200, &page, None)
            }
        }
    }
}

impl Found {
    fn note(&self) -> Option<SignOutNote<'_>> {
        self.decision
            .problem
            .map(|problem| SignOutNote { problem, received: self.request.return_to.as_deref().unwrap_or_default() })
    }
}

fn without_cookie(app: &App, reply: Reply) -> Reply {
    reply.with(header::SET_COOKIE, &Cookie::Session.set(&app.config.issuer, "", Keep::Delete))
}
