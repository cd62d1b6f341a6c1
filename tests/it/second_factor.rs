//! Second factors: codes of TOTP apps and recovery codes, when signing in and when it has to be confirmed who the user is. What protects
//! the account, and how its factors are changed, are files of their own, as is what slows guessing down.

mod confirm;
mod limits;
mod methods;
mod protected;
mod races;
mod recovery;
mod trusted;

use symbolon::testing::{
    protocol::{account::activity::Activity, oauth::client::ClientKind},
    store::sessions,
};

use crate::harness::{Browser, PASSWORD, Page, Phone, Server, both, claims_of, not_tried};

/// Alice with a TOTP app: her browser, in which she is signed in, and the app.
fn alice_with_phone(server: &Server) -> (Browser, Phone) {
    server.add_user("alice");
    let mut browser = Browser::new(server);
    browser.sign_in("alice");
    let phone = Phone::added(server, &mut browser);
    server.advance(60); // so that the step that confirmed it is over
    (browser, phone)
}

/// Sends a code from the page that asks for it.
fn send_code(browser: &mut Browser, page: &Page, code: &str) -> Page {
    browser.submit(page, &[("code", code)])
}

/// The user name on the front page, if somebody is signed in.
fn signed_in(browser: &mut Browser) -> bool {
    browser.get("/").state() == Some("signed-in")
}

#[test]
fn a_password_and_a_code_sign_in() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let client = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let path = Browser::request(&client, "openid", &[]);
        let login = browser.get(&path);
        let page = browser.arrive_at_second_factor(login.location(), "alice");
        assert!(page.body.contains("App spa") && page.state() == Some("sign-in"), "{page:?}");
        assert!(!signed_in(&mut browser), "a password is not enough");
        let page = send_code(&mut browser, &page, &format!(" {} ", phone.code(server)));
        assert!(page.status == 303 && page.location().starts_with("/authorize?"), "{page:?}");
        assert!(!page.location().contains("use="), "{page:?}");
        let code = browser.code(&client, "alice", "openid");
        let answer = server.redeem(&client, &code);
        let claims = claims_of(answer.text("id_token"));
        assert_eq!(claims["amr"], serde_json::json!(["pwd", "otp", "mfa"]), "{claims}");
        assert!(signed_in(&mut browser));
    });
}

#[test]
fn a_wrong_code_signs_nobody_in_and_is_told_to_the_user() {
    both(|server| {
        let (mut at_home, phone) = alice_with_phone(server);
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        for (code, status, problem) in [
            ("", 400, "code-missing"),
            ("  ", 400, "code-missing"),
            (&phone.wrong_code(server), 401, "wrong-code"),
            (&phone.code_after(server, 2), 401, "wrong-code"),
            (&phone.code_after(server, -2), 401, "wrong-code"),
        ] {
            let page = send_code(&mut browser, &page, code);
            assert_eq!((page.status, page.problem()), (status, Some(problem)), "{code}");
            assert!(!signed_in(&mut browser));
        }
        let page = send_code(&mut browser, &page, &phone.code_after(server, 1));
        assert_eq!((page.status, page.location()), (303, "/"), "one step ahead: {page:?}");
        assert!(signed_in(&mut browser));
        server.flush();
        let page = at_home.get("/account/activity");
        assert!(page.body.contains("3 attempts to sign in failed"), "{page:?}");
    });
}

#[test]
fn a_step_is_used_once_and_none_before_it() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let code = phone.code(server);
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        assert_eq!(send_code(&mut browser, &page, &code).status, 303);
        let mut other = Browser::new(server);
        let page = other.arrive_at_second_factor("/login", "alice");
        for used in [&code, &phone.code_after(server, -1)] {
            let page = send_code(&mut other, &page, used);
            assert!(page.status == 401 && matches!(page.problem(), Some("used-code" | "wrong-code")), "{page:?}");
        }
        assert!(!signed_in(&mut other));
        assert_eq!(send_code(&mut other, &page, &phone.code_after(server, 1)).status, 303);
    });
}

#[test]
fn a_recovery_code_stands_in_once() {
    both(|server| {
        let (mut at_home, _) = alice_with_phone(server);
        let codes = at_home.recovery_codes();
        assert_eq!(codes.len(), 10);
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        let other = page.attribute("use=recovery", "href");
        let page = browser.get(&other);
        let typed = codes[4].to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        let page = browser.submit(&page, &[("recovery_code", &typed)]);
        assert_eq!((page.status, page.location()), (303, "/"), "{page:?}");
        let page = at_home.get("/account/security");
        assert!(page.body.contains("<strong>9</strong> codes are left"), "{page:?}");
        assert!(at_home.get("/account/activity").body.contains("A recovery code was used"));

        let mut again = Browser::new(server);
        again.arrive_at_second_factor("/login", "alice");
        let page = again.get("/login/verify?use=recovery");
        let page = again.submit(&page, &[("recovery_code", &codes[4])]);
        assert_eq!((page.status, page.problem()), (401, Some("used-code")), "{page:?}");
        // A new set ends the old one.
        let new = at_home.recovery_codes();
        let page = again.get("/login/verify?use=recovery");
        assert_eq!(again.submit(&page, &[("recovery_code", &codes[5])]).problem(), Some("wrong-code"));
        assert_eq!(again.submit(&page, &[("recovery_code", &new[5])]).status, 303);
    });
}

