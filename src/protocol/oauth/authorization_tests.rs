//! Tests of each check of the authorization request, and of where its error is returned.

use super::*;
use crate::protocol::oauth::{
    client::{ClientKind, tests::client},
    scope::ScopeClaims,
};

const GOOD: &str = "client_id=app&redirect_uri=https://app.example.com/cb&response_type=code&scope=openid&state=s\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn parse(query: &str, client: &Client) -> Result<AuthorizationRequest, Refusal> {
    let params = Params::parse(query);
    client_id(&params).map_err(Refusal::Page)?;
    AuthorizationRequest::parse(&params, client, &KnownScopes { of_users: &ScopeClaims::default(), apis: &[] })
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
    assert!(request.audiences.is_empty() && request.left_out.is_empty(), "no scope of an API was requested");
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
        (&[("scope", None)], "ok"),
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

/// Requests of which nothing is PKCE: as they are, with a nonce, and with a nonce without `openid`.
const WITHOUT_PKCE: [[(&str, Option<&str>); 4]; 3] = {
    const fn request(nonce: Option<&'static str>, scope: &'static str) -> [(&'static str, Option<&'static str>); 4] {
        [("code_challenge", None), ("code_challenge_method", None), ("nonce", nonce), ("scope", Some(scope))]
    }
    [request(None, "openid"), request(Some("n"), "openid email"), request(Some("n"), "email")]
};

#[test]
fn a_confidential_client_may_send_a_nonce_with_openid_instead_of_pkce() {
    let (invalid, good) = ("invalid_request", "ok");
    let mut optional_spa = client(ClientKind::Spa);
    optional_spa.settings.pkce = PkceRule::Optional; // registration refuses it
    for kind in [ClientKind::Spa, ClientKind::Native] {
        assert_eq!(WITHOUT_PKCE.map(|changes| answered_to(&changes, &client(kind))), [invalid; 3], "{kind:?} is public");
    }
    assert_eq!(WITHOUT_PKCE.map(|changes| answered_to(&changes, &optional_spa)), [invalid; 3]);
    let mut web = client(ClientKind::Web);
    for (rule, expected) in [
        (PkceRule::default(), [invalid, good, invalid]),
        (PkceRule::OrNonce, [invalid, good, invalid]),
        (PkceRule::Required, [invalid; 3]),
        (PkceRule::Optional, [good; 3]),
    ] {
        web.settings.pkce = rule;
        assert_eq!(WITHOUT_PKCE.map(|changes| answered_to(&changes, &web)), expected, "{rule:?}");
    }
    web.settings.pkce = PkceRule::OrNonce;
    let empty = [("code_challenge", None), ("code_challenge_method", None), ("nonce", Some(""))];
    assert_eq!(answered_to(&empty, &web), "invalid_request", "an empty nonce is none");
}

#[test]
fn pkce_is_left_out_altogether_or_not_at_all() {
    for rule in [PkceRule::OrNonce, PkceRule::Optional] {
        let mut web = client(ClientKind::Web);
        web.settings.pkce = rule;
        let answered = |change| answered_to(&[change, ("nonce", Some("n"))], &web);
        assert_eq!(answered(("code_challenge", None)), "invalid_request", "a stripped challenge");
        assert_eq!(answered(("code_challenge_method", None)), "invalid_request");
        assert_eq!(answered(("code_challenge_method", Some("plain"))), "invalid_request");
        assert_eq!(answered(("code_challenge", Some("short"))), "invalid_request");
    }
}

#[test]
fn a_refusal_without_pkce_names_the_command_that_mends_it() {
    let described = |rule: PkceRule, kind, changes: &[(&str, Option<&str>)]| {
        let mut client = client(kind);
        client.settings.pkce = rule;
        let without: Vec<_> = changes.iter().map(|(name, _)| *name).collect();
        let with: Vec<_> = changes.iter().filter_map(|(name, value)| value.map(|v| (*name, v))).collect();
        match parse(&Params::parse(GOOD).to_query(&without, &with), &client) {
            Err(Refusal::Redirect(_, error)) => error.with_command().into_owned(),
            other => panic!("{other:?}"),
        }
    };
    let [plain, with_nonce, _] = WITHOUT_PKCE;
    let optional = "symbolon client set app --pkce optional";
    assert!(described(PkceRule::OrNonce, ClientKind::Web, &plain).ends_with(optional));
    assert!(described(PkceRule::Required, ClientKind::Web, &plain).ends_with(optional));
    assert!(described(PkceRule::Required, ClientKind::Web, &with_nonce).ends_with("symbolon client set app --pkce or_nonce"));
    let public = described(PkceRule::default(), ClientKind::Spa, &with_nonce);
    assert_eq!(public, "code_challenge: expected a PKCE challenge (method S256), received none");
}

