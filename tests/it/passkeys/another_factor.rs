//! A passkey where another factor is asked for: to confirm who a signed-in user is, for an app that needs more than a password, and to
//! complete a sign-in. Only the user's own passkey does, once; and nothing it does not prove is told.

use serde_json::{Value, json};
use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{Form, add};
use crate::harness::{Authenticator, Browser, PASSWORD, Page, Phone, Server, both, claims_of, query_of};

const RESISTANT: &str = "urn:symbolon:acr:phishing-resistant";

/// Leads to the page that asks for another factor.
#[track_caller]
fn asked(browser: &mut Browser, path: &str) -> Page {
    let page = browser.get(path);
    assert!(page.status == 303 && page.location().starts_with("/login/verify"), "{page:?}");
    let to = page.location().to_owned();
    let page = browser.get(&to);
    assert!(page.status == 200 && page.is("second-factor"), "{page:?}");
    page
}

fn show(browser: &mut Browser, page: &Page, authenticator: &mut Authenticator) -> Page {
    let form = Form::of(page);
    let answer = authenticator.show(&form.options);
    form.send(browser, &answer)
}

fn signed_in(server: &Server, username: &str) -> Browser {
    let mut browser = Browser::new(server);
    browser.sign_in(username);
    browser
}

#[test]
fn it_confirms_who_changes_the_account() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let (mut alice, mut bob) = (add(server, "alice"), add(server, "bob"));
        let mut home = signed_in(server, "alice");
        let page = asked(&mut home, "/account/recovery-codes");
        assert!(!page.body.contains("name=\"password\"") && !page.body.contains("name=\"code\""), "no way around: {page:?}");
        let form = Form::of(&page);
        let mut options: Value = serde_json::from_str(&form.options).unwrap();
        assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1, "the user's own");
        options.as_object_mut().unwrap().remove("allowCredentials");
        let refused = form.send(&mut home, &bob.show(&options.to_string()));
        assert_eq!((refused.status, refused.problem()), (401, Some("passkey-refused")), "{refused:?}");
        let form = Form::of(&refused);
        let answer = alice.show(&form.options);
        let page = form.send(&mut home, &answer);
        assert_eq!((page.status, page.location()), (303, "/account/recovery-codes"), "{page:?}");
        assert_eq!(home.get("/account/recovery-codes").status, 200);
        // Elsewhere the same answer is of no use, and neither is it later.
        let mut elsewhere = signed_in(server, "alice");
        asked(&mut elsewhere, "/account/recovery-codes");
        assert!([400, 401].contains(&form.send(&mut elsewhere, &answer).status));
        server.advance(901);
        asked(&mut home, "/account/recovery-codes");
        assert_ne!(form.send(&mut home, &answer).status, 303);
        asked(&mut home, "/account/recovery-codes");
    });
}

#[test]
fn it_reaches_the_class_that_an_app_asks_for() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut alice = add(server, "alice");
        let mut home = signed_in(server, "alice");
        let request = Browser::request(&spa, "openid", &[("acr_values", RESISTANT)]);
        let page = asked(&mut home, &request);
        let page = show(&mut home, &page, &mut alice);
        assert_eq!(page.status, 303, "{page:?}");
        let page = home.follow(page.location(), "nobody", "allow");
        let claims = claims_of(server.redeem(&spa, &query_of(page.location())["code"]).text("id_token"));
        assert_eq!((&claims["acr"], &claims["amr"]), (&json!(RESISTANT), &json!(["pwd", "pop", "user", "mfa"])));
        let silent = Browser::request(&spa, "openid", &[("acr_values", RESISTANT), ("prompt", "none")]);
        assert!(query_of(home.get(&silent).location()).contains_key("code"), "it is asked for once");
    });
}

#[test]
fn it_completes_a_sign_in_of_an_account_with_an_app() {
    both(|server| {
        server.add_user("alice");
        let mut alice = add(server, "alice");
        let mut home = Browser::new(server);
        home.sign_in("alice");
        let page = asked(&mut home, "/account/totp/add");
        assert_eq!(show(&mut home, &page, &mut alice).status, 303);
        Phone::added(server, &mut home);
        let mut browser = Browser::new(server);
        let page = browser.sign_in_at("/login", "alice", PASSWORD);
        let to = page.location().to_owned();
        assert!(to.starts_with("/login/verify"), "{page:?}");
        let page = browser.get(&to);
        let form = Form::of(&page);
        let answer = alice.show(&form.options);
        let first = form.send(&mut browser, &answer);
        assert_eq!(first.status, 303, "{first:?}");
        assert_eq!(browser.get("/account").status, 200);
        assert_ne!(form.send(&mut Browser::new(server), &answer).status, 200, "another browser has nothing in progress");
    });
}

#[test]
fn browsers_are_told_which_passkeys_there_are() {
    both(|server| {
        server.add_user("alice");
        add(server, "alice");
        let mut home = signed_in(server, "alice");
        let page = home.get("/account/security");
        let accepted = page.attribute("data-signal-accepted", "data-signal-accepted");
        let details = page.attribute("data-signal-details", "data-signal-details");
        assert!(accepted.contains("allAcceptedCredentialIds") && details.contains("\"alice\""), "{accepted} {details}");
        assert!(page.body.contains("/account/passkeys/add"));
    });
}
