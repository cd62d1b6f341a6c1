//! The Notes API: every user has a few notes, which an app can read and write with the user's access token. How a token is checked
//! is `access_token`; where the keys come from is `keys`.

mod access_token;
mod keys;

use std::{
    collections::HashMap,
    env,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Json, Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower_http::cors::CorsLayer;

use access_token::{Allowed, Scope, Verifier};
use keys::PublishedKeys;

struct Read;

impl Scope for Read {
    const NAME: &'static str = "notes:read";
}

struct Write;

impl Scope for Write {
    const NAME: &'static str = "notes:write";
}

#[derive(Clone, Serialize)]
struct Note {
    text: String,
    by: String,
}

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

/// By user; your database.
type Notes = Arc<Mutex<HashMap<String, Vec<Note>>>>;

async fn list(Allowed { token, .. }: Allowed<Read>, Extension(notes): Extension<Notes>) -> Json<Vec<Note>> {
    let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    Json(notes.get(&token.sub).cloned().unwrap_or_default())
}

// The token is checked first, as its parameter is the first; the body is read last.
async fn add(Allowed { token, .. }: Allowed<Write>, Extension(notes): Extension<Notes>, Json(new): Json<NewNote>) -> Response {
    if !(1..=280).contains(&new.text.chars().count()) {
        let body = json!({ "error": "invalid_request", "error_description": "expected a text with 1 to 280 characters" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let note = Note { text: new.text, by: token.client_id };
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    let own = notes.entry(token.sub).or_default();
    own.push(note.clone());
    own.drain(..own.len().saturating_sub(50));
    (StatusCode::CREATED, Json(note)).into_response()
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

// One thread is enough for an example. With tokio's feature `rt-multi-thread`, `#[tokio::main]` uses all processors.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The authorization server, exactly as its tokens name it.
    let issuer = setting("ISSUER", "http://localhost:8080");
    let max_age = Duration::from_secs(setting("KEYS_MAX_AGE", "600").parse()?);
    let verifier = Verifier {
        issuer: issuer.clone(),
        // This API, as it was registered with `symbolon api add`.
        audience: setting("AUDIENCE", "https://api.example.com"),
        keys: PublishedKeys::new(issuer, max_age),
    };
    // A browser asks before it sends a token to another origin (CORS). The headers are on refusals, too: without them an app could
    // not see that its token has expired. An API that only servers call needs none of this.
    let cors = CorsLayer::new()
        .allow_origin([setting("APP_ORIGIN", "http://localhost:3000").parse()?])
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::WWW_AUTHENTICATE]);
    let app = Router::new()
        .route("/notes", get(list).post(add))
        .layer(Extension(Notes::default()))
        .layer(DefaultBodyLimit::max(4096))
        .layer(cors)
        .with_state(Arc::new(verifier));

    let port: u16 = setting("PORT", "3001").parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("The Notes API listens on http://localhost:{port}");
    axum::serve(listener, app).await?;
    Ok(())
}
