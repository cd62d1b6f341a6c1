//! Forms that were not shown here: no response to one sets or deletes a cookie; a user who has lost the cookie of a form gets its
//! page again; and a link opened in between replaces no form.

use std::collections::BTreeSet;

use symbolon::testing::protocol::oauth::client::ClientKind;

use crate::{
    account,
    harness::{Browser, Server, both, encode, with_mail},
};

/// Where each handler of a POST stands in the route table.
const POSTS: [(&str, &str); 32] = [
    ("login::post", "/login"),
    ("passkey::post", "/login/passkey"),
    ("passkeys::post", "/account/passkeys/add"),
    ("passkeys::offer::post", "/account/passkeys/offer"),
    ("second_factor::post", "/login/verify"),
    ("totp::post", "/account/totp/add"),
    ("recovery_codes::post", "/account/recovery-codes"),
    ("security::post_rename", "/account/security/rename"),
    ("removal::post", "/account/security/remove"),
    ("consent::post", "/consent"),
    ("select_account::post", "/select-account"),
    ("logout::post", "/logout"),
    ("authorize::post", "/authorize"),
    ("register::post", "/register"),
    ("register::finish::post", "/register/finish"),
    ("recover::post", "/recover"),
    ("recover::password::post", "/recover/password"),
    ("confirm_email::post", "/confirm-email"),
    ("not_me::post", "/not-me"),
    ("token::post", "/token"),
    ("userinfo::answer", "/userinfo"),
    ("introspect::post", "/introspect"),
    ("revoke::post", "/revoke"),
    ("devices::post_name", "/account/name"),
    ("ending::post", "/account/end"),
    ("activity::post_not_me", "/account/not-me"),
    ("activity::post_cancel_reset", "/account/cancel-reset"),
    ("enrol::post", "/account/enrol"),
    ("password::post", "/account/password"),
    ("email::post", "/account/email"),
    ("details::post", "/account/details"),
    ("data::post_delete", "/account/delete"),
];

#[test]
fn the_walk_knows_every_route_that_takes_a_post() {
    let table = include_str!("../../../src/routes.rs");
    let routed: BTreeSet<_> = table.split("web::post().to(").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert_eq!(routed, POSTS.iter().map(|(handler, _)| *handler).collect(), "name the new one in POSTS");
}

/// What every form might hold, with this proof.
fn fields(csrf: Option<&str>) -> String {
    let mut fields = vec![
        ("username", "mallory"),
        ("login", "mallory"),
        ("email", "mallory@example.com"),
        ("password", crate::harness::PASSWORD),
        ("new_password", "violet tractor over the moon"),
        ("what", "everything"),
        ("id", ""),
        ("name", "x"),
        ("display_name", "x"),
        ("decision", "allow"),
        ("choice", "continue"),
        ("remember", "yes"),
        ("end_others", "yes"),
    ];
    fields.extend(csrf.map(|csrf| ("csrf", csrf)));
    encode(&fields)
}

