//! Forms that an e-mail alone answers: asking to register, asking for a new password. Whoever asks is answered the same, after the
//! same statements, whether there is such an account or not (ASVS 6.3.8): nothing of users is looked up here. The ask goes into
//! the queue; `background::messages` finds out what becomes of it.

use actix_web::{http::header, web::Data};

use super::{known_browser, sign_in_redirect, throttle::MailLimit};
use crate::{
    app::App,
    pages::{FormProblem, Problem},
    protocol::{
        authorization::AuthorizationRequest,
        credential::{Credential, Kind},
        login_name::LoginName,
        params::Params,
        stamp::{self, Purpose},
        time::Span,
    },
    random,
    store::{
        AnyConnection, clients,
        deliveries::{self, Content, MailRequest},
    },
    web::{
        blocking::{Priority, run_blocking},
        body::Form,
        cookies::{self, Keep},
        fault::Fault,
        forms, page,
        reply::Reply,
        request::{Context, QUERY_LIMIT, Request},
        returning,
    },
};

/// In the query of the page that follows: the stamp that says that this server led there.
const SENT: &str = "sent";
/// And what was typed.
const SENT_FOR: &str = "sent_for";
/// How long that page can be shown again.
const SHOWN_FOR: Span = Span::from_seconds(3600);

/// The longest authorization request that is kept on the way, in bytes: beside it stand what was typed, stamps and a user name.
const REQUEST_LIMIT: usize = QUERY_LIMIT - 4 * 1024;

/// What a request to such a page brings.
#[derive(Clone)]
pub struct Visit {
    pub context: Context,
    pub query: Params,
    pub browser: Option<String>,
    device: Option<String>,
    link: Option<String>,
    path: &'static str,
}

/// What a page does when it is asked for, and with the form if it was sent.
pub type Handler = fn(&App, &mut AnyConnection, &Visit, Option<&Params>) -> Result<Reply, Fault>;

/// Answers a request to a page: reads the form, and lets `handle` do the rest.
pub async fn answer(request: &Request, app: &Data<App>, path: &'static str, form: Option<Form>, handle: Handler) -> Reply {
    let visit = Visit {
        context: request.context.clone(),
        query: Params::parse(request.query_string()),
        browser: cookies::get(request, cookies::BROWSER),
        device: cookies::get(request, cookies::DEVICE),
        link: cookies::get(request, cookies::LINK),
        path,
    };
    let (context, base) = (visit.context.clone(), app.config.issuer.base());
    let form = match form.map(|form| form.0).transpose() {
        Ok(form) => form,
        Err(problem) => return page::body_problem(base, &context, &problem),
    };
    if let Some(flaw) = form.as_ref().and_then(Params::flaw) {
        return page::error(base, &context, 400, Problem::MalformedRequest { detail: &flaw.describe() });
    }
    let answer = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        handle(app, connection, &visit, form.as_ref())
    });
    answer.await.unwrap_or_else(|fault| page::fault(base, &context, &fault))
}

/// What a mail is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A link to register with.
    Registration,
    /// A link to set a new password with.
    Reset,
}

impl Visit {
    /// A path of ours, with the authorization request that the user is on the way of.
    pub fn url(&self, app: &App, path: &str) -> String {
        let (base, query) = (app.config.issuer.base(), self.request());
        if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") }
    }

    /// That request: nothing, where there is none, or where it leaves no room for what these pages add to it.
    fn request(&self) -> String {
        let query = self.query.to_query(&[&[SENT, SENT_FOR][..], &returning::NOTICE_NAMES].concat(), &[]);
        if self.query.get("client_id").is_some() && query.len() <= REQUEST_LIMIT { query } else { String::new() }
    }

    /// The name of the app that sent the user here, if its request is good.
    pub fn client_name(&self, app: &App, connection: &mut AnyConnection) -> Result<Option<String>, Fault> {
        let client = self.query.get("client_id").map(|id| clients::find(connection, id)).transpose()?.flatten();
        let is_good = |client: &_| AuthorizationRequest::parse(&self.query, client, &app.config.scope_claims).is_ok();
        Ok(client.filter(is_good).map(|client| client.name))
    }