#[test]
fn without_a_sign_in_in_progress_the_page_leads_back() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let page = Browser::new(server).get("/login/verify?client_id=spa&scope=openid");
        assert_eq!((page.status, page.location()), (303, "/login?client_id=spa&scope=openid"));

        // Another browser has nothing of it, even with the cookie of the sign-in.
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        let mut other = Browser::new(server);
        other.get("/login");
        let cookie = browser.cookies["symbolon_sign_in"].clone();
        other.cookies.insert("symbolon_sign_in", cookie);
        assert!(other.get("/login/verify").location().starts_with("/login"), "another browser");
        let sent = other.submit(&page, &[("code", &phone.code(server))]);
        assert!(sent.status == 303 && sent.location().starts_with("/login"), "{sent:?}");

        // It is too late after ten minutes.
        server.advance(599);
        assert!(browser.get("/login/verify").is("second-factor"));
        server.advance(2);
        let late = send_code(&mut browser, &page, &phone.code(server));
        assert!(late.status == 303 && late.location().starts_with("/login?notice=took_too_long"), "{late:?}");
        let to = late.location().to_owned();
        assert_eq!(browser.get(&to).done(), Some("took-too-long"));
        assert!(!signed_in(&mut browser));
    });
}

#[test]
fn a_new_password_ends_a_sign_in_in_progress() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        let alice = server.store(|connection| {
            symbolon::testing::store::users::find_by_login(
                connection,
                &symbolon::testing::protocol::account::login_name::LoginName::parse("alice"),
            )
        });
        let alice = alice.unwrap().claims.id;
        server.reset_password(alice, &server.app.passwords.hash("another long password of hers").unwrap());
        let page = send_code(&mut browser, &page, &phone.code(server));
        assert!(page.status == 303 && page.location().starts_with("/login"), "{page:?}");
        assert!(!signed_in(&mut browser));
        assert!(server.store(|connection| sessions::unended_of(connection, alice)).is_empty());
        assert!(!server.activities(alice).contains(&Activity::SignInFailed), "no code was checked");
    });
}

#[test]
fn nothing_is_revealed_before_the_password() {
    both(|server| {
        alice_with_phone(server);
        server.add_user("bob");
        let answer = |name: &str, password: &str| {
            let page = Browser::new(server).sign_in_at("/login", name, password);
            let id = page.header("x-request-id").unwrap_or_default().to_owned();
            let body = page.body.replace(&id, "").replace(name, "");
            // The proofs of the forms, and the challenge for a passkey, which is of nobody.
            let once = ["name=\"csrf\" value=\"", "name=\"passkey_state\" value=\"", "data-options=\""];
            let body = once.iter().fold(body, |body, before| {
                let mut parts = body.split(before);
                let first = parts.next().unwrap_or_default().to_owned();
                parts.fold(first, |text, part| text + part.split_once('"').unwrap().1)
            });
            (page.status, body)
        };
        assert_eq!(answer("alice", "wrong"), answer("bob", "wrong"));
        assert_eq!(answer("alice", "wrong"), answer("nobody", "wrong"));
        assert_eq!(answer("alice", PASSWORD).0, 303);
    });
}

#[test]
fn the_user_returns_to_the_app_without_a_code() {
    both(|server| {
        alice_with_phone(server);
        let client = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let path = Browser::request(&client, "openid", &[]);
        let login = browser.get(&path);
        browser.arrive_at_second_factor(login.location(), "alice");
        let to = login.location().replace("/login", "/login/verify");
        let page = browser.get(&format!("{to}&use=recovery"));
        let page = browser.submit(&page, &[("decision", "deny")]);
        assert!(page.location().starts_with("https://app.example.com/cb?error=access_denied"), "{page:?}");
    });
}

#[test]
fn oathtool_shows_the_same_codes() {
    both(|server| {
        let (_, phone) = alice_with_phone(server);
        let at = format!("@{}", server.now().seconds());
        let tool = std::process::Command::new("oathtool").args(["--totp", "--base32", "--now", &at, &phone.key]).output();
        let Ok(output) = tool else {
            return not_tried("codes of another author's TOTP", "oathtool is not installed (Debian: oathtool)");
        };
        let code = String::from_utf8(output.stdout).unwrap();
        assert_eq!(code.trim().len(), 6, "{:?}", output.stderr);
        let mut browser = Browser::new(server);
        let page = browser.arrive_at_second_factor("/login", "alice");
        let page = send_code(&mut browser, &page, code.trim());
        assert_eq!((page.status, page.location()), (303, "/"), "{page:?}");
    });
}
