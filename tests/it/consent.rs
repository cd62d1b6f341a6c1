//! Consent (RFC 6749 §10.2, §10.12; OpenID Connect Core 3.1.2.4): when it is requested, what each answer does, and that only the
//! user's own form gives it.

mod first_party;
mod forgeries;

use symbolon::testing::{
    protocol::{
        oauth::client::{Client, ClientKind},
        values::id::Id,
    },
    store::{consents, grants},
};

use crate::harness::{API, Browser, CALLBACK, Page, Server, both, query_of};

/// The scopes this user has allowed this client, as remembered.
fn allowed(server: &Server, user: Id, client: &str) -> String {
    server.store(|connection| consents::find(connection, user, client)).map(|all| all.scopes.to_string()).unwrap_or_default()
}

/// How many grants this user has given.
fn given(server: &Server, user: Id) -> usize {
    let filter = grants::Filter { user: Some(user), client: None };
    server.store(|connection| grants::list(connection, &filter, 1000)).len()
}

/// Whether this request is answered without a page; nothing else than a code or the consent page is expected.
#[track_caller]
fn is_silent(browser: &mut Browser, client: &Client, scope: &str) -> bool {
    let page = browser.get(&Browser::request(client, scope, &[]));
    assert_eq!(page.status, 303, "{page:?}");
    if page.location().starts_with("/consent?") {
        return false;
    }
    assert!(query_of(page.location()).contains_key("code"), "{page:?}");
    true
}

/// The consent page of a request.
#[track_caller]
fn shown(browser: &mut Browser, request: &str) -> Page {
    let page = browser.get(request);
    assert!(page.status == 303 && page.location().starts_with("/consent?"), "{page:?}");
    let page = browser.get(page.location());
    assert_eq!(page.status, 200, "{page:?}");
    page.assert_page();
    page
}

/// Sends the form of a consent page.
fn decide(browser: &mut Browser, page: &Page, decision: &str) -> Page {
    let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
    browser.send("POST", &action, Some(&[("decision", decision), ("csrf", &csrf)]))
}

#[test]
fn it_is_remembered_for_the_user_the_client_and_the_scopes() {
    both(|server| {
        let (alice, bob) = (server.add_user("alice"), server.add_user("bob"));
        let notes = server.add_client("notes", ClientKind::Spa, |_| ());
        let mail = server.add_client("mail", ClientKind::Spa, |_| ());
        let (mut hers, mut his) = (Browser::new(server), Browser::new(server));
        hers.code(&notes, "alice", "openid email");
        his.sign_in("bob");
        for scope in ["openid email", "email openid", "openid", "email"] {
            assert!(is_silent(&mut hers, &notes, scope), "{scope}");
        }
        for scope in ["openid profile", "openid email profile", "notes:read", "offline_access openid"] {
            assert!(!is_silent(&mut hers, &notes, scope), "{scope}");
        }
        assert!(!is_silent(&mut hers, &mail, "openid"), "another client");
        assert!(!is_silent(&mut his, &notes, "openid"), "another person");
        hers.code(&notes, "alice", "openid profile");
        assert_eq!(allowed(server, alice.claims.id, "notes"), "openid email profile");
        assert!(is_silent(&mut hers, &notes, "profile email"), "what was allowed before stays so");
        assert_eq!(
            (allowed(server, alice.claims.id, "mail"), allowed(server, bob.claims.id, "notes")),
            (String::new(), String::new())
        );
        let mut elsewhere = Browser::new(server);
        elsewhere.sign_in("alice");
        assert!(is_silent(&mut elsewhere, &notes, "openid"), "in another browser as well");
        server.advance(400 * 86_400);
        let mut later = Browser::new(server);
        later.sign_in("alice");
        assert!(is_silent(&mut later, &notes, "openid"), "and much later");
    });
}

