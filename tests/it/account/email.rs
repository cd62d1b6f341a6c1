//! The change of the e-mail address: with the password, by a link sent to the new one; and nobody learns which account an address
//! belongs to.

use symbolon::testing::protocol::account::{activity::Activity, link::LinkKind, login_name::LoginName};

use super::{act, done, happened, signed_in};
use crate::harness::{Behavior, Browser, MailServer, PASSWORD, Page, Server, both, both_with};

const NEW: &str = "alice@example.org";

#[track_caller]
fn ask(browser: &mut Browser, email: &str, password: &str) -> Page {
    act(browser, "/account/email", "/account/email", &[("email", email), ("password", password)])
}

fn email_of(server: &Server, username: &str) -> String {
    server
        .store(|connection| symbolon::testing::store::users::find_by_login(connection, &LoginName::parse(username)))
        .unwrap()
        .claims
        .email
}

#[test]
fn a_message_goes_to_the_new_address_and_nothing_changes_yet() {
    let mail = MailServer::start(Behavior::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            let alice = server.add_user("alice").claims.id;
            let mut browser = signed_in(server);
            let before = mail.messages().len();
            let page = ask(&mut browser, " Alice@Example.org ", PASSWORD);
            assert_eq!(done(&page), "/account/email?done=sent");
            let received = browser.get(page.location());
            assert!(received.body.contains(&format!("Check your e-mail at <bdi>{NEW}</bdi>.")), "{received:?}");
            crate::harness::wait_until(|| mail.messages().len() > before, || "a letter".into());
            let message = mail.messages().pop().unwrap();
            assert_eq!(message.to, NEW);
            assert!(
                message.text.replace('\n', " ").contains("for the account \"alice\""),
                "its owner sees whose account it is: {message:?}"
            );
            assert!(message.link().starts_with(&format!("{}/confirm-email?link=sym_ml_", server.url)), "{message:?}");
            assert_eq!(
                (email_of(server, "alice").as_str(), happened(server, alice, Activity::EmailChangeRequested)),
                ("alice@example.com", 1)
            );
            let links = server.store(|connection| symbolon::testing::store::links::of_user(connection, alice));
            assert!(links[0].kind == LinkKind::ConfirmEmail && links[0].email.as_deref() == Some(NEW), "{links:?}");
        },
    );
}

#[test]
fn the_owner_of_a_taken_address_hears_of_it_and_nobody_else() {
    let mail = MailServer::start(Behavior::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            let alice = server.add_user("alice").claims.id;
            server.add_user("bob");
            let mut browser = signed_in(server);
            let mut seen = Vec::new();
            for address in [NEW, "bob@example.com"] {
                let before = mail.messages().len();
                let page = ask(&mut browser, address, PASSWORD);
                let received = browser.get(page.location());
                let id = received.header("x-request-id").unwrap().to_owned();
                seen.push((page.status, done(&page), received.body.replace(&id, "").replace(address, "")));
                crate::harness::wait_until(|| mail.messages().len() > before, || format!("a letter to {address}"));
                let message = mail.messages().pop().unwrap();
                assert_eq!((message.to.as_str(), message.text.contains("link=")), (address, address == NEW), "{message:?}");
                assert!(message.text.replace('\n', " ").contains("for the account \"alice\""), "{message:?}");
            }
            assert_eq!(seen[0], seen[1]);
            assert_eq!(
                (happened(server, alice, Activity::EmailChangeRequested), email_of(server, "bob").as_str()),
                (2, "bob@example.com")
            );
        },
    );
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_sent() {
    let mail = MailServer::start(Behavior::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            let alice = server.add_user("alice").claims.id;
            let mut browser = signed_in(server);
            for (email, password, status, problem) in [
                (NEW, "wrong", 401, "wrong-password"),
                ("alice", "wrong", 401, "not-an-address wrong-password"),
                ("alice", PASSWORD, 400, "not-an-address"),
                ("", PASSWORD, 400, "not-an-address"),
                ("a@b\nBcc: eve@example.com", PASSWORD, 400, "not-an-address"),
            ] {
                let page = ask(&mut browser, email, password);
                assert!(page.status == status && page.problem() == Some(problem), "{email}: {page:?}");
                // What was right is not typed again.
                assert_eq!(page.body.contains("name=\"kept_password\""), password == PASSWORD, "{email}: {page:?}");
                assert!(!page.body.contains(PASSWORD));
            }
            let again = ask(&mut browser, "alice", PASSWORD);
            let kept = again.attribute("name=\"kept_password\"", "value");
            let fields = [("email", "third@example.org"), ("password", ""), ("kept_password", kept.as_str())];
            let page = act(&mut browser, "/account/email", "/account/email", &fields);
            assert_eq!(done(&page), "/account/email?done=sent");
            let forged = browser.send("POST", "/account/email", Some(&[("email", NEW), ("password", PASSWORD)]));
            assert_eq!((forged.status, happened(server, alice, Activity::EmailChangeRequested)), (400, 1));
            // Nobody writes e-mails to unknown callers without end.
            let statuses: Vec<_> = (0..7).map(|n| ask(&mut browser, &format!("{n}@example.org"), PASSWORD).status).collect();
            assert_eq!(statuses, [303, 303, 303, 303, 429, 429, 429]);
        },
    );
}

#[test]
fn without_mail_there_is_no_form() {
    both(|server| {
        server.add_user("alice");
        let mut browser = signed_in(server);
        let page = browser.get("/account/email");
        assert!(page.status == 200 && page.state() == Some("mail-off") && !page.body.contains("<form"), "{page:?}");
        assert!(browser.get("/account/email?done=sent").state() == Some("mail-off"));
        let sent = browser.send("POST", "/account/email", Some(&[("email", NEW), ("password", PASSWORD)]));
        assert_eq!(sent.status, 400, "{sent:?}");
    });
}
