//! The pages of one's own account, a file for each. Here is what they share: who is signed in, the way back for who is not, forms
//! that are bound to the session, and the password that is asked for again before what matters (ASVS 7.5.1).

pub mod activity;
pub mod data;
pub mod details;
pub mod devices;
pub mod email;
pub mod ending;
pub mod export;
pub mod grant;
mod listing;
pub mod password;

use std::sync::Arc;

use actix_web::web::Data;

use super::{
    known_browser, login,
    password_check::{self, Candidate, Verdict},
    throttle::Attempt,
};
use crate::{
    app::App,
    pages::{self, Layout, Problem},
    paths,
    protocol::{
        activity::{Activity, Origin},
        params::{Params, encode},
        stamp::{self, Purpose},
        time::Span,
    },
    random,
    store::{
        AnyConnection,
        activity::Event,
        sessions::{self, Session},
        users::{self, User},
    },
    web::{
        blocking::{Priority, run_blocking},
        body::{BodyProblem, Form},
        cookies,
        fault::Fault,
        forms, page,
        reply::Reply,
        request::{Context, Request},
        session,
    },
};

/// How long a page says what was just done, when it is loaded again.
const DONE_TIME: Span = Span::from_seconds(600);
/// In the query of such a page: what was done, to what, and the stamp that says that it was done in this session.
const DONE: [&str; 3] = ["done", "id", "done_stamp"];

/// What a request brings.
struct Visit {
    context: Context,
    query: Params,
    form: Option<Result<Params, BodyProblem>>,
    /// What the path names.
    id: String,
    path: String,
    cookie: Option<String>,
    device: Option<String>,
    /// The page to come back to after signing in.
    back: &'static str,
}

/// Someone who is signed in, and what they ask for.
struct Visitor {
    context: Context,
    query: Params,
    /// The form; empty where none was sent.
    form: Params,
    /// What the path names.
    id: String,
    path: String,
    session: Session,
    user: User,
    origin: Origin,
    /// What forms are bound to.
    cookie: String,
    device: Option<String>,
}

/// What a page does for who is signed in.
type Handler = fn(&App, &mut AnyConnection, &Visitor) -> Result<Reply, Fault>;

/// A form that asks for the password again.
#[derive(Clone, Copy)]
struct Guard {
    /// What the form's stamp is about: the path it is sent to.
    about: &'static str,
    /// What must be in order before the password is looked at: the answer where it is not.
    check: fn(&App, &mut AnyConnection, &Visitor) -> Result<Option<Reply>, Fault>,
    /// The page again.
    refuse: fn(&App, &mut AnyConnection, &Visitor, Refusal) -> Result<Reply, Fault>,
}

/// Why such a form was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    FormExpired,
    WrongPassword,
    SlowedDown { seconds: i64 },
}

/// What became of such a form: what was done, or the answer already.
type Proven<T> = Result<(Arc<Visitor>, T), Reply>;

/// Answers a request: finds out who is signed in, and lets `handle` do the rest.
async fn answer(request: &Request, app: &Data<App>, form: Option<Form>, back: &'static str, handle: Handler) -> Reply {
    let visit = Visit::of(request, form, back);
    let (cloned, base) = (visit.context.clone(), app.config.issuer.base());
    let done = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        match visit.visitor(app, connection)? {
            Ok(visitor) => handle(app, connection, &visitor),
            Err(reply) => Ok(reply),
        }
    });
    done.await.unwrap_or_else(|fault| page::fault(base, &cloned, &fault))
}

