//! Known browsers: those in which a user has signed in before. A cookie holds the device id of the browser, and `devices` the
//! users who have signed in with it, as several can share one. Attempts from a known browser are counted separately (`throttle`),
//! so that an unknown caller's guesses do not slow down the owner.

use std::net::IpAddr;

use super::throttle;
use crate::{
    app::App,
    protocol::{
        secrets::stamp::{self, Purpose},
        values::{
            id::Id,
            network,
            time::{Span, Timestamp},
        },
    },
    store::{AnyConnection, Result, devices},
};

/// How long a browser stays known.
const KNOWN_FOR: Span = Span::from_seconds(31_536_000);

/// The device id of the browser with this cookie, if we issued it.
pub fn name<'a>(app: &App, cookie: Option<&'a str>, now: Timestamp) -> Option<&'a str> {
    let (name, text) = cookie.and_then(|cookie| cookie.split_once('.'))?;
    stamp::check(&app.config.secrets, Purpose::KnownBrowser, &[name], text, (now, KNOWN_FOR)).ok().map(|_| name)
}

/// As [`name`], if this user has signed in with it, and their password was not reset since.
///
/// # Errors
/// Database errors.
pub fn name_for<'a>(
    app: &App,
    connection: &mut AnyConnection,
    cookie: Option<&'a str>,
    user: Id,
    now: Timestamp,
) -> Result<Option<&'a str>> {
    match name(app, cookie, now) {
        Some(name) => Ok(devices::is_known(connection, user, name)?.then_some(name)),
        None => Ok(None),
    }
}

/// The origin of an attempt at the password of this user, or at an unknown name.
///
/// # Errors
/// Database errors.
pub fn from<'a>(
    app: &App,
    connection: &mut AnyConnection,
    (cookie, address): (Option<&'a str>, IpAddr),
    user_id: Option<Id>,
    now: Timestamp,
) -> Result<throttle::From<'a>> {
    let requested = user_id.unwrap_or(Id::from([0; 16])); // the same reads for an unknown name: same timing
    let known_browser = name_for(app, connection, cookie, requested, now)?.filter(|_| user_id.is_some());
    let is_near = devices::is_near(connection, requested, &network::range(address))? && known_browser.is_none();
    Ok(throttle::From { address, known_browser, is_near })
}

/// The value of the cookie of a browser with this device id.
pub fn cookie(app: &App, name: &str, now: Timestamp) -> String {
    format!("{name}.{}", stamp::make(&app.config.secrets, Purpose::KnownBrowser, &[name], now))
}
