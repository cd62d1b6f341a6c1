//! The offer of a passkey after a sign-in with a password.

use super::{Form, add};
use crate::harness::{Authenticator, Browser, PASSWORD, Page, both};

/// Signs in with the password, in a browser that can make a passkey.
fn sign_in(browser: &mut Browser, path: &str, ready: &str) -> Page {
    let page = browser.get(path);
    let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
    let fields = [("username", "alice"), ("password", PASSWORD), ("csrf", csrf.as_str()), ("passkey_ready", ready)];
    browser.send("POST", &action, Some(&fields))
}

const THERE: &str = "/account/passkeys/offer?then=%2Faccount%2Fdata";
const LOGIN: &str = "/login?then=/account/data";

#[test]
fn it_is_made_to_a_browser_that_can_and_leads_on() {
    both(|server| {
        server.add_user("alice");
        assert_eq!(sign_in(&mut Browser::new(server), LOGIN, "").location(), "/account/data", "a browser that cannot");
        let mut browser = Browser::new(server);
        assert_eq!(sign_in(&mut browser, LOGIN, "yes").location(), THERE);
        let page = browser.get(THERE);
        assert!(page.is("passkey-offer"), "{page:?}");
        let form = Form::of(&page);
        let answer = Authenticator::at(&server.url).make(&form.options);
        assert_eq!(form.send(&mut browser, &answer).location(), "/account/data");
        assert_eq!(browser.get(THERE).location(), "/account/data", "there is one now");
        assert_eq!(sign_in(&mut Browser::new(server), LOGIN, "yes").location(), "/account/data");
    });
}

#[test]
fn not_now_counts_for_a_month() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        sign_in(&mut browser, LOGIN, "yes");
        let form = Form::of(&browser.get(THERE));
        let page = browser.send("POST", &form.action, Some(&[("csrf", &form.csrf), ("decision", "later")]));
        assert_eq!(page.location(), "/account/data");
        let cookie = page.header("set-cookie").unwrap();
        assert!(cookie.contains("no_passkey") && cookie.contains("Max-Age=2592000"), "{cookie}");
        assert_eq!(sign_in(&mut browser, LOGIN, "yes").location(), "/account/data");
        assert_eq!(browser.get(THERE).location(), "/account/data");
    });
}

#[test]
fn the_request_of_an_app_goes_along() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let login = browser.get(&Browser::request(&spa, "openid", &[])).location().to_owned();
        let offer = sign_in(&mut browser, &login, "yes").location().to_owned();
        assert!(offer.starts_with("/account/passkeys/offer?client_id=spa"), "{offer}");
        let form = Form::of(&browser.get(&offer));
        let page = browser.send("POST", &form.action, Some(&[("csrf", &form.csrf), ("decision", "later")]));
        assert!(page.location().starts_with("/authorize?client_id=spa"), "{page:?}");
        let page = browser.follow(page.location(), "alice", "allow");
        assert!(page.location().contains("code="), "{page:?}");
    });
}

#[test]
fn nothing_is_made_where_the_sign_in_is_old_or_the_form_of_another_page() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        sign_in(&mut browser, LOGIN, "yes");
        let form = Form::of(&browser.get(THERE));
        let other = Form::of(&browser.get(super::ADD));
        let answer = Authenticator::at(&server.url).make(&other.options);
        let carried = Form { state: other.state, csrf: form.csrf.clone(), action: form.action.clone(), options: String::new() };
        assert_eq!(carried.send(&mut browser, &answer).problem(), Some("form-expired"));
        server.advance(901);
        assert_eq!(form.send(&mut browser, &answer).location(), "/account/data");
        assert_eq!(browser.get(THERE).location(), "/account/data");
        drop(add(server, "alice"));
    });
}
