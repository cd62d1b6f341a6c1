//! The demonstration's single-page app: its embedded files, their configuration, and the headers they are sent with. Owns the list
//! of files and a Content Security Policy without inline code; the app itself is `static/demo`.

use std::future::ready;
use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpResponse, HttpServer, Route, guard, web};
use serde_json::json;

use super::Demo;

struct File {
    path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! file {
    ($path:literal, $media_type:expr, $name:literal) => {
        File { path: $path, media_type: $media_type, text: include_str!(concat!("../../static/", $name)) }
    };
}

const FILES: &[File] = &[
    file!("/", HTML, "demo/index.html"),
    // The redirect URI: the same page, which finds the authorization response in its URL.
    file!("/callback", HTML, "demo/index.html"),
    file!("/app.css", CSS, "demo/app.css"),
    file!("/panels.css", CSS, "demo/panels.css"),
    file!("/icon.svg", SVG, "favicon.svg"),
    file!("/half-left.svg", SVG, "half-left.svg"),
    file!("/half-right.svg", SVG, "half-right.svg"),
    file!("/api.js", JAVASCRIPT, "demo/api.js"),
    file!("/app.js", JAVASCRIPT, "demo/app.js"),
    file!("/config.js", JAVASCRIPT, "demo/config.js"),
    file!("/errors.js", JAVASCRIPT, "demo/errors.js"),
    file!("/pkce.js", JAVASCRIPT, "demo/pkce.js"),
    file!("/rotation.js", JAVASCRIPT, "demo/rotation.js"),
    file!("/schedule.js", JAVASCRIPT, "demo/schedule.js"),
    file!("/session.js", JAVASCRIPT, "demo/session.js"),
    file!("/signin.js", JAVASCRIPT, "demo/signin.js"),
    file!("/tokens.js", JAVASCRIPT, "demo/tokens.js"),
    file!("/userinfo.js", JAVASCRIPT, "demo/userinfo.js"),
    file!("/view.js", JAVASCRIPT, "demo/view.js"),
    file!("/view-api.js", JAVASCRIPT, "demo/view-api.js"),
    file!("/view-rotation.js", JAVASCRIPT, "demo/view-rotation.js"),
    file!("/view-tokens.js", JAVASCRIPT, "demo/view-tokens.js"),
];

/// The app's server on these listeners, ready to be spawned.
pub(super) fn server(demo: &Demo, listeners: Vec<TcpListener>) -> io::Result<Server> {
    let policy = content_security_policy(demo)?;
    let config = json!({
        "issuer": demo.issuer,
        "client_id": demo.spa_client_id,
        "app": demo.spa_origin(),
        "api": demo.api_origin(),
    })
    .to_string();
    let mut server = HttpServer::new(move || {
        let config = config.clone();
        App::new()
            .wrap(
                DefaultHeaders::new()
                    .add(("content-security-policy", policy.as_str()))
                    .add(("cross-origin-opener-policy", "same-origin"))
                    .add(("referrer-policy", "no-referrer"))
                    .add(("x-content-type-options", "nosniff"))
                    .add(("x-frame-options", "DENY"))
                    .add(("cache-control", "no-store")),
            )
            .configure(files)
            .route("/config.json", read().to(move || ready(answer("application/json", config.clone()))))
    })
    .workers(1)
    .disable_signals();
    for listener in listeners {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}

fn files(app: &mut web::ServiceConfig) {
    for file in FILES {
        app.route(file.path, read().to(|| ready(answer(file.media_type, file.text.to_owned()))));
    }
}

/// GET, and HEAD, which is answered alike.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn answer(media_type: &'static str, text: String) -> HttpResponse {
    HttpResponse::Ok().content_type(media_type).body(text)
}

/// Scripts and styles of this origin only, no inline code, no sink that takes markup, and connections to the authorization server
/// and the API alone: an injected script has nowhere to send a token.
fn content_security_policy(demo: &Demo) -> io::Result<String> {
    let issuer = url::Url::parse(&demo.issuer).map_err(io::Error::other)?.origin().ascii_serialization();
    let api = demo.api_origin();
    Ok(format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {issuer} {api}; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ))
}
