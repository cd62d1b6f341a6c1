//! Tests of the settings' form: what is written and read, what is absent, and what is refused.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

/// Settings of which none is the default.
fn every_setting() -> ClientMetadata {
    ClientMetadata {
        client_name: "A \"quoted\" \\ name é".into(),
        kind: ClientKind::Web,
        redirect_uris: vec!["https://a.example/cb".into(), "https://b.example/cb?x=1".into()],
        scope: Scopes::parse("openid notes:read").unwrap(),
        default_scope: Some(Scopes::parse("notes:read").unwrap()),
        token_endpoint_auth_method: AuthMethod::PrivateKeyJwt,
        client_secret_basic_only: true,
        secret_for_native: true,
        jwks: Some(r#"{"keys":[{"kid":"a"}]}"#.into()),
        jwks_uri: Some("https://a.example/jwks".into()),
        assertion_audience: AssertionAudience::TokenEndpoint,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
        first_party: true,
        audiences: vec!["https://api.example".into()],
        default_audiences: Some(vec![]),
        introspects: vec!["https://api.example".into()],
        pkce: PkceRule::Optional,
        refresh_retry_window: Some(Span::ZERO),
        max_auth_age: Some(Span::from_seconds(129_600)),
        min_acr: Some(Class::TwoFactors),
        cors_origins: vec!["https://c.example".into()],
        signing_alg: Algorithm::EdDsa,
        id_token_claims: IdTokenClaims::Requested,
        id_token_on_refresh: false,
        userinfo_signed: true,
        pairwise_sector: Some("a.example".into()),
        post_logout_redirect_uris: vec!["https://a.example/".into()],
        backchannel_logout_uri: Some("https://a.example/bcl".into()),
    }
}

fn names(object: &Map<String, Value>) -> BTreeSet<&str> {
    object.keys().map(String::as_str).collect()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn every_setting_is_written_under_its_name_and_read_back() {
    let settings = every_setting();
    let written = serde_json::to_value(&settings).unwrap();
    let expected = json!({
        "client_name": "A \"quoted\" \\ name é", "type": "web", "redirect_uris": ["https://a.example/cb", "https://b.example/cb?x=1"],
        "scope": "openid notes:read", "default_scope": "notes:read", "token_endpoint_auth_method": "private_key_jwt", "client_secret_basic_only": true,
        "secret_for_native": true,
        "jwks": { "keys": [{ "kid": "a" }] }, "jwks_uri": "https://a.example/jwks", "assertion_audience": "token-endpoint",
        "grant_types": ["authorization_code", "client_credentials"], "first_party": true,
        "audiences": ["https://api.example"], "default_audiences": [], "introspects": ["https://api.example"], "pkce": "optional",
        "refresh_retry_window": "0s", "max_auth_age": "1day 12h", "min_acr": "two-factors", "cors_origins": ["https://c.example"], "signing_alg": "EdDSA",
        "id_token_claims": "requested", "id_token_on_refresh": false,
        "userinfo_signed": true, "pairwise_sector": "a.example", "post_logout_redirect_uris": ["https://a.example/"],
        "backchannel_logout_uri": "https://a.example/bcl",
    });
    assert_eq!(written, expected);
    assert_eq!(ClientMetadata::members().iter().copied().collect::<BTreeSet<_>>(), names(&object(&written)), "all of them");
    assert_eq!(serde_json::from_str::<ClientMetadata>(&written.to_string()).unwrap(), settings);
    assert_eq!(ClientMetadata::read(&object(&written)), Ok(settings));
}

#[test]
fn defaults_are_not_written_and_what_is_absent_has_its_default() {
    for kind in ClientKind::ALL {
        let settings = ClientMetadata::new("App", *kind);
        let written = object(&serde_json::to_value(&settings).unwrap());
        let always = ["client_name", "type", "redirect_uris", "scope", "token_endpoint_auth_method", "grant_types"];
        assert_eq!(names(&written), always.into(), "{kind:?}");
        assert_eq!(serde_json::from_value::<ClientMetadata>(Value::Object(written)).unwrap(), settings);
        assert_eq!(
            ClientMetadata::read(&object(&json!({ "client_name": "App", "type": kind.as_str() }))),
            Ok(settings),
            "{kind:?}"
        );
    }
}

#[test]
fn what_is_refused_is_named_with_what_was_expected_and_received() {
    for (member, value, expected, received) in [
        ("colour", json!("red"), "expected one of client_name, type, redirect_uris,", "received an unknown setting"),
        ("type", json!("fridge"), "expected one of spa, native, web, service", "received 'fridge'"),
        ("type", json!(1), "expected a string", "received integer `1`"),
        ("client_name", json!(null), "expected a string", "received null"),
        ("redirect_uris", json!("https://a.example/cb"), "expected a sequence", "received string"),
        ("redirect_uris", json!([1]), "expected a string", "received integer `1`"),
        ("scope", json!(["openid"]), "expected a string", "received sequence"),
        ("scope", json!("a  b"), "RFC 6749 3.3", "received ''"),
        ("token_endpoint_auth_method", json!("tls_client_auth"), "private_key_jwt", "received 'tls_client_auth'"),
        ("jwks", json!("{}"), "expected a map", "received string"),
        ("grant_types", json!(["password"]), "expected one of authorization_code,", "received 'password'"),
        ("pkce", json!(true), "expected a string", "received boolean `true`"),
        ("pkce", json!("nonce"), "expected one of required, or_nonce, optional", "received 'nonce'"),
        ("max_auth_age", json!("soon"), "expected a duration such as", "received 'soon'"),
        ("max_auth_age", json!(60), "expected a string", "received integer `60`"),
        ("signing_alg", json!("HS256"), "expected one of RS256, PS256, ES256, EdDSA", "received 'HS256'"),
        ("userinfo_signed", json!("yes"), "expected a boolean", "received string"),
    ] {
        let mut given = object(&json!({ "client_name": "App", "type": "web" }));
        given.insert(member.into(), value);
        let refused = ClientMetadata::read(&given).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("{member}: ")), "{refused}");
        assert!(refused.contains(expected) && refused.contains(received), "{refused}");
    }
    for (given, words) in [
        (json!({ "type": "web" }), "client_name: expected the name shown to users, received nothing"),
        (json!({ "client_name": "App" }), "type: expected one of spa, native, web, service, received nothing"),
    ] {
        assert_eq!(ClientMetadata::read(&object(&given)).unwrap_err().to_string(), words);
    }
}