/// Answers a form that asks for the password: an attempt is counted, for its session; where the password is right, `then` does
/// what was asked for.
///
/// # Errors
/// What `then` says, or a [`Fault`].
async fn proven<T: Send + 'static>(
    app: &Data<App>,
    visit: Visit,
    guard: Guard,
    then: impl Fn(&App, &mut AnyConnection, &Visitor, &User) -> Result<T, Fault> + Clone + Send + 'static,
) -> Result<Proven<T>, Fault> {
    let context = visit.context.clone();
    let password = visit.form.as_ref().and_then(|form| form.as_ref().ok()?.get("password")).unwrap_or_default().into();
    let look = move |app: &App, connection: &mut AnyConnection| match visit.visitor(app, connection)? {
        Ok(visitor) => look(app, connection, visitor, guard),
        Err(reply) => Ok(Err(Err(reply))),
    };
    password_check::by_password(app, &context, password, look, move |app, connection, visitor, verdict| {
        let user = match verdict {
            Verdict::Right(user) => user,
            Verdict::Wrong { .. } => {
                let shown = (guard.refuse)(app, connection, visitor, Refusal::WrongPassword)?;
                return Ok(Some(Err(shown.noting(format!("wrong password: user {}", visitor.user.claims.id)))));
            }
            Verdict::TooMany { seconds } => {
                return Ok(Some(Err((guard.refuse)(app, connection, visitor, Refusal::SlowedDown { seconds })?)));
            }
        };
        let current = users::find(connection, user.claims.id)?.filter(|current| current.disabled_at.is_none());
        if current.is_none_or(|current| current.password_hash != user.password_hash) {
            return Ok(None);
        }
        Ok(Some(Ok((visitor.clone(), then(app, connection, visitor, user)?))))
    })
    .await
}

/// What an attempt counts for, unless there is an answer already.
fn look<T>(
    app: &App,
    connection: &mut AnyConnection,
    visitor: Visitor,
    guard: Guard,
) -> Result<Result<(Visitor, Candidate), Proven<T>>, Fault> {
    let now = app.clock.now();
    if !visitor.sent(app, guard.about) {
        return Ok(Err(Err((guard.refuse)(app, connection, &visitor, Refusal::FormExpired)?)));
    }
    if let Some(reply) = (guard.check)(app, connection, &visitor)? {
        return Ok(Err(Err(reply)));
    }
    let user_id = visitor.user.claims.id;
    let from = known_browser::from(app, connection, (visitor.device.as_deref(), visitor.context.address), Some(user_id), now)?;
    let attempt = Attempt::to_confirm(&app.config.secrets, (user_id, visitor.session.id), from);
    let candidate = Candidate { user: Some(visitor.user.clone()), user_id: Some(user_id), attempt };
    Ok(Ok((visitor, candidate)))
}

impl Refusal {
    /// The status of the page.
    const fn status(self) -> u16 {
        match self {
            Self::FormExpired => 400,
            Self::WrongPassword => 401,
            Self::SlowedDown { .. } => 429,
        }
    }
}

impl Visit {
    fn of(request: &Request, form: Option<Form>, back: &'static str) -> Self {
        Self {
            context: request.context.clone(),
            query: Params::parse(request.query_string()),
            form: form.map(|form| form.0),
            id: request.match_info().get("id").unwrap_or_default().to_owned(),
            path: request.path().to_owned(),
            cookie: cookies::get(request, cookies::SESSION),
            device: cookies::get(request, cookies::DEVICE),
            back,
        }
    }

    /// Who is signed in, or where everyone else goes: to the sign-in page, and back from there.
    fn visitor(self, app: &App, connection: &mut AnyConnection) -> Result<Result<Visitor, Reply>, Fault> {
        let (context, base) = (self.context, app.config.issuer.base());
        let form = match self.form.transpose() {
            Ok(form) => form.unwrap_or_default(),
            Err(problem) => return Ok(Err(page::body_problem(base, &context, &problem))),
        };
        if let Some(flaw) = form.flaw() {
            return Ok(Err(page::error(base, &context, 400, Problem::MalformedRequest { detail: &flaw.describe() })));
        }
        let to_sign_in = || to_sign_in(app, self.back);
        let found = session::current(app, connection, self.cookie.as_deref(), context.now)?;
        let (Some(session), Some(cookie)) = (found, self.cookie) else { return Ok(Err(to_sign_in())) };
        let user = users::find(connection, session.user_id)?.filter(|user| user.disabled_at.is_none());
        let Some(user) = user else { return Ok(Err(to_sign_in())) };
        let is_due = !context.now.age_of(session.last_seen_at).is_below(app.config.lifetimes.noted_after(session.remembered));
        if is_due && !sessions::touch(connection, &session, context.now)? {
            return Ok(Err(to_sign_in())); // it was ended meanwhile
        }
        let last_seen_at = if is_due { context.now } else { session.last_seen_at };
        Ok(Ok(Visitor {
            origin: context.origin(),
            query: self.query,
            form,
            id: self.id,
            path: self.path,
            session: Session { last_seen_at, ..session },
            user,
            cookie,
            device: self.device,
            context,
        }))
    }
}

