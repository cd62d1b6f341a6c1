//! A sign-in that needs more than what was shown so far: kept by the browser, in a cookie sealed under the server secret and bound
//! to that browser, for ten minutes. Nothing is stored for it, and no session begins before the account's factors are complete.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    jose::seal,
    protocol::{
        account::proof::Proofs,
        secrets::sensitive::Sensitive,
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    store::users::User,
    web::{
        cookies::{Cookie, Keep},
        page_request::PageRequest,
    },
};

/// The time for the next factor.
pub const LIFETIME: Span = Span::from_seconds(600);

/// A sign-in in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Who signs in.
    pub user: Id,
    /// What was shown.
    pub proofs: Proofs,
    /// Whether the session is to be remembered.
    pub remember: bool,
    /// The id of the session that it begins: that of the first form.
    pub session: Id,
    /// Names the password that the account had then.
    password: String,
    /// When it began.
    pub began: Timestamp,
}

/// As sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    user: Id,
    proofs: String,
    remember: bool,
    session: Id,
    password: String,
    began: Timestamp,
}

impl Progress {
    /// A sign-in of this user that has begun with these proofs. `session` is the id of the session that its form begins.
    #[must_use]
    pub fn new(app: &App, user: &User, (proofs, session): (Proofs, Id), remember: bool, now: Timestamp) -> Self {
        Self { user: user.claims.id, proofs, remember, session, password: password_of(app, user), began: now }
    }

    /// The same sign-in after more was shown.
    #[must_use]
    pub fn with_proofs(self, proofs: Proofs) -> Self {
        Self { proofs, ..self }
    }

    /// Whether the account is still the one that it began with: not disabled, and with the same password.
    #[must_use]
    pub fn is_of(&self, app: &App, user: &User) -> bool {
        self.user == user.claims.id && user.disabled_at.is_none() && self.password == password_of(app, user)
    }

    /// The sign-in in progress in the browser of this request.
    #[must_use]
    pub fn read(app: &App, request: &PageRequest) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(request.progress.as_deref()?).ok()?;
        let opened = seal::open(&app.config.secrets, &name(request.browser.as_deref()?), &sealed).ok()?;
        let Sealed { user, proofs, remember, session, password, began } = serde_json::from_slice(opened.expose()).ok()?;
        let is_fresh = request.context.now.age_of(began).is_at_most(LIFETIME);
        let proofs = Proofs::parse(&proofs)?;
        is_fresh.then_some(Self { user, proofs, remember, session, password, began })
    }

    /// The `Set-Cookie` header that keeps it in the browser with this cookie. `None` if it cannot be sealed.
    #[must_use]
    pub fn cookie(&self, app: &App, browser: &str) -> Option<String> {
        let sealed = Sealed {
            user: self.user,
            proofs: self.proofs.to_string(),
            remember: self.remember,
            session: self.session,
            password: self.password.clone(),
            began: self.began,
        };
        let text = Sensitive::new(serde_json::to_vec(&sealed).ok()?);
        let value = URL_SAFE_NO_PAD.encode(seal::seal(&app.config.secrets, &name(browser), &text).ok()?);
        Some(Cookie::SignIn.set(&app.config.issuer, &value, Keep::For(LIFETIME)))
    }
}

/// The `Set-Cookie` header that ends what is in progress.
#[must_use]
pub fn forget(app: &App) -> String {
    Cookie::SignIn.set(&app.config.issuer, "", Keep::Delete)
}

/// What distinguishes the user's password from another one, and tells nothing about it.
fn password_of(app: &App, user: &User) -> String {
    let hash = user.password_hash.as_deref().unwrap_or_default();
    URL_SAFE_NO_PAD.encode(app.config.secrets.pseudonym("password of a sign-in", hash))
}

fn name(browser: &str) -> String {
    format!("sign-in in progress in {browser}")
}
