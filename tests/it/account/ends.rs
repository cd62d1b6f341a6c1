//! Ending browsers, access and everything: what is ended, at once and everywhere; what is not; and who may not do it.

use std::{sync::Barrier, thread};

use symbolon::testing::{protocol::account::activity::Activity, random};

use super::{
    FIREFOX, OFFLINE, SCOPE, SESSION, assert_alive, assert_inactive, done, end, happened, is_signed_in, newest_grant, session_of,
    signed_in, stamp, tokens,
};
use crate::harness::{Browser, both};

#[test]
fn a_browser_that_is_ended_is_out_and_what_depends_on_it() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let (with_it, mut by_itself) = (tokens(server, &mut there, &web, SCOPE), tokens(server, &mut there, &web, OFFLINE));
        let mut own = tokens(server, &mut here, &web, SCOPE);
        let id = session_of(server, &there).to_string();
        let page = end(&mut here, "session", &id);
        assert_eq!(done(&page), format!("/account?done=session&id={id}"));
        assert!(!is_signed_in(&mut there));
        assert_inactive(server, &web, &with_it);
        assert_alive(server, &web, &mut by_itself);
        assert_alive(server, &web, &mut own);
        let received = here.get(page.location());
        assert!(received.body.contains("Firefox on Linux</bdi> was signed out."), "{received:?}");
        assert!(here.get("/account").done().is_none(), "it is told once");
        assert_eq!(happened(server, alice, Activity::SessionEnded), 1);
        let again = end(&mut here, "session", &id);
        assert!(again.status == 404 && again.problem() == Some("gone"), "{again:?}");
    });
}

#[test]
fn ones_own_browser_is_signed_out() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let mut browser = signed_in(server);
        let cookie = browser.cookies[SESSION].clone();
        let id = session_of(server, &browser).to_string();
        let page = end(&mut browser, "session", &id);
        assert_eq!((page.status, page.location()), (303, "/logout"), "{page:?}");
        assert!(!browser.cookies.contains_key(SESSION));
        browser.cookies.insert(SESSION, cookie);
        assert!(!is_signed_in(&mut browser), "the cookie that was kept is worth nothing");
        assert_eq!(happened(server, alice, Activity::SignedOut), 1);
    });
}

#[test]
fn one_access_ends_and_the_other_goes_on() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let mut browser = signed_in(server);
        let mut stays = tokens(server, &mut browser, &web, OFFLINE);
        let goes = tokens(server, &mut browser, &web, OFFLINE);
        let id = newest_grant(server, alice).to_string();
        let page = end(&mut browser, "grant", &id);
        assert_eq!(done(&page), format!("/account?done=grant&id={id}"));
        assert_inactive(server, &web, &goes);
        assert_alive(server, &web, &mut stays);
        assert!(browser.get(page.location()).done() == Some("grant-ended"));
        assert_eq!((end(&mut browser, "grant", &id).status, happened(server, alice, Activity::AppEnded)), (404, 1));
    });
}

#[test]
fn withdrawing_an_app_takes_every_access_and_the_consent() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let other = server.add_web("other");
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let all = [tokens(server, &mut here, &web, SCOPE), tokens(server, &mut there, &web, OFFLINE)];
        let mut stays = tokens(server, &mut here, &other, SCOPE);
        let page = end(&mut here, "app", "web");
        assert_eq!(done(&page), "/account?done=app&id=web");
        for tokens in &all {
            assert_inactive(server, &web, tokens);
        }
        assert_alive(server, &other, &mut stays);
        assert!(here.get(page.location()).done() == Some("app-ended"));
        let requested = here.get(&Browser::request(&web, SCOPE, &[]));
        assert!(requested.location().starts_with("/consent?"), "{requested:?}");
        assert_eq!(end(&mut here, "app", "web").status, 404);
        assert_eq!(happened(server, alice, Activity::AppEnded), 1);
        assert!(here.get("/account?done=app&id=other").done().is_none(), "nothing is told that is not true");
    });
}

#[test]
fn everything_but_this_browser_ends() {
    both(|server| {
        server.add_apis();
        let (_, web) = (server.add_user("alice"), server.add_web("web"));
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let goes = [tokens(server, &mut there, &web, SCOPE), tokens(server, &mut there, &web, OFFLINE)];
        let mut stays = [tokens(server, &mut here, &web, SCOPE), tokens(server, &mut here, &web, OFFLINE)];
        let page = end(&mut here, "others", "");
        assert_eq!(done(&page), "/account?done=others");
        assert!(!is_signed_in(&mut there) && is_signed_in(&mut here));
        for tokens in &goes {
            assert_inactive(server, &web, tokens);
        }
        for tokens in &mut stays {
            assert_alive(server, &web, tokens);
        }
    });
}

#[test]
fn everything_ends_and_is_told_once() {
    both(|server| {
        server.add_apis();
        let (_, web) = (server.add_user("alice"), server.add_web("web"));
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let goes = [tokens(server, &mut there, &web, SCOPE), tokens(server, &mut here, &web, OFFLINE)];
        let page = end(&mut here, "everything", "");
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(page.body.matches("<li><bdi>Firefox on Linux</bdi></li>").count(), 2, "{page:?}");
        assert_eq!(page.body.matches("<li><bdi>App web (").count(), 2, "{page:?}");
        assert!(!here.cookies.contains_key(SESSION) && !is_signed_in(&mut there));
        for tokens in &goes {
            assert_inactive(server, &web, tokens);
        }
        here.sign_in("alice");
    });
}

