//! What the sign-in page offers besides: staying signed in, a new password, an account; and what it says of what led there.

use super::{SESSION, WRONG, attempt};
use crate::harness::{Browser, PASSWORD, both, with_mail};

#[test]
fn staying_signed_in_is_a_choice() {
    both(|server| {
        server.add_person("alice");
        let max_age = |fields: &[(&str, &str)]| {
            let mut browser = Browser::new(server);
            let page = browser.fill("/login", &[&[("username", "alice"), ("password", PASSWORD)], fields].concat());
            let cookie = page.headers.iter().find(|(name, value)| name == "set-cookie" && value.starts_with(SESSION));
            let (_, age) = cookie.unwrap().1.split_once("Max-Age=").unwrap_or_default();
            age.to_owned()
        };
        assert_eq!(max_age(&[]), "", "until the browser is closed");
        assert_eq!(max_age(&[("remember", "no")]), "");
        assert_eq!(max_age(&[("remember", "yes")]), "2592000");
        let mut browser = Browser::new(server);
        let page = browser.get("/login");
        assert!(page.body.contains("For 30 days") && !page.body.contains(" checked"), "{page:?}");
        for (remember, is_ticked) in [("yes", true), ("", false)] {
            let wrong = browser.submit(&page, &[("username", "alice"), ("password", WRONG), ("remember", remember)]);
            assert_eq!((wrong.status, wrong.body.contains(" checked")), (401, is_ticked), "what was chosen is kept");
        }
    });
}

#[test]
fn without_mail_nothing_that_needs_it_is_offered() {
    both(|server| {
        let page = Browser::new(server).get("/login");
        assert!(!page.body.contains("/recover") && !page.body.contains("/register"), "{page:?}");
    });
    with_mail(
        |_| (),
        |server, _| {
            let page = Browser::new(server).get("/login?client_id=none&state=s&notice=registered&sign_in_as=x");
            assert_eq!(page.attribute("href=\"/recover", "href"), "/recover?client_id=none&state=s");
            assert_eq!(page.attribute("href=\"/register", "href"), "/register?client_id=none&state=s");
            assert_eq!(page.attribute("form ", "action"), "/login?client_id=none&state=s");
        },
    );
}

#[test]
fn what_led_there_is_said_by_words_of_ours() {
    both(|server| {
        server.add_person("alice");
        for (word, words) in [
            ("registered", "Your account is ready."),
            ("password_changed", "Your password was changed."),
            ("password_set", "Your new password is set."),
            ("signed_out_everywhere", "You are signed out everywhere."),
            ("operator_asks", "The people who run this server ask you to."),
        ] {
            let page = Browser::new(server).get(&format!("/login?notice={word}&sign_in_as=alice"));
            assert!(page.body.contains(words) && page.body.contains("role=\"status\""), "{word}: {page:?}");
            assert_eq!(page.attribute("id=\"username\"", "value"), "alice");
        }
        let page = attempt(&mut Browser::new(server), "alice", PASSWORD);
        assert_eq!(page.location(), "/");
    });
}
