//! A browser's request to a page, read once for all pages: time and origin, query, form and cookies; and the response: the
//! request handler runs in a blocking call, and its error is what ends it early, either a page that is shown instead or a fault.

use std::{future::Future, pin::Pin};

use actix_web::{
    Error, FromRequest, HttpRequest,
    dev::Payload,
    http::{Method, header},
    web::Data,
};

use super::{
    blocking::{Priority, run_blocking},
    body::{BodyProblem, Form},
    context::Context,
    cookies::{Cookie, Keep},
    fault::Fault,
    forms, page,
    reply::Reply,
    request::{Request, no_context},
};
use crate::{
    app::App,
    pages::{Layout, Problem},
    passwords::PasswordError,
    protocol::values::params::Params,
    random,
    store::{self, AnyConnection, error::Outage},
};

/// A request to a page.
#[derive(Clone)]
pub struct PageRequest {
    /// The time and origin of the request.
    pub context: Context,
    /// Whether this is a HEAD request.
    pub is_head: bool,
    /// The path, including that of the issuer.
    pub path: String,
    /// The id in the path; empty if the path has none.
    pub id: String,
    /// The parameters of the query.
    pub query: Params,
    /// The session cookie.
    pub session: Option<String>,
    /// The cookie that forms shown before sign-in are bound to.
    pub browser: Option<String>,
    /// The cookie of a known browser.
    pub device: Option<String>,
    /// The cookie of the link that was opened last.
    pub link: Option<String>,
    /// The cookie of a sign-in in progress.
    pub progress: Option<String>,
    /// Whether the user does not want to make a passkey in this browser this month.
    pub wants_no_passkey: bool,
    form: Option<Result<Params, BodyProblem>>,
}

impl FromRequest for PageRequest {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let found = Request::from_request(request, payload).into_inner();
        let form = (request.method() == Method::POST).then(|| Form::from_request(request, payload));
        Box::pin(async move {
            let request = found?;
            let app = request.app_data::<Data<App>>().cloned().ok_or_else(|| no_context(request.path()))?;
            let issuer = &app.config.issuer;
            let form = match form {
                Some(form) => Some(form.await?.0),
                None => None,
            };
            Ok(Self {
                is_head: request.method() == Method::HEAD,
                path: request.path().to_owned(),
                id: request.match_info().get("id").unwrap_or_default().to_owned(),
                query: Params::parse(request.query_string()),
                session: Cookie::Session.get(issuer, &request),
                browser: Cookie::Browser.get(issuer, &request),
                device: Cookie::Device.get(issuer, &request),
                link: Cookie::Link.get(issuer, &request),
                progress: Cookie::SignIn.get(issuer, &request),
                wants_no_passkey: Cookie::NoPasskey.get(issuer, &request).is_some(),
                form,
                context: request.context,
            })
        })
    }
}

/// Why a request handler ended early.
#[derive(Debug)]
pub enum PageError {
    /// The response to send instead.
    Reply(Reply),
    /// A fault of the server or of something it depends on.
    Fault(Fault),
}

impl From<Reply> for PageError {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<Fault> for PageError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<store::Error> for PageError {
    fn from(error: store::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<PasswordError> for PageError {
    fn from(error: PasswordError) -> Self {
        Self::Fault(error.into())
    }
}

impl Outage for PageError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_outage())
    }
}

/// Runs the request handler of a page, with a connection.
pub async fn run(
    app: &Data<App>,
    priority: Priority,
    request: PageRequest,
    handler: impl FnOnce(&App, &mut AnyConnection, PageRequest) -> Result<Reply, PageError> + Send + 'static,
) -> Reply {
    let context = request.context.clone();
    let answered = run_blocking(app, priority, move |app, connection| handler(app, connection, request)).await;
    reply(app, &context, answered)
}

/// The response to a request, whatever its result.
#[must_use]
pub fn reply(app: &App, context: &Context, answered: Result<Reply, PageError>) -> Reply {
    match answered {
        Ok(reply) | Err(PageError::Reply(reply)) => reply,
        Err(PageError::Fault(fault)) => page::fault(app.config.issuer.base(), context, &fault),
    }
}

impl PageRequest {
    /// The form, if this is a POST and it could be read.
    #[must_use]
    pub fn readable(&self) -> Option<&Params> {
        self.form.as_ref()?.as_ref().ok()
    }

    /// A field of the form; empty if it was not sent.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.readable().and_then(|form| form.get(name)).unwrap_or_default()
    }

    /// The form as far as it could be read, if this is a POST. Its parameters may be repeated or badly encoded.
    ///
    /// # Errors
    /// The page that says why the body could not be read.
    pub fn body(&self, app: &App) -> Result<Option<&Params>, PageError> {
        let problem_page = |problem| page::body_problem(app.config.issuer.base(), &self.context, problem);
        Ok(self.form.as_ref().map(|form| form.as_ref().map_err(problem_page)).transpose()?)
    }

    /// The form, if this is a POST.
    ///
    /// # Errors
    /// The page that says what is wrong with the form as a whole.
    pub fn form(&self, app: &App) -> Result<Option<&Params>, PageError> {
        let form = self.body(app)?;
        if let Some(form) = form {
            self.well_formed(app, form)?;
        }
        Ok(form)
    }

    /// # Errors
    /// The page that says which parameter is repeated or badly encoded, if one is.
    pub fn well_formed(&self, app: &App, params: &Params) -> Result<(), PageError> {
        params.flaw().map_or(Ok(()), |flaw| Err(self.malformed(app, &flaw.describe()).into()))
    }

    /// The frame of a page.
    #[must_use]
    pub fn layout<'a>(&'a self, app: &'a App) -> Layout<'a> {
        Layout { base: app.config.issuer.base(), request_id: &self.context.id }
    }

    /// The error page.
    #[must_use]
    pub fn error(&self, app: &App, status: u16, problem: Problem<'_>) -> Reply {
        page::error(app.config.issuer.base(), &self.context, status, problem)
    }

    /// The error page for a request that none of our pages leads to.
    #[must_use]
    pub fn malformed(&self, app: &App, detail: &str) -> Reply {
        self.error(app, 400, Problem::MalformedRequest { detail })
    }

    /// The value that forms shown before sign-in are bound to: that of this browser, or a new one.
    #[must_use]
    pub fn owner(&self) -> String {
        self.browser.clone().unwrap_or_else(random::text)
    }

    /// Whether a form bound to `about` was shown to this browser before sign-in.
    #[must_use]
    pub fn is_form_of_browser(&self, app: &App, about: &str) -> bool {
        let owner = self.browser.as_deref().unwrap_or_default();
        self.readable().is_some_and(|form| forms::check(app, owner, about, form, self.context.now).is_ok())
    }

    /// A page with a form, which sets the cookie that the form is bound to.
    #[must_use]
    pub fn keeping(&self, app: &App, owner: &str, reply: Reply) -> Reply {
        if self.browser.is_some() {
            return reply;
        }
        reply.with(header::SET_COOKIE, &Cookie::Browser.set(&app.config.issuer, owner, Keep::Session))
    }
}
