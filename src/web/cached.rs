//! JSON documents that everyone may cache: with an `ETag`, and 304 for a caller whose copy is current (RFC 9110 §13.1.2).

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{reply::Reply, request::header_list};

/// The document as JSON, or 304. `max_age` is in seconds.
#[must_use]
pub fn cached(request: &HttpRequest, document: String, max_age: u32) -> Reply {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&document)));
    let known = header_list(request, &header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| {
        known.split(',').any(|one| matches!(one.trim().trim_start_matches("W/"), one if one == tag || one == "*"))
    });
    let reply = if is_known { Reply::empty(StatusCode::NOT_MODIFIED) } else { Reply::json_text(document) };
    reply.with(header::ETAG, &tag).with(header::CACHE_CONTROL, &format!("public, max-age={max_age}"))
}
