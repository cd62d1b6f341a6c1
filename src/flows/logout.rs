//! Signing out: by the user, or at the request of an app (OpenID Connect RP-Initiated Logout §2). The user is asked first, unless
//! the app proves by an ID token that it knows the user; then the session and its grants end, and the clients that want it are
//! notified. What a request means is decided in `protocol::oidc::logout`.

use std::ops::Deref;

use actix_web::{
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    app::App,
    pages::{Problem, SignOut, SignOutNote, SignedOut},
    paths,
    protocol::{
        account::activity::Activity,
        oauth::{authorization_response::after_logout, client::Client, return_address::ReturnAddress},
        oidc::logout::{self, Decision, Facts, LogoutRequest, NotOurs, SignedIn, Step},
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
        cookies::{self, Keep},
        fault::Fault,
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        request::QUERY_LIMIT,
        session, subject,
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
    session: Option<Session>,
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
            return match (&found.session, found.decision.step) {
                (Some(_), Step::End) if self.is_head => Ok(Reply::empty(StatusCode::OK)),
                (Some(session), Step::End) => self.end(app, connection, session, &found),
                (Some(session), _) => self.ask(app, connection, session, &found),
                (None, _) => Ok(self.leave(app, &found)),
            };
        };
        // A form of another site carries no cookie: it leads to the question, and deletes nothing.
        let Some(cookie) = self.session.as_deref() else { return Ok(Reply::see_other(&format!("{base}{}", paths::LOGOUT))) };
        let is_ours = forms::check(app, cookie, &self.about(), form, self.context.now).is_ok();
        match &found.session {
            // No user is signed in, which is what was requested. A form of another site deletes no cookie.
            None if is_ours => Ok(without_cookie(self.leave(app, &found))),
            None => Ok(self.leave(app, &found)),
            Some(session) if is_ours => self.end(app, connection, session, &found),
            Some(_) => Ok(self.error(app, 400, Problem::FormExpired)),
        }
    }

    fn find(&self, app: &App, connection: &mut AnyConnection) -> Result<Found, Fault> {
        let request = LogoutRequest::read(&self.params);
        let session = session::unended(app, connection, self.session.as_deref())?;
        let hint = match &request.id_token_hint {
            Some(token) => Some(
                subject::hint(app, connection, (token, session.as_ref().map(|session| session.id)), self.context.now)?
                    .ok_or(NotOurs),
            ),
            None => None,
        };
        let named = request.client_id.as_deref().or(hint.as_ref().and_then(|hint| Some(hint.as_ref().ok()?.client_id.as_str())));
        let client = named.map(|id| clients::find(connection, id)).transpose()?.flatten();
        let client = client.filter(|client| client.disabled_at.is_none());
        let decision = request.decide(&Facts {
            hint: hint.as_ref().map(|hint| hint.as_ref().map_err(|not_ours| *not_ours)),
            client: client.as_ref(),
            signed_in: session.as_ref().map(|session| SignedIn { user: session.user_id, session: session.id }),
        });
        let is_vouched = matches!(hint, Some(Ok(_))) && decision.problem != Some(logout::Problem::HintOfAnother);
        Ok(Found { request, session, client, is_vouched, decision })
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
        let offline = if app.config.revoke_offline_access_on_logout { Offline::Ends } else { Offline::Keep };
        let (origin, now) = (self.context.origin(), self.context.now);
        let (user, activity) = (session.user_id, Activity::SignedOut);
        let event = Event { id: random::id(now), user, activity, origin: &origin, about: None, at: now };
        sessions::end(connection, session, offline, &event)?;
        app.delivery_waker.wake();
        let reply = without_cookie(self.leave(app, found));
        Ok(reply.noting(format!("signed out: user {} session {}", session.user_id, session.id)))
    }

    /// Where a signed-out user goes: back to the app, or to a page that says so. A form is always answered with a redirect.
    fn leave(&self, app: &App, found: &Found) -> Reply {
        let base = app.config.issuer.base();
        match &found.decision.then {
            Some(address) => Reply::see_other(&after_logout(address)),
            None if self.form.is_some() => Reply::see_other(&format!("{base}{}", paths::LOGOUT)),
            None => {
                let page = SignedOut { layout: self.layout(app), note: found.note() };
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

fn without_cookie(reply: Reply) -> Reply {
    reply.with(header::SET_COOKIE, &cookies::set(cookies::SESSION, "", Keep::Delete))
}
