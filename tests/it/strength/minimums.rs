//! Minimums of a client, an API, a role, a group and everyone: each leads on to what is missing, and is met by what was shown.

use std::time::{SystemTime, UNIX_EPOCH};

use symbolon::testing::{
    protocol::{
        account::authenticator::AuthenticatorKind,
        oauth::{client::ClientKind, required_class::Minimums},
        oidc::authentication::{Class, Method},
        values::time::Timestamp,
    },
    store::apis,
};

use super::{UNMET, always, answers, for_everyone, give, opened, short, show};
use crate::harness::{API, Browser, both_with, claims_of, query_of};

/// Who requires two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Client,
    Api,
    Role,
    Group,
    Everyone,
}

#[test]
fn each_minimum_is_asked_for_and_met() {
    for by in [By::Client, By::Api, By::Role, By::Group, By::Everyone] {
        eprintln!("{by:?}");
        let two = always(Class::TwoFactors);
        let minimums = match by {
            By::Role => Minimums { roles: [("admin".to_owned(), two)].into(), ..Minimums::default() },
            By::Group => Minimums { groups: [("staff".to_owned(), two)].into(), ..Minimums::default() },
            By::Everyone => for_everyone(Class::TwoFactors, None),
            By::Client | By::Api => Minimums::default(),
        };
        both_with(
            |config| config.minimums = minimums.clone(),
            |server| {
                let alice = server.add_user("alice");
                server.change_user(alice.claims.id, |user| {
                    (user.claims.roles, user.claims.groups) = (vec!["admin".into()], vec!["staff".into()]);
                });
                server.add_apis();
                let plain = server.add_client("plain", ClientKind::Spa, |_| ());
                let spa = server.add_client("spa", ClientKind::Spa, |client| {
                    client.settings.min_acr = (by == By::Client).then_some(Class::TwoFactors);
                });
                let mut home = Browser::new(server);
                home.sign_in("alice");
                show(server, &[Method::Password, Method::Totp]);
                home.code_of(&spa, "alice", "openid notes:read", &[("resource", API)]);
                show(server, &[Method::Password]);
                if by == By::Api {
                    server.store(|connection| {
                        let mut api = apis::named(connection, API)?.unwrap();
                        api.min_acr = Some(Class::TwoFactors);
                        apis::update(connection, &api)
                    });
                }
                let path = Browser::request(&spa, "openid notes:read", &[("resource", API)]);
                let enrol = ("/account/enrol".to_owned(), UNMET.to_owned());
                assert_eq!(answers(&mut home, &path), enrol, "nothing to show");
                give(server, &alice, AuthenticatorKind::Totp, "Phone");
                let step_up = ("/login/verify".to_owned(), UNMET.to_owned());
                assert_eq!(answers(&mut home, &path), step_up, "something to show");
                show(server, &[Method::Password, Method::Totp]);
                let page = home.get(&path);
                let tokens = server.redeem(&spa, &query_of(page.location())["code"]);
                for token in ["access_token", "id_token"] {
                    let claims = claims_of(tokens.text(token));
                    assert_eq!(claims["acr"], Class::TwoFactors.as_str(), "{token}");
                    assert_eq!(claims["amr"], serde_json::json!(["pwd", "otp", "mfa"]), "{token}");
                }
                // Others are not concerned.
                show(server, &[Method::Password]);
                let other = answers(&mut home, &Browser::request(&plain, "openid", &[]));
                let of_account = matches!(by, By::Role | By::Group | By::Everyone);
                assert_eq!(other.0, if of_account { "/login/verify" } else { "/consent" });
                if by == By::Api {
                    let without = answers(&mut home, &Browser::request(&spa, "openid", &[]));
                    assert_eq!(without, ("code".into(), "code".into()), "a token that is not for the API");
                }
            },
        );
    }
}

#[test]
fn who_has_neither_role_nor_group_is_not_concerned() {
    let hardware = always(Class::Hardware);
    let minimums = Minimums {
        roles: [("admin".to_owned(), hardware)].into(),
        groups: [("staff".to_owned(), hardware)].into(),
        ..Minimums::default()
    };
    both_with(
        |config| config.minimums = minimums.clone(),
        |server| {
            server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let mut home = Browser::new(server);
            home.code(&spa, "alice", "openid");
            assert_eq!(answers(&mut home, &Browser::request(&spa, "openid", &[])), ("code".into(), "code".into()));
        },
    );
}

/// In this many hours.
fn in_hours(hours: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(now).unwrap()).shifted(hours * 3_600_000)
}

#[test]
fn before_its_date_a_minimum_can_wait() {
    both_with(
        |config| config.minimums = for_everyone(Class::TwoFactors, Some(in_hours(40))),
        |server| {
            server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let path = Browser::request(&spa, "openid", &[]);
            let mut home = Browser::new(server);
            home.sign_in("alice");
            let page = home.get(&path);
            assert_eq!(short(&page), "/account/enrol");
            let enrol = home.get(page.location());
            assert!(enrol.is("enrol") && enrol.state() == Some("second-factor later"), "{enrol:?}");
            let page = home.submit(&enrol, &[("decision", "later")]);
            assert_eq!(short(&page), "/authorize");
            assert_eq!(short(&home.get(page.location())), "/consent", "and on it goes");
            home.code(&spa, "alice", "openid");
            assert_eq!(answers(&mut home, &path), ("code".into(), "code".into()), "not asked again at once");
            assert_eq!(home.get("/account").status, 200, "the account pages do not ask");
            server.advance(25 * 3_600);
            assert_eq!(answers(&mut home, &path), ("/account/enrol".into(), "code".into()), "but on the next day");
            server.advance(16 * 3_600);
            assert_eq!(answers(&mut home, &path), ("/account/enrol".into(), UNMET.into()), "the date has come");
            let enrol = opened(&mut home, &path);
            assert_eq!(enrol.state(), Some("second-factor"), "{enrol:?}");
            assert!(!enrol.body.contains("Not now"));
            let page = home.submit(&enrol, &[("decision", "later")]);
            assert_eq!(page.status, 400, "it cannot wait any more: {page:?}");
            assert_eq!(short(&home.get("/account")), "/account/enrol");
        },
    );
}

#[test]
fn not_now_is_the_answer_of_one_user() {
    both_with(
        |config| config.minimums = for_everyone(Class::TwoFactors, Some(in_hours(40))),
        |server| {
            server.add_user("alice");
            server.add_user("bob");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let path = Browser::request(&spa, "openid", &[]);
            let mut home = Browser::new(server);
            home.sign_in("alice");
            let enrol = opened(&mut home, &path);
            home.submit(&enrol, &[("decision", "later")]);
            assert_eq!(short(&home.get(&path)), "/consent");
            home.sign_in("bob");
            assert_eq!(short(&home.get(&path)), "/account/enrol");
        },
    );
}
