//! How strong a user's sign-in must be for a request, or for the account pages. What that depends on is read as late as possible: a
//! request for which the sign-in is strong enough costs no statement, unless a minimum of roles or groups may say otherwise.

use super::{
    authorization_request,
    cookies::{Cookie, Keep},
    fault::Fault,
};
use crate::{
    app::App,
    operations::authenticators,
    protocol::{
        account::authenticator::Owned,
        oauth::{
            authorization::AuthorizationRequest,
            required_class::{RequiredClass, Strength},
        },
        oidc::authentication::Class,
        secrets::stamp::{self, Purpose},
        values::{
            id::Id,
            params::Params,
            time::{Span, Timestamp},
        },
    },
    store::{
        AnyConnection, Result, authenticators as rows,
        users::{self, User},
    },
};

/// How long "Not now" is an answer.
pub const POSTPONED_FOR: Span = Span::from_seconds(86_400);

/// A user, and the class that they have shown.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// Their id.
    pub user: Id,
    /// Their row, if it was read.
    pub row: Option<&'a User>,
    /// The class of their session.
    pub class: Option<Class>,
}

/// Whether the sign-in is strong enough for this request.
///
/// # Errors
/// When the database fails.
pub fn of_request(
    app: &App,
    connection: &mut AnyConnection,
    shown: Shown<'_>,
    request: &AuthorizationRequest,
    now: Timestamp,
) -> Result<Strength> {
    weigh(app, connection, shown, RequiredClass::of_request(request), now)
}

/// Whether it is strong enough for the request in the query of one of our pages or, where there is none, for the account pages.
///
/// # Errors
/// When the database fails.
pub fn of_query(
    app: &App,
    connection: &mut AnyConnection,
    shown: Shown<'_>,
    query: &Params,
    now: Timestamp,
) -> std::result::Result<Strength, Fault> {
    match authorization_request::pending(app, connection, query, now)? {
        Some((_, request)) => Ok(of_request(app, connection, shown, &request, now)?),
        None => Ok(of_user(app, connection, shown, now)?),
    }
}

/// Whether it is strong enough for the account pages.
///
/// # Errors
/// When the database fails.
pub fn of_user(app: &App, connection: &mut AnyConnection, shown: Shown<'_>, now: Timestamp) -> Result<Strength> {
    weigh(app, connection, shown, RequiredClass::default(), now)
}

fn weigh(
    app: &App,
    connection: &mut AnyConnection,
    Shown { user, row, class }: Shown<'_>,
    required: RequiredClass,
    now: Timestamp,
) -> Result<Strength> {
    let minimums = &app.config.minimums;
    let mut found = None;
    let required = if minimums.strictest() <= class {
        required
    } else {
        if row.is_none() && minimums.depend_on_users() {
            found = users::find(connection, user)?;
        }
        let of = row.or(found.as_ref()).map(|user| (user.claims.roles.as_slice(), user.claims.groups.as_slice()));
        required.of_user(minimums, of.unwrap_or_default(), now)
    };
    required.weigh(class, || {
        if row.is_none() && found.is_none() {
            found = users::find(connection, user)?;
        }
        let Some(user) = row.or(found.as_ref()) else { return Ok(Owned::default()) };
        Ok(authenticators::summary(user, &rows::of_user(connection, user.claims.id)?))
    })
}

/// The `Set-Cookie` header that keeps the answer "Not now" of a user.
#[must_use]
pub fn postpone(app: &App, user: Id, now: Timestamp) -> String {
    let stamp = stamp::make(&app.config.secrets, Purpose::EnrolmentPostponed, &[&user.to_string()], now);
    Cookie::NotNow.set(&app.config.issuer, &stamp, Keep::For(POSTPONED_FOR))
}

/// Whether this user has answered "Not now" within a day.
#[must_use]
pub fn is_postponed(app: &App, cookie: Option<&str>, user: Id, now: Timestamp) -> bool {
    let is_theirs = |text| {
        let (ring, binding) = (&app.config.secrets, [&*user.to_string()]);
        stamp::check(ring, Purpose::EnrolmentPostponed, &binding, text, (now, POSTPONED_FOR)).is_ok()
    };
    cookie.is_some_and(is_theirs)
}
