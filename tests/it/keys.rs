//! Signing keys: rotation over time on two servers of one database, and the checks at startup of the keys, the issuer and the
//! server secret that the database was created with.

use std::{sync::Barrier, thread};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::connection::SimpleConnection;
use serde_json::Value;
use symbolon::testing::{
    app::App,
    clock::Clock,
    config::{Config, Issuer},
    jose::{
        first_keys::OF_EVERY_INSTALLATION,
        keys,
        verify::{self, Expected},
    },
    protocol::{
        oauth::client::{Client, ClientKind},
        secrets::SecretRing,
        values::{algorithm::Algorithm, time::Span},
    },
    server::prepare,
    store::{
        Error,
        signing_keys::{self, SigningKeyRow},
    },
};

use crate::harness::{API, Database, Server, claims_of, config, databases, free_port};

const SECRET: &str = "the server secret of the integration tests";
const OTHER_SECRET: &str = "another server secret, as long as it must be";

fn kid_of(token: &str) -> String {
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn published(server: &Server) -> Value {
    server.get("/.well-known/jwks.json", &[]).json
}

/// The ids of the published keys of RS256.
fn kids(jwks: &Value) -> Vec<&str> {
    let own = jwks["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "RS256");
    own.map(|key| key["kid"].as_str().unwrap()).collect()
}

/// Makes a key, as `key rotate` does.
fn rotate(server: &Server, lead: u32) -> String {
    let now = server.now();
    let key = keys::generate(&server.app.config.secrets, Algorithm::Rs256, now, now.plus(Span::from_seconds(lead))).unwrap();
    server.store(|connection| signing_keys::insert(connection, &key));
    key.kid
}

fn rows(app: &App) -> Vec<SigningKeyRow> {
    app.store.with(signing_keys::all).unwrap()
}

/// One grant, refreshed at whichever server is asked.
struct Refreshing {
    client: Client,
    token: String,
}

impl Refreshing {
    /// A new access token.
    fn at(&mut self, server: &Server) -> String {
        let answer = server.refresh(&self.client, &self.token);
        assert_eq!(answer.status, 200, "{answer:?}");
        self.token = answer.text("refresh_token").into();
        answer.text("access_token").into()
    }
}

#[test]
fn published_first_signing_later_retired_last_on_every_server() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        let servers = [&one, &two];
        one.add_user("alice");
        let client = one.add_client("spa", ClientKind::Spa, |_| ());
        let first = one.tokens(&client, "alice", "openid offline_access notes:read");
        let mut grant = Refreshing { client, token: first.text("refresh_token").into() };
        let old = kid_of(first.text("access_token"));
        assert_eq!(kid_of(first.text("id_token")), old);
        assert_eq!(kids(&published(&one)), [&old]);

        let new = rotate(&one, 900);
        let mut living = vec![first.text("access_token").to_owned()];
        // From the rotation on, in steps of 45 s: signs from 900 on, the last token of the old key dies at 1500, with the margin
        // 1620.
        for step in 0..=40 {
            let elapsed = step * 45;
            let signer = if elapsed < 900 { &old } else { &new };
            let both: Vec<_> = servers.iter().map(|server| grant.at(server)).collect();
            for token in &both {
                assert_eq!(kid_of(token), *signer, "after {elapsed} s");
            }
            living.extend(both);
            let expected = if elapsed == 0 {
                vec![] // each server reads the rows again within 20 s
            } else if elapsed < 1620 {
                vec![&*old, &new]
            } else {
                vec![&*new]
            };
            let now_seconds = one.now().seconds();
            living.retain(|token| claims_of(token)["exp"].as_i64().unwrap() > now_seconds + 2);
            for server in servers {
                let jwks = published(server);
                assert!(expected.is_empty() || kids(&jwks) == expected, "after {elapsed} s: {jwks}");
                for token in &living {
                    let expected = Expected { issuer: &one.url, audience: API, now_seconds };
                    verify::access_token(&jwks, token, &expected).unwrap_or_else(|why| panic!("after {elapsed} s: {why}"));
                    assert_eq!(server.userinfo(token).status, 200, "after {elapsed} s");
                }
            }
            assert!(living.len() > 2 || step == 0);
            one.advance(45);
        }
    }
}