    /// The text that the form is bound to: this browser's, or a new one.
    pub fn owner(&self) -> String {
        self.browser.clone().unwrap_or_else(random::text)
    }

    /// The proof of a form that is shown now.
    pub fn csrf(&self, app: &App, owner: &str) -> String {
        forms::stamp(app, owner, self.path, self.context.now)
    }

    /// The page, in the browser that its form is bound to.
    pub fn keeping(&self, owner: &str, reply: Reply) -> Reply {
        if self.browser.is_some() {
            return reply;
        }
        reply.with(header::SET_COOKIE, &cookies::set(cookies::BROWSER, owner, Keep::Session))
    }

    /// What was typed, where this server led here because of it.
    pub fn sent_for(&self, app: &App) -> Option<&str> {
        let (typed, text) = (self.query.get(SENT_FOR)?, self.query.get(SENT)?);
        let binding = [self.browser.as_deref()?, self.path, typed];
        stamp::check(&app.config.secrets, Purpose::Requested, &binding, text, (self.context.now, SHOWN_FOR)).ok().map(|_| typed)
    }

    /// The answer to a form that came without the cookie of the browser that it is bound to.
    pub fn without_cookie(&self, app: &App) -> Option<Reply> {
        let again = self.url(app, self.path);
        self.browser.is_none().then(|| page::cookie_missing(app.config.issuer.base(), &self.context, &again))
    }

    /// Whether the form is one that this browser was shown.
    pub fn check(&self, app: &App, form: &Params) -> Result<(), FormProblem> {
        let owner = self.browser.as_deref().filter(|owner| !owner.is_empty()).ok_or(FormProblem::FormExpired)?;
        forms::check(app, owner, self.path, form, self.context.now).map_err(|_| FormProblem::FormExpired)
    }

    /// Counts the ask and puts it into the queue; the way to the page that says so.
    pub fn ask(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        login: &str,
        wanted: Wanted,
    ) -> Result<Result<Reply, FormProblem>, Fault> {
        let now = self.context.now;
        let device = known_browser::name(app, self.device.as_deref(), now);
        let link = self.link.as_deref().and_then(|text| Credential::open(&app.config.secrets, Kind::Link, text));
        let link = link.map(|credential| credential.id);
        // Whether they belong to the user is checked before a mail for a new password is sent. Nothing checks it for a registration, so
        // that there they make no difference.
        let shown = link.map(|id| id.to_string()).or(device.map(str::to_owned)).filter(|_| wanted == Wanted::Reset);
        let from = (self.context.address, shown.as_deref());
        let limit = MailLimit::to_ask(&app.config.secrets, &LoginName::parse(login), from, now);
        if let Err(seconds) = limit.admit(connection, now)? {
            return Ok(Err(FormProblem::SlowedDown { seconds }));
        }
        let owner = self.browser.as_deref().unwrap_or_default();
        let ask = MailRequest {
            login: login.to_owned(),
            browser: sign_in_redirect::pseudonym(app, owner),
            device: device.map(str::to_owned),
            link,
            origin: self.context.origin(),
            query: self.request(),
        };
        // The bell is not rung: the queue is looked at within a second, and what is done then for who has an account is not in
        // the time of this answer.
        let content = match wanted {
            Wanted::Registration => Content::RegistrationRequested(ask),
            Wanted::Reset => Content::ResetRequested(ask),
        };
        deliveries::enqueue(connection, random::id(now), &content, now)?;
        let sent = stamp::make(&app.config.secrets, Purpose::Requested, &[owner, self.path, login], now);
        let request = Params::parse(&self.request());
        let query = request.to_query(&[], &[(SENT, &sent), (SENT_FOR, login)]);
        Ok(Ok(Reply::see_other(&format!("{}{}?{query}", app.config.issuer.base(), self.path)).noting("e-mail requested")))
    }
}
