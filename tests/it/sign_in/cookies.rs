//! The cookies (ASVS 3.3): their attributes, and the handling of cookies that are not ours.

use symbolon::testing::{
    config::{Config, Issuer},
    protocol::{
        grant::credential::{Credential, Kind},
        oauth::client::ClientKind,
        secrets::SecretRing,
        values::id::Id,
    },
};

use super::{BROWSER, DEVICE, SESSION, signed_in, silently};
use crate::harness::{Browser, Database, Page, Server, both, claims_of};

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
        let always = ["Path=/", "HttpOnly", "SameSite=Lax"];
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
            browser.cookies.insert(SESSION, other.clone());
            assert_eq!(signed_in(&mut browser), "", "{other}");
            assert_eq!(silently(&mut browser, &spa), Err("login_required".into()), "{other}");
        }
        browser.cookies.insert(SESSION, good.clone());
        assert_eq!(signed_in(&mut browser), "alice Example");
        let name = browser.cookies.name(SESSION);
        for twice in [format!("{name}={good}; {name}={good}"), format!("{name}=x; {name}={good}")] {
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
            browser.cookies.insert(SESSION, planted.into());
            browser.sign_in("alice");
            assert_ne!(browser.cookies[SESSION], planted);
            assert_eq!(signed_in(&mut browser), "alice Example");
        }
        assert_eq!(signed_in(&mut mallory), "", "a session that was given away has ended");
    });
}

/// Who is signed in at a server, for a browser that sends these cookies.
fn state(server: &Server, cookies: &str) -> Option<String> {
    server.send("GET", "/", &[("Cookie", cookies)], None).state().map(str::to_owned)
}

#[test]
fn two_servers_on_one_host_keep_theirs_apart() {
    both(|server| {
        let below = |config: &mut Config| config.issuer = Issuer::parse(&format!("{}/auth", config.issuer.as_str())).unwrap();
        let other = Server::start(&Database::sqlite(), |_| ());
        let third = Server::start(&Database::sqlite(), below);
        let mut jars = vec![];
        for (server, login) in [(server, "/login"), (&other, "/login"), (&third, "/auth/login")] {
            server.add_user("alice");
            let mut browser = Browser::new(server);
            assert_eq!(browser.sign_in_at(login, "alice", crate::harness::PASSWORD).status, 303);
            jars.push(browser.cookies);
        }
        // A browser has one jar for the host, whatever the port.
        let cookies = jars.iter().flat_map(|jar| jar.iter());
        let cookies = cookies.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        assert_eq!(state(server, &cookies).as_deref(), Some("signed-in"));
        assert_eq!(state(&other, &cookies).as_deref(), Some("signed-in"));
        let page = third.send("GET", "/auth/", &[("Cookie", &cookies)], None);
        assert_eq!(page.state(), Some("signed-in"), "{page:?}");
    });
}

#[test]
fn a_session_from_before_names_were_of_one_issuer_goes_on() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let (name, value) = (browser.cookies.name(SESSION), browser.cookies[SESSION].clone());
        let before = format!("__Host-symbolon_session={value}");
        assert_eq!(state(server, &before).as_deref(), Some("signed-in"));
        assert_eq!(state(server, &format!("{before}; {name}=x")).as_deref(), Some("signed-out"), "the new one counts");
        // It may be that of another server at this host.
        let other = Server::start(&Database::sqlite(), |config| {
            config.secrets = SecretRing::new(["another server secret, as long as it must be"]).unwrap();
        });
        assert_eq!(state(&other, &before).as_deref(), Some("signed-out"));
        assert_eq!(state(server, &format!("__Host-symbolon_session=x; {name}={value}")).as_deref(), Some("signed-in"));
        // Signing out ends the session, under whichever name.
        let csrf = browser.get("/logout").csrf();
        assert_eq!(browser.send("POST", "/logout", Some(&[("csrf", &csrf)])).status, 303);
        assert_eq!(state(server, &before).as_deref(), Some("signed-out"));
    });
}

#[test]
fn a_browser_that_keeps_no_cookie_is_told_so() {
    both(|server| {
        server.add_user("alice");
        let mut browser = Browser::new(server);
        let page = browser.get("/login");
        let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
        browser.cookies.clear();
        let form = [("username", "alice"), ("password", crate::harness::PASSWORD), ("csrf", csrf.as_str())];
        let page = browser.send("POST", &action, Some(&form));
        assert_eq!((page.status, page.problem()), (400, Some("cookie-missing")), "{page:?}");
        assert!(page.body.contains("Your browser sent no cookie") && !page.body.contains("expired"), "{page:?}");
    });
}