#[test]
fn it_is_remembered_for_the_resource_servers_as_well() {
    both(|server| {
        server.add_user("alice");
        let files = "https://files.example.com";
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.audiences.push(files.into()));
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let at = |resource| Browser::request(&spa, "notes:read", &[("resource", resource)]);
        let page = shown(&mut browser, &at(API));
        assert!(page.body.contains(API) && !page.body.contains(files), "{}", page.body);
        browser.code_of(&spa, "alice", "notes:read", &[("resource", API)]);
        assert!(browser.get(&at(API)).location().starts_with(CALLBACK));
        assert!(shown(&mut browser, &at(files)).body.contains(files), "another one");
        assert!(!is_silent(&mut browser, &spa, "notes:read"), "all of the client's");
        let page = browser.get(&Browser::request(&spa, "notes:read", &[("resource", files), ("prompt", "none")]));
        assert_eq!(query_of(page.location())["error"], "consent_required");
        browser.code(&spa, "alice", "notes:read");
        assert!(browser.get(&at(files)).location().starts_with(CALLBACK));
    });
}

#[test]
fn it_is_asked_for_each_time_where_the_answer_may_go_astray() {
    both(|server| {
        server.add_user("alice");
        for (n, (kind, address, remembered)) in [
            (ClientKind::Spa, "https://app.example.com/cb", true),
            (ClientKind::Spa, "http://localhost:8081/cb", false),
            (ClientKind::Spa, "http://127.0.0.1:8081/cb", false),
            (ClientKind::Native, "http://127.0.0.1/cb", false),
            (ClientKind::Native, "http://[::1]/cb", false),
            (ClientKind::Native, "com.example.app:/cb", false),
            (ClientKind::Native, "https://app.example.com/native", true),
            (ClientKind::Web, "https://app.example.com/cb", true),
            (ClientKind::Web, "http://localhost:8081/cb", true),
        ]
        .into_iter()
        .enumerate()
        {
            let client =
                server.add_client(&format!("client{n}"), kind, |client| client.settings.redirect_uris = vec![address.into()]);
            let mut browser = Browser::new(server);
            browser.sign_in("alice");
            for _ in 0..2 {
                let page = shown(&mut browser, &Browser::request(&client, "openid", &[("prompt", "consent")]));
                let words = if remembered { "You are only asked again if it wants more" } else { "You are asked again<" };
                assert!(page.body.contains(words), "{address}: {}", page.body);
                browser.code(&client, "alice", "openid");
                assert_eq!(is_silent(&mut browser, &client, "openid"), remembered, "{kind:?} {address}");
            }
        }
    });
}

#[test]
fn an_address_that_is_not_assured_does_not_profit_from_one_that_is() {
    both(|server| {
        server.add_user("alice");
        let local = "http://localhost:8081/cb";
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.redirect_uris.push(local.into()));
        let mut browser = Browser::new(server);
        browser.code(&spa, "alice", "openid");
        assert!(is_silent(&mut browser, &spa, "openid"));
        shown(&mut browser, &Browser::request(&spa, "openid", &[("redirect_uri", local)]));
    });
}

#[test]
fn the_page_says_who_what_where_and_how_long() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.client_name = "<b>Notes</b> & more".into());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = shown(&mut browser, &Browser::request(&spa, "openid email profile notes:read", &[]));
        for words in [
            "&#60;b&#62;Notes&#60;/b&#62; &#38; more",
            "app.example.com",
            "alice Example",
            "Recognise you",
            "See your e-mail address",
            "See your profile",
            "notes:read",
            "at most 14 days",
        ] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert!(!page.body.contains("<b>Notes"));
        assert_eq!(page.form_targets(), "'self' https: https://app.example.com");
        let page = shown(&mut browser, &Browser::request(&spa, "offline_access", &[]));
        assert!(page.body.contains("For at most 1 year; less if it is not used for 30 days"), "{}", page.body);
        for page in [&page, &browser.get("/consent")] {
            page.assert_page();
            page.assert_no_cors();
        }
    });
}

