//! The same code many times at once: one use wins. The same form sent twice signs in once.

use std::thread;

use symbolon::testing::{
    protocol::account::login_name::LoginName,
    store::{activity, sessions, users},
};

use super::{alice_with_phone, send_code};
use crate::harness::{Browser, Page, Server, both};

/// Twenty browsers that are asked for the next factor, each with its page.
fn before_the_code(server: &Server, path: &str) -> Vec<(Browser, Page)> {
    let each = (0..20).map(|_| {
        let mut browser = Browser::new(server);
        browser.arrive_at_second_factor("/login", "alice");
        let page = browser.get(path);
        (browser, page)
    });
    each.collect()
}

/// Sends all of these at once; returns how many were signed in.
fn winners(sent: Vec<(Browser, Page)>, fields: impl Fn(usize) -> (&'static str, String) + Sync) -> usize {
    let fields = &fields;
    thread::scope(|scope| {
        let each: Vec<_> = sent
            .into_iter()
            .enumerate()
            .map(|(n, (mut browser, page))| {
                scope.spawn(move || {
                    let (name, value) = fields(n);
                    let page = browser.submit(&page, &[(name, &value)]);
                    assert!([303, 401, 429].contains(&page.status), "{page:?}");
                    page.status == 303 && page.location() == "/"
                })
            })
            .collect();
        each.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    })
}

#[test]
fn of_twenty_uses_of_a_code_one_wins() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let sent = before_the_code(server, "/login/verify");
        let code = phone.code(server);
        assert_eq!(winners(sent, |_| ("code", code.clone())), 1);
    });
}

#[test]
fn of_twenty_uses_of_a_recovery_code_one_wins_and_two_codes_at_once_both_do() {
    both(|server| {
        let (mut at_home, _) = alice_with_phone(server);
        let codes = at_home.recovery_codes();
        assert_eq!(winners(before_the_code(server, "/login/verify?use=recovery"), |_| ("recovery_code", codes[0].clone())), 1);
        server.advance(3600 * 24);
        let mut sent = before_the_code(server, "/login/verify?use=recovery");
        sent.truncate(2);
        assert_eq!(winners(sent, |n| ("recovery_code", codes[n + 1].clone())), 2);
    });
}

#[test]
fn a_double_click_signs_in_once() {
    both(|server| {
        let (mut at_home, phone) = alice_with_phone(server);
        let alice = server.store(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap().claims.id;
        for kind in ["code", "recovery_code"] {
            let code = if kind == "code" { phone.code(server) } else { at_home.recovery_codes()[0].clone() };
            let before = server.store(|connection| sessions::unended_of(connection, alice)).len();
            let mut browser = Browser::new(server);
            browser.arrive_at_second_factor("/login", "alice");
            let page = browser.get(if kind == "code" { "/login/verify" } else { "/login/verify?use=recovery" });
            let mut again = browser.clone();
            let (first, second) = (browser.submit(&page, &[(kind, &code)]), again.submit(&page, &[(kind, &code)]));
            assert_eq!((first.status, first.location()), (303, "/"), "{first:?}");
            assert_eq!((second.status, second.location()), (303, "/"), "{second:?}");
            assert_eq!(browser.cookies["symbolon_session"], again.cookies["symbolon_session"]);
            assert_eq!(server.store(|connection| sessions::unended_of(connection, alice)).len(), before + 1);
            server.flush();
            let failed = server.store(|connection| activity::of(connection, alice, None, 100));
            assert!(!format!("{failed:?}").contains("SignInFailed"), "{failed:?}");
            // Ten seconds later it is a used code like any other.
            let mut late = again.clone();
            server.advance(11);
            let page = send_code(&mut late, &page, &code);
            assert!(page.location().starts_with('/'), "{page:?}");
            server.advance(60);
        }
    });
}
