//! A backend for a frontend (RFC 10017 §6.1): signs users in, keeps their tokens, and calls the API for the app in the browser. Here
//! are its routes and cookies; what is behind them is in `authorization`, `sessions` and `logout_token`.

mod api;
mod authorization;
mod discovery;
mod http;
mod logout_token;
mod refused;
mod sessions;
mod settings;

use std::{future::ready, io};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse, HttpServer, dev,
    http::{StatusCode, header},
    middleware::DefaultHeaders,
    web::{self, Bytes, Data},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::url::Url;
use serde::Deserialize;
use serde_json::json;

use authorization::{Begun, Failure, Server};
use refused::Refused;
use sessions::{Session, Sessions};
use settings::Settings;

/// `__Host-` (RFC 6265bis): the browser takes it by https from this host alone, so that no other host of the domain can plant one.
const SESSION: &str = "__Host-notes";
/// `Strict`: not even a link from another site comes with it.
const SESSION_ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
const LOGIN: &str = "__Host-notes-login";
/// `Lax`, as the browser comes back from another site. It is for one sign-in, and for ten minutes.
const LOGIN_ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";
const LOGIN_SECONDS: u32 = 600;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What all requests share.
struct State {
    server: Server,
    sessions: Sessions,
    used: logout_token::Used,
}

#[derive(Deserialize)]
struct LoginQuery {
    return_to: String,
}

async fn login(request: HttpRequest, state: Data<State>, query: Option<web::Query<LoginQuery>>) -> Result<HttpResponse, Refused> {
    let return_to = local_url(&state.server.settings.app_url, query.as_ref().map_or("/", |query| &query.return_to));
    let replaces = cookie(&request, SESSION).map(sessions::id);
    let (url, begun) = match web::block(move || state.server.begin_sign_in(return_to, replaces)).await? {
        Ok(begun) => begun,
        Err(_) => return Ok(sorry(StatusCode::SERVICE_UNAVAILABLE, "The server cannot be reached at the moment.")),
    };
    // In a cookie, not here: who only opens /login should not fill our memory. The user may know these values.
    let kept = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&begun)?);
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, url.as_str()))
        .insert_header((header::SET_COOKIE, format!("{LOGIN}={kept}; Max-Age={LOGIN_SECONDS}; {LOGIN_ATTRIBUTES}")))
        .finish())
}

async fn callback(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Refused> {
    let kept = cookie(&request, LOGIN).and_then(|kept| BASE64_URL_SAFE_NO_PAD.decode(kept).ok());
    // Without the cookie this is not the browser in which it began. It could be a link by which somebody would have the user sign in
    // to an account that is not theirs.
    let Some(begun) = kept.and_then(|kept| serde_json::from_slice::<Begun>(&kept).ok()) else {
        return Ok(sorry(StatusCode::BAD_REQUEST, "This sign-in did not begin in this browser, or began too long ago."));
    };
    // The sign-in goes on: otherwise any site could end it.
    let Some(answer) = begun.answer(request.query_string()) else {
        return Ok(sorry(StatusCode::BAD_REQUEST, "Signing in did not work."));
    };
    let done = web::block(move || {
        let (tokens, user) = state.server.finish_sign_in(&answer, &begun)?;
        // With a new cookie, nobody can end the session that this browser had. Its name comes from /login, as the browser sends no
        // `Strict` cookie when it is back from another site.
        if let Some(old) = begun.replaces.and_then(|id| state.sessions.get(&id)) {
            state.sessions.end(&old);
            state.server.revoke(&old.tokens());
        }
        Ok((state.sessions.begin(tokens, user), local_url(&state.server.settings.app_url, &begun.return_to)))
    });
    let forget = (header::SET_COOKIE, format!("{LOGIN}=; Max-Age=0; {LOGIN_ATTRIBUTES}"));
    let failed = |status, text, why: &str| {
        eprintln!("sign-in failed: {why}");
        let mut page = sorry(status, text);
        if let Ok(value) = header::HeaderValue::from_str(&forget.1) {
            page.headers_mut().append(header::SET_COOKIE, value);
        }
        page
    };
    Ok(match done.await? {
        Ok((cookie, url)) => HttpResponse::SeeOther()
            .insert_header((header::LOCATION, url))
            .append_header(forget)
            .append_header((header::SET_COOKIE, format!("{SESSION}={cookie}; {SESSION_ATTRIBUTES}")))
            .finish(),
        // Nothing of the answer is shown: anybody can write one.
        Err(Failure::Denied) => failed(StatusCode::FORBIDDEN, "You have not allowed this app to see your notes.", "denied"),
        Err(Failure::Refused(why)) => failed(StatusCode::BAD_REQUEST, "Signing in did not work.", &why),
        Err(Failure::Unavailable(why)) => {
            failed(StatusCode::SERVICE_UNAVAILABLE, "The server cannot be reached at the moment.", &why)
        }
    })
}

/// A request of the app for a user who is signed in. Handlers that take it are only called for such requests.
struct SignedIn(std::sync::Arc<Session>);

impl FromRequest for SignedIn {
    type Error = Refused;
    type Future = std::future::Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        // Whatever cookies a browser sends along, another site cannot make it send a header of its own choice: for that the browser
        // asks first (CORS), and we do not allow it.
        if !request.headers().contains_key("x-csrf") {
            return ready(Err(Refused::OtherSite));
        }
        let state = request.app_data::<Data<State>>();
        let session = state.and_then(|state| state.sessions.find(cookie(request, SESSION)));
        ready(session.map(Self).ok_or(Refused::SignedOut))
    }
}

