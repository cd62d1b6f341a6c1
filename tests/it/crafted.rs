//! What a link or a form that someone else made does to a person's browser: no page of ours says something because its address
//! tells it to, and no answer to a form that was not shown here sets or deletes a cookie.

use std::collections::BTreeSet;

use symbolon::{protocol::client::ClientKind, store::grants};

use crate::{
    account,
    harness::{Browser, Page, Server, both, encode, with_mail},
};

/// What pages have been told to say by their address, now or in former versions.
const WORDS: [&[(&str, &str)]; 18] = [
    &[("notice", "registered")],
    &[("notice", "password_set"), ("sign_in_as", "alice")],
    &[("notice", "password_changed")],
    &[("notice", "signed_out_everywhere")],
    &[("notice", "operator_asks")],
    &[("sign_in_as", "mallory")],
    &[("done", "renamed")],
    &[("done", "others")],
    &[("done", "session"), ("id", "SESSION")],
    &[("done", "grant"), ("id", "GRANT")],
    &[("done", "app"), ("id", "other")],
    &[("done", "saved")],
    &[("done", "sent")],
    &[("done", "changed")],
    &[("done", "changed-and-ended")],
    &[("done", "not-me")],
    &[("sent", "x"), ("sent_for", "mallory@example.com")],
    &[("sent", "STAMP"), ("sent_for", "mallory@example.com")],
];

/// The text of a page, as it is read: without markup and the request's id.
fn text(page: &Page) -> String {
    let id = page.header("x-request-id").unwrap();
    let parts = page.body.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ").replace(id, "ID").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the name field of a page is prefilled.
fn prefilled(page: &Page) -> String {
    if page.body.contains("id=\"username\"") { page.attribute("id=\"username\"", "value") } else { String::new() }
}

#[test]
fn no_page_says_what_its_address_tells_it_to() {
    with_mail(
        |_| (),
        |server, _| {
            let alice = server.add_person("alice").claims.id;
            server.add_person("mallory");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            server.add_client("other", ClientKind::Spa, |_| ());
            // Everything that the words are about has happened, and long ago; so it is nothing to be told now.
            let mut gone = Browser::new(server);
            gone.sign_in("alice");
            let session = account::session_of(server, &gone);
            let mut home = Browser::new(server);
            home.code(&spa, "alice", "openid");
            let grant = server.store(|connection| grants::live_of(connection, alice, server.now()))[0].id;
            account::act(&mut home, "/account", "/account/end", &[("what", "session"), ("id", &session.to_string())]);
            account::act(&mut home, "/account", "/account/end", &[("what", "grant"), ("id", &grant.to_string())]);
            account::act(&mut home, "/account/details", "/account/details", &[("display_name", "Alice")]);
            let asked = [("email", "new@example.com"), ("password", crate::harness::PASSWORD)];
            account::act(&mut home, "/account/email", "/account/email", &asked);
            let mut mallory = Browser::new(server);
            let sent = mallory.fill("/recover", &[("login", "mallory@example.com")]);
            let stamp = crate::harness::query_of(sent.location())["sent"].clone();

            let (query, mut stranger) = (Browser::request(&spa, "openid", &[]), Browser::new(server));
            let (_, query) = query.split_once('?').unwrap();
            stranger.get("/login");
            let pages = [
                "/",
                "/login",
                "/logout",
                "/recover",
                "/register",
                "/not-me",
                "/confirm-email",
                "/recover/password",
                "/register/finish",
                "/account",
                "/account/activity",
                "/account/password",
                "/account/email",
                "/account/details",
                "/account/data",
            ];
            let pages = pages.iter().map(|path| ((*path).to_owned(), String::new()));
            let on_the_way = ["/login", "/consent", "/select-account", "/recover", "/register"];
            let pages = pages.chain(on_the_way.iter().map(|path| ((*path).to_owned(), format!("{query}&"))));
            for (path, query) in pages {
                for browser in [&mut home, &mut stranger] {
                    let plain = browser.get(&format!("{path}?{query}"));
                    for words in WORDS {
                        let told = encode(words).replace("SESSION", &session.to_string());
                        let told = told.replace("GRANT", &grant.to_string()).replace("STAMP", &stamp);
                        let page = browser.get(&format!("{path}?{query}{told}"));
                        assert_eq!((page.status, text(&page)), (plain.status, text(&plain)), "{path} {told}");
                        assert_eq!(prefilled(&page), prefilled(&plain), "{path} {told}");
                    }
                }
            }
        },
    );
}

#[test]
fn what_was_done_is_said_in_the_session_in_which_it_was_done() {
    both(|server| {
        server.add_person("alice");
        server.add_person("mallory");
        let (mut here, mut there, mut mallory) = (Browser::new(server), Browser::new(server), Browser::new(server));
        here.sign_in("alice");
        there.sign_in("alice");
        mallory.sign_in("mallory");
        let done = account::act(&mut here, "/account/details", "/account/details", &[("display_name", "Alice")]);
        let says = |browser: &mut Browser, path: &str| browser.get(path).body.contains("role=\"status\"");
        let (path, stamp) = (done.location().to_owned(), done.location().split("done_stamp=").nth(1).unwrap().to_owned());
        assert!(says(&mut here, &path));
        assert!(!says(&mut there, &path), "in another browser of hers");
        assert!(!says(&mut mallory, &path), "a link that was passed on");
        for other in
            ["/account?done=saved", "/account?done=renamed", "/account/password?done=changed", "/account/details?done=changed"]
        {
            assert!(!says(&mut here, &format!("{other}&done_stamp={stamp}")), "{other}");
        }
        server.advance(601);
        assert!(!says(&mut here, &path), "it is old");
    });
}

#[test]
fn an_app_is_not_said_to_ask_where_only_a_link_says_so() {
    both(|server| {
        server.add_person("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| {
            client.post_logout_redirect_uris = vec!["https://app.example.com/bye".into()];
        });
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let hint = server.redeem(&spa, &code).text("id_token").to_owned();
        browser.get("/logout");
        let named = browser.get("/logout?client_id=spa");
        assert!(named.status == 200 && !named.body.contains("App spa"), "{named:?}");
        let led = browser.get("/logout?client_id=spa&post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2Fbye");
        assert!(led.body.contains("you go on to <bdi>App spa</bdi>") && !led.body.contains("asks to sign you out"), "{led:?}");
        let mut again = Browser::new(server);
        again.sign_in("alice");
        let asked = again.get(&format!("/logout?id_token_hint={hint}"));
        assert!(asked.status == 200 && asked.body.contains("<bdi>App spa</bdi> asks to sign you out"), "{asked:?}");
    });
}

