//! Style sheets, pictures and scripts, under hashed names: the content of a name never changes, so it may be cached for ever. A
//! name of another version is served as well, but not cached.

use actix_web::{
    http::header,
    web::{Data, Path},
};

use crate::{
    app::App,
    pages::assets,
    web::{no_route, reply::Reply, request::Request},
};

/// `GET /static/{name}`.
pub async fn get(request: Request, name: Path<String>, app: Data<App>) -> Reply {
    match assets::find(&name) {
        Some(asset) => {
            Reply::file(asset.content_type, asset.bytes).with(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        }
        None => match assets::of_another_version(&name) {
            Some(asset) => Reply::file(asset.content_type, asset.bytes),
            None => no_route::not_found(request, app).await,
        },
    }
}
