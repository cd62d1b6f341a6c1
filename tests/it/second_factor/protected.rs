//! What needs a recent proof of the account's strongest kind: the address, the password, the deletion, the export. An account with a
//! password alone keeps the field in the form.

use symbolon::testing::store::{authenticators, users};

use super::alice_with_phone;
use crate::harness::{Browser, PASSWORD, Page, Phone, Server, both, both_with, with_mail};

/// Confirms who the user is, from the redirect that asks for it.
fn confirm(server: &Server, browser: &mut Browser, phone: &Phone, asked: &Page) -> Page {
    assert!(asked.status == 303 && asked.location().starts_with("/login/verify?then="), "{asked:?}");
    let to = asked.location().to_owned();
    let page = browser.get(&to);
    let sent = browser.submit(&page, &[("password", PASSWORD), ("code", &phone.code(server))]);
    assert_eq!(sent.status, 303, "{sent:?}");
    sent
}

#[test]
fn the_address_is_changed_after_a_confirmation_and_without_a_password_field() {
    with_mail(
        |_| (),
        |server, _| {
            let (mut browser, phone) = alice_with_phone(server);
            server.advance(901);
            let asked = browser.get("/account/email");
            let sent = confirm(server, &mut browser, &phone, &asked);
            assert_eq!(sent.location(), "/account/email");
            let page = browser.get("/account/email");
            assert!(!page.body.contains("name=\"password\""), "{page:?}");
            // Too old by the time the form is sent.
            server.advance(901);
            let late = browser.submit(&page, &[("email", "new@example.org")]);
            assert_eq!(late.location(), "/login/verify?then=%2Faccount%2Femail");
            confirm(server, &mut browser, &phone, &late);
            let page = browser.get("/account/email");
            let sent = browser.submit(&page, &[("email", "new@example.org")]);
            assert!(sent.location().starts_with("/account/email?done=sent"), "{sent:?}");
        },
    );
}

#[test]
fn the_account_is_deleted_after_a_confirmation_and_with_its_factors() {
    both(|server| {
        let (mut browser, phone) = alice_with_phone(server);
        browser.recovery_codes();
        let alice = server.store(|connection| {
            users::find_by_login(connection, &symbolon::testing::protocol::account::login_name::LoginName::parse("alice"))
        });
        let alice = alice.unwrap().claims.id;
        server.advance(901);
        let page = browser.get("/account/data");
        assert!(page.body.contains("name=\"sure\"") && !page.body.contains("name=\"password\""), "{page:?}");
        let asked = browser.submit(&page, &[("sure", "yes")]);
        assert_eq!(asked.location(), "/login/verify?then=%2Faccount%2Fdata");
        confirm(server, &mut browser, &phone, &asked);
        let page = browser.get("/account/data");
        let unsure = browser.submit(&page, &[]);
        assert_eq!((unsure.status, unsure.problem()), (400, Some("not-sure")), "{unsure:?}");
        let gone = browser.submit(&page, &[("sure", "yes")]);
        assert!(gone.status == 200 && gone.is("account-deleted"), "{gone:?}");
        assert!(server.store(|connection| authenticators::of_user(connection, alice)).is_empty());
    });
}

#[test]
fn the_export_names_the_factors_and_no_secret() {
    both(|server| {
        let (mut browser, phone) = alice_with_phone(server);
        let codes = browser.recovery_codes();
        server.advance(901);
        let asked = browser.get("/account/export");
        let sent = confirm(server, &mut browser, &phone, &asked);
        assert_eq!(sent.location(), "/account/data");
        let file = browser.get("/account/export");
        let kept: serde_json::Value = serde_json::from_str(&file.body).unwrap();
        let methods = kept["sign_in_methods"].as_array().unwrap();
        let kinds: Vec<_> = methods.iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["totp", "recovery_codes"]);
        assert_eq!((&methods[0]["name"], &methods[1]["codes_used"]), (&"Phone".into(), &0.into()));
        assert!(!file.body.contains(&phone.key) && codes.iter().all(|code| !file.body.contains(code.as_str())));
        for word in ["content", "secret", "counter"] {
            assert!(!file.body.contains(word), "{word}");
        }
    });
}

#[test]
fn beside_an_app_a_password_may_be_shorter_until_the_app_goes() {
    const SHORT: &str = "vesper-44";
    both(|server| {
        let (mut browser, phone) = alice_with_phone(server);
        server.advance(901);
        let asked = browser.get("/account/password");
        confirm(server, &mut browser, &phone, &asked);
        let page = browser.get("/account/password");
        assert!(page.body.contains("At least 8 characters") && !page.body.contains("name=\"password\""), "{page:?}");
        assert_eq!(browser.submit(&page, &[("new_password", "vesper4")]).problem(), Some("password-too-short"));
        let sent = browser.submit(&page, &[("new_password", SHORT)]);
        assert!(sent.location().starts_with("/account/password?done=changed"), "{sent:?}");

        // The app cannot go as long as the password is short.
        let alice = server.store(|connection| {
            users::find_by_login(connection, &symbolon::testing::protocol::account::login_name::LoginName::parse("alice"))
        });
        let id =
            server.store(|connection| authenticators::of_user(connection, alice.clone().unwrap().claims.id))[0].id.to_string();
        let page = browser.get(&format!("/account/security/remove?id={id}"));
        for (password, status, problem) in
            [("", 400, "password-missing"), ("wrong", 401, "wrong-password"), (SHORT, 400, "password-too-short")]
        {
            let page = browser.submit(&page, &[("id", &id), ("password", password)]);
            assert_eq!((page.status, page.problem()), (status, Some(problem)), "{page:?}");
        }
        let form = browser.get("/account/password");
        assert_eq!(browser.submit(&form, &[("new_password", "a much longer password")]).status, 303);
        let page = browser.get(&format!("/account/security/remove?id={id}"));
        let gone = browser.submit(&page, &[("id", &id), ("password", "a much longer password")]);
        assert!(gone.location().starts_with("/account/security?done=removed"), "{gone:?}");
        // Now it is the password alone, and the form asks for it again.
        let page = browser.get("/account/password");
        assert!(page.body.contains("At least 15 characters") && page.body.contains("name=\"password\""), "{page:?}");
    });
}

#[test]
fn one_length_for_all_needs_no_password_to_remove_an_app() {
    both_with(
        |config| config.password_rules.min_length_with_second_factor = config.password_rules.min_length,
        |server| {
            let (mut browser, _) = alice_with_phone(server);
            let page = browser.get("/account/security");
            let to = page.attribute("security/remove?id=", "href");
            let page = browser.get(&to);
            assert!(!page.body.contains("name=\"password\""), "{page:?}");
            let id = page.attribute("name=\"id\"", "value");
            assert_eq!(browser.submit(&page, &[("id", &id)]).status, 303);
        },
    );
}
