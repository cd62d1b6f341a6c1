//! Changing the e-mail address: with the password, by a link to the new one; and nobody learns whose address it is.

use symbolon::protocol::{activity::Activity, link::LinkKind, login_name::LoginName};

use super::{act, done, happened, signed_in};
use crate::harness::{Browser, MailServer, Mood, PASSWORD, Page, Server, both, both_with};

const NEW: &str = "alice@example.org";

#[track_caller]
fn ask(browser: &mut Browser, email: &str, password: &str) -> Page {
    act(browser, "/account/email", "/account/email", &[("email", email), ("password", password)])
}

fn email_of(server: &Server, username: &str) -> String {
    server
        .store(|connection| symbolon::store::people::find_by_login(connection, &LoginName::parse(username)))
        .unwrap()
        .claims
        .email
}

#[test]
fn a_letter_goes_to_the_new_address_and_nothing_changes_yet() {
    let mail = MailServer::start(Mood::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            let alice = server.add_person("alice").claims.id;
            let mut browser = signed_in(server);
            let before = mail.letters().len();
            let page = ask(&mut browser, " Alice@Example.org ", PASSWORD);
            assert_eq!(done(&page), "/account/email?done=sent");
            let told = browser.get(page.location());
            assert!(told.body.contains(&format!("Look in your mail at <bdi>{NEW}</bdi>.")), "{told:?}");
            crate::harness::wait_until(|| mail.letters().len() > before, || "a letter".into());
            let letter = mail.letters().pop().unwrap();
            assert_eq!(letter.to, NEW);
            assert!(letter.text.contains("for the account \"alice\""), "its owner sees whose account it is: {letter:?}");
            assert!(letter.link().starts_with(&format!("{}/confirm-email?link=sym_ml_", server.url)), "{letter:?}");
            assert_eq!(
                (email_of(server, "alice").as_str(), happened(server, alice, Activity::EmailChangeAsked)),
                ("alice@example.com", 1)
            );
            let links = server.store(|connection| symbolon::store::links::of_person(connection, alice));
            assert!(links[0].kind == LinkKind::ConfirmEmail && links[0].email.as_deref() == Some(NEW), "{links:?}");
        },
    );
}

#[test]
fn the_owner_of_a_taken_address_hears_of_it_and_nobody_else() {
    let mail = MailServer::start(Mood::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            let alice = server.add_person("alice").claims.id;
            server.add_person("bob");
            let mut browser = signed_in(server);
            let mut seen = Vec::new();
            for address in [NEW, "bob@example.com"] {
                let before = mail.letters().len();
                let page = ask(&mut browser, address, PASSWORD);
                let told = browser.get(page.location());
                let id = told.header("x-request-id").unwrap().to_owned();
                seen.push((page.status, done(&page), told.body.replace(&id, "").replace(address, "")));
                crate::harness::wait_until(|| mail.letters().len() > before, || format!("a letter to {address}"));
                let letter = mail.letters().pop().unwrap();
                assert_eq!((letter.to.as_str(), letter.text.contains("link=")), (address, address == NEW), "{letter:?}");
                assert!(letter.text.contains("for the account \"alice\""), "{letter:?}");
            }
            assert_eq!(seen[0], seen[1]);
            assert_eq!(
                (happened(server, alice, Activity::EmailChangeAsked), email_of(server, "bob").as_str()),
                (2, "bob@example.com")
            );
        },
    );
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_sent() {
    let mail = MailServer::start(Mood::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            let alice = server.add_person("alice").claims.id;
            let mut browser = signed_in(server);
            for (email, password, status, words) in [
                (NEW, "wrong", 401, "The password is not right."),
                ("alice", PASSWORD, 400, "not an e-mail address"),
                ("", PASSWORD, 400, "not an e-mail address"),
                ("a@b\nBcc: eve@example.com", PASSWORD, 400, "not an e-mail address"),
            ] {
                let page = ask(&mut browser, email, password);
                assert!(page.status == status && page.body.contains(words), "{email}: {page:?}");
            }
            let forged = browser.send("POST", "/account/email", Some(&[("email", NEW), ("password", PASSWORD)]));
            assert_eq!((forged.status, happened(server, alice, Activity::EmailChangeAsked)), (400, 0));
            // Nobody writes letters to strangers without end.
            let statuses: Vec<_> = (0..7).map(|n| ask(&mut browser, &format!("{n}@example.org"), PASSWORD).status).collect();
            assert_eq!(statuses, [303, 303, 303, 303, 303, 429, 429]);
        },
    );
}

#[test]
fn without_mail_there_is_no_form() {
    both(|server| {
        server.add_person("alice");
        let mut browser = signed_in(server);
        let page = browser.get("/account/email");
        assert!(
            page.status == 200 && page.body.contains("This server sends no mail") && !page.body.contains("<form"),
            "{page:?}"
        );
        assert!(browser.get("/account/email?done=sent").body.contains("This server sends no mail"));
        let sent = browser.send("POST", "/account/email", Some(&[("email", NEW), ("password", PASSWORD)]));
        assert_eq!(sent.status, 400, "{sent:?}");
    });
}
