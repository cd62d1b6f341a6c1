//! The change of the password: what proves the user's identity, what the new one must be, what is ended with it, and how guesses
//! are limited.

use std::{sync::Barrier, thread};

use symbolon::testing::protocol::account::activity::Activity;

use super::{
    OFFLINE, OTHER, SCOPE, SESSION, act, assert_alive, assert_inactive, change_password, done, happened, is_signed_in, signed_in,
    stamp, tokens,
};
use crate::harness::{Browser, PASSWORD, Page, both};

#[test]
fn the_new_one_counts_and_everything_else_ends() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let goes = tokens(server, &mut there, &web, OFFLINE);
        let mut stays = tokens(server, &mut here, &web, SCOPE);
        let before = here.cookies[SESSION].clone();
        let page = change_password(&mut here, &[("end_others", "yes")]);
        assert_eq!(done(&page), "/account/password?done=changed-and-ended");
        assert_ne!(here.cookies[SESSION], before);
        let received = here.get(page.location());
        assert!(received.done() == Some("changed") && received.body.contains("only in this browser"), "{received:?}");
        assert!(!is_signed_in(&mut there));
        let mut old = Browser::new(server);
        old.cookies.insert(SESSION, before);
        assert!(!is_signed_in(&mut old), "the cookie of before is dead");
        assert_inactive(server, &web, &goes);
        assert_alive(server, &web, &mut stays);
        assert_eq!(Browser::new(server).sign_in_at("/login", "alice", PASSWORD).status, 401);
        assert_eq!(Browser::new(server).sign_in_at("/login", "alice", OTHER).status, 303);
        assert_eq!(happened(server, alice, Activity::PasswordChanged), 1);
    });
}

#[test]
fn everything_else_goes_on_where_that_is_wanted() {
    both(|server| {
        server.add_apis();
        let (_, web) = (server.add_user("alice"), server.add_web("web"));
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let mut stays = [tokens(server, &mut there, &web, SCOPE), tokens(server, &mut there, &web, OFFLINE)];
        let page = change_password(&mut here, &[]);
        assert_eq!(done(&page), "/account/password?done=changed");
        let received = here.get(page.location());
        assert!(received.done() == Some("changed") && received.body.contains("stay signed in"), "{received:?}");
        assert!(is_signed_in(&mut there));
        for tokens in &mut stays {
            assert_alive(server, &web, tokens);
        }
    });
}

#[test]
fn what_is_not_good_enough_changes_nothing() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let mut browser = signed_in(server);
        let many = "aB3$".repeat(300);
        for (old, new, status, problem) in [
            ("wrong", OTHER, 401, "wrong-password"),
            ("wrong", "short", 401, "wrong-password password-too-short"),
            ("", "", 401, "wrong-password password-too-short"),
            (PASSWORD, PASSWORD, 400, "new-same-as-old"),
            (PASSWORD, "short", 400, "password-too-short"),
            (PASSWORD, "", 400, "password-too-short"),
            (PASSWORD, many.as_str(), 400, "password-too-long"),
            (PASSWORD, "a horse\nof another colour", 400, "password-not-one-line"),
            (PASSWORD, "abcabcabcabcabcabc", 400, "password-repetitive"),
            (PASSWORD, "alice@example.com alice", 400, "password-contextual"),
        ] {
            let fields = [("password", old), ("new_password", new)];
            let page = act(&mut browser, "/account/password", "/account/password", &fields);
            assert!(page.status == status && page.problem() == Some(problem), "{new}: {page:?}");
            for typed in [old, new].into_iter().filter(|typed| typed.len() > 8) {
                assert!(!page.body.contains(typed), "no password comes back");
            }
        }
        let forged = browser.send("POST", "/account/password", Some(&[("password", PASSWORD), ("new_password", OTHER)]));
        assert_eq!(forged.status, 400);
        assert_eq!(happened(server, alice, Activity::PasswordChanged), 0);
        assert_eq!(Browser::new(server).sign_in_at("/login", "alice", PASSWORD).status, 303);
    });
}

