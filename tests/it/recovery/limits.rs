//! How often letters can be asked for: by one name from one address, by one address, and for one name from everywhere.

use crate::harness::{Browser, MailServer, Page, Server, settled, with_mail};

fn behind_a_proxy(story: impl Fn(&Server, &MailServer)) {
    let trusted = || vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
    with_mail(|config| config.trusted_proxies = trusted(), story);
}

fn ask_from(server: &Server, address: &str, login: &str) -> Page {
    let mut browser = Browser::new(server);
    browser.headers.extend([("X-Forwarded-For", address.to_owned()), ("X-Forwarded-Proto", "https".to_owned())]);
    let page = browser.fill("/recover", &[("login", login)]);
    server.app.bell.notify_one();
    settled(server); // or the next one takes the place of this letter before it is sent
    page
}

fn wait(page: &Page) -> i64 {
    assert_eq!(page.status, 429, "{page:?}");
    page.header("retry-after").unwrap().parse().unwrap()
}

#[test]
fn one_name_from_one_address() {
    behind_a_proxy(|server, mail| {
        server.add_person("alice");
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
        assert_eq!(mail.letters().len(), 5, "none for what was refused, and no more in an hour");
        server.advance(86_500);
        assert_eq!(ask().status, 303, "a day later it is forgotten");
    });
}

#[test]
fn one_address_with_many_names() {
    behind_a_proxy(|server, _| {
        for number in 0..21 {
            assert_eq!(ask_from(server, "192.0.2.1", &format!("name{number}")).status, 303, "{number}");
        }
        assert_eq!(wait(&ask_from(server, "192.0.2.1", "another")), 1);
        assert_eq!(ask_from(server, "192.0.2.2", "another").status, 303);
    });
}

#[test]
fn one_name_from_everywhere_is_never_slowed_for_long() {
    behind_a_proxy(|server, mail| {
        server.add_person("alice");
        for host in 0..11 {
            assert_eq!(ask_from(server, &format!("192.0.2.{host}"), "alice").status, 303, "{host}");
        }
        assert_eq!(wait(&ask_from(server, "192.0.2.99", "alice")), 1);
        let letters = || mail.letters().iter().filter(|letter| letter.to == "alice@example.com").count();
        for round in 0..11u32 {
            server.advance(300);
            assert_eq!(ask_from(server, &format!("192.0.3.{round}"), "alice").status, 303, "its owner can come between");
        }
        assert_eq!(letters(), 5, "no more are sent in an hour");
        server.advance(300);
        assert_eq!(ask_from(server, "192.0.4.1", "alice").status, 303);
        assert_eq!(letters(), 6);
    });
}

#[test]
fn whatever_is_typed_is_answered() {
    with_mail(
        |_| (),
        |server, mail| {
            let client = server.add_client("spa", symbolon::protocol::client::ClientKind::Spa, |_| ());
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
                    assert!(shown.status == 200 && shown.body.contains("Look in your mail"), "{shown:?}");
                }
            }
            let mut browser = Browser::new(server);
            assert_eq!(browser.fill("/recover", &[("login", &long)]).status, 413);
            settled(server);
            assert!(mail.letters().is_empty());
        },
    );
}
