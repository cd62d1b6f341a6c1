//! Browsers in which a user has chosen not to be asked for a code of their TOTP app, where the operator allows it. That skips what the
//! account itself asks for, and never what an app asks for: the session has the password as its only proof. A browser is
//! recognised by its cookie (`known_browser`); its row says until when.

use super::known_browser;
use crate::{
    app::App,
    protocol::values::time::{Span, Timestamp},
    store::{AnyConnection, Result, devices, sessions::Session, users::User},
    web::page_request::PageRequest,
};

/// How long a browser can be trusted; `None` if none can.
pub fn lifetime(app: &App) -> Option<Span> {
    Some(app.config.lifetimes.trusted_browser).filter(|lifetime| *lifetime > Span::ZERO)
}

/// Whether the browser of this request is trusted by this user.
///
/// # Errors
/// Database errors.
pub fn is_trusted(app: &App, connection: &mut AnyConnection, request: &PageRequest, user: &User) -> Result<bool> {
    let now = app.clock.now();
    match known_browser::name(app, request.device.as_deref(), now).filter(|_| lifetime(app).is_some()) {
        Some(device) => devices::is_trusted(connection, user.claims.id, device, now),
        None => Ok(false),
    }
}

/// Trusts the browser of a session that has just begun. A failure is no reason to refuse the sign-in.
pub fn trust(app: &App, connection: &mut AnyConnection, session: &Session, now: Timestamp) {
    let (Some(lifetime), Some(device)) = (lifetime(app), session.device_id.as_deref()) else { return };
    if let Err(error) = devices::trust(connection, session.user_id, device, Some(now.plus(lifetime))) {
        tracing::warn!(%error, user = %session.user_id, "could not trust a browser");
    }
}
