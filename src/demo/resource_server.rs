//! The Notes API: a resource server that knows nothing of the authorization server but its issuer and its published keys. Owns the
//! routes, their scopes and the CORS headers for the single-page app. Fetching keys is `published_keys`, checking a token
//! `jose::verify`, error responses are `refusal`. Notes live in memory; their number and size are bounded.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Server;
use actix_web::http::{Method, header};
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Route, guard, web};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Demo;
use super::published_keys::PublishedKeys;
use super::refusal::Refusal;
use crate::{
    clock::Clock,
    jose::verify::{self, Expected},
};

const READ: &str = "notes:read";
const WRITE: &str = "notes:write";
const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_BODY_BYTES: usize = 4 * 1024;
const MAX_NOTE_CHARACTERS: usize = 280;
const MAX_NOTES_EACH: usize = 50;
const MAX_USERS: usize = 1000;

struct Api {
    issuer: String,
    audience: String,
    keys: PublishedKeys,
    notes: Mutex<HashMap<String, VecDeque<Note>>>,
}

#[derive(Clone, Serialize)]
struct Note {
    text: String,
    written_at: i64,
}

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

/// The API's server on these listeners, ready to be spawned.
pub(super) fn server(demo: &Demo, listeners: Vec<TcpListener>) -> io::Result<Server> {
    let origin = demo.spa_origin();
    let api = web::Data::new(Api {
        issuer: demo.issuer.clone(),
        audience: demo.api_audience.clone(),
        keys: PublishedKeys::new(demo.issuer.clone()),
        notes: Mutex::default(),
    });
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
            // One origin is allowed, so the header is the same for everyone, whatever the request's Origin.
            .wrap(
                DefaultHeaders::new()
                    .add((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.as_str()))
                    .add((header::ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate"))
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                    .add((header::CACHE_CONTROL, "no-store")),
            )
            .service(
                web::resource("/notes")
                    .route(read().to(list))
                    .route(web::post().to(add))
                    .route(web::method(Method::OPTIONS).to(preflight)),
            )
            .service(web::resource("/whoami").route(read().to(whoami)).route(web::method(Method::OPTIONS).to(preflight)))
    })
    .workers(1)
    .disable_signals();
    for listener in listeners {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}

/// GET, and HEAD, which is answered alike.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

async fn list(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    let caller = authorize(&request, &api, Some(READ)).await?;
    let notes = api.notes.lock().unwrap_or_else(PoisonError::into_inner);
    let mine = notes.get(&caller.sub).cloned().unwrap_or_default();
    Ok(HttpResponse::Ok().json(json!({ "notes": mine })))
}

async fn add(request: HttpRequest, body: web::Bytes, api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    let caller = authorize(&request, &api, Some(WRITE)).await?;
    let note: NewNote = serde_json::from_slice(&body)
        .map_err(|error| Refusal::request(format!("expected a JSON object with the member text: {error}")))?;
    let text = note.text.trim().to_owned();
    let length = text.chars().count();
    if length == 0 || length > MAX_NOTE_CHARACTERS {
        return Err(Refusal::request(format!("text: expected 1 to {MAX_NOTE_CHARACTERS} characters, received {length}")));
    }
    let note = Note { text, written_at: now_seconds() };
    let mut users = api.notes.lock().unwrap_or_else(PoisonError::into_inner);
    if users.len() >= MAX_USERS && !users.contains_key(&caller.sub) {
        return Err(Refusal::full("this API cannot store notes for more users"));
    }
    let notes = users.entry(caller.sub).or_default();
    if notes.len() >= MAX_NOTES_EACH {
        notes.pop_front();
    }
    notes.push_back(note.clone());
    Ok(HttpResponse::Created().json(note))
}

async fn whoami(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    let caller = authorize(&request, &api, None).await?;
    let member = |name: &str| caller.claims.get(name).cloned().unwrap_or(Value::Null);
    Ok(HttpResponse::Ok().json(json!({
        "sub": caller.sub,
        "client_id": member("client_id"),
        "scope": member("scope"),
        "exp": member("exp"),
    })))
}

/// The caller, as named by the token.
struct Caller {
    sub: String,
    claims: Map<String, Value>,
}

/// The authorization of every request: a token in the header, valid by the published keys, for this audience, with the required
/// scope.
async fn authorize(request: &HttpRequest, api: &web::Data<Api>, scope: Option<&'static str>) -> Result<Caller, Refusal> {
    let token = bearer(request)?;
    let kept = Arc::clone(api);
    let claims = web::block(move || check(&kept, &token)).await.map_err(|error| Refusal::unavailable(&error))??;
    let Some(sub) = claims.get("sub").and_then(Value::as_str).map(str::to_owned) else {
        return Err(Refusal::token("the token has no subject"));
    };
    let granted = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    match scope {
        Some(needed) if !granted.split(' ').any(|one| one == needed) => Err(Refusal::scope(needed)),
        _ => Ok(Caller { sub, claims }),
    }
}

fn check(api: &Api, token: &str) -> Result<Map<String, Value>, Refusal> {
    let keys = api.keys.for_key(key_id(token).as_deref()).map_err(|error| Refusal::unavailable(&error))?;
    let expected = Expected { issuer: &api.issuer, audience: &api.audience, now_seconds: now_seconds() };
    verify::access_token(&keys, token, &expected).map_err(Refusal::token)
}

/// RFC 6750 2.1: the token is in the Authorization header. This API accepts it nowhere else, as RFC 9700 4.3.2 requires.
fn bearer(request: &HttpRequest) -> Result<String, Refusal> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = headers.next() else { return Err(Refusal::nothing_sent()) };
    if headers.next().is_some() {
        return Err(Refusal::request("the Authorization header was sent more than once"));
    }
    let value = value.to_str().map_err(|_| Refusal::request("the Authorization header is not ASCII"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.len() <= MAX_TOKEN_BYTES => {
            Ok(token.trim().to_owned())
        }
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => Err(Refusal::token("the token is too long")),
        _ => Err(Refusal::nothing_sent()),
    }
}

/// The key id of a token, read before anything is trusted: it only decides whether to fetch newer keys.
fn key_id(token: &str) -> Option<String> {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header.get("kid").and_then(Value::as_str).map(str::to_owned)
}

fn now_seconds() -> i64 {
    Clock::system().now().seconds()
}
