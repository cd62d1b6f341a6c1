//! Passkeys on pages: what a page asks the browser, and what its answer shows. The sign-in page (`sign_in::passkey`), the page that
//! asks for another factor, and the account pages share this module; what an answer is worth cryptographically is
//! `crate::passkeys`.

mod challenge;
mod proof;

use serde_json::json;

pub use challenge::{Challenge, Purpose};
pub use proof::{Refused, Shown};

use crate::{
    app::App,
    protocol::{account::authenticator::AuthenticatorKind, oidc::authentication::Method},
    store::{
        AnyConnection,
        authenticators::{self, Authenticator},
        users::{self, User},
    },
    web::{fault::Fault, page_request::PageRequest},
};

/// The fields of a form with a passkey: the sealed challenge, and the browser's answer.
pub const STATE: &str = "passkey_state";
/// As [`STATE`].
pub const ANSWER: &str = "passkey";

/// What a page asks for: `options` and `state` of its form.
pub struct OnPage {
    /// The options for the browser, as JSON.
    pub options: String,
    /// The challenge, sealed.
    pub state: String,
}

/// Asks for any passkey of this server that the browser knows, to sign in. `owner` is the cookie of the browser.
///
/// # Errors
/// If nothing can be sealed.
pub fn ask_anyone(app: &App, owner: &str) -> Result<Option<OnPage>, Fault> {
    let Some(passkeys) = &app.passkeys else { return Ok(None) };
    let requested = passkeys.ask(&[]).map_err(internal)?;
    on_page(app, Purpose::SignIn, owner, requested.options, requested.state.expose()).map(Some)
}

/// Asks for a passkey of this user: as another factor, or to confirm that it is them. `owner` is the cookie that the form is bound to,
/// of the browser or of the session. `None` if the user has no passkey.
///
/// # Errors
/// Database errors.
pub fn ask_user(app: &App, connection: &mut AnyConnection, user: &User, owner: &str) -> Result<Option<OnPage>, Fault> {
    let Some(passkeys) = &app.passkeys else { return Ok(None) };
    let theirs = of_user(connection, user)?;
    let allowed: Vec<_> = theirs.iter().filter_map(|one| Some((one.credential_id.as_deref()?, one.content.as_slice()))).collect();
    if allowed.is_empty() {
        return Ok(None);
    }
    let requested = passkeys.ask(&allowed).map_err(internal)?;
    on_page(app, Purpose::Confirm(user.claims.id), owner, requested.options, requested.state.expose()).map(Some)
}

/// What the form of a request shows, of a page made by [`ask_user`]: the method, if it is a passkey of this user.
///
/// # Errors
/// Database errors.
pub fn shown_by(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    user: &User,
    owner: &str,
) -> Result<Result<Method, Refused>, Fault> {
    let purpose = Purpose::Confirm(user.claims.id);
    Ok(proof::verify(app, connection, request, (purpose, owner), Some(user))?.map(|shown| shown.method))
}

/// As [`shown_by`], of anyone, for a page made by [`ask_anyone`].
///
/// # Errors
/// Database errors.
pub fn shown_by_anyone(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    owner: &str,
) -> Result<Result<Shown, Refused>, Fault> {
    proof::verify(app, connection, request, (Purpose::SignIn, owner), None)
}

/// The passkeys of a user.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: &User) -> Result<Vec<Authenticator>, Fault> {
    let mut theirs = authenticators::of_user(connection, user.claims.id)?;
    theirs.retain(|one| one.kind == AuthenticatorKind::Passkey);
    Ok(theirs)
}

/// What the script tells the browser about the user's passkeys (Web Authentication Level 3 §5.1.10: accepted credentials, details of
/// the user), for their own page: two objects as JSON. `None` if they never had a passkey.
///
/// # Errors
/// Database errors.
pub fn signals(app: &App, connection: &mut AnyConnection, user: &User) -> Result<Option<[String; 2]>, Fault> {
    let Some(passkeys) = &app.passkeys else { return Ok(None) };
    let Some(handle) = users::handle(connection, user.claims.id)? else { return Ok(None) };
    let theirs = of_user(connection, user)?;
    let ids: Vec<_> = theirs.iter().filter_map(|one| one.credential_id.as_deref()).map(challenge::text).collect();
    let (rp, handle) = (passkeys.rp_id(), challenge::text(&handle));
    let accepted = json!({ "rpId": rp, "userId": handle, "allAcceptedCredentialIds": ids });
    let details = json!({ "rpId": rp, "userId": handle, "name": user.claims.username, "displayName": user.shown_name() });
    Ok(Some([accepted.to_string(), details.to_string()]))
}

/// What the script tells the browser about a passkey that is unknown here.
pub fn unknown_signal(app: &App, id: &[u8]) -> Option<String> {
    let rp = app.passkeys.as_ref()?.rp_id();
    Some(json!({ "rpId": rp, "credentialId": challenge::text(id) }).to_string())
}

/// A challenge as a page holds it.
///
/// # Errors
/// If it cannot be sealed.
pub fn on_page(app: &App, purpose: Purpose, owner: &str, options: String, state: &[u8]) -> Result<OnPage, Fault> {
    let state = Challenge::seal(app, purpose, owner, state, app.clock.now())?;
    Ok(OnPage { options, state })
}

/// The fault behind an error that is nobody's.
pub fn internal(error: impl std::fmt::Display) -> Fault {
    Fault::Internal(error.to_string())
}
