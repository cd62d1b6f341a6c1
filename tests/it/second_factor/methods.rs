//! The page of sign-in methods: adding an app and recovery codes, renaming, removing.

use symbolon::testing::{
    protocol::account::{activity::Activity, login_name::LoginName},
    store::{authenticators, users},
};

use super::alice_with_phone;
use crate::harness::{Browser, Phone, both, with_mail};

#[test]
fn an_app_counts_only_after_a_code_of_it_and_recovery_codes_are_offered() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = browser.get("/account/totp/add");
        assert!(page.body.contains("<svg class=\"qr\"") && !page.body.contains("style="), "{page:?}");
        let phone = Phone::reading(&page);
        let pending = page.attribute("name=\"pending\"", "value");
        let rows = || server.store(|connection| authenticators::of_user(connection, alice));
        for (code, name, problem) in [
            ("", "Phone", "code-missing"),
            (&phone.wrong_code(server), "Phone", "wrong-code"),
            (&phone.code(server), "two\nlines", "name-not-taken"),
        ] {
            let page = browser.submit(&page, &[("pending", &pending), ("name", name), ("code", code)]);
            assert_eq!((page.status, page.problem()), (400, Some(problem)), "{page:?}");
            assert_eq!(Phone::reading(&page).key, phone.key, "the same key is shown again");
            assert!(rows().is_empty());
        }
        // What is sealed is of this session.
        let mut other = Browser::new(server);
        other.sign_in("alice");
        let theirs = other.get("/account/totp/add");
        let stolen = other.submit(&theirs, &[("pending", &pending), ("code", &phone.code(server))]);
        assert_eq!(stolen.problem(), Some("form-expired"), "{stolen:?}");

        let fields = [("pending", pending.as_str()), ("name", "Phone"), ("code", &phone.code(server))];
        let sent = browser.submit(&page, &fields);
        assert_eq!((sent.status, sent.location()), (303, "/account/recovery-codes?first=yes"), "{sent:?}");
        assert_eq!(browser.submit(&page, &fields).location(), "/account/recovery-codes?first=yes", "sent twice");
        assert_eq!(rows().len(), 1);
        assert!(!rows()[0].content.windows(20).any(|part| part == phone.key.as_bytes()));
        // The code that confirmed it signs nobody in.
        let mut elsewhere = Browser::new(server);
        let page = elsewhere.arrive_at_second_factor("/login", "alice");
        assert_eq!(elsewhere.submit(&page, &[("code", &phone.code(server))]).problem(), Some("used-code"));
        let page = browser.get("/account/recovery-codes?first=yes");
        assert!(page.state() == Some("offered") && page.body.contains("It was added."), "{page:?}");
        assert_eq!(browser.recovery_codes().len(), 10);
        assert_eq!(server.activities(alice).iter().filter(|one| **one == Activity::AuthenticatorAdded).count(), 1);
    });
}

#[test]
fn an_authorization_request_goes_along() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = browser.get("/account/totp/add?client_id=spa&scope=openid");
        let (phone, pending) = (Phone::reading(&page), page.attribute("name=\"pending\"", "value"));
        let sent = browser.submit(&page, &[("pending", &pending), ("code", &phone.code(server))]);
        assert_eq!(sent.location(), "/account/recovery-codes?client_id=spa&scope=openid&first=yes", "{sent:?}");
        let to = sent.location().to_owned();
        let page = browser.fill(&to, &[]);
        assert_eq!(page.attribute("class=\"button\" href", "href"), "/authorize?client_id=spa&scope=openid", "{page:?}");
    });
}

#[test]
fn apps_are_renamed_and_removed_and_the_codes_go_with_the_last_one() {
    with_mail(
        |_| (),
        |server, mail| {
            let (mut browser, _) = alice_with_phone(server);
            let alice =
                server.store(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap().claims.id;
            browser.recovery_codes();
            let rows = || server.store(|connection| authenticators::of_user(connection, alice));
            let id = rows()[0].id.to_string();
            let page = browser.get("/account/security");
            let renamed = browser.submit(&page, &[("id", &id), ("name", "Old phone")]);
            assert!(renamed.status == 303, "{renamed:?}");
            let to = renamed.location().to_owned();
            let page = browser.get(&to);
            assert!(page.done() == Some("renamed") && page.body.contains("Old phone"), "{page:?}");

            server.advance(901);
            let gone = browser.get(&format!("/account/security/remove?id={id}"));
            assert_eq!(gone.location(), format!("/login/verify?id={id}&then=%2Faccount%2Fsecurity%2Fremove"));
            let mut fresh = Browser::new(server);
            let page = fresh.arrive_at_second_factor("/login", "alice");
            let phone = rows().remove(0);
            let secret =
                symbolon::testing::codes::totp::Secret::open(&server.app.config.secrets, phone.id, &phone.content).unwrap();
            let code = secret.code_at(server.now().seconds() / 30).unwrap();
            assert_eq!(fresh.submit(&page, &[("code", code.expose())]).status, 303);
            let page = fresh.get(&format!("/account/security/remove?id={id}"));
            assert!(page.is("remove-method") && page.body.contains("Old phone"), "{page:?}");
            let sent = fresh.submit(&page, &[("id", &id), ("password", crate::harness::PASSWORD)]);
            assert_eq!(sent.status, 303, "{sent:?}");
            let to = sent.location().to_owned();
            assert_eq!(fresh.get(&to).done(), Some("removed"));
            assert!(rows().is_empty(), "with the last second factor the recovery codes go");
            assert_eq!(fresh.submit(&page, &[("id", &id)]).status, 404, "sent twice");
            Browser::new(server).sign_in("alice");
            crate::harness::settled(server);
            let subjects: Vec<_> = mail.messages().into_iter().map(|message| message.subject).collect();
            for part in ["New way to sign in", "recovery codes", "removed"] {
                assert!(subjects.iter().any(|subject| subject.to_lowercase().contains(&part.to_lowercase())), "{subjects:?}");
            }
        },
    );
}

#[test]
fn the_last_way_in_stays_and_others_cannot_touch_it() {
    both(|server| {
        let (mut browser, _) = alice_with_phone(server);
        let page = browser.get("/account/security/remove?id=password");
        assert_eq!((page.status, page.problem()), (200, Some("last-one")), "{page:?}");
        let alice = server.store(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap().claims.id;
        let id = server.store(|connection| authenticators::of_user(connection, alice))[0].id.to_string();
        let page = browser.get(&format!("/account/security/remove?id={id}"));
        let refused = browser.submit(&page, &[("id", "password")]);
        assert_eq!((refused.status, refused.problem()), (409, Some("last-one")), "{refused:?}");
        server.add_user("bob");
        let mut bob = Browser::new(server);
        bob.sign_in("bob");
        assert_eq!(bob.get(&format!("/account/security/remove?id={id}")).status, 404);
    });
}
