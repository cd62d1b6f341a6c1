//! Tests of what a request gets: scopes that are left out, defaults, and which APIs its tokens are for.

use super::*;
use crate::protocol::oauth::{
    api::{Api, tests::api},
    client::{ClientKind, tests::client},
    scope::ScopeClaims,
};

const A: &str = "https://api.example.com";
const B: &str = "https://files.example.com";

fn apis() -> Vec<Api> {
    vec![api(A, &["a:read", "a:write"]), api(B, &["b:read"]), api("https://other.example.com", &["other:read"])]
}

fn app(kind: ClientKind, scope: &str) -> Client {
    let mut client = client(kind);
    client.settings.scope = Scopes::parse(scope).unwrap();
    client
}

/// What a client gets, "scopes at APIs", or the error.
fn gets(client: &Client, apis: &[Api], scope: Option<&str>, resources: &[&str]) -> Result<String, ProtocolError> {
    let acts_for = if client.settings.kind == ClientKind::Service { ActsFor::Client } else { ActsFor::User };
    let resources = resources.iter().map(|uri| (*uri).to_owned()).collect();
    let requested = Requested { scopes: scope.map(|scope| Scopes::parse(scope).unwrap()), resources };
    let access = requested.access(client, &KnownScopes { of_users: &ScopeClaims::default(), apis }, acts_for)?;
    Ok(format!("{} at {}", access.scopes, access.audiences.join(" ")))
}

#[track_caller]
fn refused(got: Result<String, ProtocolError>, code: &str, words: &str) {
    let error = got.unwrap_err();
    assert_eq!(error.code.as_str(), code, "{error}");
    assert!(error.description.contains(words), "{error}");
}

#[test]
fn what_a_client_may_not_have_is_left_out_and_what_nobody_has_is_refused() {
    let (spa, apis) = (app(ClientKind::Spa, "openid email a:read"), apis());
    let of_spa = |scope| gets(&spa, &apis, Some(scope), &[]);
    assert_eq!(of_spa("openid profile email address phone offline_access"), Ok("openid email at ".into()));
    assert_eq!(of_spa("a:read a:write other:read"), Ok(format!("a:read at {A}")));
    refused(of_spa("openid admin"), "invalid_scope", "'admin' is not a scope of this server");
    refused(of_spa("OPENID"), "invalid_scope", "'OPENID'");
    let nothing = of_spa("address other:read");
    refused(nothing.clone(), "invalid_scope", "'address other:read'; symbolon client show app");
    assert!(!nothing.unwrap_err().description.contains("a:read"), "it lists nothing that was not sent");
    let old = app(ClientKind::Spa, "openid legacy");
    assert_eq!(gets(&old, &[], Some("legacy"), &[]), Ok(format!("legacy at {A} {B}")), "a scope without an API");
    let mut once = app(ClientKind::Web, "openid offline_access");
    once.settings.grant_types = vec![GrantType::AuthorizationCode];
    assert_eq!(gets(&once, &apis, Some("openid offline_access"), &[]), Ok("openid at ".into()));
    refused(gets(&once, &apis, Some("offline_access"), &[]), "invalid_scope", "'offline_access'");
}

#[test]
fn without_a_scope_the_default_ones_are_meant() {
    let apis = apis();
    let mut spa = app(ClientKind::Spa, "openid email a:read b:read offline_access");
    assert_eq!(gets(&spa, &apis, None, &[]), Ok(format!("openid a:read b:read at {A} {B}")));
    assert_eq!(gets(&spa, &apis, None, &[B]), Ok(format!("openid b:read at {B}")));
    spa.settings.default_audiences = Some(vec![A.into()]);
    assert_eq!(gets(&spa, &apis, None, &[]), Ok(format!("openid a:read at {A}")));
    spa.settings.default_audiences = Some(vec![]);
    assert_eq!(gets(&spa, &apis, None, &[]), Ok("openid at ".into()));
    spa.settings.default_audiences = None;
    spa.settings.default_scope = Some(Scopes::parse("email a:read").unwrap());
    assert_eq!(gets(&spa, &apis, None, &[]), Ok(format!("email a:read at {A}")));
    assert_eq!(gets(&spa, &apis, None, &[B]), Ok(format!("email at {B}")));
    spa.settings.default_scope = Some(Scopes::default());
    refused(gets(&spa, &apis, None, &[]), "invalid_scope", "no default scope; symbolon client show app");
    refused(gets(&app(ClientKind::Spa, "email"), &apis, None, &[]), "invalid_scope", "no default scope");
    for (allowed, default, is_meant) in [
        ("openid email", None, true),
        ("email", None, false),
        ("openid email", Some("openid"), true),
        ("openid email", Some("email"), false),
        ("email", Some("openid email"), false),
    ] {
        let mut spa = app(ClientKind::Spa, allowed);
        spa.settings.default_scope = default.map(|default| Scopes::parse(default).unwrap());
        assert_eq!(includes_openid(None, &spa), is_meant, "{allowed} {default:?}");
        let granted = gets(&spa, &apis, None, &[]).is_ok_and(|gets| gets.contains("openid"));
        assert_eq!(granted, is_meant, "{allowed} {default:?}");
        assert!(includes_openid(Some("email openid"), &spa) && !includes_openid(Some("email openid2"), &spa));
    }
}

