//! Tests: the client that the options describe, and options that are refused.

use clap::Parser;

use super::*;
use crate::protocol::{
    oauth::{
        api::ApiScope,
        api_tokens::ApiTokens,
        client::{AssertionAudience, AuthMethod, ClientKeySource, GrantType, PkceRule},
    },
    values::{algorithm::Algorithm, time::Span},
};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn client(line: &str) -> Result<Client, String> {
    let scopes = ["jobs:run", "jobs:read"].map(|name| ApiScope { name: name.into(), description: None }).into();
    let now = Timestamp::from_millis(7);
    let api = Api {
        uri: "https://api.example.com".into(),
        name: "Jobs".into(),
        scopes,
        tokens: ApiTokens::default(),
        min_acr: None,
        created_at: now,
    };
    let read = Line::try_parse_from(std::iter::once("add").chain(line.split(' '))).map_err(|error| error.to_string())?;
    let mut options = read.options;
    options.settings = options.settings.read().map_err(|error| error.to_string())?;
    let id = options.id.take().unwrap_or_else(|| "made".into());
    options.describe(&id, &[api], now).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_the_safe_choice() {
    let spa = client("--name App --type spa --redirect-uri https://app.example.com/cb").unwrap();
    assert_eq!(
        (spa.id.as_str(), spa.settings.kind, spa.settings.token_endpoint_auth_method, spa.settings.pkce_rule()),
        ("made", ClientKind::Spa, AuthMethod::None, PkceRule::Required)
    );
    assert_eq!(spa.settings.scope.to_string(), "openid profile email offline_access");
    assert_eq!(spa.settings.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!((spa.settings.refresh_retry_window, spa.secret_hash, spa.created_at), (None, None, Timestamp::from_millis(7)));
    assert_eq!(
        (spa.settings.signing_alg, spa.settings.pairwise_sector, spa.settings.default_audiences),
        (Algorithm::Rs256, None, None)
    );
    let web = client("--name App --type web --redirect-uri https://app.example.com/cb").unwrap();
    assert_eq!(web.settings.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
}

#[test]
fn a_service_has_the_scopes_of_its_apis() {
    let service = |options: &str| client(&format!("--name Job --type service {options}")).unwrap();
    let all = service("--api https://api.example.com");
    assert_eq!(
        (all.settings.grant_types, all.settings.scope.to_string()),
        (vec![GrantType::ClientCredentials], "jobs:run jobs:read".into())
    );
    assert_eq!(service("--audience https://api.example.com --scope jobs:run").settings.scope.to_string(), "jobs:run");
    assert!(service("--auth client_secret_post").settings.scope.is_empty());
}

#[test]
fn every_option_arrives() {
    let web = client(
        "--id app.1 --name App --type web --redirect-uri https://a.example/cb --redirect-uri https://a.example/cb2 --redirect-uri https://a.example/cb \
         --scope openid --scope notes:read --api https://api.example.com --audience https://b.example --default-api https://b.example \
         --introspects https://c.example --auth client_secret_post --pkce optional --retry-window 0s --cors-origin https://c.example \
         --signing-alg ES256 --userinfo-signed --pairwise --post-logout-redirect-uri https://a.example/ \
         --backchannel-logout-uri https://a.example/bcl --client-credentials",
    )
    .unwrap();
    assert_eq!(
        (web.id.as_str(), web.settings.token_endpoint_auth_method, web.settings.pkce),
        ("app.1", AuthMethod::ClientSecretPost, PkceRule::Optional)
    );
    assert!(web.settings.may_use(GrantType::ClientCredentials) && web.settings.may_use(GrantType::RefreshToken));
    assert_eq!(web.settings.redirect_uris, ["https://a.example/cb", "https://a.example/cb2"]);
    assert_eq!(web.settings.scope.to_string(), "openid notes:read");
    assert_eq!(web.settings.audiences, ["https://api.example.com", "https://b.example"]);
    assert_eq!(
        (web.settings.default_audiences.unwrap(), web.settings.introspects),
        (vec!["https://b.example".into()], vec!["https://c.example".to_owned()])
    );
    assert_eq!(
        (web.settings.refresh_retry_window, web.settings.cors_origins),
        (Some(Span::ZERO), vec!["https://c.example".to_owned()])
    );
    assert_eq!(
        (web.settings.signing_alg, web.settings.userinfo_signed, web.settings.pairwise_sector.as_deref()),
        (Algorithm::Es256, true, Some("a.example"))
    );
    assert_eq!(web.settings.post_logout_redirect_uris, ["https://a.example/"]);
    assert_eq!(web.settings.backchannel_logout_uri.as_deref(), Some("https://a.example/bcl"));
    assert_eq!((web.settings.client_secret_basic_only, web.settings.assertion_audience), (false, AssertionAudience::Issuer));
    let app = "--name App --type web --redirect-uri https://a.example/cb";
    assert!(client(&format!("{app} --client-secret-basic-only")).unwrap().settings.client_secret_basic_only);
    let key = format!("{app} --auth private_key_jwt --jwks-uri https://a.example/jwks");
    let key = client(&format!("{key} --assertion-audience token-endpoint")).unwrap();
    assert_eq!(key.settings.assertion_audience, AssertionAudience::TokenEndpoint);
}

#[test]
fn the_rule_about_pkce_is_named_and_its_old_form_still_works() {
    let rule = |line: &str| {
        let web = "--name App --type web --redirect-uri https://a.example/cb";
        client(format!("{web} {line}").trim_end()).map(|client| client.settings.pkce)
    };
    for (line, expected) in [
        ("", PkceRule::OrNonce),
        ("--pkce or_nonce", PkceRule::OrNonce),
        ("--pkce required", PkceRule::Required),
        ("--pkce optional", PkceRule::Optional),
        ("--pkce-optional", PkceRule::Optional),
    ] {
        assert_eq!(rule(line), Ok(expected), "{line}");
    }
    let spa = client("--name App --type spa --redirect-uri https://a.example/cb --pkce required").unwrap();
    assert_eq!(spa.settings.pkce_rule(), PkceRule::Required);
}

#[test]
fn keys_come_from_a_file_or_a_url() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.json");
    let web = "--name App --type web --redirect-uri https://a.example/cb --auth private_key_jwt";
    let with = |text: &str| {
        std::fs::write(&file, text).unwrap();
        client(&format!("{web} --jwks {}", file.display()))
    };
    let set = r#"{ "keys": [{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}] }"#;
    let ClientKeySource::Inline(kept) = with(set).unwrap().settings.keys() else { panic!("expected keys") };
    assert!(kept.contains("11qYAYKxCrfVS") && !kept.contains(' '), "{kept}");
    for (text, words) in
        [("[]", "JWK set"), (r#"{"keys":[]}"#, "a public key"), (&set.replace("\"x\"", "\"d\":\"x\",\"x\""), "only public keys")]
    {
        let refused = with(text).unwrap_err();
        assert!(refused.contains("keys.json") && refused.contains(words), "{refused}");
    }
    assert!(client(&format!("{web} --jwks {}", dir.path().join("none").display())).unwrap_err().contains("--jwks"));
    let url = client(&format!("{web} --jwks-uri https://a.example/jwks")).unwrap();
    assert_eq!(url.settings.keys(), ClientKeySource::Url("https://a.example/jwks".into()));
    assert!(client(web).unwrap_err().contains("expected the client's public keys"));
    assert!(
        client(&web.replace("private_key_jwt", "client_secret_basic --jwks-uri https://a.example/j"))
            .unwrap_err()
            .contains("expected none")
    );
}

#[test]
fn the_sector_is_the_one_host_or_named() {
    let sector = |options: &str| {
        client(&format!("--name App --type native {options}")).map(|client| client.settings.pairwise_sector.unwrap())
    };
    let (a, b) = ("--redirect-uri https://a.example/cb", "--redirect-uri https://b.example/cb");
    assert_eq!(sector(&format!("{a} --pairwise")), Ok("a.example".into()));
    assert_eq!(sector(&format!("{a} {b} --pairwise c.example")), Ok("c.example".into()));
    assert!(sector(&format!("{a} {b} --pairwise")).unwrap_err().contains("a.example and b.example"));
    assert!(sector("--redirect-uri com.example.app:/cb --pairwise").unwrap_err().contains("has a host"));
    assert!(sector(&format!("{a} --pairwise https://a.example")).unwrap_err().contains("host name"));
}

#[test]
fn without_refresh_tokens_there_is_no_offline_access() {
    let app = "--name App --type spa --redirect-uri https://app.example.com/cb --no-refresh";
    let spa = client(app).unwrap();
    assert_eq!(
        (spa.settings.grant_types, spa.settings.scope.to_string()),
        (vec![GrantType::AuthorizationCode], "openid profile email".into())
    );
    assert!(client(&format!("{app} --scope offline_access")).unwrap_err().contains("--no-refresh"));
    assert!(client(&format!("{app} --retry-window 30s")).unwrap_err().contains("cannot be used with"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let app = "--name App --redirect-uri https://app.example.com/cb --type";
    for (line, words) in [
        (format!("{app} spa --auth client_secret_post"), "cannot authenticate"),
        (format!("{app} native --pkce optional"), "confidential"),
        (format!("{app} native --pkce or_nonce"), "a public client"),
        (format!("{app} native --pkce-optional"), "confidential"),
        (format!("{app} web --pkce never"), "possible values: required, or_nonce, optional"),
        (format!("{app} web --pkce required --pkce-optional"), "cannot be used with"),
        (format!("{app} fridge"), "possible values: spa, native, web, service"),
        (format!("{app} web --auth none"), "client_secret_basic, client_secret_post, private_key_jwt"),
        (format!("{app} web --signing-alg HS256"), "RS256, PS256, ES256, EdDSA"),
        (format!("{app} web --client-secret-basic-only --auth client_secret_post"), "received client_secret_post"),
        (format!("{app} spa --client-secret-basic-only"), "received none"),
        (format!("{app} web --assertion-audience token-endpoint"), "received client_secret_basic"),
        (format!("{app} web --assertion-audience token"), "possible values: issuer, token-endpoint"),
        (format!("{app} service"), "expected none for a service"),
        (format!("{app} spa --client-credentials"), "authenticates"),
        (format!("{app} spa --retry-window 6m"), "at most 5m"),
        (format!("{app} spa --retry-window soon"), "at most 5m"),
        (format!("{app} spa --scope a\"b"), "RFC 6749 3.3"),
        (format!("{app} spa --api api"), "absolute"),
        (format!("{app} spa --default-api https://b.example"), "one of the client's APIs"),
        (format!("{app} spa --introspects https://b.example"), "authenticates"),
        (format!("{app} spa --backchannel-logout-uri http://a.example/"), "https"),
        (format!("{app} spa --post-logout-redirect-uri a"), "post-logout"),
        (format!("{app} spa --cors-origin https://a.example/"), "scheme"),
        (format!("{app} spa --id 00000000000000000000000000000000"), "32 hexadecimal"),
        (format!("{app} spa --redirect-uri http://app.example.com/cb"), "https"),
        ("--name App --type spa".into(), "at least one"),
    ] {
        let error = client(&line).unwrap_err();
        assert!(error.contains(words), "{line}: {error}");
    }
}
