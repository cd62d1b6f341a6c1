//! A mail server that is down, a restart, two processes on one database: a request is answered as fast as ever, and its e-mail is
//! sent once.

use std::{
    thread,
    time::{Duration, Instant},
};

use symbolon::testing::config::Registration;

use super::{NEW, requested, resets};
use crate::harness::{Behavior, Browser, MailServer, Server, databases, settled, wait_until, with_mail};

#[test]
fn while_mail_is_down_the_form_answers_and_the_message_follows() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| config.mail = mail.settings());
        for name in ["alice", "bob"] {
            server.add_user(name);
        }
        let [mut alice, mut bob] = [(), ()].map(|()| Browser::new(&server));
        let began = Instant::now();
        mail.restart(Behavior { manner: "hang", ..Behavior::WELL });
        alice.ask_by("/recover", ("login", "alice"));
        assert!(began.elapsed() < Duration::from_secs(9), "an answer of the mail server is waited for 10: {:?}", began.elapsed());
        mail.stop();
        bob.ask_by("/recover", ("login", "bob"));
        mail.restart(Behavior::WELL);
        let have_come = || {
            server.advance(2); // until they are tried again
            server.app.delivery_waker.wake();
            thread::sleep(Duration::from_millis(100));
            resets(&mail).len() == 2
        };
        wait_until(have_come, || format!("{:?}", resets(&mail)));
        for message in resets(&mail) {
            let browser = if message.to.starts_with("alice") { &mut alice } else { &mut bob };
            assert_eq!(browser.open_and_submit(&server, &message, &[("new_password", NEW)]).status, 303);
        }
    }
}

#[test]
fn a_link_works_after_a_restart() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| config.mail = mail.settings());
        server.add_user("alice");
        let mut browser = Browser::new(&server);
        let message = requested(&mut browser, &mail, "/recover", "alice");
        let page = browser.open(&server, &message);
        let before = server.url.clone();
        let server = server.restart(&database, |config| config.mail = mail.settings());
        let mut again = Browser::new(&server);
        again.cookies.clone_from(&browser.cookies);
        let link = message.link().strip_prefix(&before).unwrap();
        let to = again.get(link).location().to_owned();
        assert_eq!(again.get(&to).status, 200);
        assert_eq!(again.submit(&page, &[("new_password", NEW)]).status, 303, "the form of before, too");
    }
}

#[test]
fn two_processes_send_nothing_twice() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let change = |config: &mut symbolon::testing::config::Config| {
            (config.mail, config.registration) = (mail.settings(), Registration::Open);
        };
        let server = Server::start(&database, change);
        let sibling = server.sibling_with(&database, change);
        for number in 0..8 {
            server.add_user(&format!("alice{number}"));
        }
        for number in 0..8 {
            let (name, new) = (format!("alice{number}@example.com"), format!("new{number}@example.com"));
            let at = if number % 2 == 0 { &server } else { &sibling };
            let mut browser = Browser::new(at);
            browser.ask_by("/recover", ("login", &name));
            browser.ask_by("/register", ("email", &new));
            sibling.app.delivery_waker.wake();
            server.app.delivery_waker.wake();
        }
        settled(&server);
        let mut to: Vec<_> = mail.messages().into_iter().map(|message| message.to).collect();
        to.sort();
        let mut expected: Vec<_> =
            (0..8).flat_map(|n| [format!("alice{n}@example.com"), format!("new{n}@example.com")]).collect();
        expected.sort();
        assert_eq!(to, expected);
    }
}

#[test]
fn the_host_of_a_request_is_never_the_host_of_a_link() {
    with_mail(
        |config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()],
        |server, mail| {
            server.add_user("alice");
            let poisons = [
                ("X-Forwarded-Host", "evil.example"),
                ("Forwarded", "host=evil.example"),
                ("X-Original-Host", "evil.example"),
                ("X-Host", "evil.example"),
                ("X-Forwarded-Prefix", "/evil"),
            ];
            let mut browser = Browser::new(server);
            browser.headers = vec![("X-Forwarded-Proto", "https".into()), ("X-Forwarded-For", "192.0.2.1".into())];
            browser.headers.extend(poisons.map(|(name, value)| (name, value.to_owned())));
            browser.headers.push(("Host", "evil.example".into()));
            for (number, (path, field, name)) in
                [("/recover", "login", "alice@example.com"), ("/register", "email", "zoe@example.com")].into_iter().enumerate()
            {
                let answer = browser.fill(path, &[(field, name)]);
                assert!(answer.status == 303 && answer.location().starts_with(path), "{answer:?}");
                let message = mail.wait_for(name, 1).remove(0);
                assert!(message.link().starts_with(&format!("{}{path}", server.url)), "{number} {message:?}");
                assert!(!message.raw.contains("evil"), "{message:?}");
            }
        },
    );
}
