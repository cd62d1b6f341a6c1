//! Adding a passkey: who may, which one, and what is told.

use symbolon::testing::{protocol::account::authenticator::AuthenticatorKind, store::authenticators};

use super::{ADD, Form, add, show};
use crate::harness::{Authenticator, Browser, PASSWORD, both};

#[test]
fn only_shortly_after_a_proof() {
    both(|server| {
        let user = server.add_user("alice");
        assert!(Browser::new(server).get(ADD).location().starts_with("/login?then="));
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let form = Form::of(&browser.get(ADD));
        let answer = Authenticator::at(&server.url).make(&form.options);
        server.advance(901);
        assert!(browser.get(ADD).location().starts_with("/login/verify?then=%2Faccount%2Fpasskeys%2Fadd"));
        assert!(form.send(&mut browser, &answer).location().starts_with("/login/verify?"));
        let there = server.store(|connection| authenticators::of_user(connection, user.claims.id));
        assert!(there.is_empty(), "{there:?}");
    });
}

#[test]
fn with_the_options_that_are_documented() {
    both(|server| {
        let user = server.add_user("alice");
        let first = add(server, "alice");
        let mut browser = Browser::new(server);
        show(&mut browser, &mut first.clone(), "/login");
        let options: serde_json::Value = serde_json::from_str(&Form::of(&browser.get(ADD)).options).unwrap();
        assert_eq!(options["rp"]["id"], "localhost");
        assert_eq!(options["attestation"], "none");
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(options["authenticatorSelection"]["requireResidentKey"], true);
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        let algorithms: Vec<_> = options["pubKeyCredParams"].as_array().unwrap().iter().map(|one| &one["alg"]).collect();
        assert_eq!(algorithms, [-7, -257]);
        assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
        assert_eq!(options["user"]["name"], "alice");
        let handle = options["user"]["id"].as_str().unwrap();
        assert!(handle.len() == 43 && !handle.contains(&user.claims.id.to_string()), "{handle}");
        let asked: serde_json::Value = serde_json::from_str(&Form::of(&Browser::new(server).get("/login")).options).unwrap();
        assert_eq!((&asked["userVerification"], &asked["rpId"]), (&"required".into(), &"localhost".into()));
        assert_eq!(asked["allowCredentials"].as_array().map(Vec::len), Some(0), "any passkey of this server");
    });
}

#[test]
fn one_passkey_is_added_once_and_by_its_user_alone() {
    both(|server| {
        let alice = server.add_user("alice");
        server.add_user("bob");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let form = Form::of(&browser.get(ADD));
        let mut authenticator = Authenticator::at(&server.url);
        let answer = authenticator.make(&form.options);
        let mut bob = Browser::new(server);
        bob.sign_in("bob");
        let of_bob = Form::of(&bob.get(ADD));
        let carried = Form { state: form.state.clone(), ..of_bob };
        assert_eq!(carried.send(&mut bob, &answer).problem(), Some("form-expired"), "a challenge of another session");
        let page = form.send(&mut browser, &answer);
        assert_eq!((page.status, page.location()), (303, "/account/recovery-codes?first=yes"), "{page:?}");
        assert_eq!(browser.get(page.location()).status, 200, "a new passkey counts as shown");
        assert_eq!(form.send(&mut browser, &answer).problem(), Some("form-expired"), "the session goes on under another cookie");
        let there = server.store(|connection| authenticators::of_user(connection, alice.claims.id));
        assert_eq!(there.iter().map(|one| one.kind).collect::<Vec<_>>(), [AuthenticatorKind::Passkey]);
    });
}

#[test]
fn none_without_user_verification_from_elsewhere_or_altered() {
    both(|server| {
        let user = server.add_user("alice");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let refused = |browser: &mut Browser, change: &dyn Fn(&mut Authenticator), alter: &dyn Fn(String) -> String| {
            let form = Form::of(&browser.get(ADD));
            let mut authenticator = Authenticator::at(&server.url);
            change(&mut authenticator);
            let answer = alter(authenticator.make(&form.options));
            let page = form.send(browser, &answer);
            (page.status, page.problem().unwrap_or_default().to_owned())
        };
        let expected = (400, "refused".to_owned());
        assert_eq!(refused(&mut browser, &|one| one.is_verifying = false, &|answer| answer), expected, "no verification");
        assert_eq!(refused(&mut browser, &|one| one.origin = "http://localhost:1".into(), &|answer| answer), expected);
        assert_eq!(refused(&mut browser, &|_| (), &|_| String::new()), expected);
        assert_eq!(refused(&mut browser, &|_| (), &|_| "{}".into()), expected);
        assert_eq!(refused(&mut browser, &|_| (), &|answer| answer), (303, String::new()));
        let there = server.store(|connection| authenticators::of_user(connection, user.claims.id));
        assert_eq!(there.len(), 1, "the last one was right");
        let page = Browser::new(server).sign_in_at("/login", "alice", PASSWORD);
        assert_eq!(page.status, 303, "the password still signs in");
    });
}
