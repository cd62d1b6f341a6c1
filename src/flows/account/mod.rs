//! The account pages, one file each. They share this module: the signed-in user, the redirect to the sign-in page, forms bound to
//! the session, and the password confirmation before sensitive actions (ASVS 7.5.1).

pub mod activity;
mod confirmation;
pub mod data;
pub mod details;
pub mod devices;
pub mod email;
mod ended;
pub mod ending;
pub mod enrol;
pub mod export;
pub mod grant;
mod listing;
pub(crate) mod overview;
pub mod passkeys;
pub mod password;
pub mod recovery_codes;
pub mod removal;
pub mod security;
pub(crate) mod timeline;
pub mod totp;

use std::{borrow::Cow, ops::Deref, sync::Arc};

use actix_web::{http::header, web::Data};

use confirmation::{confirmed_for, confirmed_if_stronger, confirmed_recently, guard, to_second_factor};

use super::sign_in::{
    known_browser, login,
    password_check::{self, After, Candidate, Verdict},
    throttle::Attempt,
};
use crate::{
    app::App,
    operations::authenticators,
    pages::{self, FormProblem, Problem},
    paths,
    protocol::{
        account::{
            activity::{Activity, Origin},
            authenticator::Owned,
            proof::{Proof, Proofs},
        },
        oidc::authentication::{Class, Method},
        secrets::{
            sensitive::Sensitive,
            stamp::{self, Purpose},
        },
        values::{params::encode, time::Span},
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
        fault::Fault,
        forms, kept_password,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        session,
    },
};

/// How long a reloaded page still says what was done.
const DONE_TIME: Span = Span::from_seconds(600);
/// In the query of such a page: the action, its subject, and the stamp of an action done in this session.
const DONE: [&str; 3] = ["done", "id", "done_stamp"];

/// A request of a signed-in user.
struct SignedIn {
    request: PageRequest,
    session: Session,
    user: User,
    origin: Origin,
    /// The cookie that forms are bound to.
    cookie: String,
}

impl Deref for SignedIn {
    type Target = PageRequest;

    fn deref(&self) -> &PageRequest {
        &self.request
    }
}

/// The request handler of a page for a signed-in user.
type Handler = fn(&App, &mut AnyConnection, &SignedIn) -> Result<Reply, PageError>;

/// A form that asks for the password again.
#[derive(Clone, Copy)]
struct Guard {
    /// The page to return to after signing in.
    back: &'static str,
    /// What the stamp of the form is bound to: the path it is sent to.
    about: &'static str,
    /// Checks the form before the password is verified; the error is the page with the problem.
    check: fn(&App, &mut AnyConnection, &SignedIn) -> Result<(), PageError>,
    /// Shows the page again, with the refusal.
    refuse: fn(&App, &mut AnyConnection, &SignedIn, Refusal) -> Result<Reply, Fault>,
}

/// Why such a form was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    WrongPassword,
    Form(FormProblem),
}

/// Answers a request: determines the signed-in user, and calls `handle`.
async fn answer(request: PageRequest, app: &Data<App>, back: impl Into<Cow<'static, str>>, handle: Handler) -> Reply {
    let back = back.into();
    page_request::run(app, Priority::Browsers, request, move |app, connection, request| {
        let signed_in = signed_in(app, connection, request, &back)?;
        handle(app, connection, &signed_in)
    })
    .await
}

/// A form whose password was correct: who sent it, and the result.
struct Confirmed<T> {
    signed_in: Arc<SignedIn>,
    done: T,
}

/// Checks the form of a sensitive action. An account with nothing stronger than a password is asked for it in the form, as `confirmed`
/// does; others have confirmed recently that it is them, and have no such field.
///
/// # Errors
/// The page again, the redirect to the page that asks for further proofs, or an error of `then`.
async fn guarded<T: Send + 'static>(
    app: &Data<App>,
    request: PageRequest,
    guard: Guard,
    then: impl Fn(&App, &mut AnyConnection, &SignedIn, &User) -> Result<T, Fault> + Clone + Send + 'static,
) -> Result<Confirmed<T>, PageError> {
    let of_stronger = then.clone();
    let done = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<_, PageError> {
        let signed_in = signed_in(app, connection, request, guard.back)?;
        if asks_password(authenticators::owned(connection, &signed_in.user)?) {
            return Ok(Err(signed_in.request));
        }
        if !signed_in.sent(app, guard.about) {
            return Err((guard.refuse)(app, connection, &signed_in, Refusal::Form(FormProblem::FormExpired))?.into());
        }
        confirmed_for(app, connection, &signed_in, guard.back)?;
        (guard.check)(app, connection, &signed_in)?;
        let done = of_stronger(app, connection, &signed_in, &signed_in.user)?;
        Ok(Ok(Confirmed { signed_in: Arc::new(signed_in), done }))
    });
    match done.await? {
        Ok(done) => Ok(done),
        Err(request) => confirmed(app, request, guard, then).await,
    }
}

