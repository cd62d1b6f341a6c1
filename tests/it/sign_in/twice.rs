//! The same form sent twice at once, as by a double click: one session, and the same way on for both.

use std::{collections::BTreeSet, thread};

use symbolon::testing::{
    protocol::{account::login_name::LoginName, values::id::Id},
    store::{activity, sessions, users},
};

use super::{SESSION, signed_in};
use crate::harness::{Browser, PASSWORD, Page, Server, both, databases};

/// Sends the form of a page so many times at once, each in a copy of this browser: the answers, and the copies after them.
fn at_once(browsers: &[Browser], page: &Page, fields: &[(&str, &str)]) -> Vec<(Page, Browser)> {
    thread::scope(|scope| {
        let send = |browser: &Browser| {
            let mut browser = browser.clone();
            (browser.submit(page, fields), browser)
        };
        let answers: Vec<_> = browsers.iter().map(|browser| scope.spawn(move || send(browser))).collect();
        answers.into_iter().map(|answer| answer.join().unwrap()).collect()
    })
}

const FIELDS: [(&str, &str); 2] = [("username", "alice"), ("password", PASSWORD)];

fn alice(server: &Server) -> Id {
    server.store(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap().claims.id
}

fn sessions_of_alice(server: &Server) -> usize {
    let alice = alice(server);
    server.store(|connection| sessions::unended_of(connection, alice)).len()
}

#[test]
fn a_double_click_signs_in_once() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        let page = browser.get("/login");
        for round in 0..2 {
            // The second time, the session of the first goes on, under a new cookie.
            let page = if round == 0 { page.clone() } else { browser.get("/login") };
            let sent = at_once(&[(); 4].map(|()| browser.clone()), &page, &FIELDS);
            let cookies: BTreeSet<_> = sent.iter().map(|(_, browser)| browser.cookies[SESSION].clone()).collect();
            for (answer, _) in &sent {
                assert_eq!((answer.status, answer.location()), (303, "/"), "{answer:?}");
            }
            assert_eq!((sessions_of_alice(server), cookies.len()), (1, 1), "{cookies:?}");
            for (_, mut after) in sent {
                assert_eq!(signed_in(&mut after), "alice Example");
                browser = after;
            }
        }
        let alice = alice(server);
        let events = server.store(|connection| activity::of(connection, alice, None, 100));
        assert_eq!(events.len(), 2, "each sign-in is told once: {events:?}");
    });
}

#[test]
fn two_servers_of_one_database_see_one_sign_in() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling_ahead(&database, 0);
        one.add_user("alice");
        let mut browser = Browser::new(&one);
        let page = browser.get("/login");
        let sent = at_once(&[browser.clone(), browser.elsewhere(&two), browser.clone(), browser.elsewhere(&two)], &page, &FIELDS);
        assert!(sent.iter().all(|(answer, _)| answer.status == 303));
        let cookies: BTreeSet<_> = sent.iter().map(|(_, browser)| browser.cookies[SESSION].clone()).collect();
        assert_eq!((sessions_of_alice(&one), cookies.len()), (1, 1));
    }
}

#[test]
fn a_form_that_is_sent_again_later_is_another_sign_in() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let mut browser = Browser::new(server);
        let page = browser.get("/login");
        assert_eq!(browser.submit(&page, &FIELDS).status, 303);
        let first = browser.cookies[SESSION].clone();
        // Bob, by the same form: his own session, and hers has ended.
        assert_eq!(browser.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).status, 303);
        assert_eq!((signed_in(&mut browser).as_str(), sessions_of_alice(server)), ("bob Example", 0));
        // Alice again: not the session that has ended.
        assert_eq!(browser.submit(&page, &FIELDS).status, 303);
        assert_eq!(signed_in(&mut browser), "alice Example");
        let mut old = browser.clone();
        old.cookies.insert(SESSION, first);
        assert_eq!(signed_in(&mut old), "");
        // Without its cookie, a minute later: a session of its own.
        server.advance(60);
        let mut other = browser.clone();
        other.cookies.remove(SESSION);
        assert_eq!(other.submit(&page, &FIELDS).status, 303);
        assert_eq!((signed_in(&mut other).as_str(), sessions_of_alice(server)), ("alice Example", 2));
        // A wrong password signs nobody in, however soon.
        let mut guess = browser.clone();
        guess.cookies.remove(SESSION);
        assert_eq!(guess.submit(&page, &[("username", "alice"), ("password", super::WRONG)]).status, 401);
        assert!(!guess.cookies.contains_key(SESSION));
    });
}
