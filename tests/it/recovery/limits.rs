//! How often e-mails can be requested: by one name from one address, by one address, and for one name from everywhere.

use symbolon::testing::{
    config::{Config, Registration},
    protocol::account::login_name::LoginName,
};

use crate::harness::{Browser, MailServer, Page, Server, settled, with_mail};

fn behind_a_proxy(handle: impl Fn(&Server, &MailServer)) {
    let trusted = || vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
    with_mail(|config| config.trusted_proxies = trusted(), handle);
}

/// A password that nobody guesses.
const NEW: &str = "violet tractor over the moon";

fn ask_from(server: &Server, address: &str, login: &str) -> Page {
    let mut browser = Browser::new(server);
    browser.headers.extend([("X-Forwarded-For", address.to_owned()), ("X-Forwarded-Proto", "https".to_owned())]);
    let page = browser.fill("/recover", &[("login", login)]);
    server.app.delivery_waker.wake();
    settled(server); // or the next one takes the place of this e-mail before it is sent
    page
}

fn wait(page: &Page) -> i64 {
    assert_eq!(page.status, 429, "{page:?}");
    page.header("retry-after").unwrap().parse().unwrap()
}

#[test]
fn one_name_from_one_address() {
    behind_a_proxy(|server, mail| {
        server.add_user("alice");
        let ask = || ask_from(server, "192.0.2.1", "alice");
        for _ in 0..4 {
            assert_eq!(ask().status, 303);
        }
        for expected in [1, 2, 4, 8] {
            assert_eq!(wait(&ask()), expected);
            assert_eq!(ask_from(server, "192.0.2.2", &format!("other{expected}")).status, 303, "others are not slowed");
            server.advance(expected);
            assert_eq!(ask().status, 303);
        }
        assert_eq!(mail.messages().len(), 5, "none for what was refused, and no more in an hour");
        server.advance(86_500);
        assert_eq!(ask().status, 303, "a day later it is forgotten");
    });
}

#[test]
fn one_address_with_many_names() {
    behind_a_proxy(|server, _| {
        for number in 0..30 {
            assert_eq!(ask_from(server, "192.0.2.1", &format!("name{number}")).status, 303, "{number}");
        }
        assert!((25..=31).contains(&wait(&ask_from(server, "192.0.2.1", "another"))), "one in half a minute from then on");
        assert_eq!(ask_from(server, "192.0.2.2", "another").status, 303);
    });
}

#[test]
fn one_name_from_everywhere_is_never_slowed_for_long() {
    behind_a_proxy(|server, mail| {
        server.add_user("alice");
        for host in 0..11 {
            assert_eq!(ask_from(server, &format!("192.0.2.{host}"), "alice").status, 303, "{host}");
        }
        assert_eq!(wait(&ask_from(server, "192.0.2.99", "alice")), 1);
        let messages = || mail.messages().iter().filter(|message| message.to == "alice@example.com").count();
        for round in 0..11u32 {
            server.advance(300);
            assert_eq!(ask_from(server, &format!("192.0.3.{round}"), "alice").status, 303, "its owner can come between");
        }
        assert_eq!(messages(), 5, "no more are sent in an hour");
        server.advance(300);
        assert_eq!(ask_from(server, "192.0.4.1", "alice").status, 303);
        assert_eq!(messages(), 6);
    });
}

/// Strangers ask for e-mails in alice's name, from everywhere, until none is sent any more for an hour.
fn use_up(server: &Server, mail: &MailServer) {
    for host in 0..11 {
        assert_eq!(ask_from(server, &format!("198.51.{host}.1"), "alice").status, 303, "{host}");
    }
    assert_eq!(server.messages_to(mail, "alice@example.com"), 5);
}

/// Asks for an e-mail in this browser, and sets a new password by it.
fn recovers(server: &Server, mail: &MailServer, browser: &mut Browser, messages: usize) {
    browser.ask_by("/recover", ("login", "alice"));
    let message = mail.wait_for("alice@example.com", messages + 1).remove(messages);
    assert_eq!(browser.open_and_submit(server, &message, &[("new_password", NEW)]).status, 303);
    assert_eq!(browser.sign_in_at("/login", "alice", NEW).status, 303);
}

#[test]
fn outsiders_cannot_use_up_what_the_owner_may_ask_for_in_a_browser_of_hers() {
    behind_a_proxy(|server, mail| {
        server.add_user("alice");
        let mut hers = server.browser_from("203.0.113.1", "hers");
        hers.sign_in("alice");
        use_up(server, mail);
        assert_eq!(wait(&ask_from(server, "203.0.113.2", "alice")), 1, "strangers wait");
        recovers(server, mail, &mut hers, 5);
        assert_eq!(server.messages_to(mail, "alice@example.com"), 7, "the sixth was hers, the seventh told of the new password");
    });
}

#[test]
fn a_message_that_outsiders_asked_for_lets_the_owner_ask_in_a_new_browser() {
    behind_a_proxy(|server, mail| {
        server.add_user("alice");
        use_up(server, mail);
        let message = mail.wait_for("alice@example.com", 5).remove(2);
        let mut new = server.browser_from("203.0.113.1", "new");
        let page = new.open(server, &message);
        assert_eq!(page.status, 400, "it works in the stranger's browser alone: {page:?}");
        recovers(server, mail, &mut new, 5);
    });
}

