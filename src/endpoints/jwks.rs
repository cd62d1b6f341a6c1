//! The published key set (RFC 7517 §5). Which keys it holds, and until when, is decided in `jose::keys`.

use actix_web::web::Data;

use crate::{
    app::App,
    web::{cached::cached, cors, keys, oauth_error::Challenge, reply::Reply, request::Request},
};

/// How long the key set may be cached, in seconds: well below the time for which a new key is published before its first use.
const MAX_AGE: u32 = 300;

/// `GET /.well-known/jwks.json`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    let now = request.context.now;
    let keep = app.config.lifetimes.access_token.max(app.config.lifetimes.id_token);
    match keys::current_or_last(&app, now).await {
        Ok(ring) => cors::public(cached(&request, ring.published(now, keep).to_string(), MAX_AGE)),
        Err(error) => cors::public(error.reply(Challenge::None)),
    }
}