impl Visitor {
    /// The frame of a page.
    fn layout<'a>(&'a self, app: &'a App) -> Layout<'a> {
        Layout { base: app.config.issuer.base(), request_id: &self.context.id }
    }

    /// Whose account it is.
    fn owner(&self) -> pages::Owner<'_> {
        pages::Owner { name: self.user.shown_name(), username: &self.user.claims.username }
    }

    /// The stamp of a form that is sent to this path.
    fn stamp(&self, app: &App, path: &str) -> String {
        forms::stamp(app, &self.cookie, path, self.context.now)
    }

    /// Whether the form is one that was shown in this session, to be sent to this path.
    fn sent(&self, app: &App, path: &str) -> bool {
        forms::check(app, &self.cookie, path, &self.form, self.context.now).is_ok()
    }

    /// A field of the form; one that was not sent is empty.
    fn field(&self, name: &str) -> &str {
        self.form.get(name).unwrap_or_default()
    }

    /// What has been done just before, in this session, as the query says with our stamp: nobody can make a link by which a page
    /// says so.
    fn done(&self, app: &App) -> &str {
        let [done, id, stamp] = DONE.map(|name| self.query.get(name).unwrap_or_default());
        let binding = [&*self.session.id.to_string(), &*self.path, done, id];
        let found = stamp::check(&app.config.secrets, Purpose::Done, &binding, stamp, (self.context.now, DONE_TIME));
        if found.is_ok() { done } else { "" }
    }

    /// To the page at this path, which says what has been done, and to what.
    fn done_at(&self, app: &App, path: &str, (done, id): (&str, Option<&str>)) -> Reply {
        let to = url(app, path);
        let binding = [&*self.session.id.to_string(), &*to, done, id.unwrap_or_default()];
        let stamp = stamp::make(&app.config.secrets, Purpose::Done, &binding, self.context.now);
        let [done_name, id_name, stamp_name] = DONE;
        let pairs = [(done_name, Some(done)), (id_name, id), (stamp_name, Some(stamp.as_str()))];
        Reply::see_other(&format!("{to}?{}", encode(pairs.into_iter().filter_map(|(name, value)| Some((name, value?))))))
    }

    /// Something that happens to this account now.
    fn event<'a>(&'a self, activity: Activity, about: Option<&'a str>) -> Event<'a> {
        let at = self.context.now;
        Event { id: random::id(at), user: self.user.claims.id, activity, origin: &self.origin, about, at }
    }

    /// There is nothing at this path, for this user.
    fn not_found(&self, app: &App) -> Reply {
        page::error(app.config.issuer.base(), &self.context, 404, Problem::NotFound { path: &self.path })
    }

    /// The form is not one of ours.
    fn malformed(&self, app: &App, detail: &str) -> Reply {
        page::error(app.config.issuer.base(), &self.context, 400, Problem::MalformedRequest { detail })
    }
}

/// Where everyone goes who is not signed in: to the sign-in page, and back from there.
fn to_sign_in(app: &App, back: &str) -> Reply {
    Reply::see_other(&format!("{}{}?{}", app.config.issuer.base(), paths::LOGIN, encode([(login::THEN, back)])))
}

/// The URL of a path.
fn url(app: &App, path: &str) -> String {
    format!("{}{path}", app.config.issuer.base())
}

/// Texts as pages take them.
fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
