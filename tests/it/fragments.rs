//! The fragment of every redirect, if only an empty one. Without it a browser keeps the fragment of the requested URL (RFC 9110
//! §10.2.2), and the author of a link to this server would choose what an app finds at its redirect URI.

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use crate::harness::{Browser, CALLBACK, PASSWORD, Page, Server, both, encode, with_mail};

const BYE: &str = "https://app.example.com/bye";
const NEW: &str = "violet tractor over the moon";

/// Fails unless this is a redirect to this place, whose `Location` as sent ends with an empty fragment. Returns the place.
#[track_caller]
fn leads_to(page: &Page, place: &str) -> String {
    let location = page.header("location").unwrap_or_else(|| panic!("no redirect to {place}: {page:?}"));
    assert!(page.status == 303 && location.starts_with(place), "{place}: {page:?}");
    let without = location.strip_suffix('#').unwrap_or_else(|| panic!("{place}: expected an empty fragment in {location}"));
    assert!(!without.contains('#'), "{place}: {location}");
    without.to_owned()
}

/// Sends the form of the page at this path.
#[track_caller]
fn send(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.get(path);
    assert_eq!(page.status, 200, "{path}: {page:?}");
    browser.submit(&page, fields)
}

/// Sends the form of an account's page that is sent to `action`.
#[track_caller]
fn act(browser: &mut Browser, from: &str, action: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.get(from);
    let (_, form) = page.body.split_once(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no {action}: {page:?}"));
    let (_, csrf) = form.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = csrf.split('"').next().unwrap().to_owned();
    browser.send("POST", action, Some(&[&[("csrf", csrf.as_str())], fields].concat()))
}

fn add_app(server: &Server) -> Client {
    server.add_client("spa", ClientKind::Spa, |client| {
        client.settings.post_logout_redirect_uris = vec![BYE.into(), format!("{BYE}?x=1")];
    })
}

#[test]
fn redirects_of_an_authorization_request() {
    both(|server| {
        server.add_user("alice");
        let spa = add_app(server);
        let request = |more: &[(&str, &str)]| Browser::request(&spa, "openid email", more);
        let sign_in = [("username", "alice"), ("password", PASSWORD)];
        let mut browser = Browser::new(server);
        let posted = request(&[]);
        let posted = server.send("POST", "/authorize", &[], posted.split_once('?').map(|(_, query)| query));
        leads_to(&posted, "/authorize?");
        let to = leads_to(&browser.get(&request(&[])), "/login?");
        let to = leads_to(&send(&mut browser, &to, &sign_in), "/authorize?");
        let consent = leads_to(&browser.get(&to), "/consent?");
        leads_to(&send(&mut browser, &consent, &[("decision", "deny")]), &format!("{CALLBACK}?error=access_denied&"));
        let to = leads_to(&send(&mut browser, &consent, &[("decision", "allow")]), "/authorize?");
        leads_to(&browser.get(&to), &format!("{CALLBACK}?code="));
        leads_to(&browser.get(&request(&[])), &format!("{CALLBACK}?code="));
        leads_to(&browser.get(&request(&[("prompt", "none")])), &format!("{CALLBACK}?code="));
        for (more, error) in [
            (("response_type", "token"), "unsupported_response_type"),
            (("scope", "openid nothing"), "invalid_scope"),
            (("request", "x"), "request_not_supported"),
            (("prompt", "none login"), "invalid_request"),
        ] {
            leads_to(&browser.get(&request(&[more])), &format!("{CALLBACK}?error={error}&"));
        }
        // The page in between is no longer needed, or nobody is signed in any more.
        let mut nobody = Browser::new(server);
        leads_to(&nobody.get(&consent), "/authorize?");
        leads_to(&nobody.get(&request(&[("prompt", "none")])), &format!("{CALLBACK}?error=login_required&"));
        leads_to(&nobody.get(&request(&[("prompt", "login")])), "/login?");
        for (choice, place) in [("continue", "/authorize?"), ("other", "/login?")] {
            let to = leads_to(&browser.get(&request(&[("prompt", "select_account")])), "/select-account?");
            leads_to(&nobody.get(&to), "/authorize?");
            leads_to(&send(&mut browser, &to, &[("choice", choice)]), place);
        }
        // An answer in the fragment stands there alone.
        for (more, field) in [(("prompt", "consent none"), "error"), (("prompt", "none"), "code")] {
            let page = browser.get(&request(&[("response_mode", "fragment"), more]));
            let location = page.header("location").unwrap();
            assert!(location.starts_with(&format!("{CALLBACK}#{field}=")) && location.matches('#').count() == 1, "{location}");
        }
    });
}

#[test]
fn redirects_of_signing_in_and_out() {
    both(|server| {
        server.add_user("alice");
        let spa = add_app(server);
        for (hinted, address) in [(true, BYE), (true, &*format!("{BYE}?x=1")), (false, BYE)] {
            let mut browser = Browser::new(server);
            let code = browser.code(&spa, "alice", "openid");
            let tokens = server.redeem(&spa, &code);
            let hint = [("id_token_hint", tokens.text("id_token"))];
            let requested =
                [&hint[..usize::from(hinted)], &[("client_id", "spa"), ("post_logout_redirect_uri", address)]].concat();
            if hinted {
                leads_to(&server.send("POST", "/logout", &[], Some(&encode(&requested))), "/logout?"); // from another site
                leads_to(&browser.get(&format!("/logout?{}", encode(&requested))), address);
                let stated = [&requested[..], &[("state", "s")]].concat();
                leads_to(&browser.get(&format!("/logout?{}", encode(&stated))), address);
            } else {
                leads_to(&send(&mut browser, &format!("/logout?{}", encode(&requested)), &[]), address);
            }
        }
        let mut browser = Browser::new(server);
        leads_to(&send(&mut browser, "/login", &[("username", "alice"), ("password", PASSWORD)]), "/");
        leads_to(&send(&mut browser, "/logout", &[]), "/logout");
        leads_to(&server.send("POST", "/logout", &[], Some("csrf=x")), "/logout");
        leads_to(&browser.get("/account/data"), "/login?then=");
        let to = "/login?then=%2Faccount%2Fdata";
        leads_to(&send(&mut browser, to, &[("username", "alice"), ("password", PASSWORD)]), "/account/data");
    });
}

#[test]
fn redirects_of_an_account() {
    with_mail(
        |_| (),
        |server, _| {
            let alice = server.add_user("alice").claims.id;
            let mut browser = Browser::new(server);
            browser.sign_in("alice");
            let details = browser.get("/account/details");
            let fields = [("display_name", "Alice B.")];
            assert_eq!(details.status, 200, "{details:?}");
            leads_to(&act(&mut browser, "/account/details", "/account/details", &fields), "/account/details?");
            let fields = [("email", "alice@example.org"), ("password", PASSWORD)];
            leads_to(&act(&mut browser, "/account/email", "/account/email", &fields), "/account/email?");
            let mut other = Browser::new(server);
            other.sign_in("alice");
            let fields = [("password", PASSWORD), ("new_password", NEW)];
            leads_to(&act(&mut browser, "/account/password", "/account/password", &fields), "/account/password?");
            let session = browser.get("/account").attribute("name=\"id\"", "value");
            let fields = [("what", "session"), ("id", &session)];
            leads_to(&act(&mut browser, "/account", "/account/end", &fields), "/");
            assert!(server.happened(alice).len() > 3);
        },
    );
}

#[test]
fn redirects_of_messages_and_their_links() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let mut browser = Browser::new(server);
            let link = |number: usize, to: &str| {
                let message = mail.wait_for(to, number).remove(number - 1);
                message.link().strip_prefix(&server.url).unwrap().to_owned()
            };
            leads_to(&send(&mut browser, "/register", &[("email", "zoe@example.com")]), "/register?");
            let to = leads_to(&browser.get(&link(1, "zoe@example.com")), "/register/finish");
            let fields = [("username", "zoe"), ("display_name", ""), ("new_password", NEW)];
            leads_to(&send(&mut browser, &to, &fields), "/");
            leads_to(&send(&mut browser, "/recover", &[("login", "alice")]), "/recover?");
            let to = leads_to(&browser.get(&link(1, "alice@example.com")), "/recover/password");
            leads_to(&send(&mut browser, &to, &[("new_password", NEW)]), "/login?notice=");
            let not_me = link(2, "alice@example.com"); // in the e-mail that says that the password was set
            leads_to(&browser.get(&not_me), "/not-me");
        },
    );
}
