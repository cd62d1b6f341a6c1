//! Opening a link of an e-mail. The address with the link only leads on: its text goes into a cookie and the browser to the clean
//! path, where it stands in no history and in no `Referer`. The page there shows a form; nothing is done before the form is sent,
//! as programs open links too. The form names its link, so that one that is opened in between does not take its place. A link
//! that does nothing (any more) gets a page that says what to do.

mod invalid;

use actix_web::{http::header, web::Data};

use super::sign_in_redirect;
use crate::{
    app::App,
    config::Registration,
    pages::{FormProblem, Layout, LinkProblem, Problem},
    protocol::{
        credential::{Credential, Kind},
        id::Id,
        link::LinkKind,
        params::Params,
        time::Span,
    },
    random,
    store::{
        AnyConnection,
        links::{self, Link},
        users::{self, User},
    },
    web::{
        blocking::{Priority, run_blocking},
        body::Form,
        cookies::{self, Keep},
        fault::Fault,
        forms, page,
        reply::Reply,
        request::{Context, Request},
    },
};

/// How long a browser keeps a link that was opened in it.
const KEPT_FOR: Span = Span::from_seconds(3600);

/// Where links of some kinds are opened.
pub struct LinkPage {
    /// The path.
    pub path: &'static str,
    /// The kinds; one that is not even a link of ours is taken for the first.
    pub kinds: &'static [LinkKind],
}

/// What a request to such a path brings.
#[derive(Clone)]
pub struct Visit {
    pub context: Context,
    pub link_page: &'static LinkPage,
    browser: Option<String>,
    link: Option<String>,
    pub device: Option<String>,
}

/// What a path does with a link that is good, and with the form if it was sent.
pub type Handler = fn(&App, &mut AnyConnection, &Visit, &Link, Option<&Params>) -> Result<Reply, Fault>;

/// `GET` of a path of links.
pub async fn show(request: &Request, app: &Data<App>, link_page: &'static LinkPage, handle: Handler) -> Reply {
    let visit = Visit::of(request, link_page);
    if let Some(text) = Params::parse(request.query_string()).get("link") {
        return visit.keep(app, text);
    }
    let (context, base) = (visit.context.clone(), app.config.issuer.base());
    let answer = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        match visit.find(app, connection, None)? {
            Ok(link) => handle(app, connection, &visit, &link, None),
            Err(reply) => Ok(reply),
        }
    });
    answer.await.unwrap_or_else(|fault| page::fault(base, &context, &fault))
}

/// `POST` of a path of links, where all is done in one blocking call.
pub async fn act(request: &Request, app: &Data<App>, form: Form, (link_page, handle): (&'static LinkPage, Handler)) -> Reply {
    let visit = Visit::of(request, link_page);
    let (context, base) = (visit.context.clone(), app.config.issuer.base());
    let form = match visit.read(app, form) {
        Ok(form) => form,
        Err(reply) => return reply,
    };
    let answer = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        match visit.find(app, connection, Some(&form))? {
            Ok(link) => handle(app, connection, &visit, &link, Some(&form)),
            Err(reply) => Ok(reply),
        }
    });
    answer.await.unwrap_or_else(|fault| page::fault(base, &context, &fault))
}

impl Visit {
    pub fn of(request: &Request, link_page: &'static LinkPage) -> Self {
        Self {
            context: request.context.clone(),
            link_page,
            browser: cookies::get(request, cookies::BROWSER),
            link: cookies::get(request, cookies::LINK),
            device: cookies::get(request, cookies::DEVICE),
        }
    }

    /// The form, if it can be read, and comes with the cookie of the browser that it was shown to.
    pub fn read(&self, app: &App, form: Form) -> Result<Params, Reply> {
        let base = app.config.issuer.base();
        let form = form.0.map_err(|problem| page::body_problem(base, &self.context, &problem))?;
        if let Some(flaw) = form.flaw() {
            return Err(page::error(base, &self.context, 400, Problem::MalformedRequest { detail: &flaw.describe() }));
        }
        if let Some(reply) = self.closed(app) {
            return Err(reply);
        }
        if self.browser.is_none() {
            return Err(page::cookie_missing(base, &self.context, &self.action(app)));
        }
        Ok(form)
    }

    /// To the clean path, with the link in a cookie. One that is not ours goes nowhere.
    fn keep(&self, app: &App, text: &str) -> Reply {
        if let Some(reply) = self.closed(app) {
            return reply;
        }
        if Credential::open(&app.config.secrets, Kind::Link, text).is_none() {
            return self.problem_of(app, None, LinkProblem::Unknown);
        }
        let cookie = cookies::set(cookies::LINK, text, Keep::For(KEPT_FOR));
        Reply::see_other(&self.action(app)).with(header::SET_COOKIE, &cookie)
    }