/// Whether the forms of sensitive actions ask for the password.
fn asks_password(owned: Owned) -> bool {
    owned.strongest() == Some(Class::Password)
}

/// Checks a form that asks for the password: the attempt is counted for its session, and if the password is correct, `then` is
/// called.
///
/// # Errors
/// The page again, or an error of `then`.
async fn confirmed<T: Send + 'static>(
    app: &Data<App>,
    request: PageRequest,
    guard: Guard,
    then: impl Fn(&App, &mut AnyConnection, &SignedIn, &User) -> Result<T, Fault> + Clone + Send + 'static,
) -> Result<Confirmed<T>, PageError> {
    let context = request.context.clone();
    let owner = request.session.as_deref().unwrap_or_default();
    let password = kept_password::typed(app, &request, (owner, guard.about), "password");
    let look = move |app: &App, connection: &mut AnyConnection| {
        let signed_in = signed_in(app, connection, request, guard.back)?;
        look(app, connection, signed_in, guard)
    };
    // A wrong password is not an error here: it is counted along with its response.
    let done = password_check::by_password(app, &context, password, look, move |app, connection, signed_in, verdict| {
        let refuse = |connection: &mut AnyConnection, refusal| (guard.refuse)(app, connection, signed_in, refusal);
        let user = match verdict {
            Verdict::Right(user) => user,
            Verdict::Wrong { .. } => {
                let shown = refuse(connection, Refusal::WrongPassword)?;
                return Ok(Some(After::Done(Err(shown.noting(format!("wrong password: user {}", signed_in.user.claims.id))))));
            }
            Verdict::TooMany { seconds } => {
                let refused = refuse(connection, Refusal::Form(FormProblem::SlowedDown { seconds }))?;
                return Ok(Some(After::Done(Err(refused))));
            }
        };
        let current = users::find(connection, user.claims.id)?.filter(|current| current.disabled_at.is_none());
        if current.is_none_or(|current| current.password_hash != user.password_hash) {
            return Ok(None);
        }
        let done = then(app, connection, signed_in, user)?;
        Ok(Some(After::Done(Ok(Confirmed { signed_in: signed_in.clone(), done }))))
    });
    Ok(done.await??)
}

/// The counts that apply to an attempt; an error if the form is rejected before the password is verified.
fn look(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: SignedIn,
    guard: Guard,
) -> Result<(SignedIn, Candidate), PageError> {
    let now = app.clock.now();
    if !signed_in.sent(app, guard.about) {
        return Err((guard.refuse)(app, connection, &signed_in, Refusal::Form(FormProblem::FormExpired))?.into());
    }
    (guard.check)(app, connection, &signed_in)?;
    let user_id = signed_in.user.claims.id;
    let from =
        known_browser::from(app, connection, (signed_in.device.as_deref(), signed_in.context.address), Some(user_id), now)?;
    let attempt = Attempt::to_confirm(&app.config.secrets, (user_id, signed_in.session.id), from);
    let candidate = Candidate { user: Some(signed_in.user.clone()), has_password: true, user_id: Some(user_id), attempt };
    Ok((signed_in, candidate))
}

/// The signed-in user.
///
/// # Errors
/// If no user is signed in, the redirect to the sign-in page, which leads back to `back`.
fn signed_in(app: &App, connection: &mut AnyConnection, request: PageRequest, back: &str) -> Result<SignedIn, PageError> {
    request.form(app)?;
    let to_sign_in = || PageError::from(to_sign_in(app, back));
    let now = request.context.now;
    let session = session::current(app, connection, request.session.as_deref(), now)?.ok_or_else(to_sign_in)?;
    let cookie = request.session.clone().ok_or_else(to_sign_in)?;
    let user = users::find(connection, session.user_id)?.filter(|user| user.disabled_at.is_none()).ok_or_else(to_sign_in)?;
    let is_due = !now.age_of(session.last_seen_at).is_below(app.config.lifetimes.noted_after(session.remembered));
    if is_due && !sessions::touch(connection, &session, now)? {
        return Err(to_sign_in()); // it was ended meanwhile
    }
    if !paths::leads_to_strength(request.path.strip_prefix(app.config.issuer.base()).unwrap_or(&request.path)) {
        guard(app, connection, (&user, &session), back, now)?;
    }
    let last_seen_at = if is_due { now } else { session.last_seen_at };
    let origin = request.context.origin();
    Ok(SignedIn { session: Session { last_seen_at, ..session }, user, origin, cookie, request })
}

