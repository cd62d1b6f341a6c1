//! Signing in and out, as seen by a browser, one file per area. What follows from a sign-in for clients is `authorize` and
//! `token`.

mod cookies;
mod forms;
mod logout;
mod redirects;
mod refusal;
mod refusals;
mod rehash;
mod remembered;
mod sessions;
mod size;
mod throttle;
mod twice;
mod ways;

use symbolon::testing::protocol::oauth::client::Client;

use crate::harness::{Browser, PASSWORD, Page, behind_a_proxy, query_of};

const SESSION: &str = "symbolon_session";
const BROWSER: &str = "symbolon_browser";
const DEVICE: &str = "symbolon_device";

/// A wrong password, otherwise like the right one.
const WRONG: &str = "correct horse battery stapler";

/// Who the home page says is signed in; nobody is the empty text.
fn signed_in(browser: &mut Browser) -> String {
    let page = browser.get("/");
    assert_eq!(page.status, 200, "{page:?}");
    let Some((_, rest)) = page.body.split_once("You are signed in") else {
        assert!(page.state() == Some("signed-out"), "{page:?}");
        return String::new();
    };
    rest.split("<bdi>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// Asks for a code without any page: the code, or the error.
fn silently(browser: &mut Browser, client: &Client) -> Result<String, String> {
    let page = browser.get(&Browser::request(client, "openid", &[("prompt", "none")]));
    let answer = query_of(page.location());
    answer.get("code").cloned().ok_or_else(|| answer["error"].clone())
}

/// Tries a password on the sign-in page, in this browser.
fn attempt(browser: &mut Browser, username: &str, password: &str) -> Page {
    browser.sign_in_at("/login", username, password)
}

/// Tries it in a browser that was never here before.
fn attempt_from(server: &crate::harness::Server, address: &str, username: &str, password: &str) -> Page {
    let mut browser = Browser::new(server);
    browser.headers.extend([("X-Forwarded-For", address.to_owned()), ("X-Forwarded-Proto", "https".to_owned())]);
    attempt(&mut browser, username, password)
}

#[test]
fn by_name_or_address_in_any_case() {
    crate::harness::both(|server| {
        server.add_user("alice");
        server.add_user("émile");
        for (typed, who) in [
            ("alice", "alice"),
            ("ALICE", "alice"),
            (" Alice ", "alice"),
            ("alice@example.com", "alice"),
            ("Alice@EXAMPLE.com", "alice"),
            ("Émile", "émile"),
            ("ÉMILE@example.com", "émile"),
        ] {
            let mut browser = Browser::new(server);
            let page = attempt(&mut browser, typed, PASSWORD);
            assert_eq!((page.status, page.location()), (303, "/"), "{typed}");
            assert_eq!(signed_in(&mut browser), format!("{who} Example"), "{typed}");
        }
        for typed in ["alic", "alice@example", "alice%", "alice@example.com, bob", "' OR 1=1 --", ""] {
            assert_eq!(attempt(&mut Browser::new(server), typed, PASSWORD).status, 401, "{typed}");
        }
    });
}
