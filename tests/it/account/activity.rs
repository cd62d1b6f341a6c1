//! The activity of an account, page by page, and "this was not me", with mail and without.

use symbolon::testing::{config::MailSettings, protocol::account::activity::Activity, random, store::activity as events};

use super::{OFFLINE, OTHER, SCOPE, SESSION, act, assert_alive, assert_inactive, done, is_signed_in, signed_in, tokens};
use crate::harness::{Behavior, Browser, MailServer, PASSWORD, both, both_with};

#[test]
fn it_is_told_newest_first_by_days_and_page_by_page() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let bob = server.add_user("bob").claims.id;
        let mut browser = signed_in(server);
        server.advance(86_400 * 3);
        for number in 0..70 {
            let event = events::Event { about: Some(&format!("App {number}")), ..server.event(alice, Activity::AppAllowed) };
            server.store(|connection| events::insert(connection, &events::Event { id: random::id(server.now()), ..event }));
            server.advance(1);
        }
        let secret = events::Event { about: Some("Bob's app"), ..server.event(bob, Activity::AppAllowed) };
        server.store(|connection| events::insert(connection, &secret));
        browser.sign_in("alice");
        let first = browser.get("/account/activity");
        assert_eq!(first.body.matches("<h2 id=\"day-").count(), 1);
        assert!(first.body.contains("You signed in") && first.body.contains("App 69") && !first.body.contains("App 20<"));
        let older = first.attribute("?before=", "href");
        let second = browser.get(&older);
        assert!(
            second.body.contains("App 20<") && second.body.contains("App 0<") && !second.body.contains("App 21<"),
            "{second:?}"
        );
        assert_eq!(second.body.matches("<h2 id=\"day-").count(), 2, "the first sign-in was three days before");
        assert!(second.body.contains("href=\"/account/activity\">Newest") && !second.body.contains("?before="));
        assert!(!format!("{first:?}{second:?}").contains("Bob"));
        for before in ["x", "%00", "0", &"f".repeat(33)] {
            let page = browser.get(&format!("/account/activity?before={before}"));
            assert!(page.status == 200 && page.body.contains("App 69"), "{page:?}");
        }
    });
}

#[test]
fn failed_sign_ins_are_there_at_once() {
    both(|server| {
        server.add_user("alice");
        let mut browser = signed_in(server);
        for _ in 0..2 {
            assert_eq!(Browser::new(server).sign_in_at("/login", "alice", "wrong").status, 401);
        }
        let page = browser.get("/account/activity");
        assert!(page.body.contains("2 attempts to sign in failed") && page.body.contains("Unusual"), "{page:?}");
    });
}

#[test]
fn with_mail_everything_ends_and_the_password_too() {
    let mail = MailServer::start(Behavior::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            server.add_apis();
            let (_, web) = (server.add_user("alice"), server.add_web("web"));
            let (mut here, mut there) = (signed_in(server), signed_in(server));
            let goes = [tokens(server, &mut here, &web, SCOPE), tokens(server, &mut there, &web, OFFLINE)];
            let page = act(&mut here, "/account/activity", "/account/not-me", &[]);
            assert_eq!(page.status, 200, "{page:?}");
            assert_eq!(page.body.matches("<li><bdi>Firefox on Linux</bdi></li>").count(), 2, "{page:?}");
            assert!(page.state() == Some("set-password") && page.body.matches("<bdi>App web (").count() == 2, "{page:?}");
            assert!(!here.cookies.contains_key(SESSION) && !is_signed_in(&mut there));
            for tokens in &goes {
                assert_inactive(server, &web, tokens);
            }
            assert_eq!(Browser::new(server).sign_in_at("/login", "alice", PASSWORD).status, 401);
        },
    );
}

/// Nobody's password is taken away who could not set a new one: without mail, or with an address that may not be theirs.
#[test]
fn where_no_message_would_come_the_password_stays_and_is_changed() {
    let mail = MailServer::start(Behavior::WELL);
    for (settings, is_verified) in [(None, true), (Some(mail.settings()), false)] {
        both_with(
            |config| config.mail = settings.clone().unwrap_or_else(|| -> MailSettings { config.mail.clone() }),
            |server| {
                server.add_apis();
                let (alice, web) = (server.add_user("alice"), server.add_web("web"));
                server.change_user(alice.claims.id, |user| user.claims.email_verified = is_verified);
                let (mut here, mut there) = (signed_in(server), signed_in(server));
                let goes = tokens(server, &mut there, &web, OFFLINE);
                let mut stays = tokens(server, &mut here, &web, SCOPE);
                assert!(here.get("/account/password?done=not-me").done().is_none(), "nothing is told that is not true");
                let page = act(&mut here, "/account/activity", "/account/not-me", &[]);
                assert_eq!(done(&page), "/account/password?done=not-me");
                let received = here.get(page.location());
                assert!(received.done() == Some("not-me"), "{received:?}");
                assert_eq!(received.body.matches("<li><bdi>Firefox on Linux</bdi></li>").count(), 1, "{received:?}");
                assert_eq!(received.body.matches("<li><bdi>App web (").count(), 1, "{received:?}");
                assert!(!is_signed_in(&mut there));
                assert_inactive(server, &web, &goes);
                assert_alive(server, &web, &mut stays);
                assert_eq!(super::change_password(&mut here, &[("end_others", "yes")]).status, 303);
                assert_eq!(Browser::new(server).sign_in_at("/login", "alice", OTHER).status, 303);
            },
        );
    }
}

#[test]
fn it_is_not_said_by_another_page() {
    both(|server| {
        server.add_user("alice");
        let (mut here, mut there) = (signed_in(server), signed_in(server));
        let elsewhere = super::stamp(&there.get("/account/activity"), "/account/not-me");
        for csrf in ["", "forged", &elsewhere] {
            let page = here.send("POST", "/account/not-me", Some(&[("csrf", csrf)]));
            assert!(page.status == 400 && page.problem() == Some("form-expired"), "{page:?}");
        }
        assert!(is_signed_in(&mut there));
    });
}
