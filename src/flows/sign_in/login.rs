//! The sign-in page. A sign-in is two blocking calls, with the password verified between them, on the hashing threads
//! (`password_check`): look up the user and count the attempt; verify; begin the session. Known and unknown names take the same
//! steps and the same time.

use actix_web::{http::header, web::Data};

use super::{
    beginning::{self, Next},
    known_browser,
    password_check::{self, After, Candidate, Verdict},
    progress::Progress,
    second_factor, sign_in_redirect,
    throttle::{self, Attempt},
};
use crate::{
    app::App,
    flows::{formatting, mail_form, passkeys},
    pages::{FormProblem, Login, LoginNotice, LoginProblem, PasskeyForm, Remember},
    paths,
    protocol::{
        account::{
            email_address::EmailAddress,
            login_name::LoginName,
            proof::{Proof, Proofs},
        },
        oidc::authentication::Method,
        values::params::Params,
    },
    random,
    store::{
        AnyConnection,
        users::{self, User},
    },
    web::{
        authorization_request,
        blocking::{Priority, run_blocking},
        fault::Fault,
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        returning,
    },
};

/// The parameter that names the account page to return to.
pub const THEN: &str = "then";
/// The longest name accepted: no user has a longer one.
const NAME_LIMIT: usize = 254;

/// The typed values, except the password.
#[derive(Clone)]
pub(super) struct Typed {
    pub username: String,
    pub remember: bool,
}

impl Typed {
    /// The name, as it is looked up and counted.
    fn name(&self) -> LoginName {
        LoginName::parse(&self.username)
    }
}

/// `GET /login`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, request| Ok(show(app, connection, &request, None, None)?);
    page_request::run(&app, Priority::Browsers, request, handle).await
}

/// `POST /login`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    page_request::reply(&app, &context, sign_in(&app, request).await)
}

async fn sign_in(app: &Data<App>, request: PageRequest) -> Result<Reply, PageError> {
    request.form(app)?;
    let username = request.field("username").trim().to_owned();
    let typed = Typed { username, remember: request.field("remember") == "yes" };
    let (context, password) = (request.context.clone(), request.field("password").into());
    if request.browser.is_none() {
        return Ok(page::cookie_missing(app.config.issuer.base(), &context, &url(app, &request, paths::LOGIN)));
    }
    if !request.is_form_of_browser(app, paths::LOGIN) {
        return run_blocking(app, Priority::Browsers, move |app, connection| {
            Ok(show(app, connection, &request, Some(&typed), Some(LoginProblem::Form(FormProblem::FormExpired)))?)
        })
        .await;
    }
    if request.readable().is_some_and(|form| form.get("decision") == Some("deny")) {
        return run_blocking(app, Priority::Browsers, move |app, connection| {
            let what = "the user returned to the app without signing in";
            Ok(authorization_request::refuse(app, &request.context, connection, &request.query, what)?)
        })
        .await;
    }
    let look = move |app: &App, connection: &mut AnyConnection| {
        let candidate = look(app, connection, &request, &typed)?;
        Ok(((request, typed), candidate))
    };
    password_check::by_password(app, &context, password, look, |app, connection, found, verdict| {
        let (request, typed) = &**found;
        match verdict {
            Verdict::Right(user) => begin_session(app, connection, request, user, typed.remember),
            Verdict::Wrong { user_id, is_verified } => {
                let who = user_id.map_or_else(|| "no such user".to_owned(), |id| format!("user {id}"));
                let what = if is_verified {
                    "wrong name or password"
                } else {
                    "rejected without checking the password: global attempt limit reached"
                };
                let shown = show(app, connection, request, Some(typed), Some(LoginProblem::WrongNameOrPassword))?;
                Ok(Some(After::Done(shown.noting(format!("{what}: {who}")))))
            }
            Verdict::TooMany { seconds } => {
                let problem = LoginProblem::Form(FormProblem::SlowedDown { seconds });
                Ok(Some(After::Done(show(app, connection, request, Some(typed), Some(problem))?)))
            }
        }
    })
    .await
}

