//! The sign-in page. A sign-in is two blocking calls with the password in between, in its own gate (`proof`): look up and count the attempt; verify;
//! begin the session. Known and unknown names take the same way and the same time.

use actix_web::{http::header, web::Data};

use super::{
    formatting, known_browser,
    password_check::{self, Candidate, Verdict},
    sign_in_redirect,
    throttle::{self, Attempt},
};
use crate::{
    app::App,
    pages::{Layout, Login, LoginNotice, LoginProblem, Problem, Remember},
    paths,
    protocol::{
        authentication::Amr, authorization::AuthorizationRequest, id::Id, login_name::LoginName, network, params::Params,
        sensitive::Sensitive, time::Timestamp,
    },
    random,
    store::{
        AnyConnection, clients,
        sessions::{self, Session, SignIn},
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
        returning, session,
    },
};

/// The parameter that names the page of one's account to go back to.
pub const THEN: &str = "then";
/// The longest name taken: longer ones are nobody's.
const NAME_LIMIT: usize = 254;

/// What a request to the sign-in page brings.
#[derive(Clone)]
struct Visit {
    context: Context,
    query: Params,
    session: Option<String>,
    browser: Option<String>,
    device: Option<String>,
}

/// What was typed, but the password.
#[derive(Clone)]
struct Typed {
    username: String,
    remember: bool,
}

impl Typed {
    /// The name as it is looked up, and counted.
    fn name(&self) -> LoginName {
        LoginName::parse(&self.username)
    }
}

/// `GET /login`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let visit = Visit::of(&request);
    let cloned = visit.clone();
    let shown = run_blocking(&app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        visit.show(app, connection, None, None)
    });
    shown.await.unwrap_or_else(|fault| cloned.fault(&app, &fault))
}

/// `POST /login`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let visit = Visit::of(&request);
    let base = app.config.issuer.base();
    let form = match form.0 {
        Ok(form) => form,
        Err(problem) => return page::body_problem(base, &visit.context, &problem),
    };
    if let Some(flaw) = form.flaw() {
        return page::error(base, &visit.context, 400, Problem::MalformedRequest { detail: &flaw.describe() });
    }
    let (cloned, password) = (visit.clone(), form.get("password").unwrap_or_default().into());
    sign_in(&app, visit, form, password).await.unwrap_or_else(|fault| cloned.fault(&app, &fault))
}

async fn sign_in(app: &Data<App>, visit: Visit, form: Params, password: Sensitive<String>) -> Result<Reply, Fault> {
    let username = form.get("username").unwrap_or_default().trim().to_owned();
    let typed = Typed { username, remember: form.get("remember") == Some("yes") };
    if visit.browser.is_none() {
        let again = visit.url(app, paths::LOGIN);
        return Ok(page::cookie_missing(app.config.issuer.base(), &visit.context, &again));
    }
    if !visit.sent(app, &form) {
        return visit.refuse(app, typed, LoginProblem::FormExpired).await;
    }
    let context = visit.context.clone();
    let look = move |app: &App, connection: &mut AnyConnection| {
        let candidate = visit.look(app, connection, &typed)?;
        Ok(Ok(((visit, typed), candidate)))
    };
    password_check::by_password(app, &context, password, look, |app, connection, found, verdict| {
        let (visit, typed) = &**found;
        match verdict {
            Verdict::Right(user) => visit.begin_session(app, connection, user, typed.remember),
            Verdict::Wrong { user_id, is_verified } => {
                let who = user_id.map_or_else(|| "no such user".to_owned(), |id| format!("user {id}"));
                let what = if is_verified {
                    "wrong name or password"
                } else {
                    "rejected without checking the password: global attempt limit reached"
                };
                let shown = visit.show(app, connection, Some(typed), Some(LoginProblem::WrongNameOrPassword))?;
                Ok(Some(shown.noting(format!("{what}: {who}"))))
            }
            Verdict::TooMany { seconds } => {
                visit.show(app, connection, Some(typed), Some(LoginProblem::SlowedDown { seconds })).map(Some)
            }
        }
    })
    .await
}

