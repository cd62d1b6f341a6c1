//! Tests of each check of the authorization request, and of where its error is returned.

use super::*;
use crate::protocol::oauth::client::{ClientKind, tests::client};

const GOOD: &str = "client_id=app&redirect_uri=https://app.example.com/cb&response_type=code&scope=openid&state=s\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn parse(query: &str, client: &Client) -> Result<AuthorizationRequest, Refusal> {
    let params = Params::parse(query);
    client_id(&params).map_err(Refusal::Page)?;
    AuthorizationRequest::parse(&params, client, &ScopeClaims::default())
}

/// The error code returned to the client for a valid request with `changes` made.
fn outcome_of(changes: &[(&str, Option<&str>)]) -> &'static str {
    answered_to(changes, &client(ClientKind::Spa))
}

fn answered_to(changes: &[(&str, Option<&str>)], client: &Client) -> &'static str {
    let without: Vec<_> = changes.iter().map(|(name, _)| *name).collect();
    let with: Vec<_> = changes.iter().filter_map(|(name, value)| value.map(|v| (*name, v))).collect();
    match parse(&Params::parse(GOOD).to_query(&without, &with), client) {
        Ok(_) => "ok",
        Err(Refusal::Page(_)) => "page",
        Err(Refusal::Redirect(address, error)) => {
            assert_eq!(address.uri(), "https://app.example.com/cb");
            error.code.as_str()
        }
    }
}

#[test]
fn a_good_request_is_read_whole() {
    let request = parse(&format!("{GOOD}&nonce=n&max_age=60&prompt=consent&login_hint=alice"), &client(ClientKind::Spa)).unwrap();
    assert_eq!(request.address.state.as_deref(), Some("s"));
    assert_eq!((request.nonce.as_deref(), request.max_age), (Some("n"), Some(Span::from_seconds(60))));
    assert!(request.prompt.consent);
    assert_eq!(request.audiences.len(), 2, "all of the client's resources");
}

#[test]
fn mistakes_about_the_redirect_uri_stay_on_our_page() {
    for changes in [
        [("client_id", None)].as_slice(),
        &[("redirect_uri", None)],
        &[("redirect_uri", Some("https://evil.example/cb"))],
        &[("redirect_uri", Some("https://evil.example/cb")), ("prompt", Some("none"))],
        &[("redirect_uri", Some("https://evil.example/cb")), ("response_type", Some("token"))],
    ] {
        assert_eq!(outcome_of(changes), "page", "{changes:?}");
    }
    for repeated in ["&client_id=app", "&redirect_uri=https://app.example.com/cb", "&redirect_uri=%00"] {
        assert!(matches!(parse(&format!("{GOOD}{repeated}"), &client(ClientKind::Spa)), Err(Refusal::Page(_))), "{repeated}");
    }
}

#[test]
fn every_other_mistake_is_told_to_the_client() {
    for (changes, code) in [
        ([("response_type", None)].as_slice(), "invalid_request"),
        (&[("response_type", Some("token"))], "unsupported_response_type"),
        (&[("response_type", Some("code id_token"))], "unsupported_response_type"),
        (&[("response_mode", Some("web_message"))], "invalid_request"),
        (&[("scope", None)], "invalid_scope"),
        (&[("scope", Some("openid admin"))], "invalid_scope"),
        (&[("scope", Some("openid \""))], "invalid_scope"),
        (&[("resource", Some("https://other.example"))], "invalid_target"),
        (&[("resource", Some("https://api.example.com"))], "ok"),
        (&[("code_challenge", None)], "invalid_request"),
        (&[("code_challenge", None), ("code_challenge_method", None)], "invalid_request"),
        (&[("code_challenge_method", None)], "invalid_request"),
        (&[("code_challenge_method", Some("plain"))], "invalid_request"),
        (&[("code_challenge", Some("short"))], "invalid_request"),
        (&[("prompt", Some("none login"))], "invalid_request"),
        (&[("max_age", Some("-1"))], "invalid_request"),
        (&[("max_age", Some("+1"))], "invalid_request"),
        (&[("max_age", Some("soon"))], "invalid_request"),
        (&[("request", Some("x"))], "request_not_supported"),
        (&[("request_uri", Some("x"))], "request_uri_not_supported"),
        (&[("registration", Some("{}"))], "registration_not_supported"),
        (
            &[("display", Some("popup")), ("ui_locales", Some("xx")), ("acr_values", Some("9")), ("claims", Some(r#"{"x":1}"#))],
            "ok",
        ),
        (&[("claims", Some("{{"))], "invalid_request"),
        (&[("claims", Some("{\"userinfo\":7}"))], "invalid_request"),
        (&[("state", None)], "ok"),
    ] {
        assert_eq!(outcome_of(changes), code, "{changes:?}");
    }
    let nonce = "n".repeat(NONCE_LIMIT + 1);
    assert_eq!(outcome_of(&[("nonce", Some(&nonce))]), "invalid_request");
}

#[test]
fn a_repeated_parameter_is_refused_and_a_repeated_state_not_echoed() {
    let Err(Refusal::Redirect(address, error)) = parse(&format!("{GOOD}&state=t"), &client(ClientKind::Spa)) else { panic!() };
    assert_eq!((address.state, error.code), (None, ErrorCode::InvalidRequest));
    let Err(Refusal::Redirect(address, _)) = parse(&format!("{GOOD}&scope=email"), &client(ClientKind::Spa)) else { panic!() };
    assert_eq!(address.state.as_deref(), Some("s"));
}

#[test]
fn pkce_is_optional_only_by_switch_and_only_when_nothing_of_it_is_sent() {
    let mut web = client(ClientKind::Web);
    let without = [("code_challenge", None), ("code_challenge_method", None)];
    assert_eq!(answered_to(&without, &web), "invalid_request");
    web.settings.pkce = PkceRule::Optional;
    assert_eq!(answered_to(&without, &web), "ok");
    assert_eq!(answered_to(&[("code_challenge", None)], &web), "invalid_request", "a stripped challenge");
    assert_eq!(answered_to(&[("code_challenge_method", Some("plain"))], &web), "invalid_request");
}

#[test]
fn grants_the_client_may_not_use() {
    let mut web = client(ClientKind::Web);
    web.settings.grant_types = vec![GrantType::AuthorizationCode];
    let request = parse(&GOOD.replace("scope=openid", "scope=openid+offline_access"), &web).unwrap();
    assert_eq!(request.scopes.to_string(), "openid", "offline_access is nothing without refresh tokens");
    web.settings.grant_types.clear();
    assert_eq!(answered_to(&[], &web), "unauthorized_client");
}
