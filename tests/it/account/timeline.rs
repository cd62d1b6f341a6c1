//! The history of one grant, as its owner sees it.

use super::{OFFLINE, end, newest_grant, signed_in, tokens};
use crate::{
    cli::Binary,
    harness::{Server, both, databases},
};

#[test]
fn it_tells_what_happened_just_now() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let mut browser = signed_in(server);
        let code = browser.code(&web, "alice", OFFLINE);
        let path = format!("/account/grants/{}", newest_grant(server, alice));
        let waiting = browser.get(&path);
        assert!(waiting.status == 200 && waiting.state() == Some("waiting"), "{waiting:?}");
        let first = server.redeem_as(&web, &code, &[]).text("refresh_token").to_owned();
        server.advance(60);
        let second = server.refresh_as(&web, &first, &[]).text("refresh_token").to_owned();
        let page = browser.get(&path);
        for words in
            ["App web", "<strong>In use</strong>", "Recognise you", "Read your notes", "Firefox on Linux", "End this access"]
        {
            assert!(page.body.contains(words), "{words}: {page:?}");
        }
        assert_eq!(page.body.matches("<li>").count().min(2), 2, "{page:?}");

        // The stolen copy comes.
        server.advance(3600);
        server.refresh_as(&web, &second, &[]);
        server.advance(3600);
        assert_eq!(server.refresh_as(&web, &first, &[]).error(), "invalid_grant");
        let page = browser.get(&path);
        assert!(page.body.contains("was used a second time") && page.state() == Some("ended"), "{page:?}");
        assert!(!page.body.contains("End this access"), "there is nothing left to end");
    });
}

#[test]
fn two_servers_whose_clocks_differ_tell_it_in_order() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling_ahead(&database, -3);
        one.add_apis();
        let (alice, web) = (one.add_user("alice").claims.id, one.add_web("web"));
        let mut browser = signed_in(&one);
        let mut token = tokens(&one, &mut browser, &web, OFFLINE).refresh;
        for number in 0..12 {
            let server = [&two, &one][number % 2];
            token = server.refresh_as(&web, &token, &[]).text("refresh_token").into();
            server.flush();
        }
        let grant = newest_grant(&one, alice);
        let kept: Vec<_> = one.entries(grant).iter().map(|entry| entry.generation).collect();
        assert!(!kept.is_sorted(), "by time they are out of order: {kept:?}");
        let page = browser.get(&format!("/account/grants/{grant}"));
        assert!(page.status == 200 && !page.body.contains("not listed"), "{page:?}");
        let symbolon = Binary::beside(&one, &database);
        let shown = symbolon.json(&format!("grant show {grant} --json"));
        let received: Vec<_> =
            shown["history"].as_array().unwrap().iter().map(|entry| entry["generation"].as_u64().unwrap()).collect();
        assert_eq!(received, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }
}

#[test]
fn the_end_is_told_with_its_reason() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let mut browser = signed_in(server);
        tokens(server, &mut browser, &web, OFFLINE);
        let id = newest_grant(server, alice).to_string();
        end(&mut browser, "grant", &id);
        let path = format!("/account/grants/{id}");
        let page = browser.get(&path);
        assert!(page.body.contains("<strong>Ended</strong>: You ended it"), "{page:?}");
        assert!(page.body.contains("Why: You ended it"), "the last moment is its end: {page:?}");
        let now = server.now();
        server.store(|connection| symbolon::testing::store::clients::delete(connection, "web", now));
        let page = browser.get(&path);
        assert!(page.status == 200 && page.body.contains("<h1><bdi>web</bdi></h1>"), "a deleted app is told by its id: {page:?}");
    });
}

#[test]
fn what_is_over_by_itself_is_not_among_the_apps() {
    both(|server| {
        server.add_apis();
        let (_, web) = (server.add_user("alice"), server.add_web("web"));
        let mut browser = signed_in(server);
        browser.code(&web, "alice", OFFLINE); // nobody comes for it
        assert!(browser.get("/account").body.contains("Allowed"));
        server.advance(server.app.config.lifetimes.code.seconds() + 61);
        let page = browser.get("/account");
        assert!(page.body.contains("It has no access at the moment."), "{page:?}");
        tokens(server, &mut browser, &web, OFFLINE);
        assert!(browser.get("/account").body.contains("End access"));
        server.advance(server.app.config.lifetimes.refresh_idle.seconds());
        browser.sign_in("alice");
        assert!(!browser.get("/account").body.contains("End access"), "it was not used for too long");
    });
}