/// Where each handler of a POST stands in the route table.
const POSTS: [(&str, &str); 22] = [
    ("login::post", "/login"),
    ("consent::post", "/consent"),
    ("select_account::post", "/select-account"),
    ("logout::post", "/logout"),
    ("authorize::post", "/authorize"),
    ("register::post", "/register"),
    ("register_finish::post", "/register/finish"),
    ("recover::post", "/recover"),
    ("recover_password::post", "/recover/password"),
    ("confirm_email::post", "/confirm-email"),
    ("not_me::post", "/not-me"),
    ("token::post", "/token"),
    ("userinfo::answer", "/userinfo"),
    ("introspect::post", "/introspect"),
    ("revoke::post", "/revoke"),
    ("devices::post_name", "/account/name"),
    ("ending::post", "/account/end"),
    ("activity::post_not_me", "/account/not-me"),
    ("password::post", "/account/password"),
    ("email::post", "/account/email"),
    ("details::post", "/account/details"),
    ("data::post_delete", "/account/delete"),
];

#[test]
fn the_walk_knows_every_route_that_takes_a_post() {
    let table = include_str!("../../src/routes.rs");
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
            let (alice, mallory) = (server.add_person("alice"), server.add_person("mallory"));
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let query = Browser::request(&spa, "openid", &[]);
            let (_, query) = query.split_once('?').unwrap();
            let (victim, _) = full(server, "alice", &account::not_me_link(server, alice.claims.id));
            let (attacker, theirs) = full(server, "mallory", &account::not_me_link(server, mallory.claims.id));
            // A browser whose session was ended elsewhere keeps its cookies until its own forms are sent.
            let (mut over, _) = full(server, "alice", &account::not_me_link(server, alice.claims.id));
            let ended = account::session_of(server, &over);
            server.end_session(ended);
            over.cookies.remove("__Host-symbolon_link");
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
            server.add_person("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let request = Browser::request(&spa, "openid", &[]);
            let (_, query) = request.split_once('?').unwrap();
            for (path, field) in [("/login", "username"), ("/recover", "login"), ("/register", "email")] {
                let mut browser = Browser::new(server);
                let form = browser.get(&format!("{path}?{query}"));
                browser.cookies.clear(); // closed and opened again
                let page = browser.submit(&form, &[(field, "alice@example.com"), ("password", crate::harness::PASSWORD)]);
                assert_eq!((page.status, page.header("set-cookie")), (400, None), "{path}: {page:?}");
                assert!(page.body.contains("This page needs cookies"), "{path}: {page:?}");
                assert!(!page.body.contains(crate::harness::PASSWORD) && browser.cookies.is_empty(), "{path}: {page:?}");
                let again = page.attribute("class=\"button\"", "href");
                assert_eq!(again, format!("{path}?{query}"), "with the request of the app");
                let sent = browser.fill(&again, &[(field, "alice@example.com"), ("password", crate::harness::PASSWORD)]);
                assert_eq!(sent.status, 303, "{path}: {sent:?}");
            }
            let mut browser = Browser::new(server);
            let page = browser.send("POST", "/not-me", Some(&[("csrf", "x")]));
            assert!(page.status == 400 && page.body.contains("This page needs cookies"), "{page:?}");
        },
    );
}

/// A page of a stranger can lead a browser to another link, which takes the first one's place in the cookie: an open form still
/// acts on its own.
#[test]
fn a_link_that_is_opened_in_between_does_not_take_the_place_of_a_form() {
    both(|server| {
        let (alice, mallory) = (server.add_person("alice"), server.add_person("mallory"));
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
        let hash = |id| server.store(|connection| symbolon::store::people::find(connection, id)).unwrap().password_hash;
        assert!(hash(alice.claims.id).is_none() && hash(mallory.claims.id).is_some());
    });
}