#[test]
fn a_link_of_someone_else_lets_nobody_ask_for_more() {
    behind_a_proxy(|server, mail| {
        server.add_user("alice");
        server.add_user("mallory");
        let mut mallory = server.browser_from("203.0.113.1", "hers");
        mallory.sign_in("mallory");
        mallory.ask_by("/recover", ("login", "mallory"));
        let message = mail.wait_for("mallory@example.com", 1).remove(0);
        assert_eq!(mallory.open(server, &message).status, 200);
        use_up(server, mail);
        mallory.ask_by("/recover", ("login", "alice"));
        assert_eq!(server.messages_to(mail, "alice@example.com"), 5, "neither her link nor her browser is alice's");
    });
}

#[test]
fn many_browsers_of_ones_own_cannot_fill_the_mailbox_of_someone_else_by_registering() {
    let open = |config: &mut Config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
        config.registration = Registration::Open;
    };
    with_mail(open, |server, mail| {
        server.add_user("mallory");
        for host in 0..40 {
            let mut browser = server.browser_from(&format!("198.51.{host}.1"), "one of many");
            browser.sign_in("mallory"); // it is known from now on
            browser.fill("/register", &[("email", "victim@example.com")]);
            server.app.delivery_waker.wake();
            settled(server);
        }
        let messages = server.messages_to(mail, "victim@example.com");
        assert!((1..=20).contains(&messages), "ten, and what the wait lets through meanwhile: {messages}");
    });
}

#[test]
fn after_this_was_not_me_the_owner_gets_a_message_whatever_outsiders_ask() {
    behind_a_proxy(|server, mail| {
        server.add_user("alice");
        let hash = server.app.passwords.hash("a password of a thief").unwrap();
        let alice = server
            .store(|connection| symbolon::testing::store::users::find_by_login(connection, &LoginName::parse("alice")))
            .unwrap();
        server.reset_password(alice.claims.id, &hash);
        server.app.delivery_waker.wake();
        let warning = mail.wait_for("alice@example.com", 1).remove(0);
        let mut browser = server.browser_from("203.0.113.1", "new");
        assert_eq!(browser.open_and_submit(server, &warning, &[]).status, 200, "everything is ended");
        for host in 0..10 {
            ask_from(server, &format!("198.51.{host}.1"), "alice");
        }
        let messages = server.messages_to(mail, "alice@example.com");
        assert_eq!(messages, 6);
        recovers(server, mail, &mut browser, messages);
    });
}

#[test]
fn a_browser_in_which_a_new_password_was_set_is_known_from_then_on() {
    behind_a_proxy(|server, mail| {
        server.add_user("alice");
        let guess = |host: usize| {
            let mut outsider = server.browser_from(&format!("198.51.100.{host}"), "x");
            outsider.sign_in_at("/login", "alice", "a guess").status
        };
        let mut new = server.browser_from("203.0.113.1", "new");
        new.ask_by("/recover", ("login", "alice"));
        let message = mail.wait_for("alice@example.com", 1).remove(0);
        assert_eq!(new.open_and_submit(server, &message, &[("new_password", NEW)]).status, 303);
        for host in 0..30 {
            assert_eq!(guess(host), 401);
        }
        let mut other = server.browser_from("203.0.114.1", "another");
        assert_eq!(other.sign_in_at("/login", "alice", NEW).status, 303, "near the browser that is known");
        let mut far = server.browser_from("192.0.2.1", "far");
        assert_eq!(far.sign_in_at("/login", "alice", NEW).status, 401, "while everyone guesses");
        assert_eq!(new.sign_in_at("/login", "alice", NEW).status, 303);
    });
}

#[test]
fn whoever_set_a_new_password_by_a_link_does_not_wait_for_what_they_mistyped() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let mut hers = Browser::new(server);
            hers.sign_in("alice");
            for (browser, login) in [(&mut hers, "alice"), (&mut Browser::new(server), "alice@example.com")] {
                for _ in 0..5 {
                    assert_eq!(browser.sign_in_at("/login", login, "a guess").status, 401);
                }
                assert_eq!(browser.sign_in_at("/login", login, NEW).status, 429, "{login}");
            }
            recovers(server, mail, &mut hers, 0);
            assert_eq!(Browser::new(server).sign_in_at("/login", "alice@example.com", NEW).status, 303, "in a new one as well");
        },
    );
}

#[test]
fn whatever_is_typed_is_answered() {
    with_mail(
        |_| (),
        |server, mail| {
            let client = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
            let long = "ü".repeat(4000);
            let request = |bytes: usize| {
                let query = Browser::request(&client, "openid", &[]).replace("/authorize?", "");
                format!("/recover?{query}&x={}", "x".repeat(bytes))
            };
            for (path, typed, status) in [
                ("/recover".to_owned(), "", 200),
                ("/recover".to_owned(), "   ", 200),
                ("/recover".to_owned(), "%00", 303),
                ("/recover".to_owned(), "' OR 1=1 --", 303),
                ("/recover".to_owned(), "\u{202e}\r\nBcc: eve@example.com", 303),
                (request(12_000), &long[..400], 303),
                (request(15_500), &long[..400], 303),
            ] {
                let mut browser = Browser::new(server);
                let page = browser.fill(&path, &[("login", typed)]);
                assert_eq!(page.status, status, "{typed:.20}: {page:?}");
                if status == 303 {
                    let shown = browser.get(page.location());
                    assert!(shown.status == 200 && shown.is("recover-sent"), "{shown:?}");
                }
            }
            let mut browser = Browser::new(server);
            assert_eq!(browser.fill("/recover", &[("login", &long)]).status, 413);
            settled(server);
            assert!(mail.messages().is_empty());
        },
    );
}