impl Visit {
    fn of(request: &Request) -> Self {
        Self {
            context: request.context.clone(),
            query: Params::parse(request.query_string()),
            session: cookies::get(request, cookies::SESSION),
            browser: cookies::get(request, cookies::BROWSER),
            device: cookies::get(request, cookies::DEVICE),
        }
    }

    /// The authorization request that the user is on the way of, with what belongs to it.
    fn request(&self) -> String {
        self.query.to_query(&returning::NOTICE_NAMES, &[])
    }

    /// A path of ours, with that request.
    fn url(&self, app: &App, path: &str) -> String {
        let (base, query) = (app.config.issuer.base(), self.request());
        if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") }
    }

    fn fault(&self, app: &App, fault: &Fault) -> Reply {
        page::fault(app.config.issuer.base(), &self.context, fault)
    }

    /// Whether the form is one that this browser was shown.
    fn sent(&self, app: &App, form: &Params) -> bool {
        let owner = self.browser.as_deref().unwrap_or_default();
        !owner.is_empty() && forms::check(app, owner, paths::LOGIN, form, self.context.now).is_ok()
    }

    /// The page again, with what is wrong.
    async fn refuse(self, app: &Data<App>, typed: Typed, problem: LoginProblem) -> Result<Reply, Fault> {
        run_blocking(app, Priority::Browsers, move |app, connection| self.show(app, connection, Some(&typed), Some(problem)))
            .await
    }

    /// Finds the user, and what an attempt at their password counts for.
    fn look(&self, app: &App, connection: &mut AnyConnection, typed: &Typed) -> Result<Candidate, Fault> {
        let (name, now) = (typed.name(), app.clock.now());
        let user = if typed.username.len() > NAME_LIMIT { None } else { users::find_by_login(connection, &name)? };
        let user_id = user.as_ref().map(|user| user.claims.id);
        let from = known_browser::from(app, connection, (self.device.as_deref(), self.context.address), user_id, now)?;
        let attempt = Attempt::to_sign_in(&app.config.secrets, throttle::Who { user_id, name: &name }, from, now);
        Ok(Candidate { user: user.filter(|user| user.disabled_at.is_none()), user_id, attempt })
    }

    /// The same user's session gets a new generation, though it may be over for want of use: what was granted in
    /// it may live on, and ends with it. Anyone else's ends, and a new one begins. `None` when the password was set
    /// anew, or the account disabled, while this one was hashed.
    fn begin_session(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        user: &User,
        remember: bool,
    ) -> Result<Option<Reply>, Fault> {
        // Not the time at which the request came, which may have waited for its turn: whoever has users sign in again means this one.
        let (now, id) = (app.clock.now(), user.claims.id);
        let before = session::unended(app, connection, self.session.as_deref())?;
        let known = known_browser::name(app, self.device.as_deref(), now);
        let name = known.map_or_else(random::text, str::to_owned);
        let sign_in = SignIn {
            user,
            before: before.as_ref(),
            new: self.new_session(app, (id, &name), remember, now),
            network: &network::range(self.context.address),
            event: random::id(now),
        };
        let Some(session) = sessions::begin(connection, sign_in, now)? else { return Ok(None) };
        app.bell.notify_one();
        let reply = Reply::see_other(&self.way_on(app))
            .with(header::SET_COOKIE, &session::cookie(app, &session, now))
            .with(header::SET_COOKIE, &cookies::set(cookies::DEVICE, &known_browser::cookie(app, &name, now), Keep::Long))
            .noting(format!("signed in: user {id} session {}", session.id));
        Ok(Some(reply))
    }

