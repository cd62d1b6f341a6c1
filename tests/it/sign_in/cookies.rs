//! The cookies (ASVS 3.3): their attributes, and the handling of cookies that are not ours.

use symbolon::testing::protocol::{
    grant::credential::{Credential, Kind},
    oauth::client::ClientKind,
    secrets::SecretRing,
    values::id::Id,
};

use super::{BROWSER, DEVICE, SESSION, signed_in, silently};
use crate::harness::{Browser, Page, both, claims_of};

/// The cookies an answer sets: name, value and attributes.
fn set_cookies(page: &Page) -> Vec<(&str, &str, Vec<&str>)> {
    let lines = page.headers.iter().filter(|(name, _)| name == "set-cookie");
    let parts = lines.map(|(_, line)| {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        assert!(line.len() < 4096);
        (name, value, parts.collect())
    });
    parts.collect()
}

#[test]
fn their_names_and_attributes() {
    both(|server| {
        server.add_user("alice");
        let always = ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"];
        let mut browser = Browser::new(server);
        let first = browser.get("/login");
        let [(name, value, attributes)] = set_cookies(&first).try_into().unwrap();
        assert_eq!((name, attributes.as_slice()), (BROWSER, always.as_slice()), "gone when the browser is closed");
        assert!(value.len() >= 22, "128 random bits: {value}");
        assert!(set_cookies(&browser.get("/login")).is_empty(), "the browser has it already");
        assert_ne!(Browser::new(server).get("/login").header("set-cookie"), first.header("set-cookie"));

        let page = browser.sign_in_at("/login", "alice", crate::harness::PASSWORD);
        let [session, device] = set_cookies(&page).try_into().unwrap();
        assert_eq!((session.0, session.2.as_slice()), (SESSION, always.as_slice()));
        assert!(session.1.starts_with("sym_se_"));
        assert_eq!((device.0, device.2.as_slice()), (DEVICE, [always.as_slice(), &["Max-Age=31536000"]].concat().as_slice()));
        for path in ["/", "/login", "/logout", "/authorize", "/.well-known/jwks.json", "/nowhere"] {
            assert!(set_cookies(&browser.get(path)).is_empty(), "{path}");
        }
    });
}

#[test]
fn one_that_is_forged_altered_or_of_another_kind_is_nobody() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let tokens = server.redeem(&spa, &code);
        let good = browser.cookies[SESSION].clone();
        let (form, device) = (browser.cookies[BROWSER].clone(), browser.cookies[DEVICE].clone());
        let sid = Id::parse(claims_of(tokens.text("access_token"))["sid"].as_str().unwrap()).unwrap();
        let derive =
            |secret: &str, kind, generation| Credential { kind, id: sid, generation }.derive(&SecretRing::new([secret]).unwrap());
        let ours = "the server secret of the integration tests";
        assert_eq!(derive(ours, Kind::Session, 0), good, "the right secret makes this very cookie");

        let mut others: Vec<String> = vec![
            derive("another server secret of the same length", Kind::Session, 0),
            derive(ours, Kind::Code, 0).replace("_ac_", "_se_"),
            code.replace("_ac_", "_se_"),
            code,
            tokens.text("refresh_token").into(),
            tokens.text("refresh_token").replace("_rt_", "_se_"),
            tokens.text("access_token")[..500].into(),
            sid.to_string(),
            form,
            device,
            good.to_uppercase(),
            good[..good.len() - 1].into(),
            format!("{good}A"),
            format!("{good}="),
            format!("\"{good}\""),
            "sym_se_".into(),
            "x".into(),
            "x".repeat(4000),
        ];
        for at in (7..good.len()).step_by(9) {
            let mut altered = good.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            others.push(String::from_utf8(altered).unwrap());
        }
        for other in others {
            browser.cookies.insert(SESSION.into(), other.clone());
            assert_eq!(signed_in(&mut browser), "", "{other}");
            assert_eq!(silently(&mut browser, &spa), Err("login_required".into()), "{other}");
        }
        browser.cookies.insert(SESSION.into(), good.clone());
        assert_eq!(signed_in(&mut browser), "alice Example");
        for twice in [format!("{SESSION}={good}; {SESSION}={good}"), format!("{SESSION}=x; {SESSION}={good}")] {
            assert!(server.send("GET", "/", &[("Cookie", &twice)], None).state() == Some("signed-out"));
        }
    });
}

#[test]
fn a_planted_cookie_is_not_the_one_that_is_signed_in() {
    both(|server| {
        server.add_user("alice");
        server.add_user("mallory");
        let mut mallory = Browser::new(server);
        mallory.sign_in("mallory");
        let planted = mallory.cookies[SESSION].clone();
        for planted in ["sym_se_planted", &planted] {
            let mut browser = Browser::new(server);
            browser.cookies.insert(SESSION.into(), planted.into());
            browser.sign_in("alice");
            assert_ne!(browser.cookies[SESSION], planted);
            assert_eq!(signed_in(&mut browser), "alice Example");
        }
        assert_eq!(signed_in(&mut mallory), "", "a session that was given away has ended");
    });
}
