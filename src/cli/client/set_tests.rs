//! Tests of changed settings: what is replaced, what is cleared, what stays.

use clap::Parser;

use super::*;
use crate::protocol::{
    oauth::{
        client::{AssertionAudience, AuthMethod, ClientKeySource},
        scope::Scopes,
    },
    values::time::{Span, Timestamp},
};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// A web client with every setting.
fn web() -> Client {
    let settings = ClientMetadata {
        redirect_uris: vec!["https://a.example/cb".into()],
        scope: Scopes::parse("openid").unwrap(),
        audiences: vec!["https://api.example".into()],
        default_audiences: Some(vec!["https://api.example".into()]),
        introspects: vec!["https://api.example".into()],
        pkce: PkceRule::Optional,
        refresh_retry_window: Some(Span::ZERO),
        cors_origins: vec!["https://b.example".into()],
        userinfo_signed: true,
        pairwise_sector: Some("a.example".into()),
        post_logout_redirect_uris: vec!["https://a.example/".into()],
        backchannel_logout_uri: Some("https://a.example/bcl".into()),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
        ..ClientMetadata::new("App", ClientKind::Web)
    };
    with_secrets(settings)
}

fn with_secrets(settings: ClientMetadata) -> Client {
    let (secret_hash, previous_secret_hash) = (Some(vec![1]), Some(vec![2]));
    let now = Timestamp::from_millis(0);
    Client { settings, secret_hash, previous_secret_hash, ..Client::new("app", "", ClientKind::Web, now) }
}

fn options(line: &str) -> Result<Options, String> {
    let read =
        Line::try_parse_from(["set", "app"].into_iter().chain(line.split_whitespace())).map_err(|error| error.to_string())?;
    let mut options = read.options;
    options.settings = options.settings.read().map_err(|error| error.to_string())?;
    Ok(options)
}

fn changed(line: &str) -> Result<Client, String> {
    changed_from(&web(), line)
}

fn changed_from(client: &Client, line: &str) -> Result<Client, String> {
    let mut client = client.clone();
    options(line)?.change(&mut client, &[]).map(|()| client).map_err(|error| error.to_string())
}

#[test]
fn what_is_not_named_stays() {
    assert_eq!(changed(""), Ok(web()));
    let expected = with_secrets(ClientMetadata {
        client_name: "Other".into(),
        scope: Scopes::parse("a b").unwrap(),
        redirect_uris: vec!["https://c.example/cb".into()],
        ..web().settings
    });
    assert_eq!(changed("--name Other --scope a --scope b --redirect-uri https://c.example/cb"), Ok(expected));
}

#[test]
fn everything_optional_can_be_cleared() {
    let line = "--no-api --no-default-api --no-introspects --no-userinfo-signed --no-pairwise --no-post-logout-redirect-uri \
                --no-backchannel-logout-uri --no-client-credentials --pkce or_nonce --no-retry-window --no-cors-origin --refresh";
    let plain = with_secrets(ClientMetadata {
        redirect_uris: web().settings.redirect_uris,
        scope: web().settings.scope,
        ..ClientMetadata::new("App", ClientKind::Web)
    });
    assert_eq!(changed(line), Ok(plain));
    assert_eq!(changed("--no-default-api").unwrap().settings.default_audiences, None);
}

#[test]
fn one_way_to_authenticate_leaves_nothing_of_another() {
    let keys = changed("--auth private_key_jwt --jwks-uri https://a.example/jwks").unwrap();
    assert_eq!((keys.secret_hash, keys.previous_secret_hash), (None, None));
    assert_eq!(keys.settings.keys(), ClientKeySource::Url("https://a.example/jwks".into()));
    let post = changed("--auth client_secret_post").unwrap();
    assert_eq!(
        (post.settings.token_endpoint_auth_method, post.secret_hash),
        (AuthMethod::ClientSecretPost, Some(vec![1])),
        "its secret goes on"
    );
    assert!(changed("--auth private_key_jwt").unwrap_err().contains("public keys"));
    let key = "--auth private_key_jwt --jwks-uri https://a.example/jwks --assertion-audience token-endpoint";
    for (line, after, pinned, audience) in [
        ("--client-secret-basic-only", "--name Other", true, AssertionAudience::Issuer),
        ("--client-secret-basic-only", "--no-client-secret-basic-only", false, AssertionAudience::Issuer),
        ("--client-secret-basic-only", "--auth client_secret_basic", true, AssertionAudience::Issuer),
        ("--client-secret-basic-only", "--auth client_secret_post", false, AssertionAudience::Issuer),
        ("--client-secret-basic-only", key, false, AssertionAudience::TokenEndpoint),
        (key, "--name Other", false, AssertionAudience::TokenEndpoint),
        (key, "--assertion-audience issuer", false, AssertionAudience::Issuer),
        (key, "--auth client_secret_basic", false, AssertionAudience::Issuer),
    ] {
        let settings = changed_from(&changed(line).unwrap(), after).unwrap().settings;
        assert_eq!((settings.client_secret_basic_only, settings.assertion_audience), (pinned, audience), "{line}, {after}");
    }
}

#[test]
fn pkce_is_pinned_and_its_old_form_still_works() {
    for (line, rule) in [
        ("", PkceRule::Optional),
        ("--pkce required", PkceRule::Required),
        ("--no-pkce-optional", PkceRule::Required),
        ("--pkce or_nonce", PkceRule::OrNonce),
        ("--pkce-optional", PkceRule::Optional),
    ] {
        assert_eq!(changed(line).unwrap().settings.pkce, rule, "{line}");
    }
    assert!(changed("--pkce required --no-pkce-optional").unwrap_err().contains("cannot be used with"));
}

