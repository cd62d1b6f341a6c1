//! CSRF protection of forms: each form carries a stamp bound to the browser (before sign-in) or the session (after it), and to the
//! form's subject (RFC 6749 §10.12). Nothing is stored for a form that was shown.

use crate::{
    app::App,
    protocol::{
        secrets::stamp::{self, Purpose, StampError},
        values::{
            params::Params,
            time::{Span, Timestamp},
        },
    },
};

/// The name of the hidden field.
pub const FIELD: &str = "csrf";
/// The maximum age of a form.
pub(super) const LIFETIME: Span = Span::from_seconds(3600);

/// The stamp of a form shown now. `owner` is the value of the cookie it is bound to.
#[must_use]
pub fn stamp(app: &App, owner: &str, about: &str, now: Timestamp) -> String {
    stamp::make(&app.config.secrets, Purpose::Form, &[owner, about], now)
}

/// Checks that a submitted form was shown by us, recently, to the same owner and about the same subject.
///
/// # Errors
/// [`StampError`].
pub fn check(app: &App, owner: &str, about: &str, sent: &Params, now: Timestamp) -> Result<(), StampError> {
    check_stamp(app, owner, about, sent.get(FIELD).unwrap_or_default(), now)
}

/// As [`check`], for the stamp alone. An empty owner means that the form is bound to no browser, and is refused.
///
/// # Errors
/// [`StampError`].
pub fn check_stamp(app: &App, owner: &str, about: &str, text: &str, now: Timestamp) -> Result<(), StampError> {
    shown_at(app, owner, about, text, now).map(|_| ())
}

/// As [`check_stamp`]: when the form was shown.
///
/// # Errors
/// [`StampError`].
pub fn shown_at(app: &App, owner: &str, about: &str, text: &str, now: Timestamp) -> Result<Timestamp, StampError> {
    if owner.is_empty() {
        return Err(StampError::Forged);
    }
    stamp::check(&app.config.secrets, Purpose::Form, &[owner, about], text, (now, LIFETIME))
}