    /// Where someone who has signed in goes: on with the authorization request, back to the page of their account that they
    /// came from, or to the front page. RFC 9700 §4.11: nothing that came from outside is in the last two.
    fn way_on(&self, app: &App) -> String {
        let base = app.config.issuer.base();
        if self.query.get("client_id").is_some() {
            return format!("{base}{}?{}", paths::AUTHORIZE, self.query.to_query(&[], &[]));
        }
        let page = self.query.get(THEN).and_then(paths::account_page);
        format!("{base}{}", page.unwrap_or(paths::HOME))
    }

    fn new_session(&self, app: &App, (user, device): (Id, &str), remember: bool, now: Timestamp) -> Session {
        let lifetimes = &app.config.lifetimes;
        let lifetime = if remember { lifetimes.remembered_session_absolute } else { lifetimes.session_absolute };
        Session {
            id: random::id(now),
            user_id: user,
            generation: 0,
            auth_time: now,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus(lifetime),
            ended_at: None,
            origin: self.context.origin(),
            amr: Amr::password(),
            remembered: remember,
            device_id: Some(device.to_owned()),
            sign_in_again_at: None,
        }
    }

    /// The page; `typed` is what was sent with the form, if one was sent.
    fn show(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        typed: Option<&Typed>,
        problem: Option<LoginProblem>,
    ) -> Result<Reply, Fault> {
        let client = self.query.get("client_id").map(|id| clients::find(connection, id)).transpose()?.flatten();
        let request =
            client.as_ref().and_then(|client| AuthorizationRequest::parse(&self.query, client, &app.config.scope_claims).ok());
        let target = request.as_ref().map(|request| request.address.form_action_source());
        let hint = request.as_ref().and_then(|request| request.login_hint.as_deref());
        let said = returning::notice(app, self.browser.as_deref(), &self.query, self.context.now);
        let hint = said.map(|said| said.name).or(hint).unwrap_or_default();
        let browser = self.browser.clone().unwrap_or_else(random::text);
        let recover_url = app.mailer.is_on().then(|| self.url(app, paths::RECOVER));
        let register_url = app.is_registration_open().then(|| self.url(app, paths::REGISTER));
        let login = Login {
            layout: Layout { base: app.config.issuer.base(), request_id: &self.context.id },
            client_name: client.as_ref().filter(|_| request.is_some()).map(|client| client.name.as_str()),
            action: &self.url(app, paths::LOGIN),
            csrf: &forms::stamp(app, &browser, paths::LOGIN, self.context.now),
            username: typed.map_or(hint, |typed| &typed.username),
            remember: Some(Remember {
                lasts: &formatting::span(app.config.lifetimes.remembered_session_absolute),
                ticked: typed.is_some_and(|typed| typed.remember),
            }),
            recover_url: recover_url.as_deref(),
            register_url: register_url.as_deref(),
            notice: said.and_then(|said| notice(said.word)),
            problem,
        };
        let reply = match problem {
            None => page::show(200, &login, target.as_deref()),
            Some(LoginProblem::WrongNameOrPassword) => page::show(401, &login, target.as_deref()),
            Some(LoginProblem::FormExpired) => page::show(400, &login, target.as_deref()).noting("form expired or forged"),
            Some(LoginProblem::SlowedDown { seconds }) => page::show(429, &login, target.as_deref())
                .with(header::RETRY_AFTER, &seconds.to_string())
                .noting("sign-in rate limited"),
        };
        Ok(if self.browser.is_some() {
            reply
        } else {
            reply.with(header::SET_COOKIE, &cookies::set(cookies::BROWSER, &browser, Keep::Session))
        })
    }
}

/// What led here, by the word for it.
fn notice(word: &str) -> Option<LoginNotice> {
    match word {
        sign_in_redirect::REGISTERED => Some(LoginNotice::Registered),
        sign_in_redirect::PASSWORD_SET => Some(LoginNotice::PasswordSet),
        _ => None,
    }
}
