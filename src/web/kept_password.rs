//! A password that was typed into a form which is shown again because of something else: it goes along with the form sealed under the
//! server secret, for this browser, this form and this field, as long as the form itself is accepted (decision 0043). No page contains
//! a password, and nobody has to type it again.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{forms, page_request::PageRequest};
use crate::{
    app::App,
    jose::seal,
    protocol::{secrets::sensitive::Sensitive, values::time::Timestamp},
};

/// Sealed passwords differ in length by so many bytes at least: their length tells little.
const BLOCK: usize = 128;
/// The longest that is sealed, in bytes; no user has a longer one.
const LONGEST: usize = 1024;

/// The password, sealed for the browser with the cookie `owner` and its form at `about`.
#[must_use]
pub fn seal(app: &App, (owner, about): (&str, &str), field: &str, password: &str, now: Timestamp) -> Option<String> {
    let length = u16::try_from(password.len()).ok().filter(|length| (1..=LONGEST).contains(&usize::from(*length)))?;
    let mut text = Sensitive::new(Vec::with_capacity(BLOCK * (LONGEST / BLOCK + 2)));
    let plain = text.expose_mut();
    plain.extend(now.millis().to_be_bytes());
    plain.extend(length.to_be_bytes());
    plain.extend(password.bytes());
    plain.resize(plain.len().next_multiple_of(BLOCK), 0);
    let sealed = seal::seal(&app.config.secrets, &name(owner, about, field), &text).ok()?;
    Some(URL_SAFE_NO_PAD.encode(sealed))
}

/// The password in this field of the form: what was typed, or else what was kept.
#[must_use]
pub fn typed(app: &App, request: &PageRequest, (owner, about): (&str, &str), field: &str) -> Sensitive<String> {
    let typed = request.field(field);
    if !typed.is_empty() {
        return typed.into();
    }
    let sealed = request.field(&format!("kept_{field}"));
    open(app, &name(owner, about, field), sealed, request.context.now).unwrap_or_default()
}

fn open(app: &App, name: &str, sealed: &str, now: Timestamp) -> Option<Sensitive<String>> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let text = seal::open(&app.config.secrets, name, &sealed).ok()?;
    let (made, rest) = text.expose().split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let made = Timestamp::from_millis(i64::from_be_bytes(*made));
    if !now.age_of(made).is_at_most(forms::LIFETIME) {
        return None;
    }
    let password = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    std::str::from_utf8(password).ok().map(Sensitive::from)
}

fn name(owner: &str, about: &str, field: &str) -> String {
    format!("kept {field} of {about} for {owner}")
}
