//! Notes in a terminal: a native app, which signs its user in with the browser and calls the Notes API. Here is what it does for its
//! user; the authorization server is `authorization`, the browser's way back `loopback`, and where tokens are kept `token_store`.
//!
//! Without arguments it lists the notes; `add TEXT` adds one; `sign-out` signs out.

mod authorization;
mod loopback;
mod token_store;

use std::{env, process::ExitCode};

use authorization::{RefreshFailure, Server, agent, now};
use serde_json::{Value, json};
use token_store::Tokens;

/// A failure that the user is told of.
pub type Failure = Box<dyn std::error::Error>;

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => call("GET", None).map(|notes| list(&notes)),
        ["add", text] => call("POST", Some(json!({ "text": text }))).map(|_| println!("added")),
        ["sign-out"] => sign_out(),
        _ => Err("expected no arguments, 'add TEXT', or 'sign-out'".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list(notes: &Value) {
    for note in notes.as_array().into_iter().flatten() {
        println!("- {}", printable(note["text"].as_str().unwrap_or_default()));
    }
}

/// Text of others without what would control the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn server() -> Result<Server, Failure> {
    Server::discover(&setting("ISSUER", "http://localhost:8080"), &setting("CLIENT_ID", "notes-native"))
}

/// Calls the API as the user: what it answers.
fn call(method: &str, body: Option<Value>) -> Result<Value, Failure> {
    let token = access_token(None)?;
    let (mut status, mut answer) = send(method, &body, &token)?;
    if status == 401 {
        // Refused before its time: the clock here is wrong, or it was revoked. A refresh tells.
        (status, answer) = send(method, &body, &access_token(Some(&token))?)?;
    }
    match status {
        200..300 => Ok(serde_json::from_str(&answer)?),
        403 => Err("you have not allowed this app to do that".into()),
        _ => Err(format!("the API answered {status}").into()),
    }
}

fn send(method: &str, body: &Option<Value>, token: &str) -> Result<(u16, String), Failure> {
    let url = setting("API_URL", "http://localhost:3001") + "/notes";
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(&url)
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .body(body.as_ref().map(Value::to_string).unwrap_or_default())?;
    let answer = agent(false).run(request);
    let mut answer = answer.map_err(|error| format!("{url} cannot be reached: {error}"))?;
    Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
}

/// An access token that can be used; signs the user in if nobody is. `refused` is one that the API did not take.
fn access_token(refused: Option<&str>) -> Result<String, Failure> {
    let Some(tokens) = token_store::load()? else { return sign_in(&server()?) };
    let is_refused = refused == Some(tokens.access_token.as_str());
    if now() < tokens.refresh_at && !is_refused {
        return Ok(tokens.access_token);
    }
    let is_usable = now() < tokens.expires_at && !is_refused;
    let server = match server() {
        Ok(server) => server,
        Err(_) if is_usable => return Ok(tokens.access_token),
        Err(error) => return Err(error),
    };
    let Some(refresh_token) = &tokens.refresh_token else { return sign_in(&server) };
    match server.refresh(refresh_token) {
        Ok(tokens) => keep(tokens),
        Err(RefreshFailure::Ended) => {
            token_store::remove()?;
            println!("You have been signed out.");
            sign_in(&server)
        }
        // The token at hand may be good for a while; if not, the user need not sign in again.
        Err(RefreshFailure::Unavailable(_)) if is_usable => Ok(tokens.access_token),
        Err(RefreshFailure::Unavailable(why)) => Err(format!("the tokens cannot be renewed at the moment: {why}").into()),
    }
}

fn sign_in(server: &Server) -> Result<String, Failure> {
    keep(server.sign_in()?)
}

fn keep(tokens: Tokens) -> Result<String, Failure> {
    token_store::save(&tokens)?;
    Ok(tokens.access_token)
}

fn sign_out() -> Result<(), Failure> {
    let tokens = token_store::load()?;
    token_store::remove()?;
    if let Some(token) = tokens.and_then(|tokens| tokens.refresh_token) {
        server()
            .and_then(|server| server.revoke(&token))
            .map_err(|error| format!("signed out here, but not at the server: {error}"))?;
    }
    println!("You are signed out.");
    Ok(())
}
