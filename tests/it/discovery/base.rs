//! An issuer with a path: every page, link, cookie, form and redirect is below it. Only the document of RFC 8414 §3.1 has its
//! well-known part between host and path.

use serde_json::Value;
use symbolon::testing::{config::Issuer, protocol::oauth::client::ClientKind};

use super::expected;
use crate::harness::{Browser, PASSWORD, Page, Server, both_with, claims_of, query_of, with_mail};

fn below(handle: impl Fn(&Server)) {
    both_with(|config| config.issuer = Issuer::parse(&format!("{}/auth", config.issuer.as_str())).unwrap(), handle);
}

/// Every address in a page that this server is to answer.
fn links(page: &Page) -> Vec<String> {
    let attributes = ["href=\"", "src=\"", "action=\""];
    let parts = attributes.iter().flat_map(|mark| page.body.split(mark).skip(1));
    parts.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[track_caller]
fn is_below(server: &Server, page: &Page) {
    assert!(page.status < 500, "{page:?}");
    let links = links(page);
    assert!(links.len() >= 3 && links.iter().all(|link| link.starts_with("/auth/")), "{links:?}");
    for link in links.iter().filter(|link| link.starts_with("/auth/static/")) {
        assert_eq!(server.send("GET", link, &[], None).status, 200, "{link}");
    }
    for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
        assert!(cookie.starts_with("symbolon_") && cookie.contains("; Path=/;"), "{cookie}");
    }
}

#[test]
fn documents_stand_where_clients_look_for_them() {
    below(|server| {
        let issuer = format!("{}/auth", server.url);
        for path in [
            "/auth/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/auth",
            "/.well-known/openid-configuration/auth",
        ] {
            let answer = server.get(path, &[]);
            assert_eq!((answer.status, answer.json), (200, expected(&issuer)), "{path}");
        }
        assert_eq!(server.get("/auth/.well-known/jwks.json", &[]).status, 200);
        let password = server.send("GET", "/.well-known/change-password", &[], None);
        assert_eq!((password.status, password.location()), (303, &*format!("{issuer}/account/password")));
        let icon = server.send("GET", "/favicon.ico", &[], None);
        assert!(icon.status == 303 && icon.location().starts_with(&format!("{issuer}/static/favicon.")), "{icon:?}");
        for outside in [
            "/",
            "/login",
            "/authorize",
            "/token",
            "/userinfo",
            "/logout",
            "/consent",
            "/healthz",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
            "/.well-known/jwks.json",
            "/auth/.well-known/oauth-authorization-server",
            "/authlogin",
            "/auth/auth/login",
        ] {
            let page = server.send("GET", outside, &[], None);
            assert_eq!(page.status, 404, "{outside}");
            is_below(server, &page);
        }
        for probe in ["/auth/healthz", "/auth/readyz"] {
            assert_eq!(server.send("GET", probe, &[], None).status, 200, "{probe}");
        }
    });
}

#[test]
fn the_whole_way_stays_below_it() {
    below(|server| {
        let issuer = format!("{}/auth", server.url);
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let to = |page: &Page, path: &str| {
            assert_eq!(page.status, 303, "{page:?}");
            assert!(page.location().starts_with(path), "{} is not {path}", page.location());
            page.location().to_owned()
        };
        let page = browser.get(&format!("/auth{}", Browser::request(&spa, "openid email", &[])));
        let login = to(&page, "/auth/login?");
        let page = browser.get(&login);
        is_below(server, &page);
        let wrong = [("username", "alice"), ("password", "wrong"), ("csrf", &page.csrf())];
        let page = browser.send("POST", &page.attribute("form ", "action"), Some(&wrong));
        assert_eq!(page.status, 401);
        is_below(server, &page);
        let right = [("username", "alice"), ("password", PASSWORD), ("csrf", &page.csrf())];
        let page = browser.send("POST", &page.attribute("form ", "action"), Some(&right));
        let page = browser.get(&to(&page, "/auth/authorize?"));
        let page = browser.get(&to(&page, "/auth/consent?"));
        is_below(server, &page);
        let allow = [("decision", "allow"), ("csrf", &*page.csrf())];
        let page = browser.send("POST", &page.attribute("form ", "action"), Some(&allow));
        let page = browser.get(&to(&page, "/auth/authorize?"));
        let answer = query_of(&to(&page, crate::harness::CALLBACK));
        assert_eq!(answer["iss"], issuer);

        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", &answer["code"]),
            ("code_verifier", crate::harness::VERIFIER),
        ];
        let form: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let tokens: Value = serde_json::from_str(&server.send("POST", "/auth/token", &[], Some(&form)).body).unwrap();
        let [access, id] = ["access_token", "id_token"].map(|name| tokens[name].as_str().unwrap().to_owned());
        assert_eq!((&claims_of(&access)["iss"], &claims_of(&id)["iss"]), (&Value::from(&*issuer), &Value::from(&*issuer)));
        assert_eq!(
            server.get("/auth/userinfo", &[("Authorization", &format!("Bearer {access}"))]).json["email"],
            "alice@example.com"
        );

        let page = browser.get("/auth/");
        assert!(page.state() == Some("signed-in"));
        is_below(server, &page);
        let page = browser.get("/auth/logout");
        is_below(server, &page);
        let page = browser.send("POST", &page.attribute("form ", "action"), Some(&[("csrf", &page.csrf())]));
        let page = browser.get(&to(&page, "/auth/logout"));
        assert!(page.is("signed-out"));
        is_below(server, &page);
        let page = browser.get("/auth/login");
        let form = [("username", "alice"), ("password", PASSWORD), ("csrf", &page.csrf())];
        assert_eq!(to(&browser.send("POST", &page.attribute("form ", "action"), Some(&form)), "/auth/"), "/auth/");
        is_below(server, &browser.get("/auth/authorize?client_id=nobody"));
        is_below(server, &browser.get("/auth/nowhere"));
    });
}

#[test]
fn messages_lead_below_it_and_their_pages_stay_there() {
    with_mail(
        |config| config.issuer = Issuer::parse(&format!("{}/auth", config.issuer.as_str())).unwrap(),
        |server, mail| {
            server.add_user("alice");
            let mut browser = Browser::new(server);
            for (path, field, to, door, then) in [
                ("/auth/recover", "login", "alice@example.com", "/auth/recover/password", "/auth/login?notice="),
                ("/auth/register", "email", "zoe@example.com", "/auth/register/finish", "/auth/"),
            ] {
                is_below(server, &browser.get(path));
                is_below(server, &browser.ask_by(path, (field, to)));
                let message = mail.wait_for(to, 1).remove(0);
                assert!(message.link().starts_with(&format!("{}{door}?link=", server.url)), "{message:?}");
                let page = browser.open(server, &message);
                is_below(server, &page);
                is_below(server, &Browser::new(server).get(door));
                let fields = [("username", "zoe"), ("display_name", ""), ("new_password", "violet tractor over the moon")];
                let page = browser.submit(&page, &fields);
                assert!(page.status == 303 && page.location().starts_with(then), "{page:?}");
                is_below(server, &browser.get(page.location()));
            }
        },
    );
}