#[test]
fn an_api_is_meant_by_one_of_its_scopes_or_by_its_name() {
    let (mut apis, mut spa) = (apis(), app(ClientKind::Spa, "openid a:read b:read"));
    assert_eq!(gets(&spa, &apis, Some("openid"), &[]), Ok("openid at ".into()));
    assert_eq!(gets(&spa, &apis, Some("openid b:read"), &[]), Ok(format!("openid b:read at {B}")));
    assert_eq!(gets(&spa, &apis, Some("openid"), &[A]), Ok(format!("openid at {A}")));
    assert_eq!(gets(&spa, &apis, Some("openid a:read b:read"), &[A]), Ok(format!("openid a:read at {A}")));
    assert_eq!(gets(&spa, &apis, Some("openid"), &["https://API.example.com:443/", A]), Ok(format!("openid at {A}")));
    refused(gets(&spa, &apis, Some("openid"), &["https://other.example.com"]), "invalid_target", "other.example.com");
    refused(gets(&spa, &apis, Some("b:read"), &[A]), "invalid_scope", "of the requested resource");
    apis[0].scopes.clear();
    spa.settings.scope = Scopes::parse("openid b:read").unwrap();
    assert_eq!(gets(&spa, &apis, Some("openid b:read"), &[]), Ok(format!("openid b:read at {B}")), "one without scopes is named");
    assert_eq!(gets(&spa, &apis, Some("openid"), &[A]), Ok(format!("openid at {A}")));
}

#[test]
fn a_client_that_acts_for_itself_has_no_scopes_about_users() {
    let original = apis();
    let mut apis = original.clone();
    let job = app(ClientKind::Service, "openid email a:read b:read");
    assert_eq!(gets(&job, &apis, None, &[]), Ok(format!("a:read b:read at {A} {B}")));
    assert_eq!(gets(&job, &apis, Some("openid profile a:read"), &[]), Ok(format!("a:read at {A}")));
    assert_eq!(gets(&job, &apis, Some("a:read a:write"), &[B, A]), Ok(format!("a:read at {B} {A}")));
    refused(gets(&job, &apis, Some("openid"), &[]), "invalid_scope", "'openid'");
    refused(gets(&job, &apis, Some("a:read"), &[B]), "invalid_scope", "requested resource");
    refused(gets(&job, &apis, Some("nothing"), &[]), "invalid_scope", "'nothing'");
    let plain = app(ClientKind::Service, "");
    assert_eq!(gets(&plain, &apis, None, &[]), Ok(format!(" at {A} {B}")), "a token without scopes is for its APIs");
    assert_eq!(gets(&app(ClientKind::Service, "a:read"), &apis, None, &[]), Ok(format!("a:read at {A}")));
    apis[1].scopes.clear();
    assert_eq!(
        gets(&app(ClientKind::Service, "a:read"), &apis, None, &[]),
        Ok(format!("a:read at {A} {B}")),
        "B has none to ask for"
    );
    let mut set = app(ClientKind::Service, "a:read b:read");
    set.settings.default_scope = Some(Scopes::parse("a:read").unwrap());
    assert_eq!(gets(&set, &original, None, &[]), Ok(format!("a:read at {A}")));
    refused(gets(&set, &original, None, &[B]), "invalid_scope", "requested resource");
    for nothing in ["", "openid", "a:write"] {
        set.settings.default_scope = Some(Scopes::parse(nothing).unwrap_or_default());
        refused(gets(&set, &original, None, &[]), "invalid_scope", "no default scope; symbolon client show app");
    }
}
