//! The cookies: their names and attributes. All of them are `__Host-`, Secure, HttpOnly and SameSite=Lax (ASVS
//! 3.3); Lax, because a client's redirect to `/authorize` is a navigation from another site.

use actix_web::{HttpRequest, http::header};

use crate::protocol::time::Span;

/// The session credential of whoever is signed in.
pub const SESSION: &str = "__Host-symbolon_session";
/// A random text that forms shown before sign-in are bound to.
pub const BROWSER: &str = "__Host-symbolon_browser";
/// Shows that this browser has signed in before; attempts from it are counted apart.
pub const DEVICE: &str = "__Host-symbolon_device";
/// The link of a mail that was opened, so that it does not stay in the address.
pub const LINK: &str = "__Host-symbolon_link";

/// How long a cookie is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Until the browser is closed.
    Session,
    /// A year.
    Long,
    /// For this long.
    For(Span),
    /// Not at all: it is deleted.
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

/// The value of a cookie of this request. One that comes twice was tampered with, and counts as absent.
#[must_use]
pub fn get(request: &HttpRequest, name: &str) -> Option<String> {
    // Lossy: what other apps of this host keep in their cookies must not hide ours.
    let headers = request.headers().get_all(header::COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let text = headers.collect::<Vec<_>>().join(";");
    let mut values = text.split(';').filter_map(|pair| pair.trim().split_once('=')).filter(|(n, _)| *n == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) if !value.is_empty() && value.len() <= 512 => Some(value.to_owned()),
        _ => None,
    }
}
