//! "This was not me": only the button ends everything; the password is then no longer valid, and the page lists what was ended.

use symbolon::testing::{
    protocol::{
        account::activity::{Activity, Origin},
        oauth::client::ClientKind,
        values::id::Id,
    },
    random,
    store::{account, activity::Event, link_actions, links::Link, users},
};

use super::made;
use crate::harness::{Browser, MailServer, PASSWORD, ReceivedMessage, Server, settled, with_mail};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
const NEW: &str = "violet tractor over the moon";

/// The user's password is reset from this program: the e-mail that tells them.
#[track_caller]
fn warned(server: &Server, mail: &MailServer, user: Id) -> ReceivedMessage {
    let hash = server.app.passwords.hash("a password of someone else").unwrap();
    let origin =
        Origin { address: Some("192.0.2.7".into()), place: Some("Lyon, France".into()), user_agent: Some(FIREFOX.into()) };
    let now = server.now();
    let event = Event {
        id: random::id(now),
        user,
        activity: Activity::PasswordReset,
        origin: &origin,
        about: None,
        grant: None,
        at: now,
    };
    server.store(|connection| account::reset_password(connection, &hash, &event));
    server.app.delivery_waker.wake();
    mail.wait_for("alice@example.com", 1).remove(0)
}

#[test]
fn everything_ends_and_is_named() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let message = warned(server, mail, alice.claims.id);
            let mut outsider = Browser::new(server);
            outsider.headers.push(("User-Agent", FIREFOX.into()));
            let page = outsider.sign_in_at("/login", "alice", "a password of someone else");
            assert_eq!(page.status, 303);
            let code = outsider.code(&spa, "alice", "openid offline_access");
            let tokens = server.redeem(&spa, &code);

            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            assert_eq!(page.status, 200, "{page:?}");
            for words in ["A new password was set", "Firefox on Linux", "Lyon, France (192.0.2.7)", "alice"] {
                assert!(page.body.contains(words), "{words}: {}", page.body);
            }
            assert!(outsider.get("/").state() == Some("signed-in"), "nothing has happened yet");
            assert_eq!(Browser::new(server).submit(&page, &[]).status, 400, "in another browser, without the link");
            let done = browser.submit(&page, &[]);
            assert_eq!(done.status, 200, "{done:?}");
            for words in ["<bdi>Firefox on Linux</bdi>", "<bdi>App spa", "href=\"/recover\""] {
                assert!(done.body.contains(words), "{words}: {}", done.body);
            }
            assert!(outsider.get("/").state() == Some("signed-out"));
            assert_eq!(server.refresh(&spa, tokens.text("refresh_token")).error(), "invalid_grant");
            for password in [PASSWORD, "a password of someone else"] {
                assert_eq!(Browser::new(server).sign_in_at("/login", "alice", password).status, 401);
            }
            let page = browser.open(server, &message);
            assert!(page.status == 410 && page.problem() == Some("used"), "{page:?}");

            // The way on: an e-mail brings a new password.
            settled(server);
            let before = mail.messages().len();
            browser.ask_by("/recover", ("login", "alice"));
            let message = mail.wait_for("alice@example.com", before + 1).remove(before);
            assert_eq!(browser.open_and_submit(server, &message, &[("new_password", NEW)]).status, 303);
            assert_eq!(Browser::new(server).sign_in_at("/login", "alice", NEW).status, 303);
        },
    );
}

#[test]
fn an_address_that_was_changed_comes_back() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            let (id, _) = made(server, symbolon::testing::protocol::account::link::LinkKind::ConfirmEmail, |link: &mut Link| {
                (link.user_id, link.email) = (Some(alice.claims.id), Some("thief@example.com".into()));
            });
            let link = server.store(|connection| symbolon::testing::store::links::find(connection, id)).unwrap();
            let event = Event { about: Some("thief@example.com"), ..server.event(alice.claims.id, Activity::EmailChanged) };
            server.store(|connection| link_actions::confirm_email(connection, &link, &event));
            server.app.delivery_waker.wake();
            let message = mail.wait_for("alice@example.com", 1).remove(0);
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            assert!(page.body.contains("thief@example.com"), "{page:?}");
            assert_eq!(browser.submit(&page, &[]).status, 200);
            let found = server.store(|connection| users::find(connection, alice.claims.id)).unwrap();
            assert_eq!((found.claims.email.as_str(), found.password_hash), ("alice@example.com", None));
            let changes = server.happened(alice.claims.id).into_iter().filter(|entry| entry.activity == Activity::EmailChanged);
            let mut changes: Vec<_> = changes.map(|entry| entry.about.unwrap()).collect();
            changes.sort();
            assert_eq!(changes, ["alice@example.com", "thief@example.com"], "both changes are in the activity");
        },
    );
}

/// As a thief does, who reads the mail of the new address.
fn changes_address(server: &Server, user: Id, email: &str) {
    let (id, _) = made(server, symbolon::testing::protocol::account::link::LinkKind::ConfirmEmail, |link: &mut Link| {
        (link.user_id, link.email) = (Some(user), Some(email.into()));
    });
    let link = server.store(|connection| symbolon::testing::store::links::find(connection, id)).unwrap();
    let event = Event { about: Some(email), ..server.event(user, Activity::EmailChanged) };
    assert_eq!(server.store(|connection| link_actions::confirm_email(connection, &link, &event)), link_actions::Confirmed::Yes);
    server.app.delivery_waker.wake();
    settled(server);
}

#[test]
fn who_changed_it_twice_keeps_no_way_back() {
    for uses_older in [false, true] {
        with_mail(
            |_| (),
            |server, mail| {
                let alice = server.add_user("alice");
                let older = warned(server, mail, alice.claims.id);
                server.advance(1);
                changes_address(server, alice.claims.id, "one@thief.example");
                server.advance(1);
                changes_address(server, alice.claims.id, "two@thief.example");
                let received = mail.wait_for("alice@example.com", 2).remove(1);
                let thiefs = mail.wait_for("one@thief.example", 1).remove(0);
                let mut browser = Browser::new(server);
                let used = if uses_older { &older } else { &received };
                assert_eq!(browser.open_and_submit(server, used, &[]).status, 200);
                settled(server);

                let found = server.store(|connection| users::find(connection, alice.claims.id)).unwrap();
                assert_eq!((found.claims.email.as_str(), found.password_hash), ("alice@example.com", None));
                assert_eq!(Browser::new(server).open(server, &thiefs).status, 410, "the thief's letter does nothing");
                assert_eq!(Browser::new(server).open(server, &received).status, 410);
                let earlier = if uses_older { 410 } else { 200 };
                assert_eq!(Browser::new(server).open(server, &older).status, earlier, "an earlier one is not the thief's");
                let displaced = mail.wait_for("two@thief.example", 1).remove(0);
                assert!(displaced.text.contains("alice@example.com") && !displaced.text.contains("link="), "{displaced:?}");
            },
        );
    }
}

#[test]
fn of_twenty_at_once_one_wins() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            let message = warned(server, mail, alice.claims.id);
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            let statuses = browser.submit_at_once(&page, &[], 20);
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 200 | 410 | 503)), "{statuses:?}");
        },
    );
}
