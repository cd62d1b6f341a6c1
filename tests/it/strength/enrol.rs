//! The page that asks for another factor on the way to an app: what it offers, and the ways from it.

use symbolon::testing::protocol::{
    account::authenticator::AuthenticatorKind, oauth::client::ClientKind, oidc::authentication::Class,
};

use super::{UNMET, give, opened, short};
use crate::harness::{Browser, CALLBACK, both, query_of};

#[test]
fn it_offers_what_would_do_and_keeps_the_request() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.min_acr = Some(Class::TwoFactors));
        let strict = server.add_client("strict", ClientKind::Spa, |client| {
            client.settings.min_acr = Some(Class::PhishingResistant);
        });
        let mut home = Browser::new(server);
        home.sign_in("alice");
        for (client, offers) in [(&spa, [true, true]), (&strict, [true, false])] {
            let page = opened(&mut home, &Browser::request(client, "openid", &[("state", "s1")]));
            page.assert_page();
            assert!(page.is("enrol"), "{page:?}");
            assert!(page.body.contains(&client.settings.client_name), "{page:?}");
            for (path, is_offered) in ["/account/passkeys/add?", "/account/totp/add?"].into_iter().zip(offers) {
                assert_eq!(page.body.contains(path), is_offered, "{path}");
            }
            assert!(page.body.contains("state=s1") && page.form_targets().contains("https://app.example.com"), "{page:?}");
            let page = home.submit(&page, &[("decision", "deny")]);
            let answer = query_of(page.location());
            assert!(page.location().starts_with(CALLBACK));
            assert_eq!((answer["error"].as_str(), answer["state"].as_str()), (UNMET, "s1"));
        }
    });
}

#[test]
fn without_a_session_or_a_reason_it_leads_on() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.min_acr = Some(Class::TwoFactors));
        let plain = server.add_client("plain", ClientKind::Spa, |_| ());
        let at = |client| Browser::request(client, "openid", &[]).replace("/authorize?", "/account/enrol?");
        let mut home = Browser::new(server);
        assert_eq!(short(&home.get(&at(&spa))), "/authorize", "nobody is signed in");
        assert_eq!(short(&home.get("/account/enrol")), "/login");
        home.sign_in("alice");
        assert_eq!(short(&home.get(&at(&plain))), "/authorize", "nothing is required");
        assert_eq!(short(&home.get("/account/enrol")), "/");
        let page = home.get(&at(&spa));
        give(server, &alice, AuthenticatorKind::Totp, "Phone");
        assert_eq!(short(&home.submit(&page, &[("decision", "deny")])), "/authorize", "added in another tab");
    });
}

#[test]
fn a_form_that_it_did_not_show_does_nothing() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.min_acr = Some(Class::TwoFactors));
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let path = Browser::request(&spa, "openid", &[]).replace("/authorize?", "/account/enrol?");
        for decision in ["later", "deny"] {
            let page = home.send("POST", &path, Some(&[("csrf", "x"), ("decision", decision)]));
            assert_eq!((page.status, page.problem()), (400, Some("form-expired")), "{page:?}");
        }
        let page = home.get(&path);
        assert_eq!(home.submit(&page, &[("decision", "later")]).status, 400, "it cannot wait");
        assert_eq!(home.submit(&page, &[]).status, 400);
    });
}
