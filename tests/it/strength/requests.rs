//! Classes in requests: `acr_values` is a wish, an essential `acr` a condition; tokens tell a requested class that was shown.

use serde_json::json;
use symbolon::testing::protocol::{
    account::authenticator::AuthenticatorKind,
    oauth::client::ClientKind,
    oidc::authentication::{Class, Method},
};

use super::{UNMET, answers, give, short, show};
use crate::harness::{Browser, both, claims_of, query_of};

const PASSWORD: &str = Class::Password.as_str();
const TWO: &str = Class::TwoFactors.as_str();
const RESISTANT: &str = Class::PhishingResistant.as_str();
const HARDWARE: &str = Class::Hardware.as_str();

fn essential(values: &[&str]) -> String {
    json!({"id_token": {"acr": {"essential": true, "values": values}}}).to_string()
}

#[test]
fn a_wish_is_aimed_at_where_it_can_be_reached() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let wishing = |values: &str| Browser::request(&spa, "openid", &[("acr_values", values)]);
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        let both_go_on = ("code".to_owned(), "code".to_owned());
        assert_eq!(answers(&mut home, &wishing(TWO)), both_go_on, "nothing to show: a lower class is told");
        give(server, &alice, AuthenticatorKind::Totp, "Phone");
        let asks = ("/login/verify".to_owned(), "code".to_owned());
        assert_eq!(answers(&mut home, &wishing(TWO)), asks);
        assert_eq!(answers(&mut home, &wishing(&format!("{HARDWARE} {TWO}"))), asks, "the first that can be reached");
        assert_eq!(answers(&mut home, &wishing(&format!("{PASSWORD} {TWO}"))), both_go_on, "the first is met");
        assert_eq!(answers(&mut home, &wishing(RESISTANT)), both_go_on);
        let claims = json!({"id_token": {"acr": {"values": [TWO]}}}).to_string();
        assert_eq!(answers(&mut home, &Browser::request(&spa, "openid", &[("claims", &claims)])), asks, "the same wish");
        show(server, &[Method::Password, Method::Totp]);
        assert_eq!(answers(&mut home, &wishing(TWO)), both_go_on);
    });
}

#[test]
fn what_is_essential_is_met_asked_for_or_refused() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let wanting = |values: &[&str]| Browser::request(&spa, "openid", &[("claims", &essential(values))]);
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        let refused = (UNMET.to_owned(), UNMET.to_owned());
        assert_eq!(answers(&mut home, &wanting(&[TWO])), refused, "nothing to show");
        give(server, &alice, AuthenticatorKind::Totp, "Phone");
        assert_eq!(answers(&mut home, &wanting(&[TWO])), ("/login/verify".into(), UNMET.into()));
        assert_eq!(answers(&mut home, &wanting(&[RESISTANT])), refused);
        assert_eq!(answers(&mut home, &wanting(&[HARDWARE, PASSWORD])), ("code".into(), "code".into()));
        show(server, &[Method::Passkey]);
        assert_eq!(answers(&mut home, &wanting(&[TWO])), ("code".into(), "code".into()), "more than enough");
        assert_eq!(answers(&mut home, &wanting(&[HARDWARE])), refused);
    });
}

#[test]
fn tokens_tell_a_requested_class_and_never_more_than_was_shown() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut home = Browser::new(server);
        home.code(&spa, "alice", "openid");
        show(server, &[Method::Password, Method::Passkey]);
        let both = essential(&[PASSWORD, TWO]);
        for (more, told) in [
            (vec![], RESISTANT),
            (vec![("acr_values", TWO)], TWO),
            (vec![("acr_values", HARDWARE)], RESISTANT),
            (vec![("acr_values", RESISTANT), ("claims", both.as_str())], TWO),
        ] {
            let page = home.get(&Browser::request(&spa, "openid", &more));
            let tokens = server.redeem(&spa, &query_of(page.location())["code"]);
            let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
            for token in [tokens.text("id_token"), tokens.text("access_token"), refreshed.text("access_token")] {
                let claims = claims_of(token);
                assert_eq!(claims["acr"], told, "{more:?}");
                assert_eq!(claims["amr"], json!(["pwd", "pop", "user", "mfa"]), "what was shown");
            }
        }
    });
}

#[test]
fn every_prompt_and_age_comes_before_another_factor() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.min_acr = Some(Class::TwoFactors));
        let mut home = Browser::new(server);
        home.sign_in("alice");
        show(server, &[Method::Password, Method::Totp]);
        home.code(&spa, "alice", "openid");
        show(server, &[Method::Password]);
        give(server, &alice, AuthenticatorKind::Totp, "Phone");
        server.advance(100);
        for (more, to) in [
            (("prompt", "login"), "/login"),
            (("max_age", "50"), "/login"),
            (("max_age", "500"), "/login/verify"),
            (("prompt", "select_account"), "/select-account"),
            (("prompt", "consent"), "/login/verify"),
            (("prompt", "none"), UNMET),
        ] {
            let page = home.get(&Browser::request(&spa, "openid", &[more]));
            assert_eq!(short(&page), to, "{more:?}");
            if to == "/login" {
                let silent = home.get(&Browser::request(&spa, "openid", &[("prompt", "none"), ("max_age", "50")]));
                assert_eq!(short(&silent), "login_required");
            }
        }
    });
}
