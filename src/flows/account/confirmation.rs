//! What the account pages need besides a session: the class of sign-in that is required of their user, and for a change of what protects
//! the account, a recent proof of its strongest kind. Otherwise they lead to the page that asks for it.

use actix_web::http::header;

use super::{SignedIn, asks_password, url};
use crate::{
    app::App,
    flows::sign_in::{login, progress},
    operations::authenticators,
    paths,
    protocol::{
        account::authenticator::Owned,
        oauth::required_class::Strength,
        values::{params::encode, time::Timestamp},
    },
    store::{AnyConnection, sessions::Session, users::User},
    web::{
        page_request::PageError,
        reply::Reply,
        required_class::{self, Shown},
    },
};

/// The account pages need the class of sign-in that is required of their user, whichever app they use.
///
/// # Errors
/// If it was not shown, the redirect to the page that asks for it, or for adding it.
pub(super) fn guard(
    app: &App,
    connection: &mut AnyConnection,
    (user, session): (&User, &Session),
    back: &str,
    now: Timestamp,
) -> Result<(), PageError> {
    let shown = Shown { user: user.claims.id, row: Some(user), class: session.class() };
    let path = match required_class::of_user(app, connection, shown, now)? {
        Strength::StepUp { .. } => paths::SECOND_FACTOR,
        Strength::Enrol { from: None, .. } => paths::ACCOUNT_ENROL,
        Strength::Enough | Strength::Enrol { from: Some(_), .. } | Strength::Unreachable => return Ok(()),
    };
    Err(Reply::see_other(&format!("{}?{}", url(app, path), encode([(login::THEN, back)]))).into())
}

/// The page that asks for another factor, and leads on as this one does.
pub(super) fn to_second_factor(app: &App, signed_in: &SignedIn) -> String {
    format!("{}?{}", url(app, paths::SECOND_FACTOR), signed_in.query.to_query(&[], &[]))
}

/// What the user has; if that is more than a password, they have shown recently that it is them.
///
/// # Errors
/// As [`confirmed_recently`].
pub(super) fn confirmed_if_stronger(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Owned, PageError> {
    let owned = authenticators::owned(connection, &signed_in.user)?;
    if asks_password(owned) { Ok(owned) } else { confirmed_recently(app, connection, signed_in) }
}

/// What the user has, if they have shown recently, by the account's strongest kind, that it is them (decision 0049).
///
/// # Errors
/// If they have not, the redirect to the page that asks for it, and leads back to this page and its query.
pub(super) fn confirmed_recently(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Owned, PageError> {
    let path = signed_in.path.strip_prefix(app.config.issuer.base()).unwrap_or(&signed_in.path);
    confirmed_for(app, connection, signed_in, path)
}

/// As [`confirmed_recently`], for a page that the user is led back to.
pub(super) fn confirmed_for(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    path: &str,
) -> Result<Owned, PageError> {
    let owned = authenticators::owned(connection, &signed_in.user)?;
    if owned.is_confirmed_by(&signed_in.session.proofs, app.clock.now()) {
        return Ok(owned);
    }
    let query = signed_in.query.to_query(&[login::THEN], &[(login::THEN, path)]);
    let to = Reply::see_other(&format!("{}{}?{query}", app.config.issuer.base(), paths::SECOND_FACTOR));
    // A sign-in that was begun here and abandoned would be taken for what the page is about. A form sets no cookie before it is checked.
    let is_form = signed_in.readable().is_some();
    Err(if is_form { to } else { to.with(header::SET_COOKIE, &progress::forget(app)) }.into())
}