#[test]
fn guesses_are_counted_by_session_and_apart_from_those_at_sign_in() {
    both(|server| {
        server.add_user("alice");
        let (mut browser, mut other) = (signed_in(server), signed_in(server));
        let guess = |browser: &mut Browser, path: &str| match path {
            "/account/delete" => act(browser, "/account/data", path, &[("password", "not the password")]).status,
            _ => act(browser, path, path, &[("password", "not the password"), ("new_password", OTHER)]).status,
        };
        let mut statuses = Vec::new();
        for path in ["/account/password", "/account/delete", "/account/delete", "/account/password", "/account/delete"] {
            statuses.push(guess(&mut browser, path));
        }
        assert_eq!(statuses, [401; 5]);
        let slowed =
            act(&mut browser, "/account/password", "/account/password", &[("password", PASSWORD), ("new_password", OTHER)]);
        assert!(slowed.status == 429 && slowed.header("retry-after").is_some(), "{slowed:?}");
        assert!(slowed.problem() == Some("slowed-down"));
        assert_eq!(act(&mut browser, "/account/data", "/account/delete", &[("password", PASSWORD)]).status, 429);
        assert_eq!(guess(&mut other, "/account/delete"), 401, "another session");
        assert_eq!(Browser::new(server).sign_in_at("/login", "alice", PASSWORD).status, 303, "a sign-in");
        assert_eq!(guess(&mut browser, "/account/delete"), 429, "which ends no count but its own");
        server.advance(10);
        assert_eq!(change_password(&mut browser, &[]).status, 303);
        assert_eq!(guess(&mut browser, "/account/delete"), 401, "what was counted is over");
    });
}

#[test]
fn of_many_at_once_one_changes_it() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let mut browser = signed_in(server);
        let csrf = stamp(&browser.get("/account/password"), "/account/password");
        let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (barrier, cookies) = (Barrier::new(4), cookies.join("; "));
        let statuses: Vec<(u16, String)> = thread::scope(|scope| {
            let change = |number: u32| {
                let new = format!("{OTHER} {number}");
                let form = crate::harness::encode(&[("csrf", &csrf), ("password", PASSWORD), ("new_password", &new)]);
                barrier.wait();
                let page = server.send("POST", "/account/password", &[("Cookie", &cookies)], Some(&form));
                (page.status, page.header("location").unwrap_or_default().to_owned())
            };
            let all: Vec<_> = (0..4).map(|number| scope.spawn(move || change(number))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let changed = statuses.iter().filter(|(_, to)| to.contains("done=changed")).count();
        assert_eq!((changed, happened(server, alice, Activity::PasswordChanged)), (1, 1), "{statuses:?}");
        assert!(statuses.iter().all(|(status, _)| matches!(status, 303 | 401 | 429)), "{statuses:?}");
    });
}

#[test]
fn the_password_that_was_right_is_kept() {
    both(|server| {
        server.add_user("alice");
        let mut browser = signed_in(server);
        let path = "/account/password";
        let kept = |page: &Page, field: &str| {
            let mark = format!("name=\"kept_{field}\"");
            page.body.contains(&mark).then(|| page.attribute(&mark, "value"))
        };
        let flawed = act(&mut browser, path, path, &[("password", PASSWORD), ("new_password", "short")]);
        assert!(kept(&flawed, "new_password").is_none() && !flawed.body.contains(PASSWORD), "{flawed:?}");
        let current = kept(&flawed, "password").unwrap();
        let wrong = act(&mut browser, path, path, &[("password", "wrong"), ("new_password", OTHER)]);
        assert!(kept(&wrong, "password").is_none() && !wrong.body.contains(OTHER), "{wrong:?}");
        let new = kept(&wrong, "new_password").unwrap();
        // Not in another field, another form or another session.
        let swapped = [("password", ""), ("kept_password", new.as_str()), ("new_password", OTHER)];
        assert_eq!(act(&mut browser, path, path, &swapped).status, 401);
        let to_delete = [("password", ""), ("kept_password", current.as_str())];
        assert_eq!(act(&mut browser, "/account/data", "/account/delete", &to_delete).status, 401);
        let good =
            [("password", ""), ("kept_password", current.as_str()), ("new_password", ""), ("kept_new_password", new.as_str())];
        assert_eq!(act(&mut signed_in(server), path, path, &good).status, 401);
        let page = act(&mut browser, path, path, &good);
        assert_eq!(done(&page), "/account/password?done=changed");
        assert_eq!(Browser::new(server).sign_in_at("/login", "alice", OTHER).status, 303);
    });
}