#[test]
fn what_is_anothers_is_as_if_it_did_not_exist() {
    both(|server| {
        server.add_apis();
        let web = server.add_web("web");
        let (alice, bob) = (server.add_user("alice").claims.id, server.add_user("bob").claims.id);
        let mut owner = signed_in(server);
        let mut theirs = tokens(server, &mut owner, &web, OFFLINE);
        let mut mallory = Browser::new(server);
        mallory.sign_in("bob");
        let unknown = random::id(server.now()).to_string();
        let (session, grant) = (session_of(server, &owner).to_string(), newest_grant(server, alice).to_string());
        let plain = |page: &crate::harness::Page| {
            let id = page.header("x-request-id").unwrap();
            let body = page.body.replace(id, "");
            let parts = body.split("name=\"csrf\" value=\"").map(|part| part.split_once('"').unwrap().1.to_owned());
            (page.status, parts.collect::<Vec<_>>())
        };
        for (what, id) in [("session", &session), ("grant", &grant)] {
            let (found, missing) = (end(&mut mallory, what, id), end(&mut mallory, what, &unknown));
            assert_eq!(found.status, 404);
            assert_eq!(plain(&found), plain(&missing), "{what}");
            let fields = [("what", what), ("name", "mine"), ("id", id.as_str())];
            assert_eq!(super::act(&mut mallory, "/account", "/account/name", &fields).status, 404);
            let page = mallory.get(&format!("/account?done={what}&id={id}"));
            assert!(page.status == 200 && !page.body.contains("role=\"status\""), "{page:?}");
        }
        let page = mallory.get(&format!("/account/grants/{grant}"));
        assert_eq!((page.status, mallory.get(&format!("/account/grants/{unknown}")).status), (404, 404), "{page:?}");
        for id in ["web", "nothing", "", "' OR 1=1 --"] {
            assert_eq!(end(&mut mallory, "app", id).status, 404, "{id}");
        }
        for id in ["", "x", &"0".repeat(33), "../account"] {
            assert_eq!((end(&mut mallory, "grant", id).status, end(&mut mallory, "session", id).status), (404, 404), "{id}");
        }
        assert_eq!(end(&mut mallory, "nothing", &grant).status, 400);
        assert!(is_signed_in(&mut owner));
        assert_alive(server, &web, &mut theirs);
        assert_eq!(happened(server, bob, Activity::AppEnded), 0);
        assert_eq!(happened(server, alice, Activity::AppEnded), 0);
    });
}

#[test]
fn only_forms_that_were_shown_here_are_taken() {
    both(|server| {
        server.add_user("alice");
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let id = session_of(server, &there).to_string();
        let elsewhere = stamp(&there.get("/account"), "/account/end");
        let (other, own) = {
            let page = here.get("/account");
            (stamp(&page, "/account/name"), stamp(&page, "/account/end"))
        };
        let fields = [("what", "session"), ("id", id.as_str())];
        for csrf in ["", "forged", elsewhere.as_str(), other.as_str()] {
            let page = here.send("POST", "/account/end", Some(&[&[("csrf", csrf)], &fields[..]].concat()));
            assert!(page.status == 400 && page.problem() == Some("form-expired"), "{csrf}: {page:?}");
        }
        assert_eq!(here.send("POST", "/account/end", Some(&fields)).status, 400);
        server.advance(3601);
        let page = here.send("POST", "/account/end", Some(&[&[("csrf", own.as_str())], &fields[..]].concat()));
        assert_eq!(page.status, 400, "too old");
        assert!(is_signed_in(&mut there));
    });
}

#[test]
fn of_many_at_once_one_ends_it() {
    both(|server| {
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let (mut here, there) = (signed_in(server), signed_in(server));
        let code = here.code(&web, "alice", OFFLINE);
        server.redeem_as(&web, &code, &[]);
        let (session, grant) = (session_of(server, &there).to_string(), newest_grant(server, alice).to_string());
        for (what, id, activity) in [
            ("session", session.as_str(), Activity::SessionEnded),
            ("grant", &grant, Activity::AppEnded),
            ("app", "web", Activity::AppEnded),
        ] {
            let before = happened(server, alice, activity);
            let csrf = stamp(&here.get("/account"), "/account/end");
            let (barrier, cookie) = (Barrier::new(20), format!("{}={}", here.cookies.name(SESSION), here.cookies[SESSION]));
            let statuses: Vec<u16> = thread::scope(|scope| {
                let end = || {
                    let form = crate::harness::encode(&[("csrf", &csrf), ("what", what), ("id", id)]);
                    barrier.wait();
                    server.send("POST", "/account/end", &[("Cookie", &cookie), ("User-Agent", FIREFOX)], Some(&form)).status
                };
                let all: Vec<_> = (0..20).map(|_| scope.spawn(end)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{what}: {statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 303 | 404)), "{what}: {statuses:?}");
            assert_eq!(happened(server, alice, activity), before + 1, "{what}");
        }
    });
}
