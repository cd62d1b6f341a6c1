//! A resource server's challenge (RFC 9470): the client asks once more with `acr_values` and `max_age`, and gets a token that meets
//! it; and a page that was answered is not shown again.

use serde_json::json;
use symbolon::testing::protocol::{
    account::authenticator::AuthenticatorKind,
    oauth::client::ClientKind,
    oidc::authentication::{Class, Method},
};

use super::{give, short, show};
use crate::harness::{API, Browser, PASSWORD, Server, both, claims_of, query_of};

/// What a resource server demands, and whether a token meets it by its introspection (RFC 9470 §6.2).
fn challenge(server: &Server, token: &str, acr: &str, max_age: i64) -> Option<[(&'static str, String); 2]> {
    let claims: serde_json::Value = serde_json::from_str(&server.introspect("notes", token).body).unwrap();
    assert_eq!(claims["active"], true);
    assert_eq!(claims["amr"], claims_of(token)["amr"], "the same as in the token");
    let is_fresh = server.now().seconds() - claims["auth_time"].as_i64().unwrap() <= max_age;
    (claims["acr"] != acr || !is_fresh).then(|| [("acr_values", acr.to_owned()), ("max_age", max_age.to_string())])
}

#[test]
fn a_challenge_of_a_resource_server_is_answered_by_one_more_request() {
    both(|server| {
        let alice = server.add_user("alice");
        server.add_apis();
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let two = Class::TwoFactors.as_str();
        let mut home = Browser::new(server);
        let code = home.code_of(&spa, "alice", "openid notes:read", &[("resource", API)]);
        let token = server.redeem(&spa, &code).text("access_token").to_owned();
        give(server, &alice, AuthenticatorKind::Totp, "Phone");
        server.advance(400);
        let asked = challenge(server, &token, two, 300).expect("a password is not enough");
        let asked = asked.each_ref().map(|(name, value)| (*name, value.as_str()));
        let path = Browser::request(&spa, "openid notes:read", &[&[("resource", API)], &asked[..]].concat());
        // Too old: all factors are shown again. A sign-in with the password alone begins no session any more.
        let page = home.get(&path);
        assert_eq!(short(&page), "/login");
        let page = home.sign_in_at(page.location(), "alice", PASSWORD);
        assert_eq!(short(&page), "/login/verify");
        // The rest of that sign-in, as its page would do it.
        let query = page.location().split_once('?').unwrap().1.to_owned();
        show(server, &[Method::Password, Method::Totp]);
        server.store(|connection| {
            use diesel::RunQueryDsl;
            let sql = format!("UPDATE sessions SET auth_time = {}", server.now().millis());
            diesel::sql_query(sql).execute(connection).map_err(Into::into)
        });
        let page = home.get(&format!("/authorize?{query}"));
        let token = server.redeem(&spa, &query_of(page.location())["code"]).text("access_token").to_owned();
        assert_eq!(challenge(server, &token, two, 300), None, "it meets what was demanded");
        assert_eq!(claims_of(&token)["amr"], json!(["pwd", "otp", "mfa"]));
    });
}

#[test]
fn the_page_for_another_factor_keeps_the_request_and_what_was_answered() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.min_acr = Some(Class::TwoFactors));
        let mut home = Browser::new(server);
        let page = home.get(&Browser::request(&spa, "openid", &[("prompt", "login"), ("state", "a b")]));
        let page = home.sign_in_at(page.location(), "alice", PASSWORD);
        let page = home.get(page.location());
        assert_eq!(short(&page), "/account/enrol");
        give(server, &alice, AuthenticatorKind::Totp, "Phone");
        let page = home.get(page.location());
        assert_eq!(short(&page), "/authorize", "there is something to show now");
        let page = home.get(page.location());
        assert_eq!(short(&page), "/login/verify");
        let query = query_of(page.location());
        assert_eq!((query["state"].as_str(), query["prompt"].as_str()), ("a b", "login"));
        show(server, &[Method::Password, Method::Totp]);
        let page = home.get(&page.location().replace("/login/verify", "/authorize"));
        assert_eq!(short(&page), "/consent", "the sign-in that prompt=login asked for is not asked for again");
    });
}

#[test]
fn a_page_that_changed_nothing_leads_back_to_itself_and_not_around() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.min_acr = Some(Class::Hardware));
        let path = Browser::request(&spa, "openid", &[]);
        let mut home = Browser::new(server);
        home.sign_in("alice");
        give(server, &alice, AuthenticatorKind::Passkey, "Phone");
        // A passkey that is no hardware, however often it is shown, ends at the page that asks for one that is.
        for methods in [&[Method::Password][..], &[Method::Passkey], &[Method::Password, Method::Passkey]] {
            show(server, methods);
            let page = home.get(&path);
            assert_eq!(short(&page), "/account/enrol");
            let page = home.get(page.location());
            assert!(page.is("enrol") && page.state() == Some("security-key"), "{page:?}");
        }
    });
}
