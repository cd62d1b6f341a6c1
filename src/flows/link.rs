//! Opening a link from an e-mail. The link's URL only redirects: its token moves into a cookie and the browser to the clean path,
//! so that no history and no `Referer` holds the token. The page there shows a form, and nothing is done before it is sent, as
//! programs open links too. The form names its link, so that another link opened in between does not replace it. A link that is
//! unknown or no longer valid gets a page that says what to do.

pub mod confirm_email;
mod invalid;
pub mod not_me;

use std::ops::Deref;

use actix_web::{http::header, web::Data};

use super::sign_in::sign_in_redirect;
use crate::{
    app::App,
    config::Registration,
    pages::{FormProblem, LinkProblem, Problem},
    protocol::{
        account::link::LinkKind,
        grant::credential::{Credential, Kind},
        values::{
            id::Id,
            params::Params,
            time::{Span, Timestamp},
        },
    },
    store::{
        AnyConnection,
        links::{self, Link},
        users::{self, User},
    },
    web::{
        blocking::{Priority, run_blocking},
        cookies::{Cookie, Keep},
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
    },
};

/// How long a browser keeps an opened link.
const KEPT_FOR: Span = Span::from_seconds(3600);

/// A path at which links of some kinds are opened.
pub struct LinkPage {
    /// The path.
    pub path: &'static str,
    /// The kinds; an unknown link is treated as the first.
    pub kinds: &'static [LinkKind],
}

/// A request to such a path.
#[derive(Clone)]
pub struct LinkRequest {
    request: PageRequest,
    link_page: &'static LinkPage,
}

impl Deref for LinkRequest {
    type Target = PageRequest;

    fn deref(&self) -> &PageRequest {
        &self.request
    }
}

/// The request handler of a path for a valid link; with the form, if one was sent.
pub type Handler = fn(&App, &mut AnyConnection, &LinkRequest, &Link, Option<&Params>) -> Result<Reply, PageError>;

/// Answers a request to a path of links in one blocking call.
pub async fn answer(request: PageRequest, app: &Data<App>, link_page: &'static LinkPage, handle: Handler) -> Reply {
    let context = request.context.clone();
    let link_request = match LinkRequest::read(app, request, link_page) {
        Ok(link_request) => link_request,
        Err(error) => return page_request::reply(app, &context, Err(error)),
    };
    let answered = run_blocking(app, Priority::Browsers, move |app, connection| {
        let link = link_request.find(app, connection)?;
        handle(app, connection, &link_request, &link, link_request.readable())
    });
    page_request::reply(app, &context, answered.await)
}

impl LinkRequest {
    /// Reads a request: one that shows the page of the opened link, or a form with the cookie of the browser that it was shown
    /// to.
    ///
    /// # Errors
    /// The redirect that removes the token from the URL, or the page that says what is wrong with the form.
    pub fn read(app: &App, request: PageRequest, link_page: &'static LinkPage) -> Result<Self, PageError> {
        let link_request = Self { request, link_page };
        if link_request.form(app)?.is_none() {
            return match link_request.query.get("link") {
                Some(text) => Err(link_request.keep(app, text).into()),
                None => Ok(link_request),
            };
        }
        if let Some(reply) = link_request.closed(app) {
            return Err(reply.into());
        }
        if link_request.browser.is_none() {
            let again = link_request.action(app);
            return Err(page::cookie_missing(app.config.issuer.base(), &link_request.context, &again).into());
        }
        Ok(link_request)
    }

    /// Redirects to the clean path, with the link in a cookie. A link that we did not issue gets an error page instead.
    fn keep(&self, app: &App, text: &str) -> Reply {
        if let Some(reply) = self.closed(app) {
            return reply;
        }
        if Credential::open(&app.config.secrets, Kind::Link, text).is_none() {
            return self.problem_of(app, None, LinkProblem::Unknown);
        }
        let cookie = Cookie::Link.set(&app.config.issuer, text, Keep::For(KEPT_FOR));
        Reply::see_other(&self.action(app)).with(header::SET_COOKIE, &cookie)
    }