#[test]
fn denial_is_told_to_the_client_and_leaves_nothing_behind() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        for mode in ["query", "fragment"] {
            for state in ["st4te", "a+b c&d=é%25"] {
                let page = shown(&mut browser, &Browser::request(&spa, "openid", &[("response_mode", mode), ("state", state)]));
                let page = decide(&mut browser, &page, "deny");
                assert_eq!((page.status, page.body.as_str()), (303, ""));
                assert_eq!(page.location().contains('#'), mode == "fragment");
                assert!(page.location().starts_with(CALLBACK), "{page:?}");
                let answer = query_of(page.location());
                assert_eq!(answer.keys().map(String::as_str).collect::<Vec<_>>(), ["error", "error_description", "iss", "state"]);
                assert_eq!(
                    (answer["error"].as_str(), answer["state"].as_str(), &answer["iss"]),
                    ("access_denied", state, &server.url)
                );
            }
        }
        assert_eq!((allowed(server, alice.claims.id, "spa"), given(server, alice.claims.id)), (String::new(), 0));
        assert!(!is_silent(&mut browser, &spa, "openid"), "the next request asks again");

        // A denial of more takes nothing of what was allowed before.
        browser.code(&spa, "alice", "openid");
        let page = shown(&mut browser, &Browser::request(&spa, "openid email", &[]));
        decide(&mut browser, &page, "deny");
        assert_eq!((allowed(server, alice.claims.id, "spa").as_str(), given(server, alice.claims.id)), ("openid", 1));
        assert!(is_silent(&mut browser, &spa, "openid"));
    });
}

#[test]
fn two_tabs_are_answered_each_for_itself() {
    both(|server| {
        let alice = server.add_user("alice");
        let one = server.add_client("one", ClientKind::Spa, |_| ());
        let two = server.add_client("two", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let left = shown(&mut browser, &Browser::request(&one, "openid", &[("state", "left")]));
        let right = shown(&mut browser, &Browser::request(&two, "openid email", &[("state", "right")]));
        let page = decide(&mut browser, &left, "allow");
        assert_eq!(query_of(browser.get(page.location()).location())["state"], "left");
        let page = decide(&mut browser, &right, "deny");
        assert_eq!(query_of(page.location())["state"], "right");
        assert_eq!(
            (allowed(server, alice.claims.id, "one").as_str(), allowed(server, alice.claims.id, "two").as_str()),
            ("openid", "")
        );
        // The same form sent twice, as by a double click, does no harm.
        let page = decide(&mut browser, &left, "allow");
        assert!(query_of(browser.get(page.location()).location()).contains_key("code"));
        assert_eq!(allowed(server, alice.claims.id, "one"), "openid");
    });
}

#[test]
fn without_a_session_there_is_nothing_to_allow() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let page = shown(&mut browser, &Browser::request(&spa, "openid", &[]));
        let action = page.attribute("form ", "action");
        let csrf = page.csrf();
        let form = [("decision", "allow"), ("csrf", csrf.as_str())];
        let refused = |browser: &mut Browser| {
            for page in [browser.get(&action), browser.send("POST", &action, Some(&form))] {
                assert!(page.status == 303 && page.location().starts_with("/authorize?"), "{page:?}");
                assert!(!page.location().contains("consent_given"), "{page:?}");
                let page = browser.get(page.location());
                assert!(page.status == 303 && page.location().starts_with("/login?"), "{page:?}");
            }
            assert_eq!((allowed(server, alice.claims.id, "spa"), given(server, alice.claims.id)), (String::new(), 0));
        };
        refused(&mut Browser::new(server));
        let cookie = browser.cookies["symbolon_session"].clone();
        for (n, value) in
            ["x".to_owned(), format!("{cookie}A"), cookie.replace("sym_se_", "sym_rt_"), "A".repeat(600)].into_iter().enumerate()
        {
            let mut forged = Browser::new(server);
            assert_ne!(value, cookie, "{n}");
            forged.cookies.insert("symbolon_session", value);
            refused(&mut forged);
        }
        let out = browser.get("/logout");
        browser.send("POST", "/logout", Some(&[("csrf", &out.csrf())]));
        browser.cookies.insert("symbolon_session", cookie);
        refused(&mut browser);
    });
}
