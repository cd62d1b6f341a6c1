//! Tests of registration: which clients are refused, and with which words.

use super::*;
use crate::protocol::oauth::{client::tests::client, scope::Scopes};

#[track_caller]
fn refused(kind: ClientKind, change: fn(&mut Client)) -> String {
    let mut client = client(kind);
    change(&mut client);
    client.check().unwrap_err().to_string()
}

#[test]
fn a_registration_says_what_it_expects() {
    for kind in ClientKind::ALL {
        assert_eq!(client(*kind).check(), Ok(()), "{kind:?}");
    }
    let refused = |change| refused(ClientKind::Spa, change);
    assert!(refused(|c| c.id = "a b".into()).contains("1 to 255"));
    assert!(refused(|c| c.id = "é".into()).contains("printable ASCII"));
    assert!(refused(|c| c.id = "x".repeat(256)).contains("1 to 255"));
    assert!(refused(|c| c.id = "-x".into()).contains("another first character than '-'"));
    for good in ["urn:example:app", "https://app.example.com/cb?a=b&c=\"d\"", "a:b", "~", &"x".repeat(255)] {
        let mut client = client(ClientKind::Spa);
        client.id = good.into();
        assert_eq!(client.check(), Ok(()), "{good}");
    }
    assert!(refused(|c| c.id = "0".repeat(32)).contains("32 hexadecimal"));
    assert!(refused(|c| c.id = "p.abc".into()).contains("subject"));
    for name in [" ", "a\u{202e}b", "\u{feff}", "a\nb"] {
        let mut client = client(ClientKind::Spa);
        client.settings.client_name = name.into();
        assert!(client.check().unwrap_err().as_ref().contains("name"), "{name:?}");
    }
    assert!(refused(|c| c.settings.redirect_uris.clear()).contains("at least one"));
    assert!(refused(|c| c.settings.redirect_uris = vec!["https://a.example/".into(); 51]).contains("at most 50"));
    assert!(refused(|c| c.settings.redirect_uris = vec!["https://a.example/".into(); 2]).contains("'https://a.example/' twice"));
    assert!(refused(|c| c.settings.grant_types.push(GrantType::RefreshToken)).contains("'refresh_token' twice"));
    assert!(refused(|c| c.settings.pkce = PkceRule::Optional).contains("9700"));
    assert!(refused(|c| c.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost).contains("cannot authenticate"));
    assert!(refused(|c| c.settings.audiences = vec!["api".into()]).contains("absolute"));
    assert!(refused(|c| c.settings.cors_origins = vec!["null".into()]).contains("scheme"));
    assert!(refused(|c| c.settings.cors_origins = vec!["https://a.example/".into()]).contains("scheme"));
    assert!(
        refused(|c| c.settings.default_audiences = Some(vec!["https://other.example".into()])).contains("one of the client's")
    );
    assert!(refused(|c| c.settings.default_scope = Some(Scopes::parse("openid a:read").unwrap())).contains("'a:read'"));
    assert!(refused(|c| c.settings.introspects = vec!["https://api.example.com".into()]).contains("authenticates"));
    assert!(refused(|c| c.settings.post_logout_redirect_uris = vec!["http://a.example/".into()]).contains("post-logout"));
    assert!(refused(|c| c.settings.backchannel_logout_uri = Some("http://a.example/".into())).contains("https"));
    assert!(refused(|c| c.settings.pairwise_sector = Some("https://a.example".into())).contains("host name"));
}