#[test]
fn the_first_key_of_an_algorithm_is_known_everywhere_before_it_signs() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        // As a database that was made before each installation had a key of ES256.
        one.store(|connection| {
            connection.batch_execute("DELETE FROM signing_keys WHERE algorithm = 'ES256'").map_err(Error::from)
        });
        let published = |server: &Server| {
            let set = published(server);
            set["keys"].as_array().unwrap().iter().any(|key| key["alg"] == "ES256")
        };
        one.advance(21);
        assert!(!published(&one));
        let two = one.sibling(&database);
        let made = || {
            let key = rows(&one.app).into_iter().find(|row| row.algorithm == Algorithm::Es256).unwrap();
            (key.signs_from.since(one.now()).seconds(), key.kid)
        };
        let (lead, kid) = made();
        assert!((86_390..=86_400).contains(&lead), "{lead}: published first");
        assert!(published(&two));
        one.advance(21);
        assert!(published(&one), "each server reads the keys again");
        one.advance(86_400);
        one.add_user("alice");
        let client = one.add_client("es", ClientKind::Spa, |client| client.settings.signing_alg = Algorithm::Es256);
        let token = one.tokens(&client, "alice", "openid notes:read").text("access_token").to_owned();
        assert_eq!(kid_of(&token), kid);
        assert_eq!(two.userinfo(&token).status, 200);
    }
}

#[test]
fn a_key_that_signs_at_once_is_taken_everywhere_within_half_a_minute() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        one.add_user("alice");
        let client = one.add_client("spa", ClientKind::Spa, |_| ());
        let before = one.tokens(&client, "alice", "openid notes:read").text("access_token").to_owned();
        assert_eq!(two.userinfo(&before).status, 200);
        let new = rotate(&one, 0);
        one.advance(21);
        let after = one.tokens(&client, "alice", "openid notes:read").text("access_token").to_owned();
        assert_eq!(kid_of(&after), new);
        for server in [&one, &two] {
            assert_eq!([&before, &after].map(|token| server.userinfo(token).status), [200, 200]);
            assert_eq!(kids(&published(server)), [&kid_of(&before), &new], "the old key is published on");
        }
    }
}

#[test]
fn a_hint_signed_by_a_retired_key_still_names_its_user() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let client = server.add_client("spa", ClientKind::Spa, |_| ());
        let hint = server.tokens(&client, "alice", "openid").text("id_token").to_owned();
        rotate(&server, 900);
        server.advance(86_400);
        assert_eq!(kids(&published(&server)).len(), 1);
        assert!(!kids(&published(&server)).contains(&&*kid_of(&hint)));
        let path = crate::harness::Browser::request(&client, "openid", &[("id_token_hint", &hint)]);
        let page = crate::harness::Browser::new(&server).follow(&path, "alice", "allow");
        assert!(crate::harness::query_of(page.location()).contains_key("code"), "{page:?}");
    }
}

#[test]
fn many_first_starts_at_once_make_one_key_of_each() {
    const STARTS: usize = 6;
    for database in databases() {
        let port = free_port();
        let apps = start_at_once(STARTS, |_| config(&database, port));
        for app in &apps {
            let app = app.as_ref().unwrap_or_else(|why| panic!("{}: {why}", database.name));
            assert_eq!(rows(app).len(), 2, "{}: one of RS256, one of ES256", database.name);
        }
    }
}

#[test]
fn many_first_starts_with_different_issuers_agree_on_one() {
    for database in databases() {
        let apps = start_at_once(4, |n| config(&database, 9000 + n));
        let (good, bad): (Vec<_>, Vec<_>) = apps.iter().partition(|app| app.is_ok());
        assert_eq!(good.len(), 1, "{}: {:?}", database.name, bad.iter().filter_map(|app| app.as_ref().err()).collect::<Vec<_>>());
        let winner = good[0].as_ref().unwrap();
        assert_eq!(rows(winner).len(), 2);
        for why in bad {
            let why = why.as_ref().err().unwrap();
            assert!(why.starts_with(&format!("issuer: expected '{}'", winner.config.issuer.as_str())), "{why}");
        }
    }
}

