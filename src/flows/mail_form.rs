//! Forms that are answered by e-mail alone: requests to register and to reset a password. The response is the same, after the
//! same statements, whether there is such an account or not (ASVS 6.3.8): no user is looked up here. The request is enqueued, and
//! handled by `background::notifications`.

use std::ops::Deref;

use actix_web::web::Data;

use super::sign_in::{known_browser, sign_in_redirect, throttle::MailLimit};
use crate::{
    app::App,
    pages::FormProblem,
    protocol::{
        account::{email_address::EMAIL_LIMIT, login_name::LoginName},
        grant::credential::{Credential, Kind},
        secrets::stamp::{self, Purpose},
        values::{
            params::Params,
            time::{Span, Timestamp},
        },
    },
    random,
    store::{
        AnyConnection,
        deliveries::{self, Content, MailRequest},
    },
    web::{
        blocking::Priority,
        fault::Fault,
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        request::QUERY_LIMIT,
        returning,
    },
};

/// In the query of the following page: the stamp that shows that this server redirected there.
const SENT: &str = "sent";
/// In the same query: the name or address that was typed.
const SENT_FOR: &str = "sent_for";
/// In the query of the form that follows that page: what was typed is filled in again.
const AGAIN: &str = "sent_again";
/// How long that page can be reloaded.
const SHOWN_FOR: Span = Span::from_seconds(3600);

/// The longest authorization request that is kept, in bytes: what was typed, stamps and a user name are added to it.
const REQUEST_LIMIT: usize = QUERY_LIMIT - 4 * 1024;

/// A request to such a page.
pub struct MailForm {
    request: PageRequest,
    /// The page, below the path of the issuer.
    page: &'static str,
}

impl Deref for MailForm {
    type Target = PageRequest;

    fn deref(&self) -> &PageRequest {
        &self.request
    }
}

/// The request handler of such a page; with the form, if one was sent.
pub type Handler = fn(&App, &mut AnyConnection, &MailForm, Option<&Params>) -> Result<Reply, PageError>;

/// Answers a request to a page: reads the form, and calls `handle`.
pub async fn answer(request: PageRequest, app: &Data<App>, page: &'static str, handle: Handler) -> Reply {
    if let Err(error) = request.form(app) {
        return page_request::reply(app, &request.context, Err(error));
    }
    page_request::run(app, Priority::Browsers, request, move |app, connection, request| {
        let mail_form = MailForm { request, page };
        handle(app, connection, &mail_form, mail_form.readable())
    })
    .await
}

/// What the e-mail is requested for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A link to register.
    Registration,
    /// A link to set a new password.
    Reset,
}

/// The outcome of a request for an e-mail.
pub enum Requested {
    /// It is enqueued: the redirect to the page that says so.
    Accepted(Reply),
    /// It is not.
    Rejected(FormProblem),
}

impl MailForm {
    /// A path of ours, with the pending authorization request.
    pub fn url(&self, app: &App, path: &str) -> String {
        let (base, query) = (app.config.issuer.base(), self.authorization_query());
        if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") }
    }

    /// The pending authorization request; empty if there is none, or if it leaves no room for what these pages add to it.
    fn authorization_query(&self) -> String {
        let query = self.query.to_query(&[&[SENT, SENT_FOR, AGAIN][..], &returning::NOTICE_NAMES].concat(), &[]);
        if self.query.get("client_id").is_some() && query.len() <= REQUEST_LIMIT { query } else { String::new() }
    }

    /// The CSRF value of a form.
    pub fn csrf(&self, app: &App, owner: &str) -> String {
        forms::stamp(app, owner, self.page, self.context.now)
    }

    /// The typed name or address, if this server redirected here because an e-mail was requested for it.
    pub fn sent_for(&self, app: &App) -> Option<&str> {
        self.typed_before(app).filter(|_| self.query.get(AGAIN).is_none())
    }

