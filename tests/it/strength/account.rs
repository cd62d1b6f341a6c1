//! The account pages of a user of whom more is required than was shown: they lead to what is missing, except those on the way to it.

use symbolon::testing::protocol::{
    account::authenticator::AuthenticatorKind,
    oauth::required_class::Minimums,
    oidc::authentication::{Class, Method},
};

use super::{always, for_everyone, give, short, show};
use crate::harness::{Browser, both_with, query_of};

const PAGES: [&str; 6] =
    ["/account", "/account/activity", "/account/password", "/account/email", "/account/details", "/account/data"];

#[test]
fn they_need_what_is_required_of_their_user() {
    both_with(
        |config| config.minimums = for_everyone(Class::TwoFactors, None),
        |server| {
            let alice = server.add_user("alice");
            let mut home = Browser::new(server);
            home.sign_in("alice");
            for path in PAGES {
                let page = home.get(path);
                assert_eq!(short(&page), "/account/enrol", "{path}");
                assert_eq!(query_of(page.location())["then"], path);
            }
            let page = home.get("/account/enrol?then=%2Faccount%2Fdata");
            assert!(page.is("enrol") && !page.body.contains("Not now"), "{page:?}");
            assert_eq!(home.get("/logout").status, 200, "whoever wants to leave can");
            let export = home.get("/account/export");
            assert_eq!(short(&export), "/account/enrol", "nothing is told");
            give(server, &alice, AuthenticatorKind::Totp, "Phone");
            for path in PAGES {
                let page = home.get(path);
                assert_eq!(short(&page), "/login/verify", "{path}");
                assert_eq!(query_of(page.location())["then"], path);
            }
            assert_eq!(short(&home.get("/account/enrol?then=%2Faccount")), "/login/verify", "nothing to add any more");
            show(server, &[Method::Password, Method::Totp]);
            for path in PAGES {
                assert_eq!(home.get(path).status, 200, "{path}");
            }
            assert_eq!(short(&home.get("/account/enrol?then=%2Faccount%2Fdata")), "/account/data");
            assert_eq!(short(&home.get("/account/enrol?then=https%3A%2F%2Fevil.example")), "/", "no page of ours");
        },
    );
}

#[test]
fn a_role_is_enough_to_need_more() {
    let minimums = Minimums { roles: [("admin".to_owned(), always(Class::PhishingResistant))].into(), ..Minimums::default() };
    both_with(
        |config| config.minimums = minimums.clone(),
        |server| {
            let alice = server.add_user("alice");
            let mut home = Browser::new(server);
            home.sign_in("alice");
            assert_eq!(home.get("/account").status, 200);
            server.change_user(alice.claims.id, |user| user.claims.roles = vec!["admin".into()]);
            assert_eq!(short(&home.get("/account")), "/account/enrol");
            let page = home.get("/account/enrol");
            assert_eq!(page.state(), Some("passkey"), "{page:?}");
        },
    );
}
