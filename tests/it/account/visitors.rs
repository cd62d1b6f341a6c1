//! Access to the account pages: users who are not signed in are sent to sign in and back, and only these pages are accepted as
//! the way back. Also what viewing a page costs.

use symbolon::testing::store::sessions;

use super::{SESSION, is_signed_in, session_of, signed_in};
use crate::harness::{Browser, PASSWORD, both, both_with};

const PAGES: [&str; 6] =
    ["/account", "/account/activity", "/account/password", "/account/email", "/account/details", "/account/data"];
const FORMS: [(&str, &str); 7] = [
    ("/account/end", "/account"),
    ("/account/name", "/account"),
    ("/account/not-me", "/account/activity"),
    ("/account/password", "/account/password"),
    ("/account/email", "/account/email"),
    ("/account/details", "/account/details"),
    ("/account/delete", "/account/data"),
];

fn to_sign_in(back: &str) -> String {
    format!("/login?then={}", back.replace('/', "%2F"))
}

#[test]
fn who_is_not_signed_in_signs_in_and_comes_back() {
    both(|server| {
        server.add_user("alice");
        let grant = "/account/grants/0192f3c4a5b60718293a4b5c6d7e8f90";
        assert_eq!(Browser::new(server).get(grant).location(), to_sign_in(grant));
        for page in PAGES {
            let mut browser = Browser::new(server);
            let away = browser.get(page);
            assert_eq!((away.status, away.location()), (303, to_sign_in(page).as_str()), "{away:?}");
            // A wrong password on the way does not lose it.
            let wrong = browser.sign_in_at(away.location(), "alice", "not the password");
            assert_eq!(wrong.status, 401);
            let back = browser.sign_in_at(&wrong.attribute("form ", "action"), "alice", PASSWORD);
            assert_eq!((back.status, back.location()), (303, page), "{back:?}");
            assert_eq!(browser.get(page).status, 200, "{page}");
        }
        for (path, back) in [("/account/grants/nonsense", "/account"), ("/account/export", "/account/data")] {
            assert_eq!(Browser::new(server).get(path).location(), to_sign_in(back));
        }
        for (form, back) in FORMS {
            let page =
                Browser::new(server).send("POST", form, Some(&[("csrf", "x"), ("what", "everything"), ("password", PASSWORD)]));
            assert_eq!((page.status, page.location()), (303, to_sign_in(back).as_str()), "{form}: {page:?}");
        }
    });
}

#[test]
fn nothing_else_is_ever_the_way_back() {
    both(|server| {
        server.add_user("alice");
        for then in [
            "https://evil.example/account",
            "//evil.example/account",
            "/\\evil.example",
            "/account/../../evil",
            "/account?x=https://evil.example",
            "/account/export",
            "/account/end",
            "/account/",
            "/Account",
            "account",
            "javascript:alert(1)",
            "/account\r\nSet-Cookie: a=b",
            "@evil.example/account",
            "",
        ] {
            let path = format!("/login?{}", crate::harness::encode(&[("then", then)]));
            let page = Browser::new(server).sign_in_at(&path, "alice", PASSWORD);
            assert_eq!((page.status, page.location()), (303, "/"), "{then}: {page:?}");
        }
        let twice = Browser::new(server).sign_in_at("/login?then=%2Faccount&then=%2F%2Fevil.example", "alice", PASSWORD);
        assert!(["/account", "/"].contains(&twice.location()), "{twice:?}");
        let web = server.add_web("web");
        let request = Browser::request(&web, "openid", &[]).replace("/authorize", "/login") + "&then=%2Faccount";
        let page = Browser::new(server).sign_in_at(&request, "alice", PASSWORD);
        assert!(page.location().starts_with("/authorize?"), "an app's request goes on: {page:?}");
    });
}

#[test]
fn each_path_takes_its_methods_and_forms_alone() {
    both(|server| {
        server.add_user("alice");
        let mut browser = signed_in(server);
        for page in PAGES {
            let head = browser.send("HEAD", page, None);
            assert_eq!((head.status, head.body.as_str()), (200, ""), "{page}");
            assert_eq!(browser.send("PUT", page, Some(&[])).status, 405, "{page}");
            let shown = browser.get(page);
            assert!(shown.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{page}");
            assert_eq!(shown.header("cache-control"), Some("no-store"), "{page}");
        }
        for (form, _) in FORMS {
            if !PAGES.contains(&form) {
                let page = browser.get(form);
                assert_eq!((page.status, page.header("allow")), (405, Some("POST")), "{form}");
            }
            let cookie = format!("{SESSION}={}", browser.cookies[SESSION]);
            let json = server.send("POST", form, &[("Cookie", &cookie), ("Content-Type", "application/json")], Some("{}"));
            assert_eq!(json.status, 400, "{form}");
            let broken = server.send("POST", form, &[("Cookie", &cookie)], Some("what=%00&csrf=%ff&id=%zz&what=x"));
            assert_eq!(broken.status, 400, "{form}");
            let large = server.send("POST", form, &[("Cookie", &cookie)], Some(&"x=y&".repeat(10_000)));
            assert_eq!(large.status, 413, "{form}");
        }
        let head = browser.send("HEAD", "/account/export", None);
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert!(!browser.get("/account/activity").body.contains("downloaded"), "nobody has it");
        assert_eq!(browser.send("POST", "/account", Some(&[])).status, 405);
        for path in ["/account/grants", "/account/grants/", "/account/grants/x", "/account/grants/a/b", "/account/nothing"] {
            assert_eq!(browser.get(path).status, 404, "{path}");
        }
        assert!(is_signed_in(&mut browser));
    });
}

#[test]
fn views_keep_the_session_in_use_and_are_noted_once_a_minute() {
    both_with(
        |config| config.lifetimes.session_idle = symbolon::testing::protocol::values::time::Span::from_seconds(600),
        |server| {
            server.add_user("alice");
            let mut browser = signed_in(server);
            let id = session_of(server, &browser);
            let seen = || server.store(|connection| sessions::find(connection, id)).unwrap().last_seen_at;
            let first = seen();
            server.advance(50);
            browser.get("/account");
            assert_eq!(seen(), first, "nothing is written yet");
            server.advance(11);
            browser.get("/account/data");
            assert!(seen() > first);
            for _ in 0..4 {
                server.advance(400);
                assert!(is_signed_in(&mut browser), "it is in use");
            }
            server.advance(601);
            assert!(!is_signed_in(&mut browser));
        },
    );
}

#[test]
fn the_path_of_the_issuer_is_kept() {
    for database in crate::harness::databases() {
        let server = crate::harness::Server::start(&database, |config| {
            let issuer = format!("{}/tenant", config.issuer.as_str());
            config.issuer = symbolon::testing::config::Issuer::parse(&issuer).unwrap();
        });
        server.add_user("alice");
        let mut browser = Browser::new(&server);
        let away = browser.get("/tenant/account/data");
        assert_eq!(away.location(), "/tenant/login?then=%2Faccount%2Fdata");
        let back = browser.sign_in_at(away.location(), "alice", PASSWORD);
        assert_eq!(back.location(), "/tenant/account/data");
        let page = browser.get("/tenant/account");
        assert_eq!(page.status, 200);
        for link in page.body.split(" href=\"").skip(1).chain(page.body.split(" action=\"").skip(1)) {
            assert!(link.starts_with("/tenant/") || link.starts_with('#'), "{}", link.split('"').next().unwrap());
        }
        let page = super::act(&mut browser, "/tenant/account", "/tenant/account/end", &[("what", "others"), ("id", "")]);
        assert_eq!(super::done(&page), "/tenant/account?done=others");
    }
}
