//! Cookies: their names and attributes. All are `__Host-`, Secure, HttpOnly and SameSite=Lax (ASVS 3.3); Lax, because a client's
//! redirect to `/authorize` is a navigation from another site.

use actix_web::{HttpRequest, http::header};

use crate::protocol::values::time::Span;

/// The session credential of a signed-in browser.
pub const SESSION: &str = "__Host-symbolon_session";
/// The random value to which forms shown before sign-in are bound.
pub const BROWSER: &str = "__Host-symbolon_browser";
/// Marks a browser that has signed in before; its password attempts are counted separately.
pub const DEVICE: &str = "__Host-symbolon_device";
/// The token of an e-mail link that was opened, so that it does not stay in the URL.
pub const LINK: &str = "__Host-symbolon_link";

/// The lifetime of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Until the browser is closed.
    Session,
    /// A year.
    Long,
    /// This long.
    For(Span),
    /// Zero: the cookie is deleted.
    Delete,
}

/// The value of a `Set-Cookie` header.
#[must_use]
pub fn set(name: &str, value: &str, keep: Keep) -> String {
    let age = match keep {
        Keep::Session => String::new(),
        Keep::Long => "; Max-Age=31536000".into(),
        Keep::For(span) => format!("; Max-Age={}", span.seconds()),
        Keep::Delete => "; Max-Age=0".into(),
    };
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}")
}

/// The value of a cookie of this request. A cookie that appears twice was tampered with, and is treated as absent.
#[must_use]
pub fn get(request: &HttpRequest, name: &str) -> Option<String> {
    // Lossy: unreadable cookies of other apps on this host must not hide ours.
    let headers = request.headers().get_all(header::COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let text = headers.collect::<Vec<_>>().join(";");
    let mut values = text.split(';').filter_map(|pair| pair.trim().split_once('=')).filter(|(n, _)| *n == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) if !value.is_empty() && value.len() <= 512 => Some(value.to_owned()),
        _ => None,
    }
}
