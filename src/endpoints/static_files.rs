//! Style sheets, pictures and scripts, under hashed names: the content of a name never changes, so it may be cached for ever. A
//! name of another version is served as well, but not cached. They are compressed where the caller can read that; pages never are,
//! as their length would tell what they hold beside a value that somebody else has chosen (BREACH).

use actix_web::{
    HttpRequest,
    http::header::{self, AcceptEncoding, Encoding, Header},
    web::{Data, Path},
};

use crate::{
    app::App,
    pages::assets::{self, Asset},
    web::{no_route, reply::Reply, request::Request},
};

/// `GET /static/{name}`.
pub async fn get(request: Request, name: Path<String>, app: Data<App>) -> Reply {
    match assets::find(&name) {
        Some(asset) => file(&request, asset).with(header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        None => match assets::of_another_version(&name) {
            Some(asset) => file(&request, asset),
            None => no_route::not_found(request, app).await,
        },
    }
}

/// The file, compressed if the caller prefers that (RFC 9110 §12.5.3).
pub fn file(request: &HttpRequest, asset: Asset) -> Reply {
    let preferred = AcceptEncoding::parse(request)
        .ok()
        .and_then(|accepted| accepted.negotiate([Encoding::gzip(), Encoding::identity()].iter()));
    let reply = if preferred == Some(Encoding::gzip()) && !asset.gzip.is_empty() {
        Reply::file(asset.content_type, asset.gzip).with(header::CONTENT_ENCODING, "gzip")
    } else {
        Reply::file(asset.content_type, asset.bytes)
    };
    reply.with(header::VARY, "Accept-Encoding")
}