    /// What was typed before in this browser, here or on the sign-in page. It is stamped: nobody can craft a link that fills in a
    /// name.
    pub fn typed_before(&self, app: &App) -> Option<&str> {
        let (typed, text) = (self.query.get(SENT_FOR)?, self.query.get(SENT)?);
        let binding = [self.browser.as_deref()?, self.page, typed];
        stamp::check(&app.config.secrets, Purpose::Requested, &binding, text, (self.context.now, SHOWN_FOR)).ok().map(|_| typed)
    }

    /// The URL of the form again, with what was typed filled in.
    pub fn again(&self, app: &App, typed: &str) -> String {
        let request = Params::parse(&self.authorization_query());
        let owner = self.browser.as_deref().unwrap_or_default();
        filled_in(app, (owner, self.page), &request, typed, self.context.now)
    }

    /// # Errors
    /// The page that answers a form sent without the cookie of the browser it is bound to.
    pub fn needs_cookie(&self, app: &App) -> Result<(), PageError> {
        if self.browser.is_some() {
            return Ok(());
        }
        Err(page::cookie_missing(app.config.issuer.base(), &self.context, &self.url(app, self.page)).into())
    }

    /// Whether the form was shown to this browser.
    pub fn check(&self, app: &App) -> Result<(), FormProblem> {
        if self.is_form_of_browser(app, self.page) { Ok(()) } else { Err(FormProblem::FormExpired) }
    }

    /// Counts the request and enqueues it.
    ///
    /// # Errors
    /// Database errors.
    pub fn ask(&self, app: &App, connection: &mut AnyConnection, login: &str, wanted: Wanted) -> Result<Requested, Fault> {
        let now = self.context.now;
        let device = known_browser::name(app, self.device.as_deref(), now);
        let link = self.link.as_deref().and_then(|text| Credential::open(&app.config.secrets, Kind::Link, text));
        let link = link.map(|credential| credential.id);
        // Before a password reset is sent, the device and link are checked to belong to the user. For a registration nothing
        // checks them, so they must not make a difference.
        let shown = link.map(|id| id.to_string()).or(device.map(str::to_owned)).filter(|_| wanted == Wanted::Reset);
        let from = (self.context.address, shown.as_deref());
        let limit = MailLimit::to_ask(&app.config.secrets, &LoginName::parse(login), from, now);
        if let Some(seconds) = limit.admit(connection, now)? {
            return Ok(Requested::Rejected(FormProblem::SlowedDown { seconds }));
        }
        let owner = self.browser.as_deref().unwrap_or_default();
        let ask = MailRequest {
            login: login.to_owned(),
            browser: sign_in_redirect::pseudonym(app, owner),
            device: device.map(str::to_owned),
            link,
            origin: self.context.origin(),
            query: self.authorization_query(),
        };
        // The queue's worker is not woken: it looks within a second, and the time it takes for an existing account is not part of
        // this response's time.
        let content = match wanted {
            Wanted::Registration => Content::RegistrationRequested(ask),
            Wanted::Reset => Content::ResetRequested(ask),
        };
        deliveries::enqueue(connection, random::id(now), &content, now)?;
        let sent = stamp::make(&app.config.secrets, Purpose::Requested, &[owner, self.page, login], now);
        let request = Params::parse(&self.authorization_query());
        let query = request.to_query(&[], &[(SENT, &sent), (SENT_FOR, login)]);
        let url = format!("{}{}?{query}", app.config.issuer.base(), self.page);
        Ok(Requested::Accepted(Reply::see_other(&url).noting("e-mail requested")))
    }
}

/// The URL of such a form, at this path, with a pending authorization request and with what was typed filled in, for the browser
/// with this cookie.
pub fn filled_in(app: &App, (browser, page): (&str, &str), request: &Params, typed: &str, now: Timestamp) -> String {
    let typed: String = typed.chars().take(EMAIL_LIMIT + 1).collect();
    let stamp = stamp::make(&app.config.secrets, Purpose::Requested, &[browser, page, &typed], now);
    let query = request.to_query(&[SENT, SENT_FOR, AGAIN], &[(SENT, &stamp), (SENT_FOR, &typed), (AGAIN, "1")]);
    let query = if query.len() > QUERY_LIMIT { request.to_query(&[], &[]) } else { query };
    format!("{}{page}?{query}", app.config.issuer.base())
}