fn start_at_once(count: usize, config: impl Fn(u16) -> Config) -> Vec<Result<actix_web::web::Data<App>, String>> {
    let barrier = Barrier::new(count);
    thread::scope(|scope| {
        let starts: Vec<_> = (0..count)
            .map(|n| {
                let (barrier, config) = (&barrier, config(u16::try_from(n).unwrap()));
                scope.spawn(move || {
                    barrier.wait();
                    prepare(config, Clock::system()).map_err(|why| why.to_string())
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    })
}

/// Starts with one change, and says why that was refused, if it was.
fn refusal(database: &Database, port: u16, change: impl FnOnce(&mut Config)) -> Option<String> {
    let mut config = config(database, port);
    change(&mut config);
    prepare(config, Clock::system()).err().map(|why| why.to_string())
}

#[test]
fn another_issuer_or_another_secret_is_refused_at_the_start() {
    for database in databases() {
        let port = free_port();
        assert_eq!(refusal(&database, port, |_| ()), None);
        for other in
            ["https://id.example.com".to_owned(), format!("http://localhost:{port}/auth"), format!("http://127.0.0.1:{port}")]
        {
            let why = refusal(&database, port, |config| config.issuer = Issuer::parse(&other).unwrap()).unwrap();
            assert!(why.contains(&format!("expected 'http://localhost:{port}'")) && why.contains(&other), "{why}");
        }
        let secrets = |list: &[&str]| SecretRing::new(list).unwrap();
        let why = refusal(&database, port, |config| config.secrets = secrets(&[OTHER_SECRET])).unwrap();
        assert!(why.starts_with("server secret: this database belongs to an installation with another one"), "{why}");
        assert!(!why.contains(OTHER_SECRET) && !why.contains(SECRET));
        assert_eq!(
            refusal(&database, port, |config| config.secrets = secrets(&[OTHER_SECRET, SECRET])),
            None,
            "a list with the old one rotates"
        );
        assert_eq!(refusal(&database, port, |_| ()), None, "and nothing was changed by all that");
    }
}

#[test]
fn an_old_secret_may_go_when_none_of_its_keys_signs() {
    for database in databases() {
        let port = free_port();
        let start = |secrets: &[&str], seconds: i64| {
            let mut config = config(&database, port);
            config.secrets = SecretRing::new(secrets).unwrap();
            prepare(
                config,
                Clock::new(move || {
                    symbolon::testing::protocol::values::time::Timestamp::from_millis(
                        Clock::system().now().millis() + seconds * 1000,
                    )
                }),
            )
            .map_err(|why| why.to_string())
        };
        start(&[SECRET], 0).unwrap();
        let app = start(&[OTHER_SECRET, SECRET], 0).unwrap();
        let now = app.clock.now();
        for algorithm in OF_EVERY_INSTALLATION {
            let key = keys::generate(&app.config.secrets, algorithm, now, now.plus(Span::from_seconds(900))).unwrap();
            app.store.with(|connection| signing_keys::insert(connection, &key)).unwrap();
        }
        assert!(start(&[OTHER_SECRET], 880).err().unwrap().contains("cannot be decrypted"), "the old key still signs");
        let app = start(&[OTHER_SECRET], 920).unwrap();
        let ring = app.keys_at_hand(app.clock.now()).unwrap();
        let jwks = ring.published(app.clock.now(), app.config.lifetimes.access_token);
        assert_eq!(kids(&jwks).len(), 2, "its tokens are still verified");
    }
}

#[test]
fn private_keys_are_not_in_the_database_in_the_clear() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        rotate(&server, 900);
        let mut rows = rows(&server.app);
        rows.retain(|row| row.algorithm == Algorithm::Rs256);
        assert_eq!(rows.len(), 2);
        for row in &rows {
            let public: Value = serde_json::from_str(&row.public_jwk).unwrap();
            let modulus = URL_SAFE_NO_PAD.decode(public["n"].as_str().unwrap()).unwrap();
            let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            assert!(row.sealed_key.len() > 1000, "a private key of 2048 bits, sealed");
            // Every encoding of a private key holds its modulus; published it stands in base64 only.
            assert!(!holds(&row.sealed_key, &modulus[..16]));
            if let Some(path) = database.url.strip_prefix("sqlite:") {
                for file in [path.to_owned(), format!("{path}-wal")] {
                    let bytes = std::fs::read(&file).unwrap();
                    assert!(
                        !holds(&bytes, &modulus[..16]) && !holds(&bytes, b"PRIVATE KEY") && !holds(&bytes, SECRET.as_bytes()),
                        "{file}"
                    );
                }
            }
            let members: Vec<_> = public.as_object().unwrap().keys().cloned().collect();
            assert_eq!(members, ["kty", "use", "alg", "kid", "n", "e"]);
        }
        assert_ne!(rows[0].sealed_key, rows[1].sealed_key);
    }
}
