//! The page that creates the account: all problems are shown at once, a taken name is reported only a few times, and of many
//! concurrent submissions one succeeds.

use symbolon::testing::store::sessions;

use super::{NEW, finish, requested, user};
use crate::harness::{Browser, Page, encode, with_mail};

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
            let forms: Vec<_> = (0..20)
                .map(|_| {
                    let mut browser = Browser::new(server);
                    let page = browser.open(server, &message);
                    (browser, page)
                })
                .collect();
            let fields = [("username", "zoe"), ("display_name", ""), ("new_password", NEW)];
            let statuses: Vec<_> = std::thread::scope(|scope| {
                let send = |(browser, page): &(Browser, Page)| browser.clone().submit(page, &fields).status;
                let answers: Vec<_> = forms.iter().map(|form| scope.spawn(move || send(form))).collect();
                answers.into_iter().map(|answer| answer.join().unwrap()).collect()
            });
            assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 303 | 400 | 410 | 429 | 503)), "{statuses:?}");
            assert!(user(server, "zoe").is_some());
        },
    );
}

#[test]
fn a_double_click_registers_and_signs_in_once() {
    with_mail(
        |_| (),
        |server, mail| {
            let message = requested(server, mail, "/register", "zoe@example.com");
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            let fields = [("username", "zoe"), ("display_name", ""), ("new_password", NEW)];
            assert_eq!(browser.submit_at_once(&page, &fields, 4), [303; 4]);
            let zoe = user(server, "zoe").unwrap().claims.id;
            assert_eq!(server.store(|connection| sessions::unended_of(connection, zoe)).len(), 1);
            let late = browser.clone().submit(&page, &fields);
            assert_eq!((late.status, late.location()), (303, "/"), "{late:?}");
            // With another name it is not the same form: that nobody has this name is said.
            let other = [("username", "zora"), ("display_name", ""), ("new_password", NEW)];
            assert_eq!(browser.clone().submit(&page, &other).status, 410);
            // Another browser, or a minute later: the link has been used.
            let mut other = Browser::new(server);
            other.get("/login");
            assert_ne!(other.submit(&page, &fields).status, 303);
            server.advance(60);
            assert_eq!(browser.submit(&page, &fields).status, 410);
        },
    );
}

#[test]
fn what_was_typed_is_kept_when_another_field_is_wrong() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let message = requested(server, mail, "/register", "zoe@example.com");
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            let sent = browser.submit(&page, &[("username", "alice"), ("display_name", "Zoë"), ("new_password", NEW)]);
            assert_eq!((sent.status, sent.problem()), (400, Some("username-taken")), "{sent:?}");
            assert_eq!(sent.attribute("id=\"display_name\"", "value"), "Zoë");
            assert!(!sent.body.contains(NEW) && !sent.body.contains(&encode(&[("", NEW)])[1..]), "no password comes back");
            let kept = sent.attribute("name=\"kept_new_password\"", "value");
            assert!(kept.len() > 200, "{kept}");
            // It is of use in this browser alone, for this field, for an hour, and as it is.
            let mut other = Browser::new(server);
            let theirs = other.open(server, &message);
            let fields = |kept: &str| {
                [("username", "zoe"), ("display_name", ""), ("new_password", ""), ("kept_new_password", kept)]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
            };
            let answer_to = |browser: &mut Browser, page: &Page, kept: &str| {
                let fields = fields(kept);
                browser.submit(page, &fields.each_ref().map(|(name, value)| (name.as_str(), value.as_str())))
            };
            let flipped = format!("{}{}", &kept[..kept.len() - 4], if kept.ends_with("AAAA") { "BBBB" } else { "AAAA" });
            for (browser, page, kept) in [
                (&mut other, &theirs, kept.as_str()),
                (&mut browser.clone(), &sent, &flipped),
                (&mut browser.clone(), &sent, "x"),
            ] {
                let answer = answer_to(browser, page, kept);
                assert_eq!((answer.status, answer.problem()), (400, Some("password-too-short")), "{answer:?}");
            }
            let done = answer_to(&mut browser, &sent, &kept);
            assert_eq!((done.status, done.location()), (303, "/"), "{done:?}");
            assert_eq!(Browser::new(server).sign_in_at("/login", "zoe", NEW).status, 303);
        },
    );
}

#[test]
fn a_kept_password_is_judged_with_the_new_name_and_expires() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let message = requested(server, mail, "/register", "zoe@example.com");
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            let word = "tractorman tractorman-x";
            let sent = browser.submit(&page, &[("username", "alice"), ("display_name", ""), ("new_password", word)]);
            assert_eq!(sent.problem(), Some("username-taken"), "{sent:?}");
            let kept = sent.attribute("name=\"kept_new_password\"", "value");
            let mut attempt = |name: &str, new: &str| {
                let fields = [("username", name), ("display_name", ""), ("new_password", new), ("kept_new_password", &kept)];
                browser.submit(&sent, &fields)
            };
            assert_eq!(attempt("tractorman", "").problem(), Some("password-contextual"));
            assert_eq!(attempt("zoe", "short").problem(), Some("password-too-short"), "what is typed counts");
            server.advance(3_601);
            let late = attempt("zoe", "");
            assert_eq!(late.problem(), Some("form-expired"), "{late:?}");
            assert!(!late.body.contains("kept_new_password"));
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

#[test]
fn it_is_said_who_is_signed_out_by_it() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let message = requested(server, mail, "/register", "zoe@example.com");
            let mut browser = Browser::new(server);
            assert!(!browser.open(server, &message).body.contains("data-signed-in"), "nobody is");
            browser.sign_in("alice");
            let page = browser.open(server, &message);
            assert_eq!(page.attribute("data-signed-in", "data-signed-in"), "alice");
            let again = browser.submit(&page, &[("username", "a b"), ("display_name", ""), ("new_password", NEW)]);
            assert!(again.status == 400 && again.body.contains("data-signed-in=\"alice\""), "{again:?}");
            assert_eq!(finish(server, &mut browser, &message, "zoe").status, 303);
            assert!(!browser.get("/").body.contains("alice"), "as it was said");
        },
    );
}
