//! Adding a TOTP app. The page shows a new secret, which is stored only once a code of the app has shown that the app has it; until then it
//! goes along sealed with the form, for this session alone. The code's step counts as used.

use actix_web::web::Data;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{SignedIn, answer, confirmed_recently, recovery_codes, to_sign_in, url};
use crate::{
    app::App,
    codes::{qr, totp::Secret},
    jose::seal,
    pages::{self, QrPicture, TotpAdd, TotpAddProblem},
    paths,
    protocol::{
        account::{
            activity::Activity,
            authenticator::AuthenticatorKind,
            profile::{self, DEVICE_NAME_LIMIT, Flaw},
        },
        oidc::authentication::Method,
        secrets::sensitive::Sensitive,
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    random,
    store::{
        AnyConnection,
        account::{self, Added},
        authenticators::{self, Authenticator},
    },
    web::{
        fault::Fault,
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// The field of the sealed secret.
const PENDING: &str = "pending";
/// How long it is accepted.
const LIFETIME: Span = Span::from_seconds(3600);
/// The name of an app that its user gives none.
const NAME: &str = "Authenticator app";

/// `GET /account/totp/add`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| {
        confirmed_recently(app, connection, signed_in)?;
        Ok(show(app, signed_in, &Pending::new(signed_in.context.now), None)?)
    };
    answer(request, &app, paths::ACCOUNT_TOTP_ADD, handle).await
}

/// `POST /account/totp/add`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_TOTP_ADD, add).await
}

fn add(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let owned = confirmed_recently(app, connection, signed_in)?;
    let (user, now) = (&signed_in.user, app.clock.now());
    let pending = Pending::open(app, signed_in);
    let added = pending.as_ref().map(|pending| authenticators::find(connection, pending.id)).transpose()?.flatten();
    if added.is_some_and(|one| one.user_id == user.claims.id) {
        return Ok(recovery_codes::after_adding(app, signed_in, owned)); // the same form, sent twice
    }
    let Some(pending) = pending.filter(|_| signed_in.sent(app, paths::ACCOUNT_TOTP_ADD)) else {
        return Ok(show(app, signed_in, &Pending::new(signed_in.context.now), Some(TotpAddProblem::FormExpired))?);
    };
    let again = |problem| Ok(show(app, signed_in, &pending, Some(problem))?);
    let name = match profile::device_name(signed_in.field("name")) {
        Ok(name) => name,
        Err(Flaw::Empty) => NAME.to_owned(),
        Err(Flaw::TooLong | Flaw::Character) => return again(TotpAddProblem::NameNotTaken),
    };
    let Some(step) = pending.secret.step_of(signed_in.field("code"), now) else {
        let is_empty = signed_in.field("code").trim().is_empty();
        return again(if is_empty { TotpAddProblem::CodeMissing } else { TotpAddProblem::WrongCode });
    };
    let new = Authenticator {
        id: pending.id,
        user_id: user.claims.id,
        kind: AuthenticatorKind::Totp,
        name: Some(name.clone()),
        credential_id: None,
        content: pending.secret.seal(&app.config.secrets, pending.id).map_err(|error| Fault::Internal(error.to_string()))?,
        counter: step,
        model: None,
        synced: false,
        attested: false,
        created_at: now,
        last_used_at: None,
    };
    let event = signed_in.event(Activity::AuthenticatorAdded, Some(&name));
    match account::add_authenticator(connection, (user, &signed_in.session), &new, &event)? {
        Added::Yes => {}
        Added::TooMany => return again(TotpAddProblem::TooMany),
        Added::No => return Ok(to_sign_in(app, paths::ACCOUNT_SECURITY).noting("not added: the session ended meanwhile")),
    }
    app.delivery_waker.wake();
    let reply = recovery_codes::after_adding(app, signed_in, owned).noting(format!("added a TOTP app: user {}", user.claims.id));
    signed_in.having_shown(app, connection, Method::Totp, reply)
}

/// A secret that is not confirmed yet, with the id of its row.
struct Pending {
    id: Id,
    secret: Secret,
    made: Timestamp,
}

impl Pending {
    fn new(now: Timestamp) -> Self {
        Self { id: random::id(now), secret: Secret::random(), made: now }
    }

    fn seal(&self, app: &App, signed_in: &SignedIn) -> Result<String, Fault> {
        let secret = self.secret.bytes().expose();
        let mut text = Sensitive::new(Vec::with_capacity(8 + 16 + secret.len()));
        text.expose_mut().extend(self.made.millis().to_be_bytes());
        text.expose_mut().extend(self.id.as_bytes());
        text.expose_mut().extend(secret);
        let sealed = seal::seal(&app.config.secrets, &name(signed_in), &text);
        sealed.map(|sealed| URL_SAFE_NO_PAD.encode(sealed)).map_err(|error| Fault::Internal(error.to_string()))
    }

    fn open(app: &App, signed_in: &SignedIn) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(signed_in.field(PENDING)).ok()?;
        let text = seal::open(&app.config.secrets, &name(signed_in), &sealed).ok()?;
        let (made, rest) = text.expose().split_first_chunk::<8>()?;
        let (id, secret) = rest.split_first_chunk::<16>()?;
        let made = Timestamp::from_millis(i64::from_be_bytes(*made));
        let secret = Secret::from_bytes(Sensitive::new(secret.to_vec()))?;
        let is_fresh = signed_in.context.now.age_of(made).is_at_most(LIFETIME);
        is_fresh.then_some(Self { id: Id::from_bytes(*id), secret, made })
    }
}

/// What the sealed secret is bound to.
fn name(signed_in: &SignedIn) -> String {
    format!("pending TOTP app in session {}", signed_in.session.id)
}

fn show(app: &App, signed_in: &SignedIn, pending: &Pending, problem: Option<TotpAddProblem>) -> Result<Reply, Fault> {
    let label = pending.secret.url(app.config.issuer.host(), &signed_in.user.claims.username);
    let (picture, secret) = (label.as_ref().and_then(qr::picture), pending.secret.groups());
    let is_typed = problem.is_some_and(|problem| problem != TotpAddProblem::FormExpired);
    let page = TotpAdd {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        action: &signed_in.action(app, paths::ACCOUNT_TOTP_ADD),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_TOTP_ADD),
        pending: &pending.seal(app, signed_in)?,
        picture: picture.as_ref().map(|picture| QrPicture { modules: picture.modules, path: picture.path.expose() }),
        secret: secret.expose(),
        name: if is_typed { signed_in.field("name") } else { NAME },
        name_limit: DEVICE_NAME_LIMIT,
        code: if problem == Some(TotpAddProblem::NameNotTaken) { signed_in.field("code") } else { "" },
        back: &url(app, paths::ACCOUNT_SECURITY),
        problem,
    };
    let status = if problem.is_some() { 400 } else { 200 };
    let shown = page::show(status, &page, None);
    Ok(match problem {
        Some(problem) => shown.noting(format!("no TOTP app added: {}", pages::kebab(&problem))),
        None => shown,
    })
}
