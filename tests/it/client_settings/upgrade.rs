//! The upgrade of clients that have a column for each setting, and its way back.

use diesel::{
    QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Nullable},
};
use symbolon::testing::{
    protocol::{
        oauth::client::{AuthMethod, Client, ClientKind, ClientMetadata},
        values::time::{Span, Timestamp},
    },
    store::{AnyConnection, DatabaseUrl, Error, Store, clients, migrations},
};

use super::{client, every_setting};
use crate::harness::{Database, databases};

macro_rules! migration {
    ($database:literal, $way:literal) => {
        include_str!(concat!("../../../migrations/", $database, "/2026-11-30-160000_client_settings/", $way, ".sql"))
    };
}

/// Runs something on connections of its own: what they have prepared is of no use after the migration.
fn with<T>(database: &Database, work: impl FnOnce(&mut AnyConnection) -> Result<T, Error>) -> T {
    let url = DatabaseUrl::parse(&database.url).unwrap();
    Store::open(&url, 1, std::time::Duration::from_secs(10)).unwrap().with(work).unwrap()
}

fn run(database: &Database, sql: &str) {
    with(database, |connection| Ok(connection.batch_execute(sql)?));
}

/// A database with the migrations of this version, and how to take back and repeat the last one.
fn migrated(database: &Database) -> [&'static str; 2] {
    let url = DatabaseUrl::parse(&database.url).unwrap();
    let store = Store::open(&url, 1, std::time::Duration::from_secs(10)).unwrap();
    store.with(migrations::run).unwrap();
    match database.name {
        "sqlite" => [migration!("sqlite", "down"), migration!("sqlite", "up")],
        _ => [migration!("postgres", "down"), migration!("postgres", "up")],
    }
}

/// A row as the version before has written it, with a value in every column, and one with as few as possible.
const ROWS: &str = r#"
    INSERT INTO clients (id, name, kind, auth_method, secret_hash, redirect_uris, scopes, audiences, grant_types, pkce_required,
        retry_window_ms, cors_origins, disabled_at, created_at, previous_secret_hash, jwks, jwks_uri, default_audiences, introspects,
        signing_algorithm, userinfo_signed, pairwise_sector, post_logout_redirect_uris, backchannel_logout_uri, max_auth_age_ms)
    VALUES ('full', 'A "quoted" \ näme', 'web', 'private_key_jwt', SECRET, '["https://a.example/cb","https://b.example/cb?x=1"]',
        'openid notes:read', '["https://api.example","https://files.example"]', '["authorization_code","client_credentials"]', FALSE,
        12500, '["https://c.example"]', 3, 4, SECRET, '{"keys":[{"kid":"a\"b"}]}', NULL, '["https://api.example"]',
        '["https://api.example"]', 'ES256', TRUE, 'a.example', '["https://a.example/"]', 'https://a.example/bcl?x="y"', 3661000);
    INSERT INTO clients (id, name, kind, auth_method, redirect_uris, scopes, audiences, grant_types, pkce_required, cors_origins,
        created_at, jwks_uri, default_audiences)
    VALUES ('few', 'Few', 'service', 'client_secret_basic', '[]', '', '[]', '["client_credentials"]', TRUE, '[]', 5,
        'https://a.example/"jwks"', '[]');
"#;

#[test]
fn every_setting_of_the_version_before_survives() {
    for database in databases() {
        let [down, up] = migrated(&database);
        run(&database, down);
        run(&database, &ROWS.replace("SECRET", if database.name == "sqlite" { "x'010203'" } else { "'\\x010203'" }));
        run(&database, up);
        let mut full = client("full", every_setting());
        (full.secret_hash, full.previous_secret_hash) = (Some(vec![1, 2, 3]), Some(vec![1, 2, 3]));
        let mut few = Client::new("few", "Few", ClientKind::Service, Timestamp::from_millis(5));
        few.settings.jwks_uri = Some("https://a.example/\"jwks\"".into());
        few.settings.default_audiences = Some(vec![]);
        assert_eq!(with(&database, clients::all), [few, full], "{}", database.name);
    }
}

#[derive(QueryableByName)]
struct Spans {
    #[diesel(sql_type = Nullable<BigInt>)]
    retry_window_ms: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    max_auth_age_ms: Option<i64>,
}

#[test]
fn the_way_back_loses_nothing() {
    const SECOND: i64 = 1000;
    const DAY: i64 = 86_400 * SECOND;
    for database in databases() {
        let [down, up] = migrated(&database);
        let mut all = vec![client("a-full", every_setting())];
        for kind in ClientKind::ALL {
            all.push(client(&format!("b-{}", kind.as_str()), ClientMetadata::new("App", *kind)));
        }
        let mut url = client("c-url", every_setting());
        (url.settings.jwks, url.settings.jwks_uri) = (None, Some("https://a.example/jwks".into()));
        url.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        all.push(url);
        let spans = [
            0,
            1,
            999,
            SECOND,
            59 * SECOND,
            300 * SECOND,
            3_661_001,
            DAY,
            3 * DAY / 2,
            366 * DAY,
            1461 * DAY / 4,
            1461 * DAY / 2,
        ];
        for (number, span) in spans.into_iter().enumerate() {
            let mut one = client(&format!("d-{number:02}"), ClientMetadata::new("App", ClientKind::Spa));
            one.settings.refresh_retry_window = Some(Span::from_millis(span));
            one.settings.max_auth_age = Some(Span::from_millis(span));
            all.push(one);
        }
        all.sort_by(|one, other| one.id.cmp(&other.id));
        with(&database, |connection| all.iter().try_for_each(|client| clients::insert(connection, client)));
        run(&database, down);
        let read = sql_query("SELECT retry_window_ms, max_auth_age_ms FROM clients WHERE id LIKE 'd-%' ORDER BY id");
        let read: Vec<Spans> = with(&database, |connection| Ok(read.load(connection)?));
        assert_eq!(read.iter().map(|row| row.max_auth_age_ms).collect::<Vec<_>>(), spans.map(Some), "{}", database.name);
        assert_eq!(read.iter().map(|row| row.retry_window_ms).collect::<Vec<_>>(), spans.map(Some), "{}", database.name);
        run(&database, up);
        assert_eq!(with(&database, clients::all), all, "{}", database.name);
    }
}
