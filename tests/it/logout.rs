//! Logout at an app's request (OpenID Connect RP-Initiated Logout): with an ID token of this session it needs no confirmation,
//! otherwise it does; and users are redirected only to a registered address. Hints that are not accepted are `hints`, redirects
//! that are refused `addresses`, our own form `confirmation`, requests of an app's server `servers`.

mod addresses;
mod confirmation;
mod hints;
mod servers;

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use crate::harness::{Answer, Browser, Page, Server, both, both_with, encode, query_of};

const SESSION: &str = "symbolon_session";
const GONE: &str = "symbolon_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";
const BYE: &str = "https://app.example.com/bye";
/// Everything that could be lost on the way.
const STATE: &str = "a+b c&d=é%20\"<'#;/?";

/// An app with an address for after signing out.
fn add_app(server: &Server, id: &str) -> Client {
    server.add_client(id, ClientKind::Spa, |client| {
        client.settings.post_logout_redirect_uris = vec![BYE.into(), format!("{BYE}?x=1&y=%20")];
    })
}

/// Signs in at the app in this browser: its tokens.
fn tokens(server: &Server, browser: &mut Browser, client: &Client, username: &str, scope: &str) -> Answer {
    let code = browser.code(client, username, scope);
    let answer = server.redeem(client, &code);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Someone signed in at an app: the browser, and the tokens.
fn signed_in_at(server: &Server, client: &Client, username: &str) -> (Browser, Answer) {
    let mut browser = Browser::new(server);
    let tokens = tokens(server, &mut browser, client, username, "openid profile");
    (browser, tokens)
}

/// Asks to be signed out, by either method.
fn ask(browser: &mut Browser, method: &str, form: &[(&str, &str)]) -> Page {
    match method {
        "GET" => browser.get(&format!("/logout?{}", encode(form))),
        _ => browser.send("POST", "/logout", Some(form)),
    }
}

/// Presses the button of a page that asks.
fn confirm(browser: &mut Browser, page: &Page) -> Page {
    let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
    browser.send("POST", &action, Some(&[("csrf", &csrf)]))
}

fn is_signed_in(browser: &mut Browser) -> bool {
    let page = browser.get("/");
    assert_eq!(page.status, 200, "{page:?}");
    page.state() == Some("signed-in")
}

/// Fails unless the user is asked, and nothing has happened.
#[track_caller]
fn requested(browser: &mut Browser, page: &Page) {
    page.assert_page();
    assert_eq!((page.status, page.header("location"), page.header("set-cookie")), (200, None, None), "{page:?}");
    assert!(page.body.contains("name=\"csrf\"") && page.is("sign-out"), "{page:?}");
    assert!(is_signed_in(browser));
}

#[test]
fn a_hint_ends_the_session_at_once_and_leads_back() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let with_query = format!("{BYE}?x=1&y=%20");
        for method in ["GET", "POST"] {
            for (address, joint) in [(BYE, "?"), (with_query.as_str(), "&")] {
                let (mut browser, ours) = signed_in_at(server, &app, "alice");
                let hint = ours.text("id_token");
                let cookie = browser.cookies[SESSION].clone();
                let named = [("client_id", "app")];
                let mut form = vec![("id_token_hint", hint), ("post_logout_redirect_uri", address), ("state", STATE)];
                if joint == "&" {
                    form.extend(named);
                }
                let page = ask(&mut browser, method, &form);
                assert_eq!((page.status, page.header("set-cookie")), (303, Some(GONE)), "{page:?}");
                let (before, state) = page.location().rsplit_once(&format!("{joint}state=")).unwrap();
                assert_eq!(before, address);
                assert_eq!(query_of(&format!("?state={state}"))["state"], STATE, "byte for byte");
                assert_eq!(page.header("cache-control"), Some("no-store"));
                browser.cookies.insert(SESSION, cookie);
                assert!(!is_signed_in(&mut browser), "the cookie is dead on the server");
                assert_eq!(server.refresh(&app, ours.text("refresh_token")).error(), "invalid_grant");
                assert_eq!(server.userinfo(ours.text("access_token")).status, 401);
            }
        }
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let hint = ours.text("id_token");
        let page = ask(&mut browser, "GET", &[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)]);
        assert_eq!((page.status, page.location()), (303, BYE), "nothing is added where no state was sent");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let page = ask(&mut browser, "GET", &[("id_token_hint", ours.text("id_token")), ("state", STATE)]);
        page.assert_page();
        assert_eq!((page.status, page.header("set-cookie"), page.header("location")), (200, Some(GONE), None), "{page:?}");
        assert!(page.is("signed-out") && !page.body.contains("class=\"note"), "{page:?}");
    });
}