async fn user(SignedIn(session): SignedIn) -> HttpResponse {
    let user = &session.user;
    HttpResponse::Ok().json(json!({ "sub": user.sub, "name": user.name.as_ref().or(user.preferred_username.as_ref()) }))
}

async fn logout(SignedIn(session): SignedIn, state: Data<State>) -> Result<HttpResponse, Refused> {
    let url = web::block(move || {
        state.sessions.end(&session);
        let tokens = session.tokens();
        state.server.revoke(&tokens); // they are of no use any more
        state.server.sign_out_url(&tokens)
    });
    // The app sends the browser there, so that the user is signed out at the authorization server as well.
    let url = url.await?.map_err(|_| Refused::Unavailable)?;
    let forget = (header::SET_COOKIE, format!("{SESSION}=; Max-Age=0; {SESSION_ATTRIBUTES}"));
    Ok(HttpResponse::Ok().insert_header(forget).json(json!({ "url": url })))
}

async fn notes(
    SignedIn(session): SignedIn,
    request: HttpRequest,
    body: Bytes,
    state: Data<State>,
) -> Result<HttpResponse, Refused> {
    let call = api::Call::of(&request, body);
    let answer = web::block(move || call.send_as(&session, &state.sessions, &state.server)).await??;
    let (parts, body) = answer.into_parts();
    let mut response = HttpResponse::build(StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY));
    // Of its headers only the type.
    if let Some(content_type) = parts.headers.get("content-type") {
        response.insert_header((header::CONTENT_TYPE, content_type.as_bytes()));
    }
    Ok(response.body(body))
}

#[derive(Deserialize)]
struct LogoutForm {
    logout_token: String,
}

async fn backchannel_logout(form: web::Form<LogoutForm>, state: Data<State>) -> Result<HttpResponse, Refused> {
    let done = web::block(move || {
        let ended = logout_token::verify(&form.logout_token, &state.server, &state.used)?;
        // One session, or all of the user's.
        Ok(state.sessions.remove(|session| {
            (ended.sid.is_none() || ended.sid == session.user.sid)
                && ended.sub.as_ref().is_none_or(|sub| *sub == session.user.sub)
        }))
    });
    match done.await? {
        Ok(ended) => {
            println!("signed out at the authorization server: {ended} session(s)");
            Ok(HttpResponse::Ok().finish())
        }
        // No keys: that is no fault of the token's, and the server calls again.
        Err(Failure::Unavailable(_)) => Err(Refused::Unavailable),
        Err(Failure::Refused(why)) => {
            eprintln!("logout token refused: {why}");
            Ok(HttpResponse::BadRequest().json(json!({ "error": "invalid_request" })))
        }
        Err(Failure::Denied) => Ok(HttpResponse::BadRequest().finish()),
    }
}

/// An address of ours: this path, or `/` for what would lead elsewhere. A whole URL, as `//other.example` is a path of one.
fn local_url(app_url: &str, path: &str) -> String {
    let home = format!("{app_url}/");
    let target = Url::parse(&home).ok().filter(|_| path.len() <= 1000).and_then(|home| {
        let url = home.join(path).ok()?;
        (url.origin() == home.origin()).then(|| url.to_string())
    });
    target.unwrap_or(home)
}

/// The value of a cookie.
fn cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let lines = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(found, value)| (found == name).then_some(value))
}

fn sorry(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Notes</title><link rel=\"stylesheet\" href=\"/style.css\"><main><h1>Notes</h1><p id=\"problem\">{text}</p>\
         <p><a href=\"/\">Back to the app</a></p></main></html>"
    ))
}

/// The app in the browser.
async fn index() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(include_str!("../public/index.html"))
}

async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("../public/app.js"))
}

async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("../public/style.css"))
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let settings = Settings::read().map_err(io::Error::other)?;
    let (port, app_url) = (settings.port, settings.app_url.clone());
    let state =
        Data::new(State { server: Server::new(settings), sessions: Sessions::default(), used: logout_token::Used::default() });
    let app = move || {
        let headers = DefaultHeaders::new()
            .add(("Content-Security-Policy", CONTENT_SECURITY_POLICY))
            .add(("Referrer-Policy", "no-referrer"))
            .add(("X-Content-Type-Options", "nosniff"))
            .add(("Cache-Control", "no-store"));
        App::new()
            .app_data(state.clone())
            .app_data(web::PayloadConfig::new(100 * 1024))
            .wrap(headers)
            .route("/login", web::get().to(login))
            .route("/callback", web::get().to(callback))
            .route("/user", web::get().to(user))
            .route("/logout", web::post().to(logout))
            .route("/backchannel-logout", web::post().to(backchannel_logout))
            .route("/api/notes", web::to(notes))
            .service(web::scope("/api").default_service(web::to(HttpResponse::NotFound)))
            .route("/app.js", web::get().to(script))
            .route("/style.css", web::get().to(style))
            // Every other path is one of the app's own.
            .default_service(web::get().to(index))
    };
    let server = HttpServer::new(app).bind(("localhost", port))?;
    println!("The app is at {app_url}");
    server.run().await
}