#[test]
fn each_way_to_authenticate_has_what_it_needs() {
    let refused = |change| refused(ClientKind::Web, change);
    assert!(refused(|c| c.settings.token_endpoint_auth_method = AuthMethod::None).contains("must"));
    assert!(refused(|c| c.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt).contains("public keys"));
    assert!(refused(|c| c.settings.jwks = Some("{}".into())).contains("expected none"));
    let pinned = |method| {
        let mut web = client(ClientKind::Web);
        (web.settings.token_endpoint_auth_method, web.settings.client_secret_basic_only) = (method, true);
        web.check()
    };
    assert_eq!(pinned(AuthMethod::ClientSecretBasic), Ok(()));
    assert!(pinned(AuthMethod::ClientSecretPost).unwrap_err().as_ref().contains("received client_secret_post"));
    assert!(refused(|c| c.settings.assertion_audience = AssertionAudience::TokenEndpoint).contains("private_key_jwt"));
    for kind in [ClientKind::Spa, ClientKind::Web, ClientKind::Service] {
        let mut client = client(kind);
        client.settings.secret_for_native = true;
        assert!(client.check().unwrap_err().as_ref().contains("expected a native client"), "{kind:?}");
    }
    let mut native = client(ClientKind::Native);
    native.settings.secret_for_native = true;
    assert_eq!(native.check(), Ok(()));
    assert!(native.settings.is_public() && !native.settings.has_secret() && native.settings.keeps_secret());
    native.settings.grant_types.push(GrantType::ClientCredentials);
    assert!(native.check().unwrap_err().as_ref().contains("authenticates"));
    let mut web = client(ClientKind::Web);
    web.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
    web.settings.jwks_uri = Some("https://app.example.com/jwks".into());
    assert_eq!(web.check(), Ok(()));
    web.settings.jwks = Some("{}".into());
    assert!(web.check().unwrap_err().as_ref().contains("either jwks or jwks_uri"));
    (web.settings.jwks, web.settings.jwks_uri) = (None, Some("http://app.example.com/jwks".into()));
    assert!(web.check().unwrap_err().as_ref().starts_with("jwks_uri"));
}

#[test]
fn max_auth_age_is_neither_too_low_nor_beyond_every_grant() {
    let with =
        |kind, seconds| ClientMetadata { max_auth_age: Some(Span::from_seconds(seconds)), ..client(kind).settings }.check();
    for seconds in [300, 259_200, 366 * 86_400] {
        assert_eq!(with(ClientKind::Spa, seconds), Ok(()), "{seconds}");
    }
    for seconds in [0, 299, 366 * 86_400 + 1] {
        assert!(with(ClientKind::Web, seconds).unwrap_err().as_ref().contains("5m to 366days"), "{seconds}");
    }
    assert!(with(ClientKind::Service, 3_600).unwrap_err().as_ref().contains("no users"));
}

#[test]
fn consent_is_the_operators_only_where_nobody_can_pose_as_the_app() {
    let with = |kind, uris: &[&str]| {
        let redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        ClientMetadata { first_party: true, redirect_uris, ..client(kind).settings }.check()
    };
    for kind in [ClientKind::Spa, ClientKind::Native, ClientKind::Web] {
        assert_eq!(with(kind, &["https://app.example.com/cb"]), Ok(()), "{kind:?}");
    }
    assert_eq!(with(ClientKind::Web, &["http://localhost:3000/cb"]), Ok(()), "a secret proves which client it is");
    for (kind, uri) in [
        (ClientKind::Spa, "http://localhost:3000/cb"),
        (ClientKind::Native, "http://127.0.0.1/cb"),
        (ClientKind::Native, "http://[::1]/cb"),
        (ClientKind::Native, "com.example.app:/cb"),
    ] {
        let refused = with(kind, &["https://app.example.com/cb", uri]).unwrap_err().to_string();
        assert!(refused.contains(uri) && refused.contains("8252"), "{refused}");
    }
    assert!(with(ClientKind::Service, &[]).unwrap_err().as_ref().contains("no users"));
}

#[test]
fn a_retry_window_is_not_for_thieves() {
    let with =
        |kind, millis| ClientMetadata { refresh_retry_window: Some(Span::from_millis(millis)), ..client(kind).settings }.check();
    assert_eq!((with(ClientKind::Spa, 0), with(ClientKind::Web, 300_000)), (Ok(()), Ok(())));
    assert!(with(ClientKind::Spa, 300_001).unwrap_err().as_ref().contains("at most 5m"));
}

#[test]
fn grant_types_fit_the_kind() {
    let client_credentials = |c: &mut Client| c.settings.grant_types.push(GrantType::ClientCredentials);
    assert!(refused(ClientKind::Spa, client_credentials).contains("authenticates"));
    assert!(
        refused(ClientKind::Service, |c| c.settings.grant_types.push(GrantType::RefreshToken))
            .contains("only client_credentials")
    );
    assert!(refused(ClientKind::Web, |c| c.settings.grant_types.clear()).contains("authorization_code"));
    assert!(
        refused(ClientKind::Service, |c| c.settings.backchannel_logout_uri = Some("https://a.example/".into()))
            .contains("no users")
    );
    let mut web = client(ClientKind::Web);
    client_credentials(&mut web);
    assert_eq!(web.check(), Ok(()), "a web app may act for itself as well");
}