    /// The link that the form was shown for, or else the one that was opened last in this browser, if it is good here; or the page
    /// that says why not.
    pub fn find(&self, app: &App, connection: &mut AnyConnection, form: Option<&Params>) -> Result<Result<Link, Reply>, Fault> {
        if let Some(reply) = self.closed(app) {
            return Ok(Err(reply));
        }
        let kinds = self.kinds(app);
        let opened = || self.link.as_deref().and_then(|text| Credential::open(&app.config.secrets, Kind::Link, text));
        let id = form.and_then(|form| self.named(app, form)).or_else(|| opened().map(|credential| credential.id));
        let link = id.map(|id| links::find(connection, id)).transpose()?.flatten();
        let Some(link) = link.filter(|link| kinds.contains(&link.kind)) else {
            return Ok(Err(self.problem_of(app, None, LinkProblem::Unknown)));
        };
        let is_elsewhere = |browser: &Vec<u8>| !sign_in_redirect::is_pseudonym(app, self.browser(), browser);
        let problem_of = self
            .ended(&link)
            .or_else(|| link.browser.as_ref().filter(|browser| is_elsewhere(browser)).map(|_| LinkProblem::OtherBrowser));
        Ok(problem_of.map_or(Ok(link.clone()), |why| Err(self.problem_of(app, Some(link.kind), why))))
    }

    /// Whose account a link is about: the page that says that it does nothing, where they are gone or disabled.
    pub fn owner_of(&self, app: &App, connection: &mut AnyConnection, link: &Link) -> Result<Result<User, Reply>, Fault> {
        let user = link.user_id.map(|id| users::find(connection, id)).transpose()?.flatten();
        let problem_of = |why| Err(self.problem_of(app, Some(link.kind), why));
        Ok(match user {
            None => problem_of(LinkProblem::Unknown),
            Some(user) if user.disabled_at.is_some() => problem_of(LinkProblem::Superseded),
            Some(user) => Ok(user),
        })
    }

    /// Where no link is good there is no such page.
    fn closed(&self, app: &App) -> Option<Reply> {
        let path = self.action(app);
        let not_found = || page::error(app.config.issuer.base(), &self.context, 404, Problem::NotFound { path: &path });
        self.kinds(app).is_empty().then(not_found)
    }

    /// The kinds of links that are good at this path now: nobody registers where registration is closed since.
    fn kinds(&self, app: &App) -> Vec<LinkKind> {
        let is_good = |kind: &LinkKind| match kind {
            LinkKind::Register => app.config.registration == Registration::Open,
            LinkKind::Invitation => app.config.registration != Registration::Off,
            LinkKind::Reset | LinkKind::ConfirmEmail | LinkKind::NotMe => true,
        };
        self.link_page.kinds.iter().copied().filter(is_good).collect()
    }

    /// The cookie of this browser; empty where there is none.
    pub fn browser(&self) -> &str {
        self.browser.as_deref().unwrap_or_default()
    }

    /// The frame of a page.
    pub fn layout<'a>(&'a self, app: &'a App) -> Layout<'a> {
        Layout { base: app.config.issuer.base(), request_id: &self.context.id }
    }

    /// The clean path, where forms are sent.
    pub fn action(&self, app: &App) -> String {
        format!("{}{}", app.config.issuer.base(), self.link_page.path)
    }

    /// The text that the form is bound to: this browser's, or a new one.
    pub fn owner(&self) -> String {
        self.browser.clone().unwrap_or_else(random::text)
    }

    /// The proof of a form that is shown now, for this link alone: the link's row, and a stamp that is bound to it.
    pub fn csrf(&self, app: &App, owner: &str, link: &Link) -> String {
        format!("{}.{}", link.id, forms::stamp(app, owner, &self.about(link.id), self.context.now))
    }

    /// Whether the form is one that this browser was shown for this link.
    pub fn check(&self, app: &App, link: &Link, form: &Params) -> Result<(), FormProblem> {
        self.named(app, form).filter(|id| *id == link.id).map(|_| ()).ok_or(FormProblem::FormExpired)
    }

    /// The row of the link that this browser was shown the form for.
    fn named(&self, app: &App, form: &Params) -> Option<Id> {
        let owner = self.browser.as_deref().filter(|owner| !owner.is_empty())?;
        let (id, stamp) = form.get(forms::FIELD)?.split_once('.')?;
        let id = Id::parse(id).ok()?;
        forms::check_stamp(app, owner, &self.about(id), stamp, self.context.now).ok().map(|()| id)
    }

    fn about(&self, link: Id) -> String {
        format!("{} {link}", self.link_page.path)
    }

    /// The page, in the browser that its form is bound to.
    pub fn keeping(&self, owner: &str, reply: Reply) -> Reply {
        if self.browser.is_some() {
            return reply;
        }
        reply.with(header::SET_COOKIE, &cookies::set(cookies::BROWSER, owner, Keep::Session))
    }
}

/// The answer, with which the browser forgets the link.
pub fn forgetting(reply: Reply) -> Reply {
    reply.with(header::SET_COOKIE, &cookies::set(cookies::LINK, "", Keep::Delete))
}

/// The status of a page that is shown again because of its form.
pub const fn status(problem: Option<FormProblem>) -> u16 {
    match problem {
        None => 200,
        Some(FormProblem::FormExpired) => 400,
        Some(FormProblem::SlowedDown { .. }) => 429,
    }
}
