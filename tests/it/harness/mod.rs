//! The base of every integration test: a server of its own in this process, on a database of its own, with a clock that the test
//! moves. `both` runs a test on SQLite and on PostgreSQL.

mod accounts;
mod apis;
mod authenticator;
mod browser;
mod certificate;
mod clocks;
mod cluster;
mod database;
mod factors;
mod headers;
mod jar;
mod kept;
mod listener;
mod mail;
mod messages;
mod ports;
mod process;
mod scripts;

use std::{
    io::Write,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use actix_web::{dev::ServerHandle, web::Data};
use clocks::Offsets;
use serde_json::Value;
use symbolon::testing::{
    app::{App, look_after},
    background,
    config::{Config, Issuer, MissingSecret, Settings},
    protocol::{
        account::user,
        oauth::{
            client::{Client, ClientKind},
            client_auth::secret_hash,
            scope::Scopes,
        },
        values::time::{Span, Timestamp},
    },
    random, server,
    store::{AnyConnection, DatabaseUrl, Error, clients, users},
};

pub use apis::{FILES, INACTIVE, basic};
pub use authenticator::Authenticator;
pub use browser::{Browser, Page, encode, query_of, try_send};
pub use certificate::certificate;
pub use cluster::Cluster;
pub use database::{Database, databases};
pub use factors::Phone;
pub use kept::{behind_a_proxy, from, grant_of};
pub use listener::{Listener, Port, answer, wait_until};
pub use mail::{Behavior, MailServer, ReceivedMessage};
pub use messages::{LINK, settled, with_mail};
pub use ports::{free_port, free_ports};
pub use process::Process;
pub use scripts::{chromium, firefox, node, node_with_input, python, variable};

/// The password of all users.
pub const PASSWORD: &str = "correct horse battery staple";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The secret of every confidential client.
pub const SECRET: &str = "sym_cs_the-secret-of-a-test-client";
/// The redirect URI; nothing listens there.
pub const CALLBACK: &str = "https://app.example.com/cb";
/// The resource server of every client.
pub const API: &str = "https://api.example.com";

/// A running server.
pub struct Server {
    /// The issuer, and the URL to call.
    pub url: String,
    /// The server's own state.
    pub app: Data<App>,
    offsets: Arc<Offsets>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// A response of a machine endpoint.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub json: Value,
    pub headers: Vec<(String, String)>,
}

/// Reports, even where a test's output is not shown, that something cannot be tested on this machine.
#[expect(clippy::explicit_write, reason = "what eprintln! writes is shown of tests that fail alone")]
pub fn not_tried(what: &str, why: &str) {
    writeln!(std::io::stderr(), "not tried: {what}: {why}").unwrap();
}

/// Runs a test on each database.
pub fn both(work: impl Fn(&Server)) {
    both_with(|_| (), work);
}

/// Runs a test on each database, with a changed configuration.
pub fn both_with(change: impl Fn(&mut Config), work: impl Fn(&Server)) {
    for database in databases() {
        eprintln!("on {}", database.name);
        work(&Server::start(&database, &change));
    }
}

impl Server {
    /// Starts a server on a database.
    pub fn start(database: &Database, change: impl Fn(&mut Config)) -> Self {
        Self::start_on(database, free_port(), Offsets::all(0), change)
    }

    /// Starts a server whose clock is behind.
    pub fn start_behind(database: &Database, seconds: i64) -> Self {
        Self::start_on(database, free_port(), Offsets::all(-seconds), |_| ())
    }

    /// Starts another server with the same issuer, database and clock, like a second process; it listens on another port.
    pub fn sibling(&self, database: &Database) -> Self {
        self.sibling_with(database, |_| ())
    }

    /// As [`Server::sibling`], with a changed configuration.
    pub fn sibling_with(&self, database: &Database, change: impl Fn(&mut Config)) -> Self {
        self.another(database, self.offsets.clone(), change)
    }

    /// As [`Server::sibling`], on a machine whose clock is ahead by this many seconds; a negative number is behind. Its clock does
    /// not move with this server's.
    pub fn sibling_ahead(&self, database: &Database, seconds: i64) -> Self {
        self.another(database, self.offsets.apart(seconds), |_| ())
    }

    fn another(&self, database: &Database, offsets: Arc<Offsets>, change: impl Fn(&mut Config)) -> Self {
        let issuer = self.app.config.issuer.clone();
        Self::start_on(database, free_port(), offsets, |config| {
            config.issuer = issuer.clone();
            change(config);
        })
    }

    /// Stops it, and waits for its end.
    pub fn stop(&mut self) {
        drop(self.handle.stop(false));
        self.thread.take().unwrap().join().unwrap();
    }

    /// Stops it, and starts another in its place, as [`Server::sibling_with`] does.
    pub fn restart(mut self, database: &Database, change: impl Fn(&mut Config)) -> Self {
        self.stop();
        self.sibling_with(database, change)
    }

    fn start_on(database: &Database, port: u16, offsets: Arc<Offsets>, change: impl Fn(&mut Config)) -> Self {
        let url = format!("http://localhost:{port}");
        let mut config = config(database, port);
        change(&mut config);
        let (sender, receiver) = mpsc::channel();
        let app = server::prepare(config, offsets.clock()).unwrap();
        let shared = app.clone();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listening = server::listen(&shared, 2).unwrap();
                actix_web::rt::spawn(background::run(shared.clone().into_inner()));
                actix_web::rt::spawn(look_after(shared.clone().into_inner()));
                sender.send(listening.server.handle()).unwrap();
                listening.server.await.unwrap();
            });
        });
        Self { url, app, offsets, handle: receiver.recv().unwrap(), thread: Some(thread) }
    }

    /// The time on the server's clock.
    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Runs a function with a database connection.
    pub fn store<T>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T, Error>) -> T {
        self.app.store.with(work).unwrap()
    }

    /// Adds a user with the password [`PASSWORD`].
    pub fn add_user(&self, username: &str) -> users::User {
        self.add_user_with(username, &self.app.passwords.hash(PASSWORD).unwrap(), |_| ())
    }

    /// As [`Server::add_user`], with an unverified e-mail address.
    pub fn add_unverified(&self, username: &str) -> users::User {
        let hash = self.app.passwords.hash(PASSWORD).unwrap();
        self.add_user_with(username, &hash, |user| user.claims.email_verified = false)
    }

    /// Adds a user with this password hash, after a change.
    pub fn add_user_with(&self, username: &str, hash: &str, change: impl FnOnce(&mut users::User)) -> users::User {
        let now = self.now();
        let mut user = users::User {
            claims: user::User {
                id: random::id(now),
                subject: None,
                username: username.into(),
                display_name: Some(format!("{username} Example")),
                email: format!("{username}@example.com"),
                email_verified: true,
                roles: vec![],
                groups: vec![],
                attributes: serde_json::Map::new(),
                updated_at: now,
            },
            password_hash: Some(hash.to_owned()),
            disabled_at: None,
            created_at: now,
            signed_in_at: None,
            sign_in_again_at: None,
        };
        change(&mut user);
        self.store(|connection| users::insert(connection, &user));
        user
    }

    /// Adds a client of this kind, named after its id; a confidential one has [`SECRET`].
    pub fn add_client(&self, id: &str, kind: ClientKind, change: impl FnOnce(&mut Client)) -> Client {
        let mut client = Client::new(id, format!("App {id}"), kind, self.now());
        client.secret_hash = client.settings.has_secret().then(|| secret_hash(SECRET));
        client.settings.audiences = vec![API.into()];
        if kind == ClientKind::Service {
            client.settings.scope = Scopes::parse("notes:read notes:write").unwrap();
        } else {
            client.settings.redirect_uris = vec![CALLBACK.into()];
            client.settings.scope = Scopes::parse("openid profile email offline_access notes:read").unwrap();
        }
        change(&mut client);
        client.check().unwrap();
        self.store(|connection| clients::insert(connection, &client));
        client
    }

    /// A strict client: no retry window.
    pub fn add_strict_client(&self, id: &str) -> Client {
        self.add_client(id, ClientKind::Spa, |client| client.settings.refresh_retry_window = Some(Span::ZERO))
    }

    /// `POST /token`.
    pub fn token(&self, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        Answer::of(browser::send("POST", &format!("{}/token", self.url), headers, Some(&browser::encode(form))))
    }

    /// Redeems a code as a public client.
    pub fn redeem(&self, client: &Client, code: &str) -> Answer {
        self.token(
            &[
                ("grant_type", "authorization_code"),
                ("client_id", &client.id),
                ("code", code),
                ("redirect_uri", &client.settings.redirect_uris[0]),
                ("code_verifier", VERIFIER),
            ],
            &[],
        )
    }

    /// Refreshes as a public client.
    pub fn refresh(&self, client: &Client, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("client_id", &client.id), ("refresh_token", token)], &[])
    }

    /// `GET /userinfo`.
    pub fn userinfo(&self, access_token: &str) -> Answer {
        self.get("/userinfo", &[("Authorization", &format!("Bearer {access_token}"))])
    }

    /// Any GET that is answered with JSON.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        Answer::of(browser::send("GET", &format!("{}{path}", self.url), headers, None))
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Page {
        browser::send(method, &format!("{}{path}", self.url), headers, body)
    }

    /// Signs a user in, consents, and redeems the code; returns the tokens.
    pub fn tokens(&self, client: &Client, username: &str, scope: &str) -> Answer {
        let code = Browser::new(self).code(client, username, scope);
        let answer = self.redeem(client, &code);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }
}

/// The configuration of a test's server, on a database and a port of localhost.
pub fn config(database: &Database, port: u16) -> Config {
    let mut config =
        Config::check(Settings::default(), Some("the server secret of the integration tests".into()), MissingSecret::Leave)
            .unwrap();
    config.issuer = Issuer::parse(&format!("http://localhost:{port}")).unwrap();
    config.listen = format!("localhost:{port}");
    config.database = DatabaseUrl::parse(&database.url).unwrap();
    (config.passwords.memory_kib, config.passwords.iterations) = (8, 1);
    config
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false)); // the stop request is sent when the future is created
    }
}

impl Answer {
    /// The response in this page.
    pub fn of(page: Page) -> Self {
        let json = serde_json::from_str(&page.body).unwrap_or(Value::Null);
        Self { status: page.status, json, headers: page.headers }
    }

    /// A text member of the JSON body.
    pub fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// The error code, or an empty text.
    pub fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        browser::header(&self.headers, name)
    }
}

/// Whether a caller on this machine is recorded with this address: either address of localhost, whichever its resolver returns
/// first.
pub fn is_localhost(address: &str) -> bool {
    ["127.0.0.1", "::1"].contains(&address)
}

/// The claims of a JWT, unverified.
pub fn claims_of(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
