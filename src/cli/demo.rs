//! `symbolon demo`: everything needed to see the server at work, made anew at each start: a database, a secret, a
//! key, a user, two clients, and beside the server a single-page app and an API. Gone when it stops.

use std::{fs, io::Write};

use super::serve::set_up_logs;
use crate::{
    app::App,
    clock::Clock,
    config::{Config, MissingSecret, Settings},
    demo::{self, Demo},
    protocol::{
        api::{Api, ApiScope},
        client::{Client, ClientKind},
        client_auth::secret_hash,
        person,
        scope::Scopes,
        time::Timestamp,
    },
    random, server,
    store::{self, account, apis, clients, people},
};

const USER: &str = "alice";
const PASSWORD: &str = "through the looking glass";
const SPA: &str = "demo-app";
const WEB: &str = "demo-web";
const SPA_PORT: u16 = 8081;
const API_PORT: u16 = 8082;

/// Runs the demonstration until it is interrupted.
///
/// # Errors
/// Why it does not start.
pub fn run() -> Result<(), String> {
    let now = Clock::system().now();
    let config = Config::check(Settings::demo(&format!("symbolon-demo-{}", random::id(now))), None, MissingSecret::Make)
        .map_err(|error| error.to_string())?;
    set_up_logs(&config)?;
    let directory = config.data_dir.clone();
    let result = serve(config, now);
    let removed = fs::remove_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()));
    result.and(removed)
}

fn serve(config: Config, now: Timestamp) -> Result<(), String> {
    let app = server::prepare(config, Clock::system()).map_err(|error| error.to_string())?;
    let demo = Demo {
        issuer: app.config.issuer.as_str().to_owned(),
        spa_client_id: SPA.into(),
        spa_port: SPA_PORT,
        api_port: API_PORT,
        api_audience: format!("http://localhost:{API_PORT}"),
    };
    let secret = random::client_secret();
    populate(&app, &demo, &secret, now)?;
    actix_web::rt::System::new().block_on(async {
        let running = demo::start(&demo).map_err(|error| format!("ports {SPA_PORT} and {API_PORT}: {error}"))?;
        let served = server::serve(app.clone(), || announce(&demo, &secret, &app)).await;
        running.stop().await;
        served.map_err(|error| format!("{}: {error}", demo.issuer))
    })
}

fn populate(app: &App, demo: &Demo, secret: &str, now: Timestamp) -> Result<(), String> {
    let password_hash = app.passwords.hash(PASSWORD).map_err(|error| error.to_string())?;
    let person = people::Person {
        claims: person::Person {
            id: random::id(now),
            username: USER.into(),
            display_name: Some("Alice".into()),
            email: "alice@example.com".into(),
            email_verified: true,
            roles: vec!["editor".into()],
            groups: vec![],
            attributes: serde_json::Map::new(),
            updated_at: now,
        },
        password_hash: Some(password_hash),
        disabled_at: None,
        signed_in_at: None,
        sign_in_again_at: None,
        created_at: now,
    };
    let scopes = Scopes::parse("openid profile email offline_access notes:read notes:write").map_err(|bad| bad.0)?;
    let api = Api {
        uri: demo.api_audience.clone(),
        name: "Notes API".into(),
        scopes: [("notes:read", "Read your notes"), ("notes:write", "Write and delete your notes")]
            .map(|(name, description)| ApiScope { name: name.into(), description: Some(description.into()) })
            .into(),
        created_at: now,
    };
    let spa = Client {
        redirect_uris: vec![format!("{}/callback", demo.spa_origin())],
        post_logout_redirect_uris: vec![format!("{}/", demo.spa_origin())],
        scopes,
        audiences: vec![api.uri.clone()],
        ..Client::new(SPA, "Demo Notes", ClientKind::Spa, now)
    };
    let web = Client {
        secret_hash: Some(secret_hash(secret)),
        redirect_uris: vec!["http://localhost:3000/callback".into()],
        post_logout_redirect_uris: vec!["http://localhost:3000/".into()],
        scopes: spa.scopes.clone(),
        audiences: spa.audiences.clone(),
        ..Client::new(WEB, "Demo Web App", ClientKind::Web, now)
    };
    let inserted = app.store.with(|connection| -> store::Result<()> {
        account::add(connection, &person, random::id(now))?;
        apis::insert(connection, &api)?;
        clients::insert(connection, &spa)?;
        clients::insert(connection, &web)
    });
    inserted.map_err(|error| error.to_string())
}

fn announce(demo: &Demo, secret: &str, app: &App) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "
  Symbolon demo

  Open        {spa}
  Sign in     {USER} / {PASSWORD}

  Server      {issuer}
  Discovery   {issuer}/.well-known/openid-configuration
  Notes API   {api}  (checks tokens with the published keys alone)
  Web client  {WEB} / {secret}
              redirect URI http://localhost:3000/callback
  Data        {data}  (removed at the end)

  Ctrl-C stops it.
",
        spa = demo.spa_origin(),
        api = demo.api_origin(),
        issuer = demo.issuer,
        data = app.config.data_dir.display(),
    )?;
    out.flush()
}
