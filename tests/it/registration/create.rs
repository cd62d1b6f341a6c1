//! Registration during an app's request: `prompt=create` (Initiating User Registration via OpenID Connect §4), and an
//! authorization request that is kept from the first form to the code.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{NEW, finish, requested};
use crate::harness::{Browser, Page, Server, query_of, with_mail};

/// Goes on from where a registration ended to the answer; no sign-in page is on the way.
fn allow(browser: &mut Browser, page: &Page) -> Page {
    let to = page.location().to_owned();
    assert!(to.starts_with("/authorize?") && !to.contains("notice=") && !to.contains("sign_in_as="), "{to}");
    let asked = browser.get(&to);
    assert!(asked.location().starts_with("/consent?"), "{asked:?}");
    browser.follow(&to, "nobody signs in", "allow")
}

#[test]
fn a_request_for_an_account_leads_to_one_and_back_to_the_app() {
    with_mail(
        |_| (),
        |server: &Server, mail| {
            server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            for (number, prompt) in ["create", "create consent", "login create"].into_iter().enumerate() {
                let name = format!("zoe{number}");
                let mut browser = Browser::new(server);
                browser.sign_in("alice");
                let page = browser.get(&Browser::request(&spa, "openid", &[("prompt", prompt), ("nonce", "n0nce")]));
                let to = page.location().to_owned();
                assert!(to.starts_with("/register?"), "whoever is signed in: {to}");
                let shown = browser.get(&to);
                assert!(shown.body.contains("App spa"), "{shown:?}");
                let message = requested(server, mail, &to, &format!("{name}@example.com"));
                let mut elsewhere = Browser::new(server);
                assert!(elsewhere.open(server, &message).body.contains("App spa"));
                let page = finish(server, &mut elsewhere, &message, &name);
                assert!(page.status == 303 && page.location().starts_with("/authorize?client_id=spa&"), "{page:?}");
                // Nobody is asked to make another account, nor to sign in.
                let page = allow(&mut elsewhere, &page);
                let answer = query_of(page.location());
                assert_eq!(answer["state"], "st4te");
                let tokens = server.redeem(&spa, &answer["code"]);
                assert_eq!(crate::harness::claims_of(tokens.text("id_token"))["nonce"], "n0nce");
            }
        },
    );
}

#[test]
fn a_form_that_is_sent_again_counts_as_the_sign_in_that_the_app_requires() {
    with_mail(
        |_| (),
        |server: &Server, mail| {
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let mut browser = Browser::new(server);
            let page = browser.get(&Browser::request(&spa, "openid", &[("prompt", "login create")]));
            let message = requested(server, mail, page.location(), "zoe@example.com");
            let form = browser.open(server, &message);
            let fields = [("username", "zoe"), ("display_name", ""), ("new_password", NEW)];
            assert_eq!(browser.submit(&form, &fields).status, 303);
            server.advance(2);
            let again = browser.submit(&form, &fields);
            assert!(query_of(allow(&mut browser, &again).location()).contains_key("code"));
        },
    );
}

#[test]
fn whoever_has_an_account_signs_in_instead() {
    with_mail(
        |_| (),
        |server, _| {
            server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let mut browser = Browser::new(server);
            let page = browser.get(&Browser::request(&spa, "openid", &[("prompt", "create")]));
            let shown = browser.get(page.location());
            let login = shown.attribute("href=\"/login", "href");
            let page = browser.sign_in_at(&login, "alice", crate::harness::PASSWORD);
            let page = browser.follow(page.location(), "alice", "allow");
            assert!(query_of(page.location()).contains_key("code"), "{page:?}");
        },
    );
}

#[test]
fn it_is_promised_where_it_works() {
    with_mail(
        |_| (),
        |server, _| {
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let listed = server.get("/.well-known/openid-configuration", &[]).json["prompt_values_supported"].clone();
            assert_eq!(listed, serde_json::json!(["none", "login", "consent", "select_account", "create"]));
            for (prompt, error) in
                [("none create", "invalid_request"), ("register", "invalid_request"), ("CREATE", "invalid_request")]
            {
                let page = Browser::new(server).get(&Browser::request(&spa, "openid", &[("prompt", prompt)]));
                assert_eq!(query_of(page.location())["error"], error, "{prompt}");
            }
        },
    );
}

#[test]
fn the_sign_in_page_leads_there_with_the_request() {
    with_mail(
        |_| (),
        |server, mail| {
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let mut browser = Browser::new(server);
            let page = browser.get(&Browser::request(&spa, "openid", &[]));
            let login = browser.get(page.location());
            let register = login.attribute("href=\"/register", "href");
            let message = requested(server, mail, &register, "zoe@example.com");
            server.advance(80_000);
            let page = finish(server, &mut browser, &message, "zoe");
            let page = allow(&mut browser, &page);
            assert!(query_of(page.location()).contains_key("code"), "{page:?}");
        },
    );
}

#[test]
fn words_in_the_address_that_are_not_ours_say_nothing() {
    with_mail(
        |_| (),
        |server, _| {
            for word in ["", "x", "REGISTERED", "%3Cb%3E"] {
                let page = Browser::new(server).get(&format!("/login?notice={word}"));
                assert!(page.status == 200 && !page.body.contains("role=\"status\""), "{word}: {page:?}");
            }
            let page = Browser::new(server).get("/register?sent=forged&sent_for=eve%40example.com");
            assert!(page.status == 200 && !page.body.contains("eve@example.com"), "{page:?}");
        },
    );
}