fn cookies(browser: &Browser) -> String {
    browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// A browser that has every cookie of ours, and the proof of a form that was shown in it.
fn full(server: &Server, username: &str, link: &str) -> (Browser, String) {
    let mut browser = Browser::new(server);
    browser.sign_in(username);
    browser.get(&format!("/not-me?link={link}"));
    let csrf = browser.get("/login").csrf();
    assert_eq!(browser.cookies.len(), 4, "{:?}", browser.cookies);
    (browser, csrf)
}

#[test]
fn no_form_that_was_not_shown_here_sets_or_deletes_a_cookie() {
    with_mail(
        |_| (),
        |server, _| {
            let (alice, mallory) = (server.add_user("alice"), server.add_user("mallory"));
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let query = Browser::request(&spa, "openid", &[]);
            let (_, query) = query.split_once('?').unwrap();
            let (victim, _) = full(server, "alice", &account::not_me_link(server, alice.claims.id));
            let (attacker, theirs) = full(server, "mallory", &account::not_me_link(server, mallory.claims.id));
            // A browser whose session was ended elsewhere keeps its cookies until its own forms are sent.
            let (mut over, _) = full(server, "alice", &account::not_me_link(server, alice.claims.id));
            let ended = account::session_of(server, &over);
            server.end_session(ended);
            over.cookies.remove("symbolon_link");
            for (_, path) in POSTS {
                for query in ["", query] {
                    for csrf in [None, Some(""), Some("forged"), Some(theirs.as_str())] {
                        for from in [String::new(), cookies(&victim), cookies(&over)] {
                            let mut headers = vec![("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")];
                            if !from.is_empty() {
                                headers.push(("Cookie", &from));
                            }
                            let page = server.send("POST", &format!("{path}?{query}"), &headers, Some(&fields(csrf)));
                            assert_eq!(page.header("set-cookie"), None, "{path} {csrf:?} {from}: {page:?}");
                            assert!(page.status < 500, "{path}: {page:?}");
                        }
                    }
                }
            }
            assert!(victim.clone().get("/").body.contains("alice Example"), "still signed in");
            assert!(attacker.clone().get("/").body.contains("mallory Example"));
        },
    );
}

/// Whoever has lost the cookie, or keeps none, is told what to do, and the page is there again.
#[test]
fn a_form_without_its_cookie_leads_to_the_page_again() {
    with_mail(
        |_| (),
        |server, _| {
            server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let request = Browser::request(&spa, "openid", &[]);
            let (_, query) = request.split_once('?').unwrap();
            for (path, field) in [("/login", "username"), ("/recover", "login"), ("/register", "email")] {
                let mut browser = Browser::new(server);
                let form = browser.get(&format!("{path}?{query}"));
                browser.cookies.clear(); // closed and opened again
                let page = browser.submit(&form, &[(field, "alice@example.com"), ("password", crate::harness::PASSWORD)]);
                assert_eq!((page.status, page.header("set-cookie")), (400, None), "{path}: {page:?}");
                assert!(page.problem() == Some("cookie-missing"), "{path}: {page:?}");
                assert!(!page.body.contains(crate::harness::PASSWORD) && browser.cookies.is_empty(), "{path}: {page:?}");
                let again = page.attribute("class=\"button\"", "href");
                assert_eq!(again, format!("{path}?{query}"), "with the request of the app");
                let sent = browser.fill(&again, &[(field, "alice@example.com"), ("password", crate::harness::PASSWORD)]);
                assert_eq!(sent.status, 303, "{path}: {sent:?}");
            }
            let mut browser = Browser::new(server);
            let page = browser.send("POST", "/not-me", Some(&[("csrf", "x")]));
            assert!(page.status == 400 && page.problem() == Some("cookie-missing"), "{page:?}");
        },
    );
}

/// A page of an unknown caller can lead a browser to another link, which takes the first one's place in the cookie: an open form still
/// acts on its own.
#[test]
fn a_link_that_is_opened_in_between_does_not_take_the_place_of_a_form() {
    both(|server| {
        let (alice, mallory) = (server.add_user("alice"), server.add_user("mallory"));
        let mut browser = Browser::new(server);
        browser.get(&format!("/not-me?link={}", account::not_me_link(server, alice.claims.id)));
        let form = browser.get("/not-me");
        assert!(form.body.contains("alice"), "{form:?}");
        let before = browser.cookies.clone();
        for garbage in ["garbage", "x.y", "sym_ml_x"] {
            let page = browser.get(&format!("/not-me?link={garbage}"));
            assert_eq!((page.status, page.header("set-cookie")), (400, None), "{garbage}: {page:?}");
        }
        assert_eq!(browser.cookies, before);
        let planted = browser.get(&format!("/not-me?link={}", account::not_me_link(server, mallory.claims.id)));
        assert_eq!(planted.status, 303);
        assert!(browser.get("/not-me").body.contains("mallory"), "it is the one that was opened last");
        let done = browser.submit(&form, &[]);
        assert!(done.status == 200 && done.body.contains("the account <strong><bdi>alice</bdi></strong>"), "{done:?}");
        let hash = |id| server.store(|connection| symbolon::testing::store::users::find(connection, id)).unwrap().password_hash;
        assert!(hash(alice.claims.id).is_none() && hash(mallory.claims.id).is_some());
    });
}
