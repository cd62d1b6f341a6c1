//! The published key set (RFC 7517 §5). Which keys it holds, and until when, is decided in `jose::keys`.

use actix_web::web::Data;

use crate::{
    app::App,
    jose::keys::KeyRing,
    web::{
        blocking::{Priority, run_blocking},
        cached::cached,
        cors,
        oauth_error::{Challenge, OauthError},
        reply::Reply,
        request::Request,
    },
};

/// How long the key set may be cached, in seconds: well below the time for which a new key is published before its first use.
const MAX_AGE: u32 = 300;

/// `GET /.well-known/jwks.json`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let now = request.context.now;
    let keep = app.config.lifetimes.access_token.max(app.config.lifetimes.id_token);
    let show = |ring: &KeyRing| cors::public(cached(&request, ring.published(now, keep).to_string(), MAX_AGE));
    if let Some(ring) = app.keys_at_hand(now) {
        return show(&ring);
    }
    let app_keys = app.clone();
    match run_blocking(&app, Priority::Health, move |app, connection| -> Result<_, OauthError> { Ok(app.keys(connection, now)?) })
        .await
    {
        Ok(ring) => show(&ring),
        // Resource servers keep working while the database is down.
        Err(error) => app_keys.keys_of_before().map_or_else(|| cors::public(error.reply(Challenge::None)), |ring| show(&ring)),
    }
}