/// The query of the pending authorization request, with its own parameters.
fn authorization_query(request: &PageRequest) -> String {
    request.query.to_query(&returning::NOTICE_NAMES, &[])
}

/// A path of ours, with that request.
pub(super) fn url(app: &App, request: &PageRequest, path: &str) -> String {
    let (base, query) = (app.config.issuer.base(), authorization_query(request));
    if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") }
}

/// Finds the user, and the counts that apply to an attempt at their password.
fn look(app: &App, connection: &mut AnyConnection, request: &PageRequest, typed: &Typed) -> Result<Candidate, Fault> {
    let (name, now) = (typed.name(), app.clock.now());
    let user = if typed.username.len() > NAME_LIMIT { None } else { users::find_by_login(connection, &name)? };
    let user_id = user.as_ref().map(|user| user.claims.id);
    let from = known_browser::from(app, connection, (request.device.as_deref(), request.context.address), user_id, now)?;
    let attempt = Attempt::to_sign_in(&app.config.secrets, throttle::Who { user_id, name: &name }, from, now);
    Ok(Candidate { user: user.filter(|user| user.disabled_at.is_none()), has_password: true, user_id, attempt })
}

/// Signs the user in, or leads to the next factor. `None` if the password was changed, or the account disabled, while this one was hashed.
fn begin_session(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    user: &User,
    remember: bool,
) -> Result<Option<After<Reply>>, Fault> {
    let (owner, stamp) = (request.browser.as_deref().unwrap_or_default(), request.field(forms::FIELD));
    // The form was valid when the request arrived; it may have waited since.
    let shown_at = forms::shown_at(app, owner, paths::LOGIN, stamp, request.context.now);
    let id = shown_at.map_or_else(|_| random::id(request.context.now), |shown_at| beginning::id(app, stamp, shown_at));
    let now = app.clock.now();
    let shown = Proofs::from(Proof { method: Method::Password, at: now });
    let progress = Progress::new(app, user, (shown, id), remember, now);
    let way_on = if is_offered(app, connection, request, user)? {
        url(app, request, paths::ACCOUNT_PASSKEY_OFFER)
    } else {
        way_on(app, request)
    };
    Ok(beginning::continued(app, connection, request, (user, &progress), &way_on)?.map(|next| match next {
        Next::Begun { reply, .. } => After::Done(reply),
        Next::Factor(reply) => After::Partly(reply),
    }))
}

/// Whether a passkey is offered on the way: in a browser whose script has said that it can make one, and not again for a month.
fn is_offered(app: &App, connection: &mut AnyConnection, request: &PageRequest, user: &User) -> Result<bool, Fault> {
    let can = app.passkeys.is_some() && request.field("passkey_ready") == "yes" && !request.wants_no_passkey;
    Ok(can && passkeys::of_user(connection, user)?.is_empty())
}

/// Where a user goes after signing in: on with the authorization request, back to the account page they came from, or to the
/// front page. RFC 9700 §4.11: the last two contain nothing from outside.
pub(in crate::flows) fn way_on(app: &App, request: &PageRequest) -> String {
    let base = app.config.issuer.base();
    if request.query.get("client_id").is_some() {
        return format!("{base}{}?{}", paths::AUTHORIZE, request.query.to_query(second_factor::own_names(&request.query), &[]));
    }
    let page = request.query.get(THEN).and_then(paths::account_page);
    format!("{base}{}", page.as_deref().unwrap_or(paths::HOME))
}

/// The page; `typed` holds the values of the form, if one was sent.
pub(super) fn show(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    typed: Option<&Typed>,
    problem: Option<LoginProblem>,
) -> Result<Reply, Fault> {
    show_with(app, connection, request, (typed, problem), None)
}

