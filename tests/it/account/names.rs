//! Names of devices: whom they belong to, how long they are kept, and which are invalid.

use super::{FIREFOX, OFFLINE, SCOPE, act, end, newest_grant, session_of, signed_in, tokens};
use crate::harness::{Browser, Page, both};

#[track_caller]
fn rename(browser: &mut Browser, what: &str, id: &str, name: &str) -> Page {
    act(browser, "/account", "/account/name", &[("what", what), ("id", id), ("name", name)])
}

#[test]
fn a_name_stays_with_the_browser_and_stands_for_what_was_given_in_it() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let mut browser = signed_in(server);
        tokens(server, &mut browser, &web, OFFLINE);
        let id = session_of(server, &browser).to_string();
        let page = rename(&mut browser, "session", &id, "  Work laptop ");
        assert_eq!(super::done(&page), "/account?done=renamed");
        let page = browser.get(page.location());
        assert!(page.done() == Some("renamed"), "{page:?}");
        assert!(page.body.contains("<h3><bdi>Work laptop</bdi></h3>") && page.body.contains("Firefox on Linux"), "{page:?}");
        assert!(page.body.contains("<h4><bdi>Work laptop</bdi></h4>"), "{page:?}");
        // Signed out and in again, it is the same browser.
        end(&mut browser, "session", &id);
        browser.sign_in("alice");
        assert_ne!(session_of(server, &browser).to_string(), id);
        assert!(browser.get("/account").body.contains("<h3><bdi>Work laptop</bdi></h3>"));

        let grant = newest_grant(server, alice).to_string();
        assert_eq!(rename(&mut browser, "grant", &grant, "phone").status, 303);
        let page = browser.get("/account");
        assert!(page.body.contains("<h4><bdi>phone</bdi></h4>") && page.body.contains("<h3><bdi>Work laptop</bdi></h3>"));
        for (what, id) in [("session", session_of(server, &browser).to_string()), ("grant", grant)] {
            assert_eq!(rename(&mut browser, what, &id, " ").status, 303);
        }
        let page = browser.get("/account");
        assert!(!page.body.contains("Work laptop") && !page.body.contains("phone</bdi>"), "{page:?}");
    });
}

#[test]
fn what_is_not_a_name_is_refused_and_what_is_shown_is_escaped() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let mut browser = signed_in(server);
        tokens(server, &mut browser, &web, SCOPE);
        let ids = [("session", session_of(server, &browser)), ("grant", newest_grant(server, alice))];
        for (what, id) in ids.map(|(what, id)| (what, id.to_string())) {
            for bad in ["x\u{202e}y", "a\nb", "a\u{2066}b", "a\u{7}b", "\u{feff}", &"x".repeat(61), &"long ".repeat(3000)] {
                let page = rename(&mut browser, what, &id, bad);
                assert!(page.status == 400 && page.problem() == Some("name-not-taken"), "{bad:?}: {}", page.status);
                let kept = page.attribute(&format!("id=\"name-{what}-{id}\""), "value");
                assert_eq!(kept, bad.chars().take(600).collect::<String>(), "what was typed is kept");
            }
            let hostile = "\"><script>alert(1)</script>&'{{7*7}}";
            assert_eq!(rename(&mut browser, what, &id, hostile).status, 303);
            for path in ["/account".to_owned(), format!("/account/grants/{}", ids[1].1)] {
                let page = browser.get(&path);
                assert!(!page.body.contains("<script>alert") && page.body.contains("{{7*7}}"), "{page:?}");
            }
            assert_eq!(rename(&mut browser, what, &id, "حاسوب ليلى 👩‍💻").status, 303);
            assert!(browser.get("/account").body.contains("<bdi>حاسوب ليلى 👩‍💻</bdi>"));
        }
        assert_eq!(rename(&mut browser, "app", "web", "x").status, 400);
    });
}

#[test]
fn programs_that_say_nothing_good_are_named_all_the_same() {
    both(|server| {
        server.add_user("alice");
        for (program, words) in [
            (FIREFOX, "Firefox on Linux"),
            ("<script>alert(1)</script>", "An unknown program"),
            ("' OR 1=1 -- {{7*7}}", "An unknown program"),
            (" ", "An unknown program"),
        ] {
            let mut browser = Browser::new(server);
            browser.headers.push(("User-Agent", program.into()));
            browser.sign_in("alice");
            let page = browser.get("/account");
            let (_, own) = page.body.split_once("<h3><bdi>").unwrap();
            assert!(own.starts_with(words) && !page.body.contains("<script>alert"), "{program}: {page:?}");
        }
    });
}
