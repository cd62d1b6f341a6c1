//! Trusted browsers: where the operator allows it, a browser in which the user has chosen so asks for no code.

use symbolon::testing::protocol::values::time::Span;

use super::{alice_with_phone, signed_in};
use crate::harness::{Browser, PASSWORD, Phone, Server, both, both_with};

/// Signs in with a code, and trusts this browser.
fn trusting(server: &Server, phone: &Phone) -> Browser {
    let mut browser = Browser::new(server);
    let page = browser.arrive_at_second_factor("/login", "alice");
    let sent = browser.submit(&page, &[("code", &phone.code(server)), ("trust", "yes")]);
    assert_eq!(sent.status, 303, "{sent:?}");
    server.advance(60);
    browser
}

fn sign_out(browser: &mut Browser) {
    let page = browser.get("/logout");
    browser.submit(&page, &[]);
    assert!(!signed_in(browser));
}

/// Whether the password alone signs in in this browser.
fn needs_no_code(browser: &mut Browser) -> bool {
    browser.sign_in_at("/login", "alice", PASSWORD).location() == "/"
}

#[test]
fn it_is_off_at_first() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        assert!(!page.body.contains("name=\"trust\""), "{page:?}");
        let mut browser = trusting(server, &phone);
        sign_out(&mut browser);
        assert!(!needs_no_code(&mut browser), "a crafted field changes nothing");
    });
}

fn on(work: impl Fn(&Server)) {
    both_with(|config| config.lifetimes.trusted_browser = Span::from_seconds(30 * 86_400), work);
}

#[test]
fn a_trusted_browser_skips_the_code_of_its_user_until_it_is_over() {
    on(|server| {
        let (_, phone) = alice_with_phone(server);
        server.add_user("bob");
        let mut browser = trusting(server, &phone);
        sign_out(&mut browser);
        assert!(needs_no_code(&mut browser.clone()));
        assert!(!needs_no_code(&mut Browser::new(server)), "another browser");
        let mut one = browser.clone();
        assert!(needs_no_code(&mut one));
        let page = one.get("/account");
        assert!(page.body.contains("Signs in without a code until"), "{page:?}");
        // The session has the password as its only proof: what asks for more still does.
        assert!(one.get("/account/recovery-codes").location().starts_with("/login/verify"));
        server.advance(30 * 86_400);
        assert!(!needs_no_code(&mut browser));
    });
}

#[test]
fn it_ends_with_what_it_was_given_for() {
    on(|server| {
        let (mut at_home, phone) = alice_with_phone(server);
        let alice = server.store(|connection| {
            symbolon::testing::store::users::find_by_login(
                connection,
                &symbolon::testing::protocol::account::login_name::LoginName::parse("alice"),
            )
        });
        let alice = alice.unwrap().claims.id;
        let end = |what: &str, browser: &mut Browser| {
            let page = browser.get("/account");
            let form = page.body.split("<form").find(|form| form.contains("action=\"/account/end\"")).unwrap();
            let csrf = form.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
            let sent = browser.send("POST", "/account/end", Some(&[("csrf", &csrf), ("what", what), ("id", "")]));
            assert!([200, 303].contains(&sent.status), "{sent:?}");
        };
        for how in ["trusts", "others", "password", "everything"] {
            let mut browser = trusting(server, &phone);
            assert!(needs_no_code(&mut browser.clone()), "{how}");
            if !signed_in(&mut at_home) {
                let page = at_home.arrive_at_second_factor("/login", "alice");
                assert_eq!(at_home.submit(&page, &[("code", &phone.code(server))]).status, 303);
                server.advance(60);
            }
            match how {
                "password" => server.reset_password(alice, &server.app.passwords.hash(PASSWORD).unwrap()),
                how => end(how, &mut at_home),
            }
            assert!(!needs_no_code(&mut browser), "{how}");
        }
    });
}

#[test]
fn one_browser_is_ended_by_itself() {
    on(|server| {
        let (_, phone) = alice_with_phone(server);
        let (mut one, mut other) = (trusting(server, &phone), trusting(server, &phone));
        let page = one.get("/account");
        let form = page.body.split("<form").find(|form| form.contains("value=\"trust\"")).unwrap().to_owned();
        let field = |name: &str| {
            let rest = form.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
            rest.split('"').next().unwrap().to_owned()
        };
        let (csrf, id) = (field("csrf"), field("id"));
        let sent = one.send("POST", "/account/end", Some(&[("csrf", &csrf), ("what", "trust"), ("id", &id)]));
        let to = sent.location().to_owned();
        assert_eq!(one.get(&to).done(), Some("trust-ended"));
        assert!(!needs_no_code(&mut one.clone()) && needs_no_code(&mut other.clone()));
        // A browser that is signed out from elsewhere may be in other hands.
        let page = one.get("/account");
        let theirs =
            page.body.split("<form").find(|form| form.contains("value=\"session\"") && form.contains("Sign out")).unwrap();
        let id = theirs.split_once("name=\"id\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
        let sent = one.send("POST", "/account/end", Some(&[("csrf", &csrf), ("what", "session"), ("id", &id)]));
        assert_eq!(sent.status, 303, "{sent:?}");
        assert!(!signed_in(&mut other) && !needs_no_code(&mut other));
    });
}
