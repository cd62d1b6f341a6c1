//! Passkeys, with an authenticator by other authors: added to an account, used to sign in, and refused wherever the challenge, the
//! origin, the user or the browser is another one.

mod adding;
mod another_factor;
mod differential;
mod offer;
mod refused;

use symbolon::testing::{
    config::Config,
    store::authenticators::{self, Authenticator as Row},
};

use crate::harness::{Authenticator, Browser, PASSWORD, Page, Server, both, both_with, chromium, query_of};

/// The form of a page that its script fills in.
struct Form {
    action: String,
    csrf: String,
    options: String,
    state: String,
}

impl Form {
    #[track_caller]
    fn of(page: &Page) -> Self {
        let rest = page.body.split_once("data-passkey=").unwrap_or_else(|| panic!("no passkey on {page:?}")).1;
        let rest = Page { body: format!("<form x data-passkey={rest}"), ..page.clone() };
        Self {
            action: page.attribute("data-passkey=", "action"),
            csrf: rest.csrf(),
            options: rest.attribute("data-passkey=", "data-options"),
            state: rest.attribute("name=\"passkey_state\"", "value"),
        }
    }

    /// Sends it with this answer of the browser.
    fn send(&self, browser: &mut Browser, answer: &str) -> Page {
        let fields = [("csrf", self.csrf.as_str()), ("passkey_state", &self.state), ("passkey", answer)];
        browser.send("POST", &self.action, Some(&fields))
    }
}

const ADD: &str = "/account/passkeys/add";

/// Signs in with the password and adds a passkey.
fn add(server: &Server, username: &str) -> Authenticator {
    let mut browser = Browser::new(server);
    browser.sign_in(username);
    let mut authenticator = Authenticator::at(&server.url);
    let form = Form::of(&browser.get(ADD));
    let answer = authenticator.make(&form.options);
    let page = form.send(&mut browser, &answer);
    assert_eq!(page.status, 303, "{page:?}");
    authenticator
}

/// Signs in with it on the sign-in page at this path.
fn show(browser: &mut Browser, authenticator: &mut Authenticator, path: &str) -> Page {
    let form = Form::of(&browser.get(path));
    let answer = authenticator.show(&form.options);
    form.send(browser, &answer)
}

fn stored(server: &Server, authenticator: &Authenticator) -> Row {
    server.store(|connection| authenticators::find_passkey(connection, &authenticator.id())).unwrap()
}

/// Who the home page says is signed in.
fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/").state() == Some("signed-in")
}

#[test]
fn a_passkey_is_added_and_signs_in_with_the_request_of_an_app() {
    both(|server| {
        let user = server.add_user("alice");
        let spa = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        let mut authenticator = add(server, "alice");
        let row = stored(server, &authenticator);
        assert_eq!((row.user_id, row.last_used_at, row.attested), (user.claims.id, None, false));
        let mut browser = Browser::new(server);
        let request = Browser::request(&spa, "openid", &[]);
        let login = browser.get(&request);
        let page = show(&mut browser, &mut authenticator, login.location());
        assert_eq!(page.status, 303, "{page:?}");
        let page = browser.follow(page.location(), "nobody", "allow");
        let code = query_of(page.location())["code"].clone();
        let tokens = server.redeem(&spa, &code);
        let claims = crate::harness::claims_of(tokens.text("id_token"));
        assert_eq!(claims["sub"], user.claims.id.to_string());
        assert_eq!(claims["amr"], serde_json::json!(["pop", "user", "mfa"]));
        assert_eq!(claims["acr"], "urn:symbolon:acr:phishing-resistant");
        let after = stored(server, &authenticator);
        assert!(after.counter > row.counter && after.last_used_at.is_some(), "{after:?}");
    });
}

#[test]
fn an_account_without_a_password_signs_in() {
    both(|server| {
        server.add_user("alice");
        let mut authenticator = add(server, "alice");
        server.store(|connection| {
            use diesel::RunQueryDsl;
            diesel::sql_query("UPDATE users SET password_hash = NULL").execute(connection).map_err(Into::into)
        });
        let mut browser = Browser::new(server);
        let page = show(&mut browser, &mut authenticator, "/login?then=/account/data");
        assert_eq!((page.status, page.problem()), (303, None));
        assert_eq!(page.location(), "/account/data");
        assert!(is_signed_in(&mut browser));
        let page = Browser::new(server).sign_in_at("/login", "alice", PASSWORD);
        assert_eq!(page.problem(), Some("wrong-name-or-password"));
    });
}

#[test]
fn another_challenge_is_for_the_browser_with_a_cookie() {
    both(|server| {
        server.add_user("alice");
        let mut authenticator = add(server, "alice");
        let mut browser = Browser::new(server);
        assert_eq!(browser.get("/login/passkey/options").status, 400, "no cookie, nothing to bind it to");
        let form = Form::of(&browser.get("/login"));
        server.advance(400);
        let fresh: serde_json::Value = serde_json::from_str(&browser.get("/login/passkey/options").body).unwrap();
        let answer = authenticator.show(&fresh["options"].to_string());
        let form = Form { state: fresh["state"].as_str().unwrap().to_owned(), ..form };
        assert_eq!(form.send(&mut browser, &answer).status, 303);
        assert!(is_signed_in(&mut browser));
        assert_eq!(browser.get("/login/passkey?then=/account").location(), "/login?then=%2Faccount", "the page opened again");
    });
}

#[test]
fn password_managers_find_the_pages() {
    both(|server| {
        let found = server.get("/.well-known/passkey-endpoints", &[]);
        assert_eq!(found.text("enroll"), format!("{}{ADD}", server.url));
        assert_eq!(found.text("manage"), format!("{}/account/security", server.url));
        assert_eq!(server.get("/.well-known/webauthn", &[]).status, 404);
    });
    let related = |config: &mut Config| config.passkeys.related_origins = vec!["https://www.example.org".into()];
    both_with(related, |server| {
        let found = server.get("/.well-known/webauthn", &[]);
        assert_eq!(found.json, serde_json::json!({ "origins": ["https://www.example.org"] }));
    });
}

#[test]
fn in_chromium_with_virtual_authenticators() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let settings = serde_json::json!({ "issuer": server.url, "username": "alice", "other": "bob", "password": PASSWORD });
        chromium("passkeys.mjs", &settings);
    });
}
