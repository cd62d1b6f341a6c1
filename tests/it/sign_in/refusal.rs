//! Going back to the app without signing in: `access_denied`, by the response mode of the request, and only for a request that is
//! valid.

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use crate::harness::{Browser, Page, both, query_of, with_mail};

fn deny(browser: &mut Browser, page: &Page) -> Page {
    browser.submit(page, &[("decision", "deny")])
}

/// The sign-in page that a request of this client leads to.
fn shown(browser: &mut Browser, client: &Client, more: &[(&str, &str)]) -> Page {
    let page = browser.get(&Browser::request(client, "openid", more));
    let to = page.location().to_owned();
    browser.get(&to)
}

#[test]
fn whoever_does_not_want_to_sign_in_returns_to_the_app() {
    both(|server| {
        server.add_user("alice");
        let web = server.add_web("web");
        for mode in ["query", "fragment", "form_post"] {
            let mut browser = Browser::new(server);
            let page = shown(&mut browser, &web, &[("response_mode", mode)]);
            assert!(page.is("login") && page.body.contains("Back to <bdi>App web</bdi>"), "{page:?}");
            let answer = deny(&mut browser, &page);
            if mode == "form_post" {
                assert!(answer.status == 200 && answer.is("form-post"), "{answer:?}");
                let value = |name: &str| answer.attribute(&format!("name=\"{name}\""), "value");
                assert_eq!(
                    (value("error"), value("state"), value("iss")),
                    ("access_denied".into(), "st4te".into(), server.url.clone())
                );
            } else {
                assert_eq!(answer.status, 303, "{answer:?}");
                assert!(answer.location().starts_with(&web.settings.redirect_uris[0]), "{answer:?}");
                assert_eq!(answer.location().contains('#'), mode == "fragment");
                let parameters = query_of(answer.location());
                let found = [&parameters["error"], &parameters["state"], &parameters["iss"]];
                assert_eq!(found, ["access_denied", "st4te", &server.url]);
            }
            assert!(browser.get("/").state() == Some("signed-out"));
        }
    });
}

#[test]
fn whoever_does_not_want_to_register_returns_as_well() {
    with_mail(
        |_| (),
        |server, _| {
            let web = server.add_web("web");
            let mut browser = Browser::new(server);
            let shown = shown(&mut browser, &web, &[("prompt", "create")]);
            assert!(shown.is("register") && shown.body.contains("Back to <bdi>App web</bdi>"), "{shown:?}");
            let redirect = "https://app.example.com";
            assert!(shown.header("content-security-policy").unwrap().contains(redirect), "the redirect may follow: {shown:?}");
            let form = shown.body.split("<form ").find(|form| form.contains("value=\"deny\"")).unwrap();
            let form = Page { body: format!("<form {form}"), ..shown };
            let answer = deny(&mut browser, &form);
            assert!(answer.status == 303 && answer.location().starts_with(&web.settings.redirect_uris[0]), "{answer:?}");
            let parameters = query_of(answer.location());
            assert_eq!((parameters["error"].as_str(), parameters["state"].as_str()), ("access_denied", "st4te"));
            assert!(!browser.get("/register").body.contains("Back to"), "without an app there is no way back");
        },
    );
}

#[test]
fn nobody_is_sent_anywhere_by_a_request_that_is_not_valid() {
    both(|server| {
        server.add_user("alice");
        let web = server.add_web("web");
        let mut browser = Browser::new(server);
        let good = shown(&mut browser, &web, &[]);
        let bad = Browser::request(&web, "openid", &[("redirect_uri", "https://evil.example/")]).replace("/authorize", "/login");
        let page = browser.get(&bad);
        assert!(page.status == 200 && !page.body.contains("Back to"), "{page:?}");
        for (path, status) in [(bad.as_str(), 400), ("/login", 400), ("/login?client_id=none", 400)] {
            let answer = browser.send("POST", path, Some(&[("csrf", &good.csrf()), ("decision", "deny")]));
            assert_eq!((answer.status, answer.header("location")), (status, None), "{path}: {answer:?}");
            assert!(answer.is("error"), "{answer:?}");
        }
        // Nor by a form of another site, or an old one.
        let action = good.attribute("form ", "action");
        for csrf in ["", "forged"] {
            let answer = browser.send("POST", &action, Some(&[("csrf", csrf), ("decision", "deny")]));
            assert_eq!((answer.status, answer.problem()), (400, Some("form-expired")), "{answer:?}");
        }
        let answer = Browser::new(server).send("POST", &action, Some(&[("csrf", &good.csrf()), ("decision", "deny")]));
        assert_eq!((answer.status, answer.problem()), (400, Some("cookie-missing")), "{answer:?}");
        server.advance(3_601);
        assert_eq!(deny(&mut browser, &good).problem(), Some("form-expired"));
        // A disabled app gets nobody.
        let fresh = shown(&mut browser, &web, &[]);
        let now = server.now();
        server.store(|connection| symbolon::testing::store::clients::set_disabled(connection, "web", Some(now)));
        let answer = deny(&mut browser, &fresh);
        assert_eq!((answer.status, answer.problem()), (400, Some("client-disabled")), "{answer:?}");
    });
}

#[test]
fn nor_does_whoever_is_asked_for_an_account_have_to_choose() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = shown(&mut browser, &spa, &[("prompt", "select_account")]);
        assert!(page.is("select-account") && page.body.contains("Back to <bdi>App spa</bdi>"), "{page:?}");
        let answer = deny(&mut browser, &page);
        let parameters = query_of(answer.location());
        assert_eq!((parameters["error"].as_str(), parameters["state"].as_str()), ("access_denied", "st4te"));
        assert!(browser.get("/").state() == Some("signed-in"), "nothing else has changed");
    });
}
