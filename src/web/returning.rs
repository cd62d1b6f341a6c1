//! Returning to `/authorize` after a step: stamps in the URL prove that this server asked for a sign-in, or that an account was
//! chosen or consent given, for this very request. They are bound to the request's parameters, so that none can be carried to
//! another. Also the notice of the sign-in page, which shows nothing that this server did not tell this very browser.

use crate::{
    app::App,
    protocol::{
        secrets::stamp::{self, Purpose},
        values::{
            params::Params,
            time::{Span, Timestamp},
        },
    },
    store::sessions::Session,
};

/// The stamp of a requested sign-in.
pub const SIGN_IN_REQUESTED: &str = "sign_in_asked";
/// The stamp of a given consent.
pub const CONSENT_GIVEN: &str = "consent_given";
/// The stamp of a chosen account.
pub const ACCOUNT_CHOSEN: &str = "account_chosen";
/// The reason for the sign-in page: a word that the page knows.
pub const NOTICE: &str = "notice";
/// The user name to prefill on the sign-in page; not chosen by the client.
pub const SIGN_IN_AS: &str = "sign_in_as";
/// The stamp of the notice and the user name.
pub const NOTICE_STAMP: &str = "notice_stamp";
/// The parameters of a notice.
pub const NOTICE_NAMES: [&str; 3] = [NOTICE, SIGN_IN_AS, NOTICE_STAMP];
/// All our own parameters, which are not part of the request itself.
pub const NAMES: [&str; 6] = [SIGN_IN_REQUESTED, CONSENT_GIVEN, ACCOUNT_CHOSEN, NOTICE, SIGN_IN_AS, NOTICE_STAMP];

/// The maximum time for a sign-in.
const SIGN_IN_TIME: Span = Span::from_seconds(3600);
/// The lifetime of an answer to the consent page: for the one redirect that follows it, and a reload.
const CONSENT_TIME: Span = Span::from_seconds(120);

/// The time for which a reloaded sign-in page shows its notice again.
const NOTICE_TIME: Span = Span::from_seconds(600);

/// The notice of the sign-in page: why the user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice<'a> {
    /// The word for the reason.
    pub word: &'a str,
    /// The user name to prefill; empty if none is known.
    pub name: &'a str,
}

/// A stamp that says that this server sends this browser to the sign-in page, with this notice and this request. `browser` is the
/// value of its cookie: nobody can craft a link that shows the notice to another user.
#[must_use]
pub fn give_notice(app: &App, browser: &str, notice: Notice<'_>, params: &Params, now: Timestamp) -> String {
    let binding = [browser, notice.word, notice.name, &request_of(params)];
    stamp::make(&app.config.secrets, Purpose::SignInNotice, &binding, now)
}

/// The notice in this query, if this server gave it to this browser with this request recently.
#[must_use]
pub fn notice<'a>(app: &App, browser: Option<&str>, params: &'a Params, now: Timestamp) -> Option<Notice<'a>> {
    let browser = browser.filter(|browser| !browser.is_empty())?;
    let (word, name, text) = (params.get(NOTICE)?, params.get(SIGN_IN_AS).unwrap_or_default(), params.get(NOTICE_STAMP)?);
    let binding = [browser, word, name, &*request_of(params)];
    stamp::check(&app.config.secrets, Purpose::SignInNotice, &binding, text, (now, NOTICE_TIME)).ok()?;
    Some(Notice { word, name })
}

/// The request itself, without our stamps.
#[must_use]
pub fn request_of(params: &Params) -> String {
    params.to_query(&NAMES, &[])
}

/// A stamp that says that a sign-in is requested now.
#[must_use]
pub fn ask_for_sign_in(app: &App, params: &Params, now: Timestamp) -> String {
    stamp::make(&app.config.secrets, Purpose::SignInRequested, &[&request_of(params)], now)
}

/// The time at which this request asked for a sign-in, if it did.
#[must_use]
pub fn sign_in_requested(app: &App, params: &Params, now: Timestamp) -> Option<Timestamp> {
    let text = params.get(SIGN_IN_REQUESTED)?;
    stamp::check(&app.config.secrets, Purpose::SignInRequested, &[&request_of(params)], text, (now, SIGN_IN_TIME)).ok()
}

/// A stamp that says that the account of this session is chosen now.
#[must_use]
pub fn choose_account(app: &App, params: &Params, session: &Session, now: Timestamp) -> String {
    stamp::make(&app.config.secrets, Purpose::AccountChosen, &[&session.id.to_string(), &request_of(params)], now)
}

/// Whether the account of this session was chosen for this request.
#[must_use]
pub fn account_chosen(app: &App, params: &Params, session: &Session, now: Timestamp) -> bool {
    let binding = [&*session.id.to_string(), &*request_of(params)];
    let check = |text| stamp::check(&app.config.secrets, Purpose::AccountChosen, &binding, text, (now, SIGN_IN_TIME)).is_ok();
    params.get(ACCOUNT_CHOSEN).is_some_and(check)
}

/// A stamp that says that consent is given now, in this session.
#[must_use]
pub fn give_consent(app: &App, params: &Params, session: &Session, now: Timestamp) -> String {
    stamp::make(&app.config.secrets, Purpose::ConsentGiven, &[&session.id.to_string(), &request_of(params)], now)
}

/// Whether consent was given to this request in this session recently.
#[must_use]
pub fn consent_given(app: &App, params: &Params, session: &Session, now: Timestamp) -> bool {
    let binding = [&*session.id.to_string(), &*request_of(params)];
    params
        .get(CONSENT_GIVEN)
        .is_some_and(|text| stamp::check(&app.config.secrets, Purpose::ConsentGiven, &binding, text, (now, CONSENT_TIME)).is_ok())
}
