//! "Confirm that it is you": a session shows again what is too old, goes on under a new cookie, and returns to the page it came from.

use super::alice_with_phone;
use crate::harness::{Browser, PASSWORD, Phone, both};

const SESSION: &str = "symbolon_session";

#[test]
fn an_account_with_a_password_alone_confirms_with_it() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        server.advance(901);
        let page = browser.get("/account/totp/add");
        assert_eq!((page.status, page.location()), (303, "/login/verify?then=%2Faccount%2Ftotp%2Fadd"));
        let page = browser.get("/login/verify?then=%2Faccount%2Ftotp%2Fadd");
        assert!(page.state() == Some("confirm") && !page.body.contains("name=\"code\""), "{page:?}");
        for (password, status, problem) in [("", 400, "password-missing"), ("wrong", 401, "wrong-password")] {
            let page = browser.submit(&page, &[("password", password)]);
            assert_eq!((page.status, page.problem()), (status, Some(problem)), "{page:?}");
        }
        let (before, mut again) = (browser.cookies[SESSION].clone(), browser.clone());
        let sent = browser.submit(&page, &[("password", PASSWORD)]);
        assert_eq!((sent.status, sent.location()), (303, "/account/totp/add"), "{sent:?}");
        assert_ne!(browser.cookies[SESSION], before, "whoever has the old cookie gains nothing");
        assert!(browser.get("/account/totp/add").is("totp-add"));
        // The same form, sent twice.
        let twice = again.submit(&page, &[("password", PASSWORD)]);
        assert_eq!((twice.status, twice.location()), (303, "/account/totp/add"), "{twice:?}");
        assert_eq!(again.cookies[SESSION], browser.cookies[SESSION]);
        let mut thief = browser.clone();
        thief.cookies.insert(SESSION, before.clone());
        assert!(thief.get("/account").location().starts_with("/login"));
        let sent = thief.submit(&page, &[("password", "wrong")]);
        assert_ne!(thief.cookies[SESSION], browser.cookies[SESSION], "{sent:?}");
    });
}

#[test]
fn an_account_with_an_app_confirms_with_both_and_nothing_is_typed_twice() {
    both(|server| {
        let (mut browser, phone) = alice_with_phone(server);
        server.advance(901);
        let page = browser.get("/account/recovery-codes");
        let to = page.location().to_owned();
        assert_eq!(to, "/login/verify?then=%2Faccount%2Frecovery-codes");
        let page = browser.get(&to);
        let wrong = browser.submit(&page, &[("password", PASSWORD), ("code", &phone.wrong_code(server))]);
        assert_eq!((wrong.status, wrong.problem()), (401, Some("wrong-code")), "{wrong:?}");
        let kept = wrong.attribute("name=\"kept_password\"", "value");
        assert!(!wrong.body.contains(PASSWORD));
        let wrong = browser.submit(&page, &[("password", "wrong"), ("code", &phone.code(server))]);
        assert_eq!((wrong.status, wrong.problem()), (401, Some("wrong-password")), "{wrong:?}");
        assert_eq!(wrong.attribute("id=\"code\"", "value"), phone.code(server), "it was not used");
        let sent = browser.submit(&page, &[("password", ""), ("kept_password", &kept), ("code", &phone.code(server))]);
        assert_eq!((sent.status, sent.location()), (303, "/account/recovery-codes"), "{sent:?}");
        assert_eq!(browser.recovery_codes().len(), 10);
        // Fourteen minutes later neither is asked for again; a minute after that both are.
        server.advance(14 * 60);
        assert!(browser.get("/account/totp/add").is("totp-add"));
        server.advance(61);
        assert_eq!(browser.get("/account/totp/add").status, 303);
    });
}

#[test]
fn a_recovery_code_stands_in_for_the_app() {
    both(|server| {
        let (mut browser, _) = alice_with_phone(server);
        let codes = browser.recovery_codes();
        server.advance(901);
        let page = browser.get("/login/verify?then=%2Faccount%2Ftotp%2Fadd&use=recovery");
        let wrong = browser.submit(&page, &[("password", "wrong"), ("recovery_code", &codes[0])]);
        assert_eq!(wrong.problem(), Some("wrong-password"), "{wrong:?}");
        let kept = wrong.attribute("name=\"kept_recovery_code\"", "value");
        assert!(!wrong.body.contains(&codes[0]), "it goes along sealed");
        let sent = browser.submit(&page, &[("password", PASSWORD), ("recovery_code", ""), ("kept_recovery_code", &kept)]);
        assert_eq!((sent.status, sent.location()), (303, "/account/totp/add"), "{sent:?}");
        Phone::added(server, &mut browser);
    });
}

#[test]
fn a_sign_in_that_was_abandoned_is_not_taken_for_it() {
    both(|server| {
        let (_, _) = alice_with_phone(server);
        server.add_user("bob");
        let mut browser = Browser::new(server);
        browser.sign_in("bob");
        browser.arrive_at_second_factor("/login", "alice");
        assert_eq!(browser.get("/").state(), Some("signed-in"), "as bob");
        server.advance(901);
        browser.arrive_at_second_factor("/login", "alice");
        let page = browser.get("/account/totp/add");
        let to = page.location().to_owned();
        let page = browser.get(&to);
        assert!(page.state() == Some("confirm") && page.body.contains("bob"), "{page:?}");
    });
}

#[test]
fn the_time_of_the_sign_in_stays() {
    both(|server| {
        let (mut browser, phone) = alice_with_phone(server);
        let client = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        let auth_time = |browser: &mut Browser| {
            let code = browser.code(&client, "alice", "openid");
            let answer = server.redeem(&client, &code);
            crate::harness::claims_of(answer.text("id_token"))["auth_time"].as_i64().unwrap()
        };
        let before = auth_time(&mut browser);
        server.advance(901);
        let page = browser.get("/login/verify?then=%2Faccount%2Fsecurity");
        let sent = browser.submit(&page, &[("password", PASSWORD), ("code", &phone.code(server))]);
        assert_eq!(sent.status, 303, "{sent:?}");
        assert_eq!(auth_time(&mut browser), before);
    });
}