/// As [`show`], with what the script tells the browser about a passkey that is unknown here.
pub(super) fn show_with(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    (typed, problem): (Option<&Typed>, Option<LoginProblem>),
    unknown_passkey: Option<&str>,
) -> Result<Reply, Fault> {
    let pending = authorization_request::pending(app, connection, &request.query, request.context.now)?;
    let target = pending.as_ref().map(|(_, authorization)| authorization.address.form_action_source());
    let hint = pending.as_ref().and_then(|(_, authorization)| authorization.login_hint.as_deref());
    let said = returning::notice(app, request.browser.as_deref(), &request.query, request.context.now);
    let hint = said.map(|said| said.name).filter(|name| !name.is_empty()).or(hint).unwrap_or_default();
    let browser = request.owner();
    // An address alone goes along in the URL: anything else may be a password that was typed into the wrong field.
    let is_address = |typed: &&Typed| EmailAddress::parse(&typed.username).is_some();
    let recover_url = app.mailer.is_on().then(|| match typed.filter(is_address) {
        Some(Typed { username, .. }) => {
            let pending = Params::parse(&authorization_query(request));
            mail_form::filled_in(app, (&browser, paths::RECOVER), &pending, username, request.context.now)
        }
        None => url(app, request, paths::RECOVER),
    });
    let register_url = app.is_registration_open().then(|| url(app, request, paths::REGISTER));
    let requested = passkeys::ask_anyone(app, &browser)?;
    let passkey_action = url(app, request, paths::LOGIN_PASSKEY);
    let refresh = format!("{}{}", app.config.issuer.base(), paths::LOGIN_PASSKEY_OPTIONS);
    let passkey_csrf = forms::stamp(app, &browser, paths::LOGIN_PASSKEY, request.context.now);
    let passkey = requested.as_ref().map(|requested| PasskeyForm {
        action: &passkey_action,
        csrf: &passkey_csrf,
        options: &requested.options,
        state: &requested.state,
    });
    let login = Login {
        layout: request.layout(app),
        client_name: pending.as_ref().map(|(client, _)| client.settings.client_name.as_str()),
        action: &url(app, request, paths::LOGIN),
        csrf: &forms::stamp(app, &browser, paths::LOGIN, request.context.now),
        username: typed.map_or(hint, |typed| &typed.username),
        remember: Some(Remember {
            lasts: &formatting::span(app.config.lifetimes.remembered_session_absolute),
            ticked: typed.is_some_and(|typed| typed.remember),
        }),
        recover_url: recover_url.as_deref(),
        register_url: register_url.as_deref(),
        passkey,
        passkey_refresh: &refresh,
        unknown_passkey,
        notice: said.and_then(|said| notice(said.word)),
        problem,
    };
    let reply = match problem {
        None => page::show_asking(200, &login, target.as_deref()),
        Some(LoginProblem::WrongNameOrPassword | LoginProblem::PasskeyUnknown | LoginProblem::PasskeyRefused) => {
            page::show_asking(401, &login, target.as_deref())
        }
        Some(LoginProblem::PasskeyExpired) => page::show_asking(400, &login, target.as_deref()),
        Some(LoginProblem::Form(FormProblem::FormExpired)) => {
            page::show_asking(400, &login, target.as_deref()).noting("form expired or forged")
        }
        Some(LoginProblem::Form(FormProblem::SlowedDown { seconds })) => page::show_asking(429, &login, target.as_deref())
            .with(header::RETRY_AFTER, &seconds.to_string())
            .noting("sign-in rate limited"),
    };
    Ok(request.keeping(app, &browser, reply))
}

/// The notice for a word in the query.
fn notice(word: &str) -> Option<LoginNotice> {
    match word {
        sign_in_redirect::PASSWORD_SET => Some(LoginNotice::PasswordSet),
        sign_in_redirect::TOO_MANY_CODES => Some(LoginNotice::TooManyCodes),
        sign_in_redirect::TOOK_TOO_LONG => Some(LoginNotice::TookTooLong),
        _ => None,
    }
}
