//! The browser that someone has signed in with before, known by a cookie that is good for this person alone. Attempts from it
//! are counted apart (`throttle`), so that a stranger's guesses do not slow down the owner.

use crate::{
    app::App,
    protocol::{
        id::Id,
        stamp::{self, Purpose},
        time::{Span, Timestamp},
    },
    store::{AnyConnection, Result, devices},
};

/// How long a browser stays known.
const KNOWN_FOR: Span = Span::from_seconds(31_536_000);

/// The name of the browser with this cookie, if it has signed in as this person before, and their password was not reset
/// since.
///
/// # Errors
/// The database's.
pub fn name<'a>(
    app: &App,
    connection: &mut AnyConnection,
    cookie: Option<&'a str>,
    person: Id,
    now: Timestamp,
) -> Result<Option<&'a str>> {
    let Some((name, text)) = cookie.and_then(|cookie| cookie.split_once('.')) else { return Ok(None) };
    let binding = ([&*person.to_string(), name], (now, KNOWN_FOR));
    let is_ours = stamp::check(&app.config.secrets, Purpose::KnownBrowser, &binding.0, text, binding.1).is_ok();
    Ok((is_ours && devices::is_known(connection, person, name)?).then_some(name))
}

/// The value of the cookie of a browser with this name.
pub fn cookie(app: &App, name: &str, person: Id, now: Timestamp) -> String {
    let known = stamp::make(&app.config.secrets, Purpose::KnownBrowser, &[&person.to_string(), name], now);
    format!("{name}.{known}")
}