#[test]
fn the_whole_is_checked() {
    for (line, words) in [
        ("--api https://other.example", "default API 'https://api.example'"),
        ("--scope offline_access", "--no-refresh"),
        ("--name= ", "client name"),
        ("--no-api --api https://a.example", "cannot be used with"),
        ("--refresh --no-refresh", "cannot be used with"),
    ] {
        let refused = changed(line).unwrap_err();
        assert!(refused.contains(words), "{line}: {refused}");
    }
    assert!(changed("--refresh --scope offline_access").is_ok());
}

#[test]
fn max_auth_age_is_set_and_cleared() {
    let with = |line: &str| changed(line).map(|client| client.settings.max_auth_age.map(Span::seconds));
    assert_eq!(with("--max-auth-age 72h"), Ok(Some(259_200)));
    let mut had = web();
    had.settings.max_auth_age = Some(Span::from_seconds(600));
    let take = Line::try_parse_from(["set", "app", "--max-auth-age", "none"]).unwrap();
    let mut client = had.clone();
    take.options.change(&mut client, &[]).unwrap();
    assert_eq!(client.settings.max_auth_age, None);
    let stay = Line::try_parse_from(["set", "app"]).unwrap();
    let mut client = had;
    stay.options.change(&mut client, &[]).unwrap();
    assert_eq!(client.settings.max_auth_age.map(Span::seconds), Some(600));
    assert!(with("--max-auth-age 4m").unwrap_err().contains("5m to 366days"));
    assert!(with("--max-auth-age 367days").unwrap_err().contains("5m to 366days"));
    for bad in ["soon", "-1h", "99999999999999999999days"] {
        assert!(changed(&format!("--max-auth-age={bad}")).unwrap_err().contains("72h"), "{bad}");
    }
}

#[test]
fn entries_are_added_to_lists_and_removed_from_them() {
    let client = changed(
        "--add-redirect-uri https://a.example/two --add-redirect-uri https://a.example/cb --add-post-logout-redirect-uri https://a.example/bye \
         --add-scope profile --add-scope openid --add-cors-origin https://c.example",
    )
    .unwrap();
    let settings = &client.settings;
    assert_eq!(settings.redirect_uris, ["https://a.example/cb", "https://a.example/two"]);
    assert_eq!(settings.post_logout_redirect_uris, ["https://a.example/", "https://a.example/bye"]);
    assert_eq!(settings.scope.to_string(), "openid profile");
    assert_eq!(settings.cors_origins, ["https://b.example", "https://c.example"]);
    let less = changed_from(
        &client,
        "--remove-redirect-uri https://a.example/cb --remove-post-logout-redirect-uri https://a.example/ --remove-scope openid \
         --remove-cors-origin https://b.example --remove-api https://api.example --add-redirect-uri https://a.example/three",
    )
    .unwrap();
    let settings = &less.settings;
    assert_eq!(settings.redirect_uris, ["https://a.example/two", "https://a.example/three"]);
    assert_eq!(settings.post_logout_redirect_uris, ["https://a.example/bye"]);
    assert_eq!(
        (settings.scope.to_string().as_str(), settings.cors_origins.as_slice()),
        ("profile", ["https://c.example".to_owned()].as_slice())
    );
    assert!(settings.audiences.is_empty() && settings.default_audiences() == [""; 0]);
    for (line, words) in [
        (
            "--remove-redirect-uri https://a.example/cd",
            "the client's own: https://a.example/cb. Did you mean 'https://a.example/cb'?",
        ),
        ("--remove-redirect-uri https://a.example/cb", "at least one"),
        ("--remove-scope profile", "--remove-scope 'profile': expected one of the client's own: openid"),
        ("--no-client-credentials --remove-scope openid", "scopes: expected at least one, received none"),
        ("--remove-api https://zzz.test", "the client's own: https://api.example."),
        ("--redirect-uri https://a.example/x --remove-redirect-uri https://a.example/cb", "cannot be used with"),
        ("--no-api --add-api https://api.example", "cannot be used with"),
        ("--scope openid --add-scope profile", "cannot be used with"),
    ] {
        let refused = changed(line).unwrap_err();
        assert!(refused.contains(words), "{line}: {refused}");
    }
}

#[test]
fn an_api_is_removed_with_what_only_it_has() {
    let scope = |name: &str| crate::protocol::oauth::api::ApiScope { name: name.into(), description: None };
    let api = |uri: &str, scopes: &[&str]| Api {
        uri: uri.into(),
        name: "API".into(),
        scopes: scopes.iter().map(|name| scope(name)).collect(),
        tokens: crate::protocol::oauth::api_tokens::ApiTokens::default(),
        min_acr: None,
        created_at: Timestamp::from_millis(0),
    };
    let apis = [api("https://one.example", &["read", "write"]), api("https://two.example", &["read"])];
    let mut client = web();
    client.settings.audiences = apis.iter().map(|api| api.uri.clone()).collect();
    client.settings.default_audiences = None;
    client.settings.scope = Scopes::parse("openid read write").unwrap();
    client.settings.default_scope = Some(Scopes::parse("read write").unwrap());
    let options = options("--remove-api https://ONE.example/").unwrap();
    options.change(&mut client, &apis).unwrap();
    assert_eq!(client.settings.audiences, ["https://two.example"]);
    assert_eq!(client.settings.scope.to_string(), "openid read", "the other API has it too");
    assert_eq!(client.settings.default_scope.unwrap().to_string(), "read");
}