#[test]
fn an_id_token_that_has_expired_is_a_hint_all_the_same() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        server.advance(86_400);
        let page = ask(&mut browser, "GET", &[("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE)]);
        assert_eq!((page.status, page.location(), page.header("set-cookie")), (303, BYE, Some(GONE)), "{page:?}");

        // So is one of a session that nobody used for long, whose grants live on.
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let mut granted = server.refresh(&app, ours.text("refresh_token"));
        for _ in 0..3 {
            server.advance(86_400);
            granted = server.refresh(&app, granted.text("refresh_token"));
            assert_eq!(granted.status, 200, "{granted:?}");
        }
        assert!(!is_signed_in(&mut browser));
        let page = ask(&mut browser, "GET", &[("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE)]);
        assert_eq!((page.status, page.location(), page.header("set-cookie")), (303, BYE, Some(GONE)), "{page:?}");
        assert_eq!(server.refresh(&app, granted.text("refresh_token")).error(), "invalid_grant");
    });
}

/// Two sessions with all kinds of grants, of which one is ended.
fn what_ends(server: &Server, offline_ends: bool) {
    server.add_user("alice");
    let (app, other) = (add_app(server, "app"), add_app(server, "other"));
    let mut browser = Browser::new(server);
    let ours = tokens(server, &mut browser, &app, "alice", "openid");
    let theirs = tokens(server, &mut browser, &other, "alice", "openid");
    let offline = tokens(server, &mut browser, &other, "alice", "openid offline_access");
    let unredeemed = ["openid", "openid offline_access"].map(|scope| browser.code(&other, "alice", scope));
    let (mut elsewhere, far) = signed_in_at(server, &app, "alice");
    let far_offline = tokens(server, &mut elsewhere, &app, "alice", "openid offline_access");

    let page = ask(&mut browser, "GET", &[("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE)]);
    assert_eq!((page.status, page.location()), (303, BYE));
    let is_active = |client: &Client, tokens: &Answer| {
        let is_refreshed = server.refresh(client, tokens.text("refresh_token")).status == 200;
        assert_eq!(server.userinfo(tokens.text("access_token")).status == 200, is_refreshed, "{tokens:?}");
        is_refreshed
    };
    assert!(!is_active(&app, &ours) && !is_active(&other, &theirs), "of whichever app");
    assert_eq!(is_active(&other, &offline), !offline_ends, "offline access");
    let [of_session, of_offline] = unredeemed.map(|code| server.redeem(&other, &code).status == 200);
    assert_eq!((of_session, of_offline), (false, !offline_ends), "codes that were not redeemed yet");
    assert!(
        is_signed_in(&mut elsewhere) && is_active(&app, &far) && is_active(&app, &far_offline),
        "another session is another matter"
    );
    let silently = browser.get(&Browser::request(&other, "openid", &[("prompt", "none")]));
    assert_eq!(query_of(silently.location())["error"], "login_required");
}

#[test]
fn what_ends_with_the_session() {
    both(|server| what_ends(server, false));
}

#[test]
fn offline_access_ends_as_well_where_the_configuration_says_so() {
    both_with(|config| config.revoke_offline_access_on_logout = true, |server| what_ends(server, true));
}

#[test]
fn who_is_signed_out_already_goes_on_at_once() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (_, ours) = signed_in_at(server, &app, "alice");
        for cookie in [None, Some("forged")] {
            let mut browser = Browser::new(server);
            cookie.map(|cookie| browser.cookies.insert(SESSION, cookie.into()));
            for form in [
                vec![("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE), ("state", "s")],
                vec![("client_id", "app"), ("post_logout_redirect_uri", BYE), ("state", "s")],
            ] {
                let page = ask(&mut browser, "GET", &form);
                assert_eq!((page.status, page.location()), (303, format!("{BYE}?state=s").as_str()), "{page:?}");
            }
            for form in [
                vec![("client_id", "unknown"), ("post_logout_redirect_uri", BYE)],
                vec![("post_logout_redirect_uri", BYE)],
                vec![("id_token_hint", "garbage"), ("client_id", "app"), ("post_logout_redirect_uri", BYE)],
                vec![("client_id", "app"), ("post_logout_redirect_uri", "https://evil.example/")],
            ] {
                let page = ask(&mut browser, "GET", &form);
                page.assert_page();
                assert_eq!((page.status, page.header("location")), (200, None), "{form:?}: {page:?}");
                assert!(page.is("signed-out") && page.problem().is_some(), "{page:?}");
            }
        }
    });
}

#[test]
fn a_post_of_another_site_comes_again_as_a_get() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        // SameSite=Lax: the cookie is not sent with it.
        let form = [("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE), ("state", STATE)];
        let page = ask(&mut Browser::new(server), "POST", &form);
        assert_eq!((page.status, page.header("set-cookie")), (303, None), "{page:?}");
        assert_eq!(page.location(), format!("/logout?{}", encode(&form)));
        assert!(is_signed_in(&mut browser));
        let page = browser.get(page.location());
        assert_eq!((page.status, page.header("set-cookie")), (303, Some(GONE)));
        assert!(page.location().starts_with(BYE) && !is_signed_in(&mut browser));
        // Without anyone signed in the GET goes on, and nothing goes round in circles.
        let again = Browser::new(server).get(&format!("/logout?{}", encode(&form)));
        assert!(again.location().starts_with(BYE));
    });
}
