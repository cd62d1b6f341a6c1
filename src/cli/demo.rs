//! `symbolon demo`: everything needed to try the server, created at each start: a database, a secret, a key, a user, two clients,
//! and beside the server a single-page app and an API. Removed when it stops.

use std::{
    fs,
    io::{self, Write},
};

use clap::{Args, value_parser};

use super::{Error, serve};
use crate::{
    app::App,
    clock::Clock,
    config::{Config, MissingSecret, Settings},
    demo::{self, Demo},
    protocol::{
        account::{
            activity::{Activity, UNKNOWN_ORIGIN},
            user,
        },
        oauth::{
            api::{Api, ApiScope},
            api_tokens::ApiTokens,
            client::{Client, ClientKind},
            client_auth::secret_hash,
            scope::Scopes,
        },
        values::time::Timestamp,
    },
    random,
    server::{self, limits},
    store::{self, account, activity::Event, apis, clients, users},
};

const USER: &str = "alice";
const PASSWORD: &str = "through the looking glass";
const SPA: &str = "demo-app";
const WEB: &str = "demo-web";

/// Where it listens.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// The server's port; the app and the API use the next two
    #[arg(long, default_value_t = 8080, value_parser = value_parser!(u16).range(1..=65_533))]
    port: u16,
}

/// Runs the demonstration until it is interrupted.
///
/// # Errors
/// The reason why it does not start.
pub fn run(options: Options) -> Result<(), Error> {
    let now = Clock::system().now();
    let settings = Settings::demo(&format!("symbolon-demo-{}", random::id(now)), options.port);
    let config = Config { is_demo: true, ..Config::check(settings, None, MissingSecret::Make)? };
    let log = serve::set_up_logs(&config)?;
    let directory = config.data_dir.clone();
    let result = start(config, options.port, now);
    let removed = fs::remove_dir_all(&directory).map_err(|error| Error::Refused(format!("{}: {error}", directory.display())));
    serve::end(&log, result.and(removed))
}

fn start(config: Config, port: u16, now: Timestamp) -> Result<(), Error> {
    limits::raise();
    let app = server::prepare(config, Clock::system())?;
    let (spa_port, api_port) = (port + 1, port + 2);
    let demo = Demo {
        issuer: app.config.issuer.as_str().to_owned(),
        spa_client_id: SPA.into(),
        spa_port,
        api_port,
        api_audience: format!("http://localhost:{api_port}"),
    };
    let secret = random::client_secret();
    populate(&app, &demo, secret.expose(), now)?;
    let say = |error: io::Error| {
        Error::Refused(match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("ports {port}, {spa_port} and {api_port} must be free ({error}); use --port to choose others")
            }
            _ => error.to_string(),
        })
    };
    actix_web::rt::System::new().block_on(async {
        let running = demo::start(&demo).map_err(say)?;
        let served = server::serve(app.clone(), || announce(&demo, secret.expose(), &app)).await;
        running.stop().await;
        served.map_err(say)
    })
}

fn populate(app: &App, demo: &Demo, secret: &str, now: Timestamp) -> Result<(), Error> {
    let password_hash = app.passwords.hash(PASSWORD).map_err(|error| error.to_string())?;
    let user = users::User {
        claims: user::User {
            id: random::id(now),
            subject: None,
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
        tokens: ApiTokens::default(),
        min_acr: None,
        created_at: now,
    };
    let mut spa = Client::new(SPA, "Demo Notes", ClientKind::Spa, now);
    spa.settings.redirect_uris = vec![format!("{}/callback", demo.spa_origin())];
    spa.settings.post_logout_redirect_uris = vec![format!("{}/", demo.spa_origin())];
    spa.settings.scope = scopes;
    spa.settings.audiences = vec![api.uri.clone()];
    let mut web = Client::new(WEB, "Demo Web App", ClientKind::Web, now);
    web.secret_hash = Some(secret_hash(secret));
    web.settings.redirect_uris = vec!["http://localhost:3000/callback".into()];
    web.settings.post_logout_redirect_uris = vec!["http://localhost:3000/".into()];
    web.settings.scope = spa.settings.scope.clone();
    web.settings.audiences.clone_from(&spa.settings.audiences);
    let (user_id, activity, origin) = (user.claims.id, Activity::Added, &UNKNOWN_ORIGIN);
    let added = Event { id: random::id(now), user: user_id, activity, origin, about: None, grant: None, at: now };
    let inserted = app.store.with(|connection| -> store::Result<()> {
        account::add(connection, &user, &added)?;
        apis::insert(connection, &api)?;
        clients::insert(connection, &spa)?;
        clients::insert(connection, &web)
    });
    Ok(inserted?)
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
  Notes API   {api}  (verifies tokens with the published keys)
  Web client  {WEB} / {secret}
              redirect URI http://localhost:3000/callback
  Data        {data}  (removed on exit)

  Press Ctrl-C to stop.
",
        spa = demo.spa_origin(),
        api = demo.api_origin(),
        issuer = demo.issuer,
        data = app.config.data_dir.display(),
    )?;
    out.flush()
}
