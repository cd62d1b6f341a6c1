//! The page that creates the account: all problems are shown at once, a taken name is reported only a few times, and of many
//! concurrent submissions one succeeds.

use super::{NEW, finish, requested, user};
use crate::harness::{Browser, with_mail};

#[test]
fn all_that_is_wrong_is_said_at_once() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let message = requested(server, mail, "/register", "zoe@example.com");
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            let long = "n".repeat(101);
            for (fields, problem) in [
                (
                    [("username", "a b"), ("display_name", &*long), ("new_password", "sh0rty")],
                    "username-invalid display-name-invalid password-too-short",
                ),
                (
                    [("username", "Alice"), ("display_name", ""), ("new_password", "zoe.alice.zoe.1")],
                    "username-taken password-contextual",
                ),
                ([("username", "zoe"), ("display_name", ""), ("new_password", "passwordpassword")], "password-repetitive"),
                ([("username", "zoe"), ("display_name", ""), ("new_password", "")], "password-too-short"),
            ] {
                let sent = browser.submit(&page, &fields);
                assert_eq!(sent.status, 400, "{fields:?}: {sent:?}");
                assert_eq!(sent.problem(), Some(problem), "{}", sent.body);
                assert!(!sent.body.contains("sh0rty"), "no password comes back");
            }
            assert!(user(server, "zoe").is_none());
            assert_eq!(finish(server, &mut browser, &message, "zoe").status, 303);
        },
    );
}

#[test]
fn ten_names_are_tried_with_one_link() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let message = requested(server, mail, "/register", "zoe@example.com");
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            let mut attempt =
                |name: &str| browser.submit(&page, &[("username", name), ("display_name", ""), ("new_password", NEW)]);
            for _ in 0..10 {
                assert_eq!(attempt("alice").problem(), Some("username-taken"));
            }
            for name in ["alice", "zoe"] {
                let slowed = attempt(name);
                assert_eq!(slowed.status, 429, "{slowed:?}");
                assert!((3590..=3601).contains(&slowed.header("retry-after").unwrap().parse::<i64>().unwrap()));
                assert_ne!(slowed.problem(), Some("username-taken"));
            }
            server.advance(3602);
            assert_eq!(finish(server, &mut browser, &message, "zoe").status, 303);
        },
    );
}

#[test]
fn of_twenty_at_once_one_wins() {
    with_mail(
        |_| (),
        |server, mail| {
            let message = requested(server, mail, "/register", "zoe@example.com");
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            let statuses = browser.submit_at_once(&page, &[("username", "zoe"), ("display_name", ""), ("new_password", NEW)], 20);
            assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 303 | 400 | 410 | 429 | 503)), "{statuses:?}");
            assert!(user(server, "zoe").is_some());
        },
    );
}

#[test]
fn an_address_that_someone_took_meanwhile_is_told_to_whoever_reads_its_mail() {
    with_mail(
        |_| (),
        |server, mail| {
            let [first, second] = [(), ()].map(|()| requested(server, mail, "/register", "zoe@example.com"));
            assert_eq!(finish(server, &mut Browser::new(server), &first, "zoe").status, 303);
            let page = finish(server, &mut Browser::new(server), &second, "other");
            assert_eq!(page.status, 410);
            assert!(page.problem() == Some("address-taken"), "{page:?}");
            assert!(user(server, "other").is_none());
        },
    );
}
