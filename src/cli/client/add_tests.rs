//! The client that options describe, and the options that are refused.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn client(line: &str) -> Result<Client, String> {
    let read = Line::try_parse_from(std::iter::once("add").chain(line.split(' '))).map_err(|error| error.to_string())?;
    read.options.into_client(|| "made".into(), Timestamp::from_millis(7)).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_the_safe_choice() {
    let spa = client("--name App --type spa --redirect-uri https://app.example.com/cb").unwrap();
    assert_eq!(
        (spa.id.as_str(), spa.kind, spa.auth_method, spa.pkce),
        ("made", ClientKind::Spa, AuthMethod::None, PkceRule::Required)
    );
    assert_eq!(spa.scopes.to_string(), "openid profile email offline_access");
    assert_eq!(spa.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!((spa.retry_window, spa.secret_hash, spa.created_at), (None, None, Timestamp::from_millis(7)));
    let web = client("--name App --type web --redirect-uri https://app.example.com/cb").unwrap();
    assert_eq!(web.auth_method, AuthMethod::ClientSecretBasic);
    let service = client("--name Job --type service --audience https://api.example.com --scope jobs:run").unwrap();
    assert_eq!((service.grant_types.len(), service.scopes.to_string()), (0, "jobs:run".into()));
}

#[test]
fn every_option_arrives() {
    let web = client(
        "--id app.1 --name App --type web --redirect-uri https://a.example/cb --redirect-uri https://b.example/cb --redirect-uri https://a.example/cb \
         --scope openid --scope notes:read --audience https://api.example.com --auth client_secret_post --pkce-optional --retry-window 0s \
         --cors-origin https://c.example",
    )
    .unwrap();
    assert_eq!((web.id.as_str(), web.auth_method, web.pkce), ("app.1", AuthMethod::ClientSecretPost, PkceRule::Optional));
    assert_eq!(web.redirect_uris, ["https://a.example/cb", "https://b.example/cb"]);
    assert_eq!(web.scopes.to_string(), "openid notes:read");
    assert_eq!((web.audiences, web.cors_origins), (vec!["https://api.example.com".into()], vec!["https://c.example".to_owned()]));
    assert_eq!(web.retry_window, Some(Span::ZERO));
    let spaced = Line::try_parse_from([
        "add",
        "--name",
        "A",
        "--type",
        "spa",
        "--redirect-uri",
        "https://a.example/",
        "--scope",
        "openid a b",
    ])
    .unwrap();
    assert_eq!(
        spaced.options.into_client(String::new, Timestamp::from_millis(0)).unwrap_err().to_string(),
        "client id '': expected 1 to 100 letters, digits, '-', '.', '_' or '~'"
    );
    assert_eq!(scopes(&["openid a".into(), "b a".into()], ClientKind::Spa, false).unwrap().to_string(), "openid a b");
}

#[test]
fn without_refresh_tokens_there_is_no_offline_access() {
    let app = "--name App --type spa --redirect-uri https://app.example.com/cb --no-refresh";
    let spa = client(app).unwrap();
    assert_eq!((spa.grant_types, spa.scopes.to_string()), (vec![GrantType::AuthorizationCode], "openid profile email".into()));
    assert!(client(&format!("{app} --scope offline_access")).unwrap_err().contains("--no-refresh"));
    assert!(client(&format!("{app} --retry-window 30s")).unwrap_err().contains("cannot be used with"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let app = "--name App --redirect-uri https://app.example.com/cb --type";
    for (line, words) in [
        (format!("{app} spa --auth client_secret_post"), "has no secret"),
        (format!("{app} native --pkce-optional"), "confidential"),
        (format!("{app} fridge"), "possible values: spa, native, web, service"),
        (format!("{app} web --auth none"), "client_secret_basic, client_secret_post"),
        (format!("{app} service"), "expected none for a service"),
        (format!("{app} spa --retry-window 6m"), "at most 5m"),
        (format!("{app} spa --retry-window soon"), "at most 5m"),
        (format!("{app} spa --scope a\"b"), "RFC 6749 3.3"),
        (format!("{app} spa --audience api"), "absolute"),
        (format!("{app} spa --cors-origin https://a.example/"), "scheme"),
        (format!("{app} spa --id 00000000000000000000000000000000"), "32 hexadecimal"),
        (format!("{app} spa --redirect-uri http://app.example.com/cb"), "https"),
        ("--name App --type spa".into(), "at least one"),
    ] {
        let error = client(&line).unwrap_err();
        assert!(error.contains(words), "{line}: {error}");
    }
}
