//! Links and forms that an attacker made for a user's browser. Here: no page of ours shows a message because its URL says so.
//! What forms do, and links to other links, is `forms`.

mod forms;

use symbolon::testing::{protocol::oauth::client::ClientKind, store::grants};

use crate::{
    account,
    harness::{Browser, Page, both, encode, with_mail},
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
            let alice = server.add_user("alice").claims.id;
            server.add_user("mallory");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            server.add_client("other", ClientKind::Spa, |_| ());
            // Everything that the words are about has happened, and long ago; so it is nothing to be told now.
            let mut gone = Browser::new(server);
            gone.sign_in("alice");
            let session = account::session_of(server, &gone);
            let mut home = Browser::new(server);
            home.code(&spa, "alice", "openid");
            let grant = server.store(|connection| grants::active_of(connection, alice, server.now()))[0].id;
            account::act(&mut home, "/account", "/account/end", &[("what", "session"), ("id", &session.to_string())]);
            account::act(&mut home, "/account", "/account/end", &[("what", "grant"), ("id", &grant.to_string())]);
            account::act(&mut home, "/account/details", "/account/details", &[("display_name", "Alice")]);
            let requested = [("email", "new@example.com"), ("password", crate::harness::PASSWORD)];
            account::act(&mut home, "/account/email", "/account/email", &requested);
            let mut mallory = Browser::new(server);
            let sent = mallory.fill("/recover", &[("login", "mallory@example.com")]);
            let stamp = crate::harness::query_of(sent.location())["sent"].clone();

            let (query, mut outsider) = (Browser::request(&spa, "openid", &[]), Browser::new(server));
            let (_, query) = query.split_once('?').unwrap();
            outsider.get("/login");
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
                for browser in [&mut home, &mut outsider] {
                    let mut plain = browser.get(&format!("{path}?{query}"));
                    for words in WORDS {
                        let received = encode(words).replace("SESSION", &session.to_string());
                        let received = received.replace("GRANT", &grant.to_string()).replace("STAMP", &stamp);
                        let page = browser.get(&format!("{path}?{query}{received}"));
                        if text(&page) != text(&plain) {
                            plain = browser.get(&format!("{path}?{query}")); // "just now" has become "1 second ago"
                        }
                        assert_eq!((page.status, text(&page)), (plain.status, text(&plain)), "{path} {received}");
                        assert_eq!(prefilled(&page), prefilled(&plain), "{path} {received}");
                    }
                }
            }
        },
    );
}

#[test]
fn what_was_done_is_said_in_the_session_in_which_it_was_done() {
    both(|server| {
        server.add_user("alice");
        server.add_user("mallory");
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
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| {
            client.settings.post_logout_redirect_uris = vec!["https://app.example.com/bye".into()];
        });
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let hint = server.redeem(&spa, &code).text("id_token").to_owned();
        browser.get("/logout");
        let named = browser.get("/logout?client_id=spa");
        assert!(named.status == 200 && !named.body.contains("App spa"), "{named:?}");
        let led = browser.get("/logout?client_id=spa&post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2Fbye");
        assert!(
            led.body.contains("You then return to <bdi>App spa</bdi>") && !led.body.contains("wants to sign you out"),
            "{led:?}"
        );
        let mut again = Browser::new(server);
        again.sign_in("alice");
        let requested = again.get(&format!("/logout?id_token_hint={hint}"));
        assert!(requested.status == 200 && requested.body.contains("<bdi>App spa</bdi> wants to sign you out"), "{requested:?}");
    });
}