#[test]
fn a_redirect_uri_is_kept_as_sent_or_as_filled_in() {
    let web = client(ClientKind::Web);
    let sent = parse(&format!("{GOOD}&nonce=n"), &web).unwrap();
    let query = Params::parse(GOOD).to_query(&["redirect_uri", "scope"], &[("scope", "email")]);
    let filled_in = parse(&query, &web).unwrap();
    assert_eq!((sent.redirect_uri_sent, filled_in.redirect_uri_sent), (true, false));
    assert_eq!(sent.address.uri(), filled_in.address.uri());
}

#[test]
fn a_redirect_uri_is_needed_where_openid_is_granted_by_default() {
    let mut web = client(ClientKind::Web);
    let query = Params::parse(GOOD).to_query(&["redirect_uri", "scope"], &[]);
    let missing = Refusal::Page(PageProblem::RedirectUri(Mismatch::Missing));
    assert_eq!(parse(&query, &web).unwrap_err(), missing);
    web.settings.default_scope = Some(Scopes::parse("email").unwrap());
    assert_eq!(parse(&query, &web).unwrap().scopes.to_string(), "email");
}

#[test]
fn an_error_for_a_request_object_is_returned_as_the_object_says_where_the_request_does_not() {
    let refused = |query: &str| match parse(query, &client(ClientKind::Spa)) {
        Err(Refusal::Redirect(address, error)) => (error.code, address),
        other => panic!("{other:?}"),
    };
    // {"redirect_uri":"https://evil.example/cb","response_mode":"form_post","state":"inside"}
    let object =
        "eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS9jYiIsInJlc3BvbnNlX21vZGUiOiJmb3JtX3Bvc3QiLCJzdGF0ZSI6Imluc2lkZSJ9";
    let bare = Params::parse(GOOD).to_query(&["state"], &[("request", &format!("eyJhbGciOiJub25lIn0.{object}."))]);
    for (more, state, mode) in [
        ("", Some("inside"), ResponseMode::FormPost),
        ("&state=outside", Some("outside"), ResponseMode::FormPost),
        ("&response_mode=fragment", Some("inside"), ResponseMode::Fragment),
        ("&state=a&response_mode=query", Some("a"), ResponseMode::Query),
    ] {
        let (code, address) = refused(&format!("{bare}{more}"));
        assert_eq!(code, ErrorCode::RequestNotSupported, "{more}");
        assert_eq!((address.state.as_deref(), address.mode), (state, mode), "{more}");
        assert_eq!(address.uri(), "https://app.example.com/cb", "{more}");
    }
    for (more, state, mode) in [
        ("&state=a&state=b", None, ResponseMode::FormPost),
        ("&state=%ff", None, ResponseMode::FormPost),
        ("&response_mode=%ff", Some("inside"), ResponseMode::Query),
        ("&response_mode=web_message", Some("inside"), ResponseMode::Query),
    ] {
        let (code, address) = refused(&format!("{bare}{more}"));
        assert_eq!((code, address.state.as_deref(), address.mode), (ErrorCode::InvalidRequest, state, mode), "{more}");
    }
    let without_address = Params::parse(&bare).to_query(&["redirect_uri"], &[]);
    assert!(
        matches!(parse(&without_address, &client(ClientKind::Spa)), Err(Refusal::Page(_))),
        "it is judged outside the object"
    );
}

#[test]
fn grants_the_client_may_not_use() {
    let mut web = client(ClientKind::Web);
    web.settings.grant_types = vec![GrantType::AuthorizationCode];
    let request = parse(&GOOD.replace("scope=openid", "scope=openid+offline_access+address"), &web).unwrap();
    assert_eq!(request.scopes.to_string(), "openid", "offline_access is nothing without refresh tokens");
    assert_eq!(request.left_out.to_string(), "offline_access address");
    web.settings.grant_types.clear();
    assert_eq!(answered_to(&[], &web), "unauthorized_client");
}
