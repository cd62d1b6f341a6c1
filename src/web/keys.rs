//! The server's keys for public documents, the key set and discovery: as last read, if they cannot be read now, so that resource
//! servers and clients keep working while the database is down.

use std::sync::Arc;

use actix_web::web::Data;

use super::{
    blocking::{Priority, run_blocking},
    oauth_error::OauthError,
};
use crate::{app::App, jose::keys::KeyRing, protocol::values::time::Timestamp};

/// The keys.
///
/// # Errors
/// When the database fails, and they were never read before.
pub async fn current_or_last(app: &Data<App>, now: Timestamp) -> Result<Arc<KeyRing>, OauthError> {
    if let Some(ring) = app.keys_at_hand(now) {
        return Ok(ring);
    }
    let read = move |app: &App, connection: &mut _| -> Result<_, OauthError> { Ok(app.keys(connection, now)?) };
    match run_blocking(app, Priority::Health, read).await {
        Ok(ring) => Ok(ring),
        Err(error) => app.keys_of_before().ok_or(error),
    }
}
