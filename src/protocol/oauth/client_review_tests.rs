//! Tests of the client review, one for each finding: what triggers it, and what does not.

use super::*;
use crate::protocol::{
    oauth::{
        api::tests::api,
        client::{AssertionAudience, AuthMethod, ClientKeySource, GrantType, PkceRule, tests::client},
        scope::Scopes,
    },
    values::{algorithm::Algorithm, time::Timestamp},
};

const API: &str = "https://api.example.com";
const FILES: &str = "https://files.example.com";

/// The findings for a default client of this kind after `change`, reviewed beside the two APIs it has.
fn lines(kind: ClientKind, change: impl FnOnce(&mut Client)) -> Vec<Finding> {
    lines_with(kind, change, |_| ())
}

fn lines_with(kind: ClientKind, change: impl FnOnce(&mut Client), facts: impl FnOnce(&mut Facts<'_>)) -> Vec<Finding> {
    let mut client = client(kind);
    client.settings.default_audiences = Some(vec![API.into()]);
    client.settings.scope =
        Scopes::parse(if kind == ClientKind::Service { "notes:read" } else { "openid profile notes:read" }).unwrap();
    if kind != ClientKind::Service {
        client.settings.post_logout_redirect_uris = vec!["https://app.example.com/".into()];
    }
    if !client.settings.is_public() {
        (client.settings.token_endpoint_auth_method, client.settings.jwks) = (AuthMethod::PrivateKeyJwt, Some("{}".into()));
    }
    if kind == ClientKind::Web {
        client.settings.backchannel_logout_uri = Some("https://app.example.com/bcl".into());
    }
    change(&mut client);
    let custom = ScopeClaims::new([("employee".to_owned(), vec!["number".to_owned()])].into()).unwrap();
    let apis = [api(API, &["notes:read"]), api(FILES, &["files:read"]), api("https://other.example", &["other"])];
    let retry_window = Span::from_seconds(30);
    let mut known =
        Facts { apis: &apis, scope_claims: &custom, has_key: true, keys_failure: None, uses_pkce: false, retry_window };
    facts(&mut known);
    review(&client, &known)
}

/// Asserts that exactly one finding is not ok: about this setting and with these words.
#[track_caller]
fn is_said(lines: &[Finding], level: Level, setting: &str, words: &str) {
    let said: Vec<_> = lines.iter().filter(|line| line.level != Level::Ok).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!((said[0].level, said[0].setting), (level, setting), "{said:?}");
    assert!(said[0].is.contains(words) && !said[0].should_be.is_empty() && !said[0].section.is_empty(), "{said:?}");
}

use Level::{Advice, Problem};

#[test]
fn a_careful_client_hears_nothing_but_ok() {
    for kind in ClientKind::ALL {
        let lines = lines(*kind, |_| ());
        assert!(lines.len() >= 4 && lines.iter().all(|line| line.level == Level::Ok), "{kind:?}: {lines:?}");
    }
}

#[test]
fn one_that_is_switched_off() {
    is_said(&lines(ClientKind::Spa, |c| c.disabled_at = Some(Timestamp::from_millis(1))), Advice, "state", "disabled");
}

#[test]
fn optional_pkce() {
    is_said(&lines(ClientKind::Web, |c| c.settings.pkce = PkceRule::Optional), Advice, "PKCE", "optional");
    let spa = lines(ClientKind::Spa, |c| c.settings.pkce = PkceRule::Optional);
    assert!(spa.iter().all(|line| line.level == Level::Ok), "a public client always must use it: {spa:?}");
}

#[test]
fn pkce_that_is_used_can_be_required() {
    for rule in [PkceRule::OrNonce, PkceRule::Optional] {
        let used = lines_with(ClientKind::Web, |c| c.settings.pkce = rule, |facts| facts.uses_pkce = true);
        is_said(&used, Advice, "PKCE", "all had it");
    }
    for (kind, rule) in [(ClientKind::Web, PkceRule::Required), (ClientKind::Spa, PkceRule::OrNonce)] {
        let lines = lines_with(kind, |c| c.settings.pkce = rule, |facts| facts.uses_pkce = true);
        assert!(lines.iter().all(|line| line.level == Level::Ok), "{lines:?}");
    }
}

#[test]
fn redirect_uris_without_tls() {
    for uri in ["http://localhost:3000/cb", "http://127.0.0.1/cb"] {
        is_said(&lines(ClientKind::Spa, |c| c.settings.redirect_uris.push(uri.into())), Problem, "redirect URI", "not encrypted");
        let local = |c: &mut Client| c.settings.redirect_uris = vec![uri.into()];
        for kind in [ClientKind::Spa, ClientKind::Web] {
            let is_development = |line: &&Finding| line.setting == "redirect URI" && line.is.ends_with("for development");
            assert_eq!(lines(kind, local).iter().find(is_development).map(|line| line.level), Some(Level::Ok));
        }
    }
    let native = |uri: &'static str| lines(ClientKind::Native, move |c| c.settings.redirect_uris.push(uri.into()));
    is_said(&native("http://localhost:3000/cb"), Advice, "redirect URI", "a host name");
    assert!(
        native("http://[::1]/cb").iter().all(|line| line.level == Level::Ok),
        "loopback by its address is what RFC 8252 asks for"
    );
    is_said(
        &lines(ClientKind::Spa, |c| c.settings.cors_origins.push("http://a.example".into())),
        Advice,
        "CORS origin",
        "encrypted",
    );
}

#[test]
fn private_use_schemes() {
    is_said(
        &lines(ClientKind::Native, |c| c.settings.redirect_uris.push("com.example.app:/cb".into())),
        Advice,
        "redirect URI",
        "claim",
    );
}

#[test]
fn retry_windows_that_are_too_short_or_too_long() {
    let own = |seconds| lines(ClientKind::Spa, move |c| c.settings.refresh_retry_window = Some(Span::from_seconds(seconds)));
    is_said(&own(0), Advice, "retry window", "lost response");
    is_said(&own(61), Advice, "retry window", "1m 1s");
    assert!(own(60).iter().all(|line| line.level == Level::Ok));
    let servers = lines_with(ClientKind::Spa, |_| (), |facts| facts.retry_window = Span::from_seconds(300));
    is_said(&servers, Advice, "retry window", "5m");
    let none = lines(ClientKind::Spa, |c| {
        (c.settings.refresh_retry_window, c.settings.grant_types) = (Some(Span::ZERO), vec![GrantType::AuthorizationCode]);
    });
    assert!(none.iter().all(|line| line.setting != "retry window"), "no refresh, no window");
}

#[test]
fn assertions_for_the_token_endpoint() {
    let lines = lines(ClientKind::Web, |c| c.settings.assertion_audience = AssertionAudience::TokenEndpoint);
    is_said(&lines, Advice, "assertion audience", "the issuer or the token endpoint");
}

#[test]
fn shared_secrets() {
    let with = |method, secrets: [Option<Vec<u8>>; 2]| {
        let [newest, former] = secrets;
        let lines = lines(ClientKind::Web, |c| {
            (c.settings.token_endpoint_auth_method, c.settings.jwks) = (method, None);
            (c.secret_hash, c.previous_secret_hash) = (newest, former);
        });
        let said = lines.into_iter().filter(|line| line.level != Level::Ok);
        said.map(|line| (line.level, line.setting, line.section)).collect::<Vec<_>>()
    };
    let shared = (Advice, "authentication", "RFC 9700 2.5");
    assert_eq!(with(AuthMethod::ClientSecretBasic, [Some(vec![1]), None]), [shared]);
    let post = (Advice, "authentication", "RFC 6749 2.3.1");
    assert_eq!(with(AuthMethod::ClientSecretPost, [Some(vec![1]), None]), [post, shared]);
    let two = (Advice, "secrets", "RFC 9700 2.5");
    assert_eq!(with(AuthMethod::ClientSecretBasic, [Some(vec![1]), Some(vec![2])]), [shared, two]);
    assert_eq!(with(AuthMethod::ClientSecretBasic, [None, None]), [shared, (Problem, "secrets", "RFC 6749 2.3.1")]);
}

#[test]
fn client_keys_that_cannot_be_read() {
    let at = |url: &'static str| move |c: &mut Client| c.settings.set_keys(ClientKeySource::Url(url.into()));
    let lost =
        lines_with(ClientKind::Service, at("https://app.example.com/jwks"), |facts| facts.keys_failure = Some("answered 404"));
    is_said(&lost, Problem, "client keys", "answered 404");
    is_said(&lines(ClientKind::Service, at("http://localhost/jwks")), Advice, "client keys", "not encrypted");
    assert!(lines(ClientKind::Service, at("https://app.example.com/jwks")).iter().all(|line| line.level == Level::Ok));
}

#[test]
fn apis_that_nobody_registered() {
    let said = lines(ClientKind::Spa, |c| c.settings.audiences.push("https://gone.example".into()));
    is_said(&said, Advice, "API", "https://gone.example");
    is_said(
        &lines(ClientKind::Web, |c| c.settings.introspects = vec!["https://gone.example".into()]),
        Advice,
        "API",
        "https://gone.example",
    );
}

#[test]
fn scopes_of_no_api() {
    let with = |scopes: &str| lines(ClientKind::Spa, |c| c.settings.scope = Scopes::parse(scopes).unwrap());
    is_said(&with("openid legacy"), Advice, "scope", "legacy");
    is_said(&with("openid other"), Advice, "scope", "other");
    assert!(with("openid email files:read employee").iter().all(|line| line.level == Level::Ok));
}

#[test]
fn default_apis_that_are_too_many_or_none() {
    is_said(&lines(ClientKind::Spa, |c| c.settings.default_audiences = None), Advice, "default API", FILES);
    is_said(&lines(ClientKind::Spa, |c| c.settings.default_audiences = Some(vec![])), Advice, "default API", "none");
    assert!(
        lines(ClientKind::Spa, |c| (c.settings.audiences, c.settings.scope) = (vec![], Scopes::parse("openid").unwrap()))
            .iter()
            .all(|line| line.setting != "default API")
    );
}

#[test]
fn offline_access_where_it_makes_no_sense() {
    let offline = |c: &mut Client| c.settings.scope = Scopes::parse("openid offline_access").unwrap();
    is_said(&lines(ClientKind::Spa, offline), Advice, "scope", "outlive");
    assert!(lines(ClientKind::Native, offline).iter().all(|line| line.level == Level::Ok));
    let without = lines(ClientKind::Web, |c| {
        offline(c);
        c.settings.grant_types = vec![GrantType::AuthorizationCode];
    });
    is_said(&without, Problem, "scope", "without refresh tokens");
}

#[test]
fn signing_out() {
    is_said(&lines(ClientKind::Spa, |c| c.settings.post_logout_redirect_uris.clear()), Advice, "after sign-out", "none");
    let local = lines(ClientKind::Web, |c| c.settings.post_logout_redirect_uris.push("http://localhost/".into()));
    is_said(&local, Advice, "after sign-out", "http://localhost/");
    is_said(&lines(ClientKind::Web, |c| c.settings.backchannel_logout_uri = None), Advice, "back-channel logout", "none");
    let local = lines(ClientKind::Web, |c| c.settings.backchannel_logout_uri = Some("http://localhost/".into()));
    is_said(&local, Advice, "back-channel logout", "http://localhost/");
}

#[test]
fn pairwise_subjects_at_several_hosts() {
    let sector = |c: &mut Client| c.settings.pairwise_sector = Some("app.example.com".into());
    assert!(lines(ClientKind::Spa, sector).iter().all(|line| line.level == Level::Ok));
    let two = lines(ClientKind::Spa, |c| {
        sector(c);
        c.settings.redirect_uris.push("https://other.example/cb".into());
    });
    is_said(&two, Advice, "subjects", "app.example.com, other.example");
    is_said(
        &lines(ClientKind::Spa, |c| c.settings.pairwise_sector = Some("elsewhere.example".into())),
        Advice,
        "subjects",
        "app.example.com",
    );
}

#[test]
fn an_algorithm_without_a_key_or_that_an_api_may_not_know() {
    is_said(
        &lines_with(ClientKind::Spa, |c| c.settings.signing_alg = Algorithm::Es256, |f| f.has_key = false),
        Problem,
        "signatures",
        "ES256",
    );
    is_said(&lines(ClientKind::Spa, |c| c.settings.signing_alg = Algorithm::EdDsa), Advice, "signatures", "EdDSA");
}

#[test]
fn services() {
    is_said(&lines(ClientKind::Service, |c| c.settings.grant_types.clear()), Problem, "grant types", "no token");
    let alone = lines(ClientKind::Service, |c| {
        (c.settings.audiences, c.settings.default_audiences, c.settings.scope) = (vec![], None, Scopes::default());
    });
    is_said(&alone, Advice, "APIs", "none");
    for scope in ["openid", "employee"] {
        is_said(&lines(ClientKind::Service, |c| c.settings.scope = Scopes::parse(scope).unwrap()), Advice, "scope", "user");
    }
}

#[test]
fn an_api_that_introspects_tokens_of_its_own() {
    is_said(&lines(ClientKind::Web, |c| c.settings.introspects = vec![API.into()]), Advice, "introspects", API);
    assert!(
        lines(ClientKind::Web, |c| c.settings.introspects = vec!["https://other.example".into()])
            .iter()
            .all(|line| line.level == Level::Ok)
    );
}

#[test]
fn what_nobody_has_registered_is_named_once() {
    let mut web = client(ClientKind::Web);
    web.settings.introspects = vec![FILES.into()];
    let custom = ScopeClaims::default();
    let named = strays(&web, &[api(API, &[])], &custom);
    assert_eq!(named, Strays { apis: vec![FILES.into()], scopes: vec![] });
    web.settings.scope = Scopes::parse("openid a b").unwrap();
    assert_eq!(strays(&web, &[api(API, &["a"]), api(FILES, &[])], &custom), Strays { apis: vec![], scopes: vec!["b".into()] });
}

#[test]
fn max_auth_age_says_what_it_means() {
    let said = |seconds| lines(ClientKind::Spa, |client| client.settings.max_auth_age = Some(Span::from_seconds(seconds)));
    let of = |lines: &[Finding]| lines.iter().find(|line| line.setting == "max auth age").cloned().unwrap();
    assert!(of(&lines(ClientKind::Web, |_| ())).is.starts_with("none: "));
    let long = of(&said(259_200));
    assert!(long.level == Level::Ok && long.is.starts_with("3days: after that, its tokens are rejected"), "{long:?}");
    is_said(&said(600), Advice, "max auth age", "10m");
    assert!(lines(ClientKind::Service, |_| ()).iter().all(|line| line.setting != "max auth age"));
}

#[test]
fn an_api_without_scopes_is_for_who_names_it() {
    let custom = ScopeClaims::default();
    let apis = [api(API, &["notes:read"]), api(FILES, &[])];
    let said = |kind| {
        let mut client = client(kind);
        client.settings.audiences = vec![API.into(), FILES.into()];
        let retry_window = Span::from_seconds(30);
        let facts =
            Facts { apis: &apis, scope_claims: &custom, has_key: true, keys_failure: None, uses_pkce: false, retry_window };
        review(&client, &facts).into_iter().filter(|line| line.setting == "API").collect::<Vec<_>>()
    };
    let [line] = <[Finding; 1]>::try_from(said(ClientKind::Web)).unwrap();
    assert!(line.level == Advice && line.is.starts_with(FILES), "{line:?}");
    assert_eq!(said(ClientKind::Service), [], "a service gets a token for it");
}
