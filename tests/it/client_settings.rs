//! A client's settings as they are stored: one column of JSON, strictly read, and the columns beside it that statements ask for. What
//! is printed and read by the command line is `cli::client_json`.

mod refusals;
mod upgrade;

use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Nullable, Text},
};
use symbolon::testing::{
    protocol::{
        oauth::{
            client::{AssertionAudience, AuthMethod, Client, ClientKind, ClientMetadata, GrantType, IdTokenClaims, PkceRule},
            scope::Scopes,
        },
        values::{
            algorithm::Algorithm,
            time::{Span, Timestamp},
        },
    },
    store::{AnyConnection, Error, clients},
};

use crate::harness::{Server, both};

/// Settings of which none is the default.
fn every_setting() -> ClientMetadata {
    ClientMetadata {
        redirect_uris: vec!["https://a.example/cb".into(), "https://b.example/cb?x=1".into()],
        scope: Scopes::parse("openid notes:read").unwrap(),
        token_endpoint_auth_method: AuthMethod::PrivateKeyJwt,
        jwks: Some(r#"{"keys":[{"kid":"a\"b"}]}"#.into()),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
        audiences: vec!["https://api.example".into(), "https://files.example".into()],
        default_audiences: Some(vec!["https://api.example".into()]),
        introspects: vec!["https://api.example".into()],
        pkce: PkceRule::Optional,
        refresh_retry_window: Some(Span::from_millis(12_500)),
        max_auth_age: Some(Span::from_seconds(3_661)),
        cors_origins: vec!["https://c.example".into()],
        signing_alg: Algorithm::Es256,
        userinfo_signed: true,
        pairwise_sector: Some("a.example".into()),
        post_logout_redirect_uris: vec!["https://a.example/".into()],
        backchannel_logout_uri: Some("https://a.example/bcl?x=\"y\"".into()),
        ..ClientMetadata::new("A \"quoted\" \\ näme", ClientKind::Web)
    }
}

fn client(id: &str, settings: ClientMetadata) -> Client {
    Client {
        settings,
        secret_hash: Some(vec![1; 32]),
        previous_secret_hash: Some(vec![2; 32]),
        disabled_at: Some(Timestamp::from_millis(3)),
        ..Client::new(id, "", ClientKind::Web, Timestamp::from_millis(4))
    }
}

#[derive(QueryableByName, Debug, PartialEq, Eq)]
struct Columns {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    backchannel_logout_uri: Option<String>,
}

fn columns(connection: &mut AnyConnection) -> Result<Columns, Error> {
    Ok(sql_query("SELECT name, backchannel_logout_uri FROM clients WHERE id = 'app'").get_result(connection)?)
}

#[test]
fn every_setting_is_kept_and_the_columns_beside_them_follow() {
    both(|server| {
        let mut app = client("app", every_setting());
        (app.settings.client_secret_basic_only, app.settings.assertion_audience) = (true, AssertionAudience::TokenEndpoint);
        app.settings.default_scope = Some(Scopes::parse("openid").unwrap());
        (app.settings.secret_for_native, app.settings.first_party) = (true, true);
        (app.settings.id_token_claims, app.settings.id_token_on_refresh) = (IdTokenClaims::Requested, false);
        server.store(|connection| clients::insert(connection, &app));
        assert_eq!(server.store(|connection| clients::find(connection, "app")).as_ref(), Some(&app));
        let is = |app: &Client| Columns {
            name: app.settings.client_name.clone(),
            backchannel_logout_uri: app.settings.backchannel_logout_uri.clone(),
        };
        assert_eq!(server.store(columns), is(&app));
        let names = server.store(|connection| clients::names(connection, &["app".into()]));
        assert_eq!(names, [("app".into(), app.settings.client_name.clone())]);

        app.settings = ClientMetadata::new("Other", ClientKind::Web);
        let replaced = server.store(|connection| {
            clients::update(connection, "app", |_, kept| {
                kept.settings = app.settings.clone();
                Ok::<_, Error>(())
            })
        });
        assert_eq!(replaced.as_ref(), Some(&app));
        assert_eq!(server.store(|connection| clients::find(connection, "app")).as_ref(), Some(&app));
        assert_eq!(server.store(columns), is(&app));
    });
}

/// What is read of a client whose settings are this text.
fn read(server: &Server, settings: &str) -> Result<Option<ClientMetadata>, Error> {
    let set = format!("UPDATE clients SET settings = '{settings}' WHERE id = 'app'");
    server.store(|connection| Ok(sql_query(set).execute(connection)?));
    let found = server.app.store.with(|connection| clients::find(connection, "app"));
    Ok(found?.map(|client| client.settings))
}

#[test]
fn settings_that_an_older_row_lacks_have_their_default() {
    both(|server| {
        server.store(|connection| clients::insert(connection, &client("app", every_setting())));
        let old =
            r#"{"client_name":"Old","type":"spa","token_endpoint_auth_method":"none","grant_types":["authorization_code"]}"#;
        let expected =
            ClientMetadata { grant_types: vec![GrantType::AuthorizationCode], ..ClientMetadata::new("Old", ClientKind::Spa) };
        assert_eq!(read(server, old), Ok(Some(expected)));
    });
}

#[test]
fn settings_that_this_server_never_wrote_are_an_error_that_names_the_row() {
    both(|server| {
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        server.store(|connection| clients::insert(connection, &client("app", every_setting())));
        let whole = r#"{"client_name":"Old","type":"spa","token_endpoint_auth_method":"none","grant_types":[]}"#;
        assert!(read(server, whole).is_ok());
        for broken in [
            "",
            "{}",
            "[]",
            "null",
            "not JSON",
            &whole[..40],
            &whole.replace("spa", "fridge"),
            &whole.replace("[]", "7"),
            &whole.replace('}', r#","of_later":true}"#),
        ] {
            let Err(Error::Corrupt(text)) = read(server, broken) else { panic!("{broken}") };
            assert!(text.starts_with("clients.settings of row app "), "{broken}: {text}");
            let form = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", "x")];
            assert_eq!(server.token(&form, &[]).status, 500, "{broken}");
        }
        let form = [("grant_type", "refresh_token"), ("client_id", spa.id.as_str()), ("refresh_token", "x")];
        assert_eq!(server.token(&form, &[]).error(), "invalid_grant", "other clients go on");
    });
}