    /// The link that the form was shown for, or else the one opened last in this browser, if it is valid here.
    ///
    /// # Errors
    /// The page that says why it is not.
    pub fn find(&self, app: &App, connection: &mut AnyConnection) -> Result<Link, PageError> {
        if let Some(reply) = self.closed(app) {
            return Err(reply.into());
        }
        let kinds = self.kinds(app);
        let opened = || self.link.as_deref().and_then(|text| Credential::open(&app.config.secrets, Kind::Link, text));
        let id = self.named(app).or_else(|| opened().map(|credential| credential.id));
        let link = id.map(|id| links::find(connection, id)).transpose()?.flatten();
        let Some(link) = link.filter(|link| kinds.contains(&link.kind)) else {
            return Err(self.problem_of(app, None, LinkProblem::Unknown).into());
        };
        let is_elsewhere = |browser: &Vec<u8>| !sign_in_redirect::is_pseudonym(app, self.browser(), browser);
        let problem = self
            .ended(&link)
            .or_else(|| link.browser.as_ref().filter(|browser| is_elsewhere(browser)).map(|_| LinkProblem::OtherBrowser));
        match problem {
            None => Ok(link),
            Some(why) => Err(self.problem_of(app, Some(link.kind), why).into()),
        }
    }

    /// The user whose account a link is about.
    ///
    /// # Errors
    /// The page that says the link is no longer valid, if the user was deleted or disabled.
    pub fn owner_of(&self, app: &App, connection: &mut AnyConnection, link: &Link) -> Result<User, PageError> {
        let user = link.user_id.map(|id| users::find(connection, id)).transpose()?.flatten();
        let why = match user {
            None => LinkProblem::Unknown,
            Some(user) if user.disabled_at.is_some() => LinkProblem::Superseded,
            Some(user) => return Ok(user),
        };
        Err(self.problem_of(app, Some(link.kind), why).into())
    }

    /// The 404 response where no kind of link is accepted.
    fn closed(&self, app: &App) -> Option<Reply> {
        let path = self.action(app);
        let not_found = || self.error(app, 404, Problem::NotFound { path: &path });
        self.kinds(app).is_empty().then(not_found)
    }

    /// The kinds of links accepted at this path now: registration may have been closed since a link was sent.
    fn kinds(&self, app: &App) -> Vec<LinkKind> {
        let is_good = |kind: &LinkKind| match kind {
            LinkKind::Register => app.config.registration == Registration::Open,
            LinkKind::Invitation => app.config.registration != Registration::Off,
            LinkKind::Reset | LinkKind::ConfirmEmail | LinkKind::NotMe => true,
        };
        self.link_page.kinds.iter().copied().filter(is_good).collect()
    }

    /// The cookie of this browser; empty if there is none.
    pub fn browser(&self) -> &str {
        self.browser.as_deref().unwrap_or_default()
    }

    /// The clean path, to which forms are sent.
    pub fn action(&self, app: &App) -> String {
        format!("{}{}", app.config.issuer.base(), self.link_page.path)
    }

    /// The CSRF value of a form for this link alone: the link's id, and a stamp bound to it.
    pub fn csrf(&self, app: &App, owner: &str, link: &Link) -> String {
        format!("{}.{}", link.id, forms::stamp(app, owner, &self.about(link.id), self.context.now))
    }

    /// Whether the form was shown to this browser for this link.
    pub fn check(&self, app: &App, link: &Link) -> Result<(), FormProblem> {
        self.named(app).filter(|id| *id == link.id).map(|_| ()).ok_or(FormProblem::FormExpired)
    }

    /// The id of the link that the form was shown for to this browser.
    pub fn named(&self, app: &App) -> Option<Id> {
        self.shown(app).map(|(id, _)| id)
    }

    /// When the form was shown to this browser.
    pub fn shown_at(&self, app: &App) -> Option<Timestamp> {
        self.shown(app).map(|(_, shown_at)| shown_at)
    }

    fn shown(&self, app: &App) -> Option<(Id, Timestamp)> {
        let (id, stamp) = self.readable()?.get(forms::FIELD)?.split_once('.')?;
        let id = Id::parse(id).ok()?;
        let shown_at = forms::shown_at(app, self.browser(), &self.about(id), stamp, self.context.now).ok()?;
        Some((id, shown_at))
    }

    fn about(&self, link: Id) -> String {
        format!("{} {link}", self.link_page.path)
    }
}

/// The response, with the link's cookie deleted.
pub fn forgetting(app: &App, reply: Reply) -> Reply {
    reply.with(header::SET_COOKIE, &Cookie::Link.set(&app.config.issuer, "", Keep::Delete))
}

/// The status of a page that is shown again because of its form.
pub const fn status(problem: Option<FormProblem>) -> u16 {
    match problem {
        None => 200,
        Some(FormProblem::FormExpired) => 400,
        Some(FormProblem::SlowedDown { .. }) => 429,
    }
}
