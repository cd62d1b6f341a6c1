//! Self-registration: with only an address, by an operator's invitation, during an app's request; and where it is closed.

mod closed;
mod create;
mod finish;
mod invitations;

use symbolon::testing::{
    protocol::account::login_name::LoginName,
    store::users::{self, User},
};

use crate::harness::{Browser, LINK, MailServer, Page, ReceivedMessage, Server, settled, with_mail};

/// A password that nobody guesses.
const NEW: &str = "violet tractor over the moon";

/// Asks to register: the e-mail.
#[track_caller]
fn requested(server: &Server, mail: &MailServer, path: &str, email: &str) -> ReceivedMessage {
    let kept = email.to_lowercase();
    let before = mail.messages().iter().filter(|message| message.to == kept).count();
    Browser::new(server).ask_by(path, ("email", email));
    mail.wait_for(&kept, before + 1).remove(before)
}

/// Fills in the page that an e-mail's link leads to.
#[track_caller]
fn finish(server: &Server, browser: &mut Browser, message: &ReceivedMessage, username: &str) -> Page {
    browser.open_and_submit(server, message, &[("username", username), ("display_name", "Zoë B."), ("new_password", NEW)])
}

/// The user of this name or address.
fn user(server: &Server, login: &str) -> Option<User> {
    server.store(|connection| users::find_by_login(connection, &LoginName::parse(login)))
}

#[test]
fn an_address_becomes_an_account() {
    with_mail(
        |_| (),
        |server, mail| {
            let message = requested(server, mail, "/register", "Zoe@Example.com");
            assert_eq!(message.to, "zoe@example.com");
            assert!(message.text.contains("24 hours"), "{message:?}");
            assert!(user(server, "zoe@example.com").is_none());
            // In any browser: the e-mail is what counts.
            let mut browser = Browser::new(server);
            let page = finish(server, &mut browser, &message, "Zoe");
            assert_eq!((page.status, page.location()), (303, "/"), "{page:?}");
            assert!(!browser.cookies.contains_key(LINK));
            let shown = browser.get("/");
            assert!(shown.state() == Some("signed-in") && shown.body.contains("Zoë B."), "{shown:?}");
            let mut elsewhere = Browser::new(server);
            assert_eq!(elsewhere.sign_in_at("/login", "zoe", NEW).status, 303, "the password is the one just chosen");
            let made = user(server, "zoe").unwrap();
            assert_eq!((made.claims.email.as_str(), made.claims.email_verified), ("zoe@example.com", true));
            assert_eq!(made.claims.display_name.as_deref(), Some("Zoë B."));
        },
    );
}

#[test]
fn nothing_is_done_by_opening_a_link() {
    with_mail(
        |_| (),
        |server, mail| {
            let message = requested(server, mail, "/register", "zoe@example.com");
            let path = message.link().strip_prefix(&server.url).unwrap();
            for _ in 0..3 {
                assert_eq!(Browser::new(server).open(server, &message).status, 200);
                assert_eq!(server.send("HEAD", path, &[], None).status, 303);
                assert_eq!(server.send("GET", path, &[("Purpose", "prefetch"), ("Sec-Purpose", "prefetch")], None).status, 303);
            }
            let page = server.send("GET", path, &[], None);
            let cookie = page.header("set-cookie").unwrap();
            for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=3600"] {
                assert!(cookie.starts_with(LINK) && cookie.contains(part), "{cookie}");
            }
            assert_eq!(page.header("cache-control"), Some("no-store"));
            assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
            assert_eq!(finish(server, &mut Browser::new(server), &message, "zoe").status, 303);
        },
    );
}

#[test]
fn whoever_has_an_account_hears_so_by_mail_alone() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let message = requested(server, mail, "/register", "ALICE@example.com");
            assert_eq!(message.to, "alice@example.com");
            assert!(!message.text.contains("sym_ml_"), "there is nothing to click: {message:?}");
            settled(server);
            assert_eq!(mail.messages().len(), 1);
        },
    );
}

#[test]
fn what_is_no_address_is_said_at_once() {
    with_mail(
        |_| (),
        |server, mail| {
            for typed in ["", "alice", "alice@", "@example.com", "a b@example.com", "a@b@c", "a@b\r\nBcc: eve@example.com"] {
                let page = Browser::new(server).fill("/register", &[("email", typed)]);
                assert_eq!(page.status, 400, "{typed}: {page:?}");
                assert!(page.body.contains("role=\"alert\""), "{page:?}");
            }
            settled(server);
            assert!(mail.messages().is_empty());
        },
    );
}

#[test]
fn a_form_of_another_browser_is_not_taken() {
    with_mail(
        |_| (),
        |server, mail| {
            let message = requested(server, mail, "/register", "zoe@example.com");
            let theirs = Browser::new(server).open(server, &message).csrf();
            let fields = [("username", "zoe"), ("display_name", ""), ("new_password", NEW)];
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            for csrf in [theirs.as_str(), "", "forged"] {
                let sent =
                    browser.send("POST", &page.attribute("form ", "action"), Some(&[&[("csrf", csrf)], &fields[..]].concat()));
                assert_eq!(sent.status, 400, "{csrf}");
            }
            server.advance(3601);
            assert_eq!(browser.submit(&page, &fields).status, 400, "an hour later");
            assert!(user(server, "zoe").is_none());
            assert_eq!(finish(server, &mut browser, &message, "zoe").status, 303, "the link is as good as before");
            let mut browser = Browser::new(server);
            let csrf = browser.get("/register").csrf();
            let sent = Browser::new(server).send("POST", "/register", Some(&[("csrf", &csrf), ("email", "eve@example.com")]));
            assert_eq!(sent.status, 400);
        },
    );
}