impl SignedIn {
    /// The owner of the account.
    fn owner(&self) -> pages::Owner<'_> {
        pages::Owner { name: self.user.shown_name(), username: &self.user.claims.username }
    }

    /// The action of a form of a page that keeps its query, with a pending authorization request.
    fn action(&self, app: &App, path: &str) -> String {
        let query = self.query.to_query(&DONE, &[]);
        if query.is_empty() { url(app, path) } else { format!("{}?{query}", url(app, path)) }
    }

    /// The stamp of a form that is sent to this path.
    fn stamp(&self, app: &App, path: &str) -> String {
        forms::stamp(app, &self.cookie, path, self.context.now)
    }

    /// Whether the form was shown in this session, and is sent to this path.
    fn sent(&self, app: &App, path: &str) -> bool {
        self.readable().is_some_and(|form| forms::check(app, &self.cookie, path, form, self.context.now).is_ok())
    }

    /// The password in this field of the form at `about`, typed or kept.
    fn password(&self, app: &App, about: &str, field: &str) -> Sensitive<String> {
        kept_password::typed(app, self, (&self.cookie, about), field)
    }

    /// That password, sealed, for the form that is shown again because of something else.
    fn kept(&self, app: &App, about: &str, field: &str) -> Option<String> {
        let password = self.password(app, about, field);
        kept_password::seal(app, (&self.cookie, about), field, password.expose(), self.context.now)
    }

    /// The action just done in this session, from the query. It is stamped, so that nobody can craft a link to a page that claims
    /// an action.
    fn done(&self, app: &App) -> &str {
        let [done, id, stamp] = DONE.map(|name| self.query.get(name).unwrap_or_default());
        let binding = [&*self.session.id.to_string(), &*self.path, done, id];
        let found = stamp::check(&app.config.secrets, Purpose::Done, &binding, stamp, (self.context.now, DONE_TIME));
        if found.is_ok() { done } else { "" }
    }

    /// Redirects to the page at this path, which says what was done, and to what.
    fn done_at(&self, app: &App, path: &str, done: &str, id: Option<&str>) -> Reply {
        let to = url(app, path);
        let binding = [&*self.session.id.to_string(), &*to, done, id.unwrap_or_default()];
        let stamp = stamp::make(&app.config.secrets, Purpose::Done, &binding, self.context.now);
        let [done_name, id_name, stamp_name] = DONE;
        let pairs = [(done_name, Some(done)), (id_name, id), (stamp_name, Some(stamp.as_str()))];
        Reply::see_other(&format!("{to}?{}", encode(pairs.into_iter().filter_map(|(name, value)| Some((name, value?))))))
    }

    /// The response after something new was added and shown: it counts in this session, which goes on under a new cookie. Otherwise the user
    /// would be asked at once for what they have just set up.
    fn having_shown(&self, app: &App, connection: &mut AnyConnection, method: Method, reply: Reply) -> Result<Reply, PageError> {
        let now = app.clock.now();
        let shown = Proofs::from(Proof { method, at: now });
        Ok(match sessions::step_up(connection, (&self.user, &self.session), &shown, now)? {
            Some(renewed) => reply.with(header::SET_COOKIE, &session::cookie(app, &renewed, now)),
            None => reply,
        })
    }

    /// An event of this account, at the time of the request.
    fn event<'a>(&'a self, activity: Activity, about: Option<&'a str>) -> Event<'a> {
        let at = self.context.now;
        Event { id: random::id(at), user: self.user.claims.id, activity, origin: &self.origin, about, grant: None, at }
    }

    /// The response to a path that does not exist for this user.
    fn not_found(&self, app: &App) -> Reply {
        self.error(app, 404, Problem::NotFound { path: &self.path })
    }
}

/// Redirects to the sign-in page, which leads back to `back`.
fn to_sign_in(app: &App, back: &str) -> Reply {
    Reply::see_other(&format!("{}{}?{}", app.config.issuer.base(), paths::LOGIN, encode([(login::THEN, back)])))
}

/// The URL of a path.
fn url(app: &App, path: &str) -> String {
    format!("{}{path}", app.config.issuer.base())
}

/// Texts, borrowed for a template.
fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
